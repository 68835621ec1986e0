"""Domain means, Courant number and budgets against values known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from subgrid.api import Clock, Quantity, ScenarioError
from subgrid_observers.budget import Budget
from subgrid_observers.config import BudgetConfig, CourantConfig, EnergyConfig, EnstrophyConfig
from subgrid_observers.courant import Courant
from subgrid_observers.totals import Energy, Enstrophy

VELOCITY = {"velocity": Quantity(("component", "y", "x"), "m/s")}


def taylor_green(setup):
    """psi = cos x cos y: u = -psi_y, v = psi_x, w = -2 psi; E = 1/4, Z = 1/2."""
    y, x = setup.mesh.meshgrid()
    velocity = np.stack([np.cos(x) * np.sin(y), -np.sin(x) * np.cos(y)])
    return velocity, -2.0 * np.cos(x) * np.cos(y)


def test_taylor_green_energy_and_enstrophy(make_setup):
    setup = make_setup((16, 24))
    velocity, vorticity = taylor_green(setup)
    energy, enstrophy = Energy(EnergyConfig()), Enstrophy(EnstrophyConfig())
    energy.setup(setup, VELOCITY)
    enstrophy.setup(setup, {"vorticity": Quantity(("y", "x"), "1/s")})
    assert energy.observe({"velocity": velocity}, Clock())["energy"] == pytest.approx(0.25, rel=1e-14)
    assert enstrophy.observe({"vorticity": vorticity}, Clock())["enstrophy"] == pytest.approx(0.5, rel=1e-14)


def test_the_solvers_own_energy_is_preferred(make_setup):
    energy = Energy(EnergyConfig())
    declared = energy.setup(make_setup((8, 8)), {"energy": Quantity((), "m2/s2"), **VELOCITY})
    assert declared["energy"].units == "m2/s2"
    assert energy.observe({"energy": np.float64(7.0)}, Clock())["energy"] == 7.0


def test_energy_of_a_one_dimensional_solver(make_setup):
    energy = Energy(EnergyConfig())
    energy.setup(make_setup((8,)), {"u": Quantity(("x",), "m/s")})
    assert energy.observe({"u": np.full(8, 3.0)}, Clock())["energy"] == 4.5


def test_energy_without_a_velocity_is_refused(make_setup):
    with pytest.raises(ScenarioError, match="needs quantity 'velocity'"):
        Energy(EnergyConfig()).setup(make_setup((8, 8)), {"temperature": Quantity(("y", "x"), "K")})


def test_courant_number_weighs_each_component_with_its_own_spacing(make_setup):
    setup = make_setup((10, 20), (1.0, 1.0))
    velocity = np.zeros((2, 10, 20))
    velocity[:, 3, 4] = (0.3, -0.4)
    courant = Courant(CourantConfig())
    courant.setup(setup, VELOCITY)
    result = courant.observe({"velocity": velocity}, Clock(dt=0.1))
    assert result["courant"] == pytest.approx((0.3 * 20 + 0.4 * 10) * 0.1)
    assert result["max_speed"] == pytest.approx(0.5)


def test_budget_adds_the_rates_of_each_total(make_setup):
    quantities = {
        name: Quantity((), units)
        for name, units in (
            ("energy", "m2/s2"),
            ("energy_rate_viscosity", "m2/s3"),
            ("energy_rate_forcing", "m2/s3"),
            ("enstrophy_rate_viscosity", "1/s3"),
        )
    }
    budget = Budget(BudgetConfig())
    declared = budget.setup(make_setup((8, 8)), quantities)
    view = {"energy_rate_viscosity": -2.0, "energy_rate_forcing": 5.0, "enstrophy_rate_viscosity": -1.0}
    result = budget.observe({name: np.float64(value) for name, value in view.items()}, Clock())
    assert set(result) == set(declared) == {*view, "energy_rate", "enstrophy_rate"}
    assert result["energy_rate"] == 3.0
    assert result["enstrophy_rate"] == -1.0


def test_budget_of_a_solver_without_rates_is_refused(make_setup):
    with pytest.raises(ScenarioError, match="no energy_rate"):
        Budget(BudgetConfig()).setup(make_setup((8, 8)), {"energy": Quantity((), "m2/s2")})
