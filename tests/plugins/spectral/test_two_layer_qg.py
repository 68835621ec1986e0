"""Two-layer quasi-geostrophic flow: inversion, forms, invariants, linear growth and the published regression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid.integrators.adams_bashforth import AB2
from subgrid.integrators.explicit_rk import RK4
from subgrid_spectral.config_2d import (
    AtRestConfig,
    ExponentialFilterConfig,
    FourierModesConfig,
    RandomPotentialVorticityConfig,
    TwoLayerQGConfig,
)
from subgrid_spectral.exponential_filter import ExponentialFilter
from subgrid_spectral.initial_2d import AtRest, FourierModes, RandomPotentialVorticity
from subgrid_spectral.quasi_geostrophic import TwoLayerQG

SIDE = (1e6, 1e6)


def eddies(plane_run: Any, shape: tuple[int, int] = (48, 30), **options: Any) -> Any:
    run = plane_run(TwoLayerQG(TwoLayerQGConfig(**options)), shape, (8e5, 1e6))
    return run.start(RandomPotentialVorticity(RandomPotentialVorticityConfig(amplitude=1e-5)))


def total_rate(run: Any) -> Any:
    q = run.fields["potential_vorticity"]
    return run.tendency()["potential_vorticity"] + run.solver.linear["potential_vorticity"] * q


def test_inversion_satisfies_the_definition_of_potential_vorticity(plane_run: Any) -> None:
    run = eddies(plane_run)
    psi, w, q = (run.quantity(name) for name in ("streamfunction", "vorticity", "potential_vorticity"))
    f1, f2 = run.solver.f1, run.solver.f2
    expected = np.stack([w[0] + f1 * (psi[1] - psi[0]), w[1] + f2 * (psi[0] - psi[1])])
    assert np.abs(q - expected).max() < 1e-13 * np.abs(q).max()
    assert f1 == pytest.approx(15e3**-2 / 1.25)
    again = run.solver.encode({"streamfunction": psi}, run.backend)["potential_vorticity"]
    assert np.abs(again - run.fields["potential_vorticity"]).max() < 1e-12 * np.abs(again).max()


@pytest.mark.parametrize("shape", [(48, 30), (27, 45)])
def test_reduced_form_equals_the_flux_form(plane_run: Any, shape: tuple[int, int]) -> None:
    rate = eddies(plane_run, shape).tendency()["potential_vorticity"]
    expected = eddies(plane_run, shape, advection="flux").tendency()["potential_vorticity"]
    assert np.abs(rate - expected).max() < 1e-13 * np.abs(expected).max()


def test_advection_conserves_energy_and_potential_enstrophy(plane_run: Any) -> None:
    """Without beta, shear and drag only the Jacobians are left."""
    run = eddies(plane_run, beta=0.0, upper_velocity=0.0, bottom_drag=0.0)
    basis, q, rate = run.solver.basis, run.fields["potential_vorticity"], run.tendency()["potential_vorticity"]
    psi = run.solver._streamfunction(q)
    for conjugate, weight in ((psi, run.solver.depth_fraction[:, 0, 0]), (q, np.array([1.0, 0.0])), (q, [0.0, 1.0])):
        size = np.sqrt(basis.mean_product(conjugate, conjugate) * basis.mean_product(rate, rate))
        assert abs(np.dot(weight, basis.mean_product(conjugate, rate))) < 1e-14 * np.dot(weight, size)


def test_energy_rates_make_up_the_whole_rate(plane_run: Any) -> None:
    run = eddies(plane_run, hyperviscosity=1e15, hyperviscosity_order=2)
    before = run.quantity("energy")
    parts = sum(run.quantity(f"energy_rate_{term}") for term in ("shear", "drag", "hyperviscosity", "closure"))
    psi = run.solver._streamfunction(run.fields["potential_vorticity"])
    by_layer = -run.solver.basis.mean_product(psi, total_rate(run))
    assert parts == pytest.approx(np.dot(run.solver.depth_fraction[:, 0, 0], by_layer), rel=1e-12)
    psi, w = (
        run.quantity("streamfunction"),
        run.quantity("velocity")
        - np.array([0.025, 0.0]).reshape(1, 2, 1, 1)
        * [
            [[[1.0]]],
            [[[0.0]]],
        ],
    )
    kinetic = 0.5 * np.mean(w[0] ** 2 + w[1] ** 2, axis=(1, 2))
    assert run.quantity("eddy_kinetic_energy") == pytest.approx(kinetic, rel=1e-10)
    potential = 0.5 * 0.2 * run.solver.f1 * np.mean((psi[0] - psi[1]) ** 2)
    assert before == pytest.approx(np.dot([0.2, 0.8], kinetic) + potential, rel=1e-10)


def growth_matrix(plane_run: Any, mode: int, **options: Any) -> Any:
    """The 2 x 2 matrix that a zonal wave's two layers obey, from the solver's own rates."""
    columns = []
    for layer in (1, 2):
        waves = ({"modes": (mode, 0), "amplitude": 1e-12, "layer": layer},)
        run = plane_run(TwoLayerQG(TwoLayerQGConfig(**options)), (64, 64), SIDE)
        run.start(FourierModes(FourierModesConfig(waves=waves, quantity="potential_vorticity")))
        amplitude = run.fields["potential_vorticity"][layer - 1, 0, mode]
        columns.append(total_rate(run)[:, 0, mode] / amplitude)
    return np.array(columns).T


def test_fastest_linear_growth(plane_run: Any) -> None:
    rates = {j: np.linalg.eigvals(growth_matrix(plane_run, j)).real.max() for j in range(1, 16)}
    fastest = max(rates, key=rates.__getitem__)
    free = np.linalg.eigvals(growth_matrix(plane_run, 7, bottom_drag=0.0)).real.max()
    print(f"fastest zonal mode {fastest}: {rates[fastest]:.4e} 1/s, without drag {free * 86400.0:.5f} per day")
    assert fastest == 7
    assert rates[7] == pytest.approx(7.795e-8, rel=1e-3)
    assert free * 86400.0 == pytest.approx(0.01452, rel=1e-3)


def test_nonlinear_run_grows_at_the_linear_rate(plane_run: Any) -> None:
    """An infinitesimal growing mode gains exp(2 rate t) in energy, whatever the nonlinear code does with it."""
    values, vectors = np.linalg.eig(growth_matrix(plane_run, 7))
    upper, lower = vectors[:, values.real.argmax()]
    waves = tuple(
        {"modes": (7, 0), "amplitude": 1e-11 * abs(a), "phase": float(np.angle(a)), "layer": layer}
        for layer, a in ((1, upper), (2, lower))
    )
    run = plane_run(TwoLayerQG(TwoLayerQGConfig()), (64, 64), SIDE)
    run.start(FourierModes(FourierModesConfig(waves=waves, quantity="potential_vorticity")))
    before = run.quantity("energy")
    run.advance(500, 7200.0, RK4)
    rate = 0.5 * np.log(run.quantity("energy") / before) / run.t
    print(f"nonlinear growth rate {rate:.5e} 1/s")
    assert rate == pytest.approx(7.795e-8, rel=1e-3)


def test_two_layer_regression_of_pyqg(plane_run: Any) -> None:
    """Three years from two crossed waves; reference values from pyqg's test of its two-layer model, held to 1 %."""
    waves = (
        {"modes": (5, 0), "amplitude": 1e-6},
        {"modes": (0, 5), "amplitude": 1e-7},
    )
    # pyqg keeps all modes and takes the flux form
    solver = TwoLayerQG(
        TwoLayerQGConfig(deformation_radius=30e3, upper_velocity=0.05, dealias="none", advection="flux")
    )
    run = plane_run(solver, (32, 32), SIDE, correctors=[ExponentialFilter(ExponentialFilterConfig(factor=18.4))])
    run.start(FourierModes(FourierModesConfig(waves=waves, quantity="potential_vorticity")))
    energies = []

    def record() -> None:
        if run.t > 360.0 * 86400.0:
            energies.append(run.quantity("eddy_kinetic_energy"))

    run.advance(7290, 12800.0, AB2, each=record)
    q_sq = float(np.sum(run.quantity("potential_vorticity")[0] ** 2))
    upper, lower = np.mean(energies, axis=0)
    print(f"pyqg two-layer: sum q1^2 {q_sq:.5e} (9.5614e-8), energies {upper:.5e} (8.1838e-3), {lower:.5e} (1.5617e-4)")
    assert q_sq == pytest.approx(9.5614e-8, rel=0.01)
    assert [upper, lower] == pytest.approx([8.1838e-3, 1.5617e-4], rel=0.01)


