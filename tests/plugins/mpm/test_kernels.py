"""Kernels of material points against their definitions in NumPy."""

from typing import Any

import numpy as np
import pytest

from subgrid.kernels import material_points_2d, material_points_3d
from subgrid.kernels.material_point_nodes import add_up, condition, fold, reflect
from subgrid.kernels.material_points import (
    PAD,
    condition_reference,
    gather_reference,
    nodes_of,
    scatter_reference,
    weights,
)

SHAPES = {2: (7, 11), 3: (5, 7, 6)}
SPACING = 0.25
TOLERANCE = {"float64": 1e-13, "float32": 5e-6}
KERNELS: dict[int, Any] = {2: material_points_2d, 3: material_points_3d}


def particles(d: int, dtype: str, count: int = 300) -> dict[str, Any]:
    rng = np.random.default_rng(d)
    extent = SPACING * np.array(SHAPES[d][::-1])
    origin = np.array([0.5, -1.0, 2.0][:d])
    columns = {
        "position": origin + extent * rng.random((count, d)),
        "velocity": rng.normal(size=(count, d)),
        "affine": rng.normal(size=(count, d, d)),
        "stress": rng.normal(size=(count, d, d)),
        "deformation": np.eye(d) + 0.2 * rng.normal(size=(count, d, d)),
        "mass": 1.0 + rng.random(count),
        "volume": rng.random(count),
    }
    return {"origin": origin, **{name: values.astype(dtype) for name, values in columns.items()}}


def scattered(d: int, p: dict[str, Any]) -> Any:
    grid = np.zeros((*nodes_of(SHAPES[d]), 4), p["mass"].dtype)
    names = ("position", "velocity", "affine", "stress", "mass", "volume")
    scatter_reference(*[p[n] for n in names], p["origin"], SPACING, 0.01, grid)
    return grid


