"""The same source on NumPy and torch: equal to rounding, and differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid_spectral.config_2d import (
    McWilliamsConfig,
    NavierStokes2DConfig,
    RandomPotentialVorticityConfig,
    TwoLayerQGConfig,
)
from subgrid_spectral.initial_2d import McWilliams, RandomPotentialVorticity
from subgrid_spectral.navier_stokes import NavierStokes2D
from subgrid_spectral.quasi_geostrophic import TwoLayerQG

torch = pytest.importorskip("torch")


def smagorinsky(inputs: Any) -> Any:
    return 0.01 * inputs["strain_rate"]


def turbulence(plane_run: Any, backend: Backend, answers: Any = (), **options: Any) -> Any:
    run = plane_run(NavierStokes2D(NavierStokes2DConfig(**options)), (27, 32), backend=backend, answers=answers)
    return run.start(McWilliams(McWilliamsConfig()))


@pytest.mark.parametrize("form", ["stress", "gradient"])
@pytest.mark.parametrize("advection", ["basdevant", "skew_symmetric"])
def test_navier_stokes_is_the_same_on_torch(plane_run: Any, answer: Any, form: str, advection: str) -> None:
    options = {
        "beta": 3.0,
        "drag": 0.1,
        "mean_flow": (0.3, -0.2),
        "forcing": {"type": "kolmogorov"},
        "eddy_viscosity_form": form,
        "advection": advection,
    }
    answers = [answer("eddy_viscosity", smagorinsky)]
    runs = [turbulence(plane_run, Backend(name, threads=1), answers, **options) for name in ("numpy", "torch")]
    for run in runs:
        run.advance(5, 0.01)
    for name in runs[0].solver.quantities:
        expected = runs[0].quantity(name)
        np.testing.assert_allclose(
            runs[1].quantity(name), expected, rtol=1e-12, atol=1e-12 * np.abs(expected).max(), err_msg=name
        )
    steps = [run.solver.stable_dt(run.fields, 0.0, type("Scheme", (), SCHEME)) for run in runs]
    assert steps[0] == pytest.approx(steps[1], rel=1e-12)


SCHEME = {"splits_linear": False, "real_extent": 2.0, "imaginary_extent": 0.0}


@pytest.mark.parametrize("advection", ["basdevant", "flux"])
def test_two_layers_are_the_same_on_torch(plane_run: Any, answer: Any, advection: str) -> None:
    answers = [answer("eddy_viscosity", lambda inputs: 1e8 * inputs["strain_rate"])]
    runs = []
    for name in ("numpy", "torch"):
        solver = TwoLayerQG(TwoLayerQGConfig(advection=advection, hyperviscosity=1e15, hyperviscosity_order=2))
        run = plane_run(solver, (32, 27), (8e5, 1e6), backend=Backend(name, threads=1), answers=answers)
        runs.append(run.start(RandomPotentialVorticity(RandomPotentialVorticityConfig(amplitude=1e-5))))
    for run in runs:
        run.advance(5, 600.0)
    for name in runs[0].solver.quantities:
        expected = runs[0].quantity(name)
        np.testing.assert_allclose(
            runs[1].quantity(name), expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max(), err_msg=name
        )


def test_gradient_of_a_rollout_with_respect_to_viscosity(plane_run: Any) -> None:
    def final_enstrophy(viscosity: Any) -> Any:
        run = turbulence(plane_run, Backend("torch", threads=1))
        run.solver.linear = {"vorticity": run.solver.linear_symbol(viscosity)}
        run.advance(20, 0.02)
        return run.solver.derive("enstrophy", run.fields, run.t, run.closures)

    viscosity = torch.tensor(0.01, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(final_enstrophy(viscosity), viscosity)
    with torch.no_grad():
        difference = (final_enstrophy(0.01 + 1e-5) - final_enstrophy(0.01 - 1e-5)) / 2e-5
    print(f"dZ/dnu: autograd {float(gradient):.8f}, differences {float(difference):.8f}")
    assert float(gradient) == pytest.approx(float(difference), rel=1e-5)
