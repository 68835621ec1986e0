"""Eddy viscosities: their values, and the vorticity tendency that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid.api import Backend, Grid
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.filter_width import filter_width
from subgrid_closures.resolved_flow import stress_tendency

from .conftest import inputs_of, random_vorticity, square

MESH = square(32)
BASIS = FourierBasis(MESH, Backend(threads=1))
VORTICITY = random_vorticity(MESH)
FLOW = inputs_of(VORTICITY, MESH)


def tendency(viscosity: Any) -> Any:
    return BASIS.backward(stress_tendency(BASIS, viscosity, FLOW["velocity_gradient"]))


def test_constant_viscosity_is_diffusion(make_closure: Callable[..., Any]) -> None:
    answer = make_closure("constant_viscosity", viscosity=0.3).evaluate(FLOW, {})
    expected = 0.3 * FLOW["vorticity_laplacian"]
    assert_allclose(tendency(answer), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_stress_form_is_the_curl_of_the_force() -> None:
    """(d_xx - d_yy)(2 nu S12) - 2 d_xy (2 nu S11) against the curl of div(2 nu S), for a viscosity that varies."""
    y, x = MESH.meshgrid()
    viscosity = 1.0 + 0.3 * np.cos(3 * x - y)
    gradient = FLOW["velocity_gradient"]
    stress = viscosity * (gradient + np.swapaxes(gradient, 0, 1))
    ky, kx = BASIS.k_derivative
    spectra = BASIS.forward(stress)
    force_x = 1j * kx * spectra[0, 0] + 1j * ky * spectra[0, 1]
    force_y = 1j * kx * spectra[1, 0] + 1j * ky * spectra[1, 1]
    expected = BASIS.backward(1j * kx * force_y - 1j * ky * force_x)
    assert_allclose(tendency(viscosity), expected, rtol=0, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("averaging", ["domain", "local"])
@pytest.mark.parametrize("name", ["smagorinsky", "leith", "dynamic_smagorinsky", "dynamic_leith"])
def test_the_flow_loses_energy_and_enstrophy(name: str, averaging: str, make_closure: Callable[..., Any]) -> None:
    pi = tendency(make_closure(name, averaging=averaging).evaluate(FLOW, {}))
    assert -np.mean(FLOW["streamfunction"] * pi) < 0
    assert np.mean(FLOW["vorticity"] * pi) < 0


def test_energy_loss_is_the_work_against_the_stress(make_closure: Callable[..., Any]) -> None:
    """dE/dt = -<nu_e |S|^2>, exact for a divergence-free flow."""
    viscosity = make_closure("smagorinsky", averaging="local").evaluate(FLOW, {})
    loss = -np.mean(FLOW["streamfunction"] * tendency(viscosity))
    assert loss == pytest.approx(-np.mean(viscosity * FLOW["strain_rate"] ** 2), rel=1e-12)


def test_mean_square_strain_is_mean_square_vorticity(make_closure: Callable[..., Any]) -> None:
    """Why the domain form of Smagorinsky needs no strain: <|S|^2> = <w^2>."""
    viscosity = make_closure("smagorinsky", coefficient=0.2).evaluate(FLOW, {})
    expected = (0.2 * 2 * np.pi / 32) ** 2 * np.sqrt(np.mean(FLOW["strain_rate"] ** 2))
    assert viscosity.shape == (1, 1)
    assert viscosity.item() == pytest.approx(expected, rel=1e-12)


def test_leith_of_one_wave(make_closure: Callable[..., Any]) -> None:
    """w = 2 sin 3x has <|grad w|> = 6 <|cos 3x|>, which is 12/pi in the limit of many points."""
    mesh = square(96)
    flow = inputs_of(2.0 * np.sin(3 * mesh.meshgrid()[1] + 0.1), mesh)
    width_cubed = (0.25 * 2 * np.pi / 96) ** 3
    domain = make_closure("leith", mesh).evaluate(flow, {})
    assert domain.item() == pytest.approx(width_cubed * 12 / np.pi, rel=2e-3)  # 32 points in each |cos|
    local = make_closure("leith", mesh, averaging="local").evaluate(flow, {})
    assert local.max() == pytest.approx(width_cubed * 6, rel=6e-3)


def test_filter_width_is_the_geometric_mean_of_the_spacings() -> None:
    assert filter_width(Grid((8, 16), (4.0, 2.0)), 3.0) == pytest.approx(3.0 * np.sqrt(0.5 * 0.125), rel=1e-14)


def test_powers_of_the_filter_width(make_closure: Callable[..., Any]) -> None:
    """Twice the filter width: 4 and 8 times the viscosity."""
    for name, power in [("smagorinsky", 2), ("leith", 3)]:
        once = make_closure(name).evaluate(FLOW, {})
        assert_allclose(make_closure(name, filter_width_ratio=2.0).evaluate(FLOW, {}), 2**power * once, rtol=1e-14)


def test_no_closure_costs_nothing(make_closure: Callable[..., Any]) -> None:
    closure = make_closure("none")
    answer = closure.evaluate({}, {})
    assert answer.shape == (1, 1)
    assert answer.item() == 0.0
    assert set(closure.slots) == {"eddy_viscosity", "subgrid_forcing"}
