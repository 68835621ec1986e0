"""What Navier-Stokes flow shows to closures, and what it makes of their answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid_spectral.config_2d import McWilliamsConfig, NavierStokes2DConfig
from subgrid_spectral.initial_2d import McWilliams
from subgrid_spectral.navier_stokes import NavierStokes2D

SHAPE = (48, 32)


def solver(**options: Any) -> NavierStokes2D:
    return NavierStokes2D(NavierStokes2DConfig(**{"viscosity": 0.0, **options}))


def test_inputs_follow_the_sign_convention(plane_run: Any) -> None:
    run = plane_run(solver(mean_flow=(0.5, -0.25)), SHAPE, (2.0 * np.pi, 2.0 * np.pi))
    x, y = run.x, run.y
    run.start({"streamfunction": np.sin(x) * np.cos(2.0 * y)})
    psi, w = np.sin(x) * np.cos(2.0 * y), -5.0 * np.sin(x) * np.cos(2.0 * y)
    u_x, v_x = 2.0 * np.cos(x) * np.sin(2.0 * y), -np.sin(x) * np.cos(2.0 * y)
    u_y = 4.0 * np.sin(x) * np.cos(2.0 * y)
    expected = {
        "streamfunction": psi,
        "vorticity": w,
        "velocity": [2.0 * np.sin(x) * np.sin(2.0 * y) + 0.5, np.cos(x) * np.cos(2.0 * y) - 0.25],
        "velocity_gradient": [[u_x, u_y], [v_x, -u_x]],
        "strain_rate": np.sqrt(4.0 * u_x**2 + (u_y + v_x) ** 2),
        "vorticity_gradient": [-5.0 * np.cos(x) * np.cos(2.0 * y), 10.0 * np.sin(x) * np.sin(2.0 * y)],
        "vorticity_laplacian": -5.0 * w,
    }
    inputs = run.solver.inputs("subgrid_forcing", run.fields, 0.0)
    assert set(inputs) == set(expected) == set(run.solver.slots["eddy_viscosity"].inputs)
    for name, values in expected.items():
        # rounding of psi (1e-16) times the fourth power of the largest kept wavenumber (15) at worst
        np.testing.assert_allclose(inputs[name], values, rtol=0, atol=1e-11, err_msg=name)


def test_unread_inputs_cost_nothing(plane_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = plane_run(solver(), SHAPE).start({"vorticity": np.random.default_rng(0).standard_normal(SHAPE)})
    calls = []
    backward = run.solver.basis.backward
    monkeypatch.setattr(run.solver.basis, "backward", lambda spectrum: calls.append(1) or backward(spectrum))
    inputs = run.solver.inputs("eddy_viscosity", run.fields, 0.0)
    assert not calls
    inputs["strain_rate"], inputs["velocity_gradient"], inputs["strain_rate"]
    assert len(calls) == 1


@pytest.mark.parametrize("form", ["stress", "gradient"])
@pytest.mark.parametrize("kind", ["number", "mean", "field"])
def test_constant_eddy_viscosity_is_viscosity(plane_run: Any, answer: Any, form: str, kind: str) -> None:
    nu = {"number": 0.3, "mean": np.full((1, 1), 0.3), "field": np.full(SHAPE, 0.3)}[kind]
    closure = answer("eddy_viscosity", lambda inputs: nu)
    start = McWilliams(McWilliamsConfig(cutoff=8))
    run = plane_run(solver(eddy_viscosity_form=form), SHAPE, answers=[closure]).start(start)
    bare = plane_run(solver(), SHAPE).start(start)
    rate = run.tendency()["vorticity"] - bare.tendency()["vorticity"]
    expected = -0.3 * run.solver.basis.k_sq * run.fields["vorticity"]
    assert np.abs(rate - expected).max() < 1e-13 * np.abs(expected).max()
    assert run.quantity("energy_rate_closure") == pytest.approx(-2.0 * 0.3 * run.quantity("enstrophy"))
    assert run.quantity("enstrophy_rate_closure") == pytest.approx(-2.0 * 0.3 * run.quantity("palinstrophy"))


@pytest.mark.parametrize("form", ["stress", "gradient"])
def test_forms_of_a_varying_eddy_viscosity(plane_run: Any, answer: Any, form: str) -> None:
    """By hand for u = -cos y and nu = 1 + 0.3 cos x: curl div(2 nu S) = sin y, div(nu grad w) = nu sin y."""
    x = 2.0 * np.pi * np.arange(SHAPE[1]) / SHAPE[1]
    nu = 1.0 + 0.3 * np.cos(x)[None, :]
    run = plane_run(solver(eddy_viscosity_form=form), SHAPE, answers=[answer("eddy_viscosity", lambda inputs: nu)])
    run.start({"streamfunction": np.sin(run.y)})
    expected = np.sin(run.y) * (1.0 if form == "stress" else nu)
    # rounding of psi (1e-16) times the fourth power of the largest kept wavenumber (15) at worst
    assert np.abs(run.quantity("subgrid_forcing") - expected).max() < 1e-11


def test_answers_of_both_slots_are_summed_dealiased_and_without_mean(plane_run: Any, answer: Any) -> None:
    forcing = np.random.default_rng(2).standard_normal(SHAPE) + 5.0
    answers = [answer("eddy_viscosity", lambda inputs: 0.1), answer("subgrid_forcing", lambda inputs: forcing)]
    run = plane_run(solver(), SHAPE, answers=answers).start(McWilliams(McWilliamsConfig(cutoff=8)))
    bare = plane_run(solver(), SHAPE).start(McWilliams(McWilliamsConfig(cutoff=8)))
    basis, keep = run.solver.basis, run.solver.keep
    expected = np.where(keep, basis.forward(forcing) - 0.1 * basis.k_sq * run.fields["vorticity"], 0.0)
    rate = run.tendency()["vorticity"] - bare.tendency()["vorticity"]
    assert np.abs(rate - expected).max() < 1e-12 * np.abs(expected).max()
    assert not keep[0, 0]


def test_uniform_subgrid_forcing_does_nothing(plane_run: Any, answer: Any) -> None:
    run = plane_run(solver(), SHAPE, answers=[answer("subgrid_forcing", lambda inputs: np.ones((1, 1)))])
    run.start({"vorticity": np.zeros(SHAPE)})
    assert not run.tendency()["vorticity"].any()


def test_budget_closes_in_decaying_turbulence(plane_run: Any) -> None:
    """dE/dt = -2 nu Z and dZ/dt = -2 nu P, summed up by Simpson's rule over 1000 steps."""
    run = plane_run(solver(viscosity=1e-3), (128, 128)).start(McWilliams(McWilliamsConfig()))
    names = ("energy", "enstrophy", "energy_rate_viscosity", "enstrophy_rate_viscosity")
    series = []

    def record() -> None:
        series.append([float(run.quantity(name)) for name in names])

    dt, steps = 0.004, 1000
    record()
    run.advance(steps, dt, each=record)
    energy, enstrophy, energy_rate, enstrophy_rate = np.array(series).T
    simpson = np.ones(steps + 1)
    simpson[1:-1:2], simpson[2:-1:2] = 4.0, 2.0
    simpson *= dt / 3.0
    errors = [
        abs(values[-1] - values[0] - simpson @ rate) / values[0]
        for values, rate in ((energy, energy_rate), (enstrophy, enstrophy_rate))
    ]
    print(f"E {energy[0]:.4f} -> {energy[-1]:.4f}, Z {enstrophy[0]:.2f} -> {enstrophy[-1]:.3f}, budget errors {errors}")
    assert max(errors) < 1e-5
    assert np.all(np.diff(energy) < 0.0)
    assert np.all(np.diff(enstrophy) < 0.0)


def test_rates_of_forcing_and_drag(plane_run: Any) -> None:
    """With the closure and viscosity they make up the whole rate of change, because advection adds nothing."""
    forcing = {"type": "crossed_cosines", "wavenumber": 3}
    run = plane_run(solver(viscosity=0.01, drag=0.2, hyperviscosity=1e-6, beta=5.0, forcing=forcing), SHAPE)
    run.start(McWilliams(McWilliamsConfig(cutoff=8)))
    basis, w = run.solver.basis, run.fields["vorticity"]
    total = run.tendency()["vorticity"] + run.solver.linear["vorticity"] * w
    terms = ("viscosity", "drag", "forcing", "closure")
    for invariant, conjugate in (("energy", w * basis.inverse_k_sq), ("enstrophy", w)):
        parts = [run.quantity(f"{invariant}_rate_{term}") for term in terms]
        assert sum(parts) == pytest.approx(basis.mean_product(conjugate, total), rel=1e-12)
        assert parts[1] == pytest.approx(-0.4 * run.quantity(invariant))
    u, v = run.quantity("velocity")
    assert run.quantity("energy") == pytest.approx(0.5 * np.mean(u**2 + v**2))
