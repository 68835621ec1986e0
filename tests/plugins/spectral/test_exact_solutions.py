"""Navier-Stokes flow against closed-form solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.integrators.explicit_rk import RK4
from subgrid_spectral.config_2d import (
    AtRestConfig,
    ExactSolutionErrorConfig,
    FourierModesConfig,
    NavierStokes2DConfig,
    TaylorGreenConfig,
)
from subgrid_spectral.exact_solution_error import ExactSolutionError
from subgrid_spectral.initial_2d import AtRest, FourierModes, TaylorGreen
from subgrid_spectral.navier_stokes import NavierStokes2D


def error_of(run: Any, **solution: Any) -> float:
    return float(run.observed(ExactSolutionError(ExactSolutionErrorConfig(solution=solution)))["error"])


def flow(plane_run: Any, shape: tuple[int, int] = (64, 64), **options: Any) -> Any:
    return plane_run(NavierStokes2D(NavierStokes2DConfig(**options)), shape)


def test_taylor_green_vortices_decay_exactly(plane_run: Any) -> None:
    run = flow(plane_run, viscosity=0.01).start(TaylorGreen(TaylorGreenConfig())).advance(100, 0.1)
    assert error_of(run, type="taylor_green", viscosity=0.01) < 1e-12


def test_drag_and_hyperviscosity_damp_as_their_symbols_say(plane_run: Any) -> None:
    run = flow(plane_run, viscosity=0.0, drag=0.3, hyperviscosity=0.01, hyperviscosity_order=3)
    run.start(TaylorGreen(TaylorGreenConfig())).advance(10, 0.1)
    # k^2 = 2, so hyperviscosity adds 0.01 * 2^3 to the drag
    assert error_of(run, type="taylor_green", viscosity=0.0, drag=0.38) < 1e-13


def test_translating_taylor_green_has_the_phase_error_of_the_scheme(plane_run: Any) -> None:
    """RK4 turns a wave of frequency s by s^5 h^4 / 120 per unit time too little. Half of the pattern has s = 1.5, the
    rest hardly errs, so the largest error is exp(-0.04) 1.5^5 h^4 T / 240 of the start: 4.0e-7 and 2.5e-8 without the
    viscous decay."""
    mean_flow, end, viscosity = (1.0, 0.5), 2.0, 0.01
    errors = []
    for dt in (0.05, 0.025):
        run = flow(plane_run, (32, 32), viscosity=viscosity, mean_flow=mean_flow)
        run.start(TaylorGreen(TaylorGreenConfig())).advance(round(end / dt), dt, RK4)
        exact = 2.0 * np.exp(-2.0 * viscosity * end) * np.cos(run.x - end) * np.cos(run.y - 0.5 * end)
        errors.append(np.abs(run.quantity("vorticity") - exact).max() / np.abs(exact).max())
        l2 = error_of(run, type="taylor_green", viscosity=viscosity, mean_flow=mean_flow)
        assert l2 == pytest.approx(end * dt**4 / 120.0 * np.sqrt((1.5**10 + 0.5**10) / 2.0), rel=0.02)
    print(
        f"translating Taylor-Green: errors {errors[0]:.2e}, {errors[1]:.2e}, slope {np.log2(errors[0] / errors[1]):.3f}"
    )
    # rounded to two digits, and the maximum is taken over grid points
    assert errors == pytest.approx([4.0e-7, 2.5e-8], rel=0.05)
    assert np.log2(errors[0] / errors[1]) == pytest.approx(4.0, abs=0.2)


def test_mean_flow_is_exact_under_exponential_stepping(plane_run: Any) -> None:
    run = (
        flow(plane_run, viscosity=0.01, mean_flow=(1.0, 0.5)).start(TaylorGreen(TaylorGreenConfig())).advance(40, 0.05)
    )
    assert error_of(run, type="taylor_green", viscosity=0.01, mean_flow=(1.0, 0.5)) < 1e-12


def test_laminar_kolmogorov_flow_is_reached_from_rest(plane_run: Any) -> None:
    forcing = {"type": "kolmogorov", "amplitude": 1.0, "wavenumber": 4}
    run = flow(plane_run, viscosity=0.05, drag=0.1, forcing=forcing).start(AtRest(AtRestConfig())).advance(400, 0.1)
    velocity = run.quantity("velocity")
    exact = np.sin(4.0 * run.y) / (0.05 * 16.0 + 0.1)
    assert np.abs(velocity[0] - exact).max() < 1e-12
    assert np.abs(velocity[1]).max() < 1e-12
    assert error_of(run, type="laminar_kolmogorov", viscosity=0.05, drag=0.1) < 1e-12


@pytest.mark.parametrize(("scheme", "tolerance"), [("rk4", 1e-7), ("etdrk4", 1e-12)])
def test_rossby_wave_drifts_westwards(plane_run: Any, scheme: str, tolerance: float) -> None:
    """RK4 leaves 1.1e-8 after t = 2 at h = 0.01; exponential schemes take the beta term exactly."""
    run = flow(plane_run, (32, 48), viscosity=0.0, beta=10.0).start(FourierModes(FourierModesConfig()))
    run.advance(200, 0.01, *([RK4] if scheme == "rk4" else []))
    error = error_of(run, type="rossby_wave", beta=10.0, viscosity=0.0)
    print(f"Rossby wave with {scheme}: {error:.2e}")
    assert error < tolerance


def test_crossed_cosines_force_vorticity(plane_run: Any) -> None:
    run = flow(plane_run, forcing={"type": "crossed_cosines", "wavenumber": 4}).start(AtRest(AtRestConfig()))
    rate = run.solver.basis.backward(run.tendency()["vorticity"])
    assert np.abs(rate - 4.0 * (np.cos(4.0 * run.x) + np.cos(4.0 * run.y))).max() < 1e-12


@pytest.mark.parametrize(("factor", "grows"), [(0.97, False), (1.03, True)])
def test_stable_step_marks_the_edge_of_viscous_stability(plane_run: Any, factor: float, grows: bool) -> None:
    """Without flow the explicit limit is that of the stiffest kept mode, so RK4 decays below it and grows above."""
    run = flow(plane_run, (24, 24), viscosity=1.0).start({"vorticity": np.zeros((24, 24))})
    dt = factor * run.solver.stable_dt(run.fields, 0.0, RK4)
    run.start({"vorticity": 1e-8 * np.cos(7.0 * run.x) * np.cos(7.0 * run.y)})
    before = run.quantity("enstrophy")
    assert (run.advance(30, dt, RK4).quantity("enstrophy") > before) == grows


def test_stable_step_of_advection_uses_the_largest_kept_wavenumber(plane_run: Any) -> None:
    run = flow(plane_run, (24, 24), viscosity=0.0).start({"vorticity": np.zeros((24, 24))})
    run.start({"streamfunction": 3.0 * np.cos(run.y)})
    assert run.solver.stable_dt(run.fields, 0.0, RK4) == pytest.approx(RK4.imaginary_extent / (3.0 * 7.0))
