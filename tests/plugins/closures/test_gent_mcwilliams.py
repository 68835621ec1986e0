"""Gent-McWilliams: what it takes from the flow and what it leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid.assembly import assemble
from subgrid.registry import Registry
from subgrid.scenario import parse
from subgrid.testing import BURGERS, FLOW_2D

from .conftest import inputs_of, random_vorticity, square

MESH = square(32)


def test_potential_energy_is_lost_at_the_stated_rate(make_closure: Callable[..., Any]) -> None:
    """-sum H_i <psi_i Pi_i> = -kappa F_1 H_1 <|grad(psi_1 - psi_2)|^2>, since F_1 H_1 = F_2 H_2."""
    flow = inputs_of(random_vorticity(MESH, layers=2), MESH)
    pi = make_closure("gent_mcwilliams", diffusivity=0.3, coupling=(4.0, 1.0)).evaluate(flow, {})
    rate = -np.sum(np.array([1.0, 4.0]) * np.mean(flow["streamfunction"] * pi, axis=(-2, -1)))
    shear = flow["velocity"][:, 0] - flow["velocity"][:, 1]
    assert rate == pytest.approx(-0.3 * 4.0 * np.mean(np.sum(shear**2, axis=0)), rel=1e-12)


def test_barotropic_flow_is_left_alone(make_closure: Callable[..., Any]) -> None:
    vorticity = random_vorticity(MESH)
    flow = inputs_of(np.stack([vorticity, vorticity]), MESH)
    assert np.all(make_closure("gent_mcwilliams").evaluate(flow, {}) == 0.0)


def test_needs_two_layers(make_closure: Callable[..., Any]) -> None:
    with pytest.raises(ScenarioError, match="two layers"):
        make_closure("gent_mcwilliams").evaluate(inputs_of(random_vorticity(MESH), MESH), {})


@pytest.mark.parametrize(
    ("host", "closure", "needs"),
    [
        (FLOW_2D, "gent_mcwilliams", "needs the dims (layer, y, x)"),
        (BURGERS, "gradient", "needs vorticity, velocity_gradient"),
        (BURGERS, "zanna_bolton", "needs velocity_gradient"),
        (BURGERS, "approximate_deconvolution", "needs vorticity"),
    ],
)
def test_another_kind_of_flow_is_refused_before_the_run(
    host: dict[str, Any], closure: str, needs: str, registry: Registry, tmp_path: Path
) -> None:
    scenario = parse({**host, "closures": [{"type": closure}]}, registry, tmp_path)
    with pytest.raises(ScenarioError, match=rf"closures \({closure}\): .*{re.escape(needs)}"):
        assemble(scenario, registry)
