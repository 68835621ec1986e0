"""The exponential filter leaves large scales alone and removes the last modes."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrid.api import State
from subgrid_spectral.config_2d import ExponentialFilterConfig, NavierStokes2DConfig
from subgrid_spectral.exponential_filter import ExponentialFilter
from subgrid_spectral.navier_stokes import NavierStokes2D


def test_response(plane_run: Any) -> None:
    corrector = ExponentialFilter(ExponentialFilterConfig(factor=10.0, cutoff=1.0))
    run = plane_run(NavierStokes2D(NavierStokes2DConfig(dealias="none")), (20, 32), (1.0, 3.0), correctors=[corrector])
    run.start({"vorticity": np.random.default_rng(0).standard_normal((20, 32))})
    before = run.fields["vorticity"].copy()
    filtered = corrector.correct(State(fields=run.fields), {}, 0.0, 0.1, run.setup.rng).fields["vorticity"]
    for j, i in ((0, 3), (3, 0), (7, 12), (-10, 16)):
        kappa = 2.0 * np.pi * np.hypot(j / 20, i / 32)
        factor = np.exp(-10.0 * max(kappa - 1.0, 0.0) ** 4)
        np.testing.assert_allclose(filtered[j, i], factor * before[j, i], rtol=1e-12, atol=0)
    assert np.array_equal(run.fields["vorticity"], before)


def test_defaults_remove_the_shortest_wave() -> None:
    options = ExponentialFilterConfig()
    assert np.exp(-options.factor * (np.sqrt(2.0) * np.pi - options.cutoff) ** 4) < 1e-15
    assert options.cutoff == 0.65 * np.pi