@pytest.mark.parametrize("kind", ["number", "by layer", "field"])
def test_eddy_viscosity_acts_on_relative_vorticity(plane_run: Any, answer: Any, kind: str) -> None:
    nu = {"number": 50.0, "by layer": np.full((2, 1, 1), 50.0), "field": np.full((2, 48, 30), 50.0)}[kind]
    start = RandomPotentialVorticity(RandomPotentialVorticityConfig(amplitude=1e-5))
    closure = answer("eddy_viscosity", lambda inputs: nu)
    run = plane_run(TwoLayerQG(TwoLayerQGConfig()), (48, 30), SIDE, answers=[closure]).start(start)
    laplacian = run.solver.inputs("eddy_viscosity", run.fields, 0.0)["vorticity_laplacian"]
    assert laplacian.shape == (2, 48, 30)
    np.testing.assert_allclose(
        run.quantity("subgrid_forcing"), 50.0 * laplacian, rtol=0, atol=1e-12 * np.abs(50.0 * laplacian).max()
    )
    assert run.quantity("energy_rate_closure") < 0.0


def test_slot_inputs_have_a_layer_axis_before_the_mesh(plane_run: Any) -> None:
    run = eddies(plane_run)
    inputs = run.solver.inputs("subgrid_forcing", run.fields, 0.0)
    shapes = {name: inputs[name].shape for name in inputs}
    assert shapes["vorticity"] == (2, 48, 30)
    assert shapes["velocity"] == (2, 2, 48, 30)
    assert shapes["velocity_gradient"] == (2, 2, 2, 48, 30)
    assert shapes["strain_rate"] == (2, 48, 30)
    background = inputs["velocity"][0].mean(axis=(-2, -1))
    assert background == pytest.approx([0.025, 0.0], abs=1e-12)


def test_rest_stays_rest(plane_run: Any) -> None:
    run = plane_run(TwoLayerQG(TwoLayerQGConfig()), (16, 16), SIDE)
    run.start(AtRest(AtRestConfig(quantity="potential_vorticity"))).advance(3, 7200.0)
    assert not run.fields["potential_vorticity"].any()


def test_a_start_in_the_wrong_quantity_is_refused(plane_run: Any) -> None:
    run = plane_run(TwoLayerQG(TwoLayerQGConfig()), (16, 16), SIDE)
    with pytest.raises(ScenarioError, match="starts from potential_vorticity or streamfunction, not from vorticity"):
        run.start(AtRest(AtRestConfig()))
