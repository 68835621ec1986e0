"""Compiled kernels against their readable definitions: odd sizes, unequal sides, walls, both precisions, threads."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.kernels import stencil_ghosts
from subgrid.kernels.stencil_diffusion import diffuse, diffuse_reference
from subgrid.kernels.stencil_ghosts import GhostLayers, WallCondition, in_bands, neighbours
from subgrid.kernels.stencil_gray_scott import react, react_reference
from subgrid.kernels.stencil_growth import grow, grow_reference
from subgrid.kernels.stencil_leapfrog import leapfrog, leapfrog_reference
from subgrid.kernels.stencil_transport import transport, transport_reference
from subgrid.kernels.stencil_window import SPARE_ROWS, Tiling, layout
from subgrid.mesh import Grid

SHAPES = [(5,), (12,), (5, 7), (8, 6), (5, 6, 9), (7, 5, 8)]
PRECISIONS = ["float64", "float32"]
TOLERANCE = {"float64": 4e-15, "float32": 2e-6}
"""Some ten roundings, relative to the largest term."""

ROBIN = WallCondition(0.7, 0.3, lambda t: 0.2 + t)
FIXED = WallCondition(1.0, 0.0, lambda t: 1.0 - t)


def problem(shape: tuple[int, ...], precision: str, width: int) -> tuple[Any, Any, Any, Backend]:
    """A random field, its ghosts with walls along the first axis, a number maker, and the backend."""
    backend = Backend(precision=precision, threads=1)
    walls = [(ROBIN, FIXED), *[None] * (len(shape) - 1)]
    layers = GhostLayers(Grid(shape, (1.0,) * len(shape)), walls, width, backend)
    u = np.random.default_rng(7).uniform(0.1, 1.0, layers.shape).astype(precision)
    return u, layers.fill(u, 0.25), np.dtype(precision).type, backend


def check(result: Any, expected: Any, precision: str, scale: float) -> None:
    assert result.dtype == expected.dtype == precision
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=TOLERANCE[precision] * scale)


TIMES = (0.25, 0.375, 0.625)
SCALES = (0.01, 0.02, 0.005)
TILES = [(1 << 20, 1 << 20, False), (1 << 20, 1 << 20, True), (4, 1 << 20, True), (1 << 20, 32, False), (3, 5, True)]
"""Rows and columns of a tile: all of them, some, and fewer than are read beyond its edges."""


def layers_of(shape: tuple[int, ...], walls: str, backend: Backend) -> GhostLayers:
    """Ghost layers with walls across the named axes, whose values change in time."""
    axes = "zyx"[3 - len(shape) :]
    pairs = [((ROBIN, FIXED) if axis == axes[0] else (FIXED, ROBIN)) if axis in walls else None for axis in axes]
    return GhostLayers(Grid(shape, (1.0,) * len(shape)), pairs, 1, backend)


def diffuse_often(
    layers: GhostLayers, u: Any, coefficients: Any, source: Any, steps: int, tile: tuple[int, int, bool] = TILES[0],
    cuts: tuple[int, ...] = (),
) -> Any:  # fmt: skip
    """Several Euler steps in one sweep over bands of planes that end at ``cuts``."""
    planes, number = layers.planes, u.dtype.type
    extra = np.zeros((0, 0, 0), u.dtype) if source is None else source.reshape(planes)
    out = np.full(planes, np.nan, u.dtype)
    numbers = layers.rules(TIMES[:steps]), tuple(coefficients[axis] for axis in layers.sweep_axes), extra, number(1.0)
    for first, last in pairwise((0, *cuts, planes[0])):
        diffuse(u.reshape(planes), *numbers, np.array(SCALES[:steps], u.dtype), *tile, out, first, last)
    return out.reshape(u.shape)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("walls", ["", "x", "zyx"])
@pytest.mark.parametrize("shape", SHAPES)
def test_diffuse(shape: tuple[int, ...], walls: str, precision: str) -> None:
    backend = Backend(precision=precision, threads=1)
    layers, number = layers_of(shape, walls, backend), np.dtype(precision).type
    start = np.random.default_rng(7).uniform(0.1, 1.0, layers.shape).astype(precision)
    coefficients = tuple(number(c if n > 1 else 0.0) for c, n in zip((3.0, 5.0, 7.0), start.shape, strict=True))
    for source in (None, np.cos(start)):
        u = start
        for step, (t, scale) in enumerate(zip(TIMES, SCALES, strict=True), start=1):
            extra = np.zeros_like(start) if source is None else source
            numbers = coefficients, extra, number(1.0), number(scale)
            u = diffuse_reference(u, layers.fill(u, t), *numbers, backend.xp)
            check(diffuse_often(layers, start, coefficients, source, step), u, precision, 20.0)


@pytest.mark.parametrize("walls", ["", "y", "zyx"])
@pytest.mark.parametrize("shape", [(19, 70), (17, 11, 45)])
def test_how_a_grid_is_cut_changes_no_bit(shape: tuple[int, ...], walls: str) -> None:
    """Tiles, bands, and steps taken one by one or at once."""
    layers = layers_of(shape, walls, Backend(threads=1))
    u = np.random.default_rng(8).normal(size=layers.shape)
    for source in (None, np.cos(u)):
        whole = diffuse_often(layers, u, (3.0, 5.0, 7.0), source, 3)
        for tile in TILES:
            for cuts in ((), (1, 9)):
                again = diffuse_often(layers, u, (3.0, 5.0, 7.0), source, 3, tile, cuts)
                assert again.tobytes() == whole.tobytes(), (tile, cuts)


def react_often(
    layers: tuple[GhostLayers, GhostLayers], fields: Any, steps: int, rates: Any, squares: Any,
    tile: tuple[int, int, bool] = TILES[0], cuts: tuple[int, ...] = (),
) -> Any:  # fmt: skip
    planes, order, dtype = layers[0].planes, layers[0].sweep_axes, fields[0].dtype
    out = [np.full(planes, np.nan, dtype) for _ in range(2)]
    coefficients = [tuple(dtype.type(D * squares[axis]) for axis in order) for D in rates[:2]]
    rules = [each.rules(TIMES[:steps]) for each in layers]
    numbers = *coefficients, *rates[2:], dtype.type(1.0), np.array(SCALES[:steps], dtype)
    for first, last in pairwise((0, *cuts, planes[0])):
        react(*[values.reshape(planes) for values in fields], *rules, *numbers, *tile, *out, first, last)
    return [values.reshape(fields[0].shape) for values in out]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("walls", ["", "x", "zyx"])
@pytest.mark.parametrize("shape", SHAPES)
def test_react(shape: tuple[int, ...], walls: str, precision: str) -> None:
    backend, number = Backend(precision=precision, threads=1), np.dtype(precision).type
    layers = layers_of(shape, walls, backend), layers_of(shape, walls, backend)
    start = np.random.default_rng(7).uniform(0.1, 1.0, (2, *layers[0].shape)).astype(precision)
    squares = tuple(number(4.0 if n > 1 else 0.0) for n in layers[0].shape)
    rates = tuple(number(rate) for rate in (0.16, 0.08, 0.04, 0.1))
    u, v = start
    for step, (t, scale) in enumerate(zip(TIMES, SCALES, strict=True), start=1):
        ghosts = layers[0].fill(u, t), layers[1].fill(v, t)
        u, v = react_reference(u, v, *ghosts, squares, rates, number(1.0), number(scale), backend.xp)
        for result, expected in zip(react_often(layers, start, step, rates, squares), (u, v), strict=True):
            check(result, expected, precision, 10.0)


@pytest.mark.parametrize("shape", [(19, 70), (17, 11, 45)])
def test_how_a_reacting_grid_is_cut_changes_no_bit(shape: tuple[int, ...]) -> None:
    layers = layers_of(shape, "y", Backend(threads=1)), layers_of(shape, "y", Backend(threads=1))
    fields = np.random.default_rng(8).uniform(size=(2, *layers[0].shape))
    rates, squares = (0.16, 0.08, 0.04, 0.1), (4.0, 5.0, 6.0)
    whole = react_often(layers, fields, 3, rates, squares)
    for tile in TILES:
        for cuts in ((), (1, 9)):
            again = react_often(layers, fields, 3, rates, squares, tile, cuts)
            assert [values.tobytes() for values in again] == [values.tobytes() for values in whole], (tile, cuts)


def leapfrog_once(
    layers: GhostLayers, u: Any, v: Any, coefficients: Any, dt: float, tile: tuple[int, int, bool] = TILES[0],
    cuts: tuple[int, ...] = (),
) -> Any:  # fmt: skip
    """One step from time 0.25 over bands of planes that end at ``cuts``."""
    planes, number = layers.planes, u.dtype.type
    out = [np.full(planes, np.nan, u.dtype) for _ in range(2)]
    numbers = tuple(coefficients[axis] for axis in layers.sweep_axes), np.full(2, 0.5 * dt, u.dtype), number(dt), *tile
    rules = layers.rules([0.25, 0.25 + dt])
    for first, last in pairwise((0, *cuts, planes[0])):
        leapfrog(u.reshape(planes), v.reshape(planes), rules, *numbers, *out, first, last)
    return [values.reshape(u.shape) for values in out]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("walls", ["", "x", "zyx"])
@pytest.mark.parametrize("shape", SHAPES)
def test_leapfrog(shape: tuple[int, ...], walls: str, precision: str) -> None:
    backend, number = Backend(precision=precision, threads=1), np.dtype(precision).type
    layers, dt = layers_of(shape, walls, backend), 0.25
    u, v = np.random.default_rng(7).uniform(0.1, 1.0, (2, *layers.shape)).astype(precision)
    coefficients = tuple(number(c if n > 1 else 0.0) for c, n in zip((0.3, 0.5, 0.7), u.shape, strict=True))
    numbers = coefficients, 0.25, number(0.5 * dt), number(dt)
    expected = leapfrog_reference(u, v, layers, *numbers, backend.xp)
    for result, wanted in zip(leapfrog_once(layers, u, v, coefficients, dt), expected, strict=True):
        check(result, wanted, precision, 2.0)


@pytest.mark.parametrize("walls", ["", "y", "zyx"])
@pytest.mark.parametrize("shape", [(19, 70), (17, 11, 45)])
def test_how_the_grid_of_a_leapfrog_is_cut_changes_no_bit(shape: tuple[int, ...], walls: str) -> None:
    layers = layers_of(shape, walls, Backend(threads=1))
    u, v = np.random.default_rng(8).normal(size=(2, *layers.shape))
    whole = leapfrog_once(layers, u, v, (0.3, 0.5, 0.7), 0.25)
    for tile in TILES:
        for cuts in ((1,), (1, 2, 9), (8, 16)):
            again = leapfrog_once(layers, u, v, (0.3, 0.5, 0.7), 0.25, tile, cuts)
            assert [values.tobytes() for values in again] == [values.tobytes() for values in whole], (tile, cuts)


def test_sweeps_on_several_threads_change_no_bit() -> None:
    """Each thread has a window of its own, which lives as long as its sweep."""
    layers = layers_of((600, 250), "y", Backend(threads=1))
    shape, number = layers.planes, np.float64
    fields = np.random.default_rng(9).uniform(size=(2, *shape))
    scales, tile = np.full(3, 0.01), (shape[1], shape[2], True)
    heat = layers.rules(TIMES), (3.0, 5.0), np.zeros((0, 0, 0)), number(1.0), scales, *tile
    gray_scott = layers.rules(TIMES), layers.rules(TIMES), (0.3, 0.4), (0.2, 0.1), 0.04, 0.1, number(1.0), scales, *tile
    wave = layers.rules(TIMES[:2]), (0.3, 0.5), np.full(2, 0.1), number(0.2), *tile
    for kernel, count, numbers in ((diffuse, 1, heat), (react, 2, gray_scott), (leapfrog, 2, wave)):
        results = []
        for threads in (1, 4):
            for _ in range(5):
                out = np.full((count, *shape), np.nan)
                in_bands(kernel, (1, shape[0], shape[1] * shape[2]), threads, *fields[:count], *numbers, *out)
                results.append(out.tobytes())
        assert len(set(results)) == 1, kernel


@pytest.mark.parametrize("threads", [1, 2, 7])
@pytest.mark.parametrize(
    "shape", [(2048, 1, 2048), (4096, 1, 4097), (256, 256, 256), (16, 16, 16), (1, 1, 50), (9, 1, 5)]
)
def test_tilings_fit_the_cache_and_cover_the_grid(shape: tuple[int, int, int], threads: int) -> None:
    for fields, itemsize in ((1, 8), (2, 8), (1, 4)):
        tiling = Tiling.of(shape, fields, itemsize, threads)
        pitch, _, entries = layout(shape[1], shape[2], tiling.steps, tiling.height, tiling.width)
        assert fields * (entries + SPARE_ROWS * pitch) * itemsize < 2**20
        assert 1 <= tiling.steps <= 8
        assert 1 <= tiling.height <= shape[1]
        assert 1 <= tiling.width <= shape[2]
    assert Tiling.of((2048, 1, 2048), 1, 8, 2).steps == 8
    assert Tiling.of((256, 256, 256), 1, 8, 2).steps == 4
    assert Tiling.of((256, 256, 256), 1, 8, 2).streamed
    assert not Tiling.of((512, 1, 512), 1, 8, 2).streamed


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_transport(shape: tuple[int, ...], precision: str) -> None:
    u, ghosts, number, backend = problem(shape, precision, 2)
    weights = np.random.default_rng(1).normal(size=(3, 5)).astype(precision)
    arguments = (u, ghosts, weights, number(0.5), number(0.3))
    out = np.full_like(u, np.nan)
    in_bands(transport, u.shape, 1, *arguments, out)
    check(out, transport_reference(*arguments, backend.xp), precision, 10.0)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_grow(shape: tuple[int, ...], precision: str) -> None:
    u, ghosts, number, backend = problem(shape, precision, 1)
    rng, faces = np.random.default_rng(3), []
    for axis, n in enumerate(u.shape):
        size = [m + (a == axis) for a, m in enumerate(u.shape)]
        faces.append(rng.uniform(size=size).astype(precision) if n > 1 else np.zeros((1, 1, u.shape[2]), precision))
    arguments = (u, ghosts, tuple(faces), number(2.0), number(1.0), number(0.1))
    out = np.full_like(u, np.nan)
    in_bands(grow, u.shape, 1, *arguments, out)
    check(out, grow_reference(*arguments, backend.xp), precision, 10.0)


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stencil_ghosts, "LEAST_CELLS", 16)
    u, ghosts, number, _ = problem((7, 5, 8), "float64", 2)
    arguments = (u, ghosts, np.random.default_rng(1).normal(size=(3, 5)), number(1.0), number(0.01))
    results = []
    for threads in (1, 2, 3):
        out = np.full_like(u, np.nan)
        in_bands(transport, u.shape, threads, *arguments, out)
        results.append(out.tobytes())
    assert len(set(results)) == 1


def test_ghosts_put_the_condition_on_the_face() -> None:
    """With the ghost beside the wall, mean and difference quotient across the face obey the condition exactly."""
    u, ghosts, _, _ = problem((6, 5), "float64", 2)
    low, high = ghosts[2], ghosts[3]
    spacing = 1.0 / 6.0
    for m in (0, 1):
        inner, outer = u[:, m], low[:, m]
        slope = (outer - inner) / ((2 * m + 1) * spacing)
        np.testing.assert_allclose(0.7 * (inner + outer) / 2 + 0.3 * slope, 0.45, rtol=1e-14)
        np.testing.assert_allclose((u[:, -1 - m] + high[:, m]) / 2, 0.75, rtol=1e-14)


def test_periodic_neighbours_are_rolled_arrays() -> None:
    backend = Backend(threads=1)
    layers = GhostLayers(Grid((3, 5, 4), (1.0, 1.0, 1.0)), [None] * 3, 2, backend)
    u = np.random.default_rng(5).normal(size=(3, 5, 4))
    ghosts = layers.fill(u, 0.0)
    for axis in range(3):
        for m, moved in neighbours(u, ghosts, axis, 2, np).items():
            np.testing.assert_array_equal(moved, np.roll(u, -m, axis))
