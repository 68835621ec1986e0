"""Peers do the same work as we do: their steps are those written with NumPy, away from sides that some leave alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid_stencil import peers
from subgrid_stencil.benchmarks import PEARSON

pytestmark = pytest.mark.filterwarnings("ignore:'locale.getdefaultlocale':DeprecationWarning")  # taichi, at import

INNER = 2 * peers.STEPS
"""Cells from the sides that cannot know whether those were periodic."""


def near(a: Any) -> Any:
    return sum(np.roll(a, move, axis) for axis in range(a.ndim) for move in (-1, 1)) - 2.0 * a.ndim * a


def inner(values: Any, periodic: bool) -> Any:
    values = values.numpy() if hasattr(values, "numpy") else values
    values = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    return values if periodic else values[(slice(INNER, -INNER),) * values.ndim]


@pytest.mark.parametrize("shape", [(40, 38), (36, 38, 40)])
@pytest.mark.parametrize(("name", "periodic"), [("jax", True), ("pde", True), ("taichi", False), ("warp", False)])
def test_heat(name: str, periodic: bool, shape: tuple[int, ...]) -> None:
    u, rate = np.random.default_rng(2).uniform(size=shape), 0.1
    try:
        run = getattr(peers, f"{name}_heat")(u.copy(), rate)
    except ImportError:
        pytest.skip(f"{name} is not installed")
    result, expected = run(), u
    for _ in range(peers.STEPS):
        expected = expected + rate * near(expected)
    np.testing.assert_allclose(inner(result, periodic), inner(expected, periodic), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("name", "periodic"), [("jax", True), ("taichi", False), ("warp", False)])
def test_gray_scott(name: str, periodic: bool) -> None:
    u, v = np.random.default_rng(2).uniform(size=(2, 40, 38))
    try:
        run = getattr(peers, f"{name}_gray_scott")(u.copy(), v.copy(), PEARSON)
    except ImportError:
        pytest.skip(f"{name} is not installed")
    result, (du, dv, feed, kill) = run(), PEARSON
    for _ in range(peers.STEPS):
        reaction = u * v * v
        u, v = u + du * near(u) - reaction + feed * (1.0 - u), v + dv * near(v) + reaction - (feed + kill) * v
    np.testing.assert_allclose(inner(result, periodic), inner(u, periodic), rtol=0, atol=1e-14)
