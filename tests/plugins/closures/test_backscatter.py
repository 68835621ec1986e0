"""Backscatter: the energy budget, with and without layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError

from .conftest import inputs_of, random_vorticity, square

MESH = square(32)
FLOW = inputs_of(random_vorticity(MESH), MESH)


def energy_rate(flow: Any, tendency: Any) -> Any:
    return -np.mean(flow["streamfunction"] * tendency, axis=(-2, -1))


def test_all_energy_comes_back_and_enstrophy_does_not(make_closure: Callable[..., Any]) -> None:
    dissipation = make_closure("backscatter", returned_fraction=0.0).evaluate(FLOW, {})
    neutral = make_closure("backscatter", returned_fraction=1.0).evaluate(FLOW, {})
    lost = energy_rate(FLOW, dissipation)
    assert lost < 0
    assert abs(energy_rate(FLOW, neutral)) < 1e-10 * abs(lost)
    assert np.mean(FLOW["vorticity"] * neutral) < 0


def test_net_rate_is_the_part_that_is_not_returned(make_closure: Callable[..., Any]) -> None:
    lost = energy_rate(FLOW, make_closure("backscatter", returned_fraction=0.0).evaluate(FLOW, {}))
    net = energy_rate(FLOW, make_closure("backscatter").evaluate(FLOW, {}))
    assert net == pytest.approx(0.01 * lost, rel=1e-9)


def test_biharmonic_loss(make_closure: Callable[..., Any]) -> None:
    """dE/dt = <w nu_4 lap w> = (C_S Delta)^2 Delta^2 <|S| w lap w>."""
    lost = energy_rate(FLOW, make_closure("backscatter", coefficient=0.1, returned_fraction=0.0).evaluate(FLOW, {}))
    density = FLOW["strain_rate"] * FLOW["vorticity"] * FLOW["vorticity_laplacian"]
    assert lost == pytest.approx(0.01 * (2 * np.pi / 32) ** 4 * np.mean(density), rel=1e-12)


def test_layers_share_one_budget(make_closure: Callable[..., Any]) -> None:
    """With thicknesses the weighted sum is neutral, though no single layer is."""
    flow = inputs_of(random_vorticity(MESH, layers=2) * np.array([1.0, 0.3]).reshape(2, 1, 1), MESH)
    options = {"returned_fraction": 1.0, "layer_thickness": (1.0, 4.0)}
    rates = energy_rate(flow, make_closure("backscatter", **options).evaluate(flow, {}))
    assert abs(rates[0] + 4.0 * rates[1]) < 1e-10 * abs(rates[0])
    assert abs(rates[0]) > 1e-3 * abs(energy_rate(flow, make_closure("backscatter").evaluate(flow, {}))[0])


def test_wrong_number_of_layers(make_closure: Callable[..., Any]) -> None:
    with pytest.raises(ScenarioError, match="layer_thickness: 2 values for a flow of 1 layers"):
        make_closure("backscatter", layer_thickness=(1.0, 4.0)).evaluate(FLOW, {})
