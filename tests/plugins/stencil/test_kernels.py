"""Compiled kernels against their readable definitions: odd sizes, unequal sides, walls, both precisions, threads."""

from typing import Any

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.kernels import stencil_ghosts
from subgrid.kernels.stencil_diffusion import diffuse, diffuse_reference
from subgrid.kernels.stencil_ghosts import GhostLayers, WallCondition, in_bands, neighbours
from subgrid.kernels.stencil_gray_scott import react, react_reference
from subgrid.kernels.stencil_growth import grow, grow_reference
from subgrid.kernels.stencil_transport import transport, transport_reference
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


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_diffuse(shape: tuple[int, ...], precision: str) -> None:
    u, ghosts, number, backend = problem(shape, precision, 1)
    coefficients = tuple(number(c if n > 1 else 0.0) for c, n in zip((3.0, 5.0, 7.0), u.shape, strict=True))
    for source in (np.zeros((1, 1, u.shape[2]), precision), np.cos(u)):
        arguments = (u, ghosts, coefficients, source, number(1.0), number(0.01))
        out = np.full_like(u, np.nan)
        in_bands(diffuse, u.shape, 1, *arguments, out)
        check(out, diffuse_reference(*arguments, backend.xp), precision, 10.0)


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
def test_react(shape: tuple[int, ...], precision: str) -> None:
    u, ghosts_u, number, backend = problem(shape, precision, 1)
    v = (0.5 * u**2).astype(precision)
    ghosts_v = tuple(np.ascontiguousarray(0.5 * layer**2) for layer in ghosts_u)
    squares = tuple(number(4.0 if n > 1 else 0.0) for n in u.shape)
    rates = tuple(number(rate) for rate in (0.16, 0.08, 0.04, 0.1))
    arguments = (u, v, ghosts_u, ghosts_v, squares, rates, number(1.0), number(0.7))
    out_u, out_v = np.full_like(u, np.nan), np.full_like(u, np.nan)
    in_bands(react, u.shape, 1, *arguments, out_u, out_v)
    expected_u, expected_v = react_reference(*arguments, backend.xp)
    check(out_u, expected_u, precision, 10.0)
    check(out_v, expected_v, precision, 10.0)


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
    u, ghosts, number, _ = problem((7, 5, 8), "float64", 1)
    arguments = (u, ghosts, (3.0, 5.0, 7.0), np.zeros((1, 1, 8)), number(1.0), number(0.01))
    results = []
    for threads in (1, 2, 3):
        out = np.full_like(u, np.nan)
        in_bands(diffuse, u.shape, threads, *arguments, out)
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
