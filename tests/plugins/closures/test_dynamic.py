"""The dynamic procedure: what its coefficient must not depend on, and how its estimates relate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid.api import Backend, Grid, Setup, Streams
from subgrid_closures.config import DynamicLeithConfig
from subgrid_closures.germano import Germano

from .conftest import inputs_of, random_vorticity, square

MESH = square(32)
CASES = [("dynamic_smagorinsky", {}), ("dynamic_smagorinsky", {"form": "momentum"}), ("dynamic_leith", {})]
cases = pytest.mark.parametrize(("name", "options"), CASES, ids=["smagorinsky", "momentum", "leith"])


@cases
@pytest.mark.parametrize("estimate", ["positive_mean", "mean", "positive_local", "local_ratio"])
def test_coefficient_has_no_dimension(
    name: str, options: dict[str, str], estimate: str, make_closure: Callable[..., Any]
) -> None:
    """Ten times faster in a box three times larger: the same coefficient."""
    vorticity = random_vorticity(MESH)
    large = Grid(MESH.shape, tuple(3.0 * length for length in MESH.length))
    options = {**options, "estimate": estimate}
    coefficient = make_closure(name, MESH, **options).coefficient(inputs_of(vorticity, MESH))
    scaled = make_closure(name, large, **options).coefficient(inputs_of(10.0 * vorticity, large))
    assert_allclose(scaled, coefficient, rtol=1e-9, atol=1e-9 * np.abs(coefficient).max())


@cases
def test_estimates_are_ordered(name: str, options: dict[str, str], make_closure: Callable[..., Any]) -> None:
    """The positive part raises the mean, and the local field averages to it."""
    flow = inputs_of(random_vorticity(MESH), MESH)
    c = {
        estimate: make_closure(name, estimate=estimate, **options).coefficient(flow)
        for estimate in ("positive_mean", "mean", "positive_local", "local_ratio")
    }
    assert c["positive_mean"] > c["mean"]
    assert c["positive_local"].shape == MESH.shape
    assert c["positive_local"].mean() == pytest.approx(c["positive_mean"].item(), rel=1e-12)
    power = 3 if name == "dynamic_leith" else 2
    assert c["local_ratio"].min() >= 0.0
    assert c["local_ratio"].max() <= 0.5**power


@pytest.mark.parametrize("estimate", ["positive_mean", "mean", "positive_local", "local_ratio"])
def test_a_stress_that_obeys_the_model_gives_its_constant(estimate: str) -> None:
    """L = c M everywhere: every estimate but the weighted local field returns c, and that one averages to it."""
    setup = Setup(MESH, Backend(threads=1), "germano", Streams(0, "germano"), 0.0, Path())
    germano = Germano(DynamicLeithConfig(estimate=estimate), setup)
    model = random_vorticity(MESH)
    coefficient = germano.coefficient(0.02 * model * model, model * model, power=3)
    assert_allclose(coefficient.mean() if estimate == "positive_local" else coefficient, 0.02, rtol=1e-12)


def test_test_filter_halves_the_modes() -> None:
    """|m| < n/4 on each axis, the highest wave of the test grid left out."""
    setup = Setup(Grid((32, 48), (1.0, 7.0)), Backend(threads=1), "germano", Streams(0, "germano"), 0.0, Path())
    germano = Germano(DynamicLeithConfig(), setup)
    field = np.random.default_rng(3).normal(size=setup.mesh.shape)
    kept = np.abs(germano.filtered([field])[0]) > 0
    rows, columns = np.fft.fftfreq(32, 1 / 32), np.arange(25)
    assert np.array_equal(kept, (np.abs(rows)[:, None] < 8) & (columns < 12))


def test_a_parallel_flow_has_no_subgrid_stress(make_closure: Callable[..., Any]) -> None:
    """A parallel flow w(x) has no advection, hence no stress and c = 0."""
    _, x = MESH.meshgrid()
    flow = inputs_of(np.sin(3 * x) + np.cos(7 * x) + np.cos(10 * x), MESH)
    for name in ("dynamic_smagorinsky", "dynamic_leith"):
        assert abs(make_closure(name).coefficient(flow).item()) < 1e-12