@pytest.mark.parametrize("d", [2, 3])
def test_weights_reproduce_linear_functions_and_have_the_second_moment_of_apic(d: int) -> None:
    p = particles(d, "float64")
    _, f, w = weights(p["position"], p["origin"], SPACING)
    distance = np.arange(3)[:, None, None] - f
    np.testing.assert_allclose(w.sum(axis=0), 1.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose((w * distance).sum(axis=0), 0.0, rtol=0, atol=1e-15)
    np.testing.assert_allclose((w * distance**2).sum(axis=0), 0.25, rtol=0, atol=1e-15)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("d", [2, 3])
def test_scatter_and_gather_are_the_definitions(d: int, dtype: str) -> None:
    p, sizes = particles(d, dtype), nodes_of(SHAPES[d])[::-1]
    expected = scattered(d, p)
    grid = np.zeros_like(expected)
    names = ("position", "velocity", "affine", "stress", "mass", "volume")
    for first, last in ((0, 120), (120, 300)):
        touched = np.zeros(3, np.int64)
        KERNELS[d].scatter(
            *[p[n] for n in names], p["origin"], SPACING, 0.01, *sizes, grid.reshape(-1), first, last, touched
        )
        rows = np.flatnonzero(grid[..., 0].reshape(sizes[-1], -1).any(axis=1))
        assert touched[2] == 0
        assert touched[0] >= rows[0]
        assert touched[1] <= rows[-1] + 1
    np.testing.assert_allclose(grid, expected, rtol=0, atol=TOLERANCE[dtype] * np.abs(expected).max())
    names = ("position", "velocity", "affine", "deformation")
    ours, definition = [p[n].copy() for n in names], [p[n].copy() for n in names]
    gather_reference(*definition, p["origin"], SPACING, 0.01, expected)
    KERNELS[d].gather(*ours, p["origin"], SPACING, 0.01, *sizes, expected.reshape(-1), 0, 300)
    for one, other in zip(ours, definition, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[dtype] * np.abs(other).max())


@pytest.mark.parametrize("d", [2, 3])
def test_an_affine_velocity_field_survives_the_grid(d: int) -> None:
    p = particles(d, "float64")
    gradient = np.random.default_rng(0).normal(size=(d, d))
    p["velocity"], p["affine"][...], p["stress"][...] = p["position"] @ gradient.T, gradient, 0.0
    grid = scattered(d, p)
    heavy = grid[..., :1] > 0
    grid[..., 1:] = np.where(heavy, grid[..., 1:] / np.where(heavy, grid[..., :1], 1.0), 0.0)
    names = ("position", "velocity", "affine", "deformation")
    after = [p[n].copy() for n in names]
    gather_reference(*after, p["origin"], SPACING, 0.0, grid)
    np.testing.assert_allclose(after[1], p["velocity"], rtol=0, atol=1e-13)
    np.testing.assert_allclose(after[2], p["affine"], rtol=0, atol=1e-12)


def test_particles_off_the_grid_are_left_out_and_counted() -> None:
    p, sizes = particles(2, "float64"), nodes_of(SHAPES[2])[::-1]
    p["position"][3, 0], p["position"][7, 1], p["position"][9, 0] = -50.0, 1e300, np.nan
    grid = np.zeros(4 * sizes[0] * sizes[1])
    names = ("position", "velocity", "affine", "stress", "mass", "volume")
    touched = np.zeros(3, np.int64)
    material_points_2d.scatter(*[p[n] for n in names], p["origin"], SPACING, 0.01, *sizes, grid, 0, 300, touched)
    assert touched[2] == 3
    assert grid.sum() != 0.0
    assert np.all(np.isfinite(grid))


@pytest.mark.parametrize("kind", [0, 1, 2, 3])
def test_conditions_are_the_definition(kind: int) -> None:
    rng = np.random.default_rng(kind)
    nodes, normal, wall = rng.normal(size=(40, 4)), rng.normal(size=(20, 3)), rng.normal(size=3)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    index = rng.permutation(40)[:20]
    expected = nodes.copy()
    expected[index, 1:] = condition_reference(nodes[index, 1:], normal, wall, kind, 0.3)
    walls, kinds, frictions = np.tile(wall, (20, 1)), np.full(20, kind), np.full(20, 0.3)
    for first, last in ((0, 7), (7, 20)):
        condition(nodes, index, normal, walls, kinds, frictions, first, last)
    np.testing.assert_allclose(nodes, expected, rtol=0, atol=1e-14)


def test_sums_over_threads_take_only_the_rows_that_they_touched() -> None:
    rng = np.random.default_rng(1)
    grids, out, ranges = rng.normal(size=(2, 6, 3, 4)), np.full((6, 3, 4), np.nan), np.array([[0, 3], [2, 5]])
    for thread, (low, high) in enumerate(ranges):
        grids[thread, :low] = grids[thread, high:] = 0.0
    expected = grids.sum(axis=0)
    for first, last in ((0, 4), (4, 6)):
        add_up(grids, 2, ranges, out, first, last)
    np.testing.assert_array_equal(out, expected)
    assert not grids.any(), "what was taken is gone"


def test_nodes_at_a_no_slip_wall_feel_images_that_move_the_other_way() -> None:
    rng = np.random.default_rng(4)
    cells, walls = (5, 3, 4), np.array([0, 1, 0, 0, 1, 0])  # x high and z low
    shape = nodes_of(cells[::-1])
    nodes = rng.normal(size=(*shape, 4))
    expected, signs = nodes.copy(), np.array([1.0, -1.0, -1.0, -1.0])
    expected[:, :, PAD + 5 - 1] += signs * expected[:, :, PAD + 5 + 1]
    expected[PAD + 1] += signs * expected[PAD - 1]
    sizes = np.array([*shape[::-1], 0, 0, 0, 0, 0, 0, 0, *walls])
    flat = nodes.reshape(shape[0], -1, 4)
    reflect(flat, sizes, 0, shape[0], True)
    np.testing.assert_allclose(nodes, expected, rtol=0, atol=1e-14)
    expected[:, :, PAD + 5 + 1, 1:] = -expected[:, :, PAD + 5 - 1, 1:]
    expected[PAD - 1, :, :, 1:] = -expected[PAD + 1, :, :, 1:]
    reflect(flat, sizes, 0, shape[0], False)
    np.testing.assert_allclose(nodes, expected, rtol=0, atol=1e-14)


def test_nodes_that_are_the_same_on_a_periodic_axis_share_their_sum() -> None:
    rng = np.random.default_rng(2)
    cells = (5, 3, 4)  # along x, y, z; y is not periodic
    shape = nodes_of(cells[::-1])
    nodes = rng.normal(size=(*shape, 4))
    expected = nodes.copy()
    for axis, n in ((2, cells[0]), (0, cells[2])):
        values = np.moveaxis(expected, axis, 0)
        places = PAD + (np.arange(len(values)) - PAD) % n
        sums = np.zeros_like(values)
        np.add.at(sums, places, values)
        values[...] = sums[places]
    sizes = np.array([*shape[::-1], cells[0], 0, cells[2]])
    flat = nodes.reshape(shape[0], -1, 4)
    fold(flat, sizes, True)
    np.testing.assert_allclose(nodes, expected, rtol=0, atol=1e-14)
    nodes[:, :, 0] = nodes[:, :, -1] = np.nan
    fold(flat, sizes, False)
    np.testing.assert_allclose(nodes, expected, rtol=0, atol=1e-14)
