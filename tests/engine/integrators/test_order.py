"""Does every scheme converge at its design order, with start-up steps and complex linear parts included?"""

from __future__ import annotations

import numpy as np
import pytest

from subgrid.integrators.adams_bashforth import AB2, AB3
from subgrid.integrators.config import EmbeddedConfig, FixedStepConfig
from subgrid.integrators.embedded import DormandPrince, Tsit5
from subgrid.integrators.etd import ETDRK2, ETDRK4
from subgrid.integrators.explicit_rk import RK4, SSPRK3, SSPRK43, Euler
from subgrid.integrators.imex import ARS343, CNAB2, SBDF2, SBDF2Variable
from subgrid.testing.ode import (
    OdeRhs,
    drive,
    driven_sine,
    forced_cubic,
    forced_decay,
    limit_cycle,
    rotating_cubic,
)

# The coarsest number of steps is where the error is asymptotic: below it, the next term of the expansion shows.
CASES = [
    (Euler, driven_sine, 80),
    (Euler, rotating_cubic, 160),
    (RK4, limit_cycle, 80),
    (RK4, rotating_cubic, 80),
    (SSPRK3, driven_sine, 40),
    (SSPRK3, limit_cycle, 40),
    (SSPRK43, driven_sine, 40),
    (SSPRK43, limit_cycle, 40),
    (Tsit5, driven_sine, 20),
    (DormandPrince, driven_sine, 20),
    (AB2, limit_cycle, 40),
    (AB2, rotating_cubic, 40),
    (AB3, forced_cubic, 80),
    (AB3, rotating_cubic, 40),
    (CNAB2, forced_cubic, 40),
    (CNAB2, rotating_cubic, 40),
    (CNAB2, forced_decay, 160),
    (SBDF2, forced_cubic, 40),
    (SBDF2, rotating_cubic, 40),
    (SBDF2, forced_decay, 320),
    (SBDF2Variable, forced_cubic, 40),
    (SBDF2Variable, rotating_cubic, 40),
    (SBDF2Variable, forced_decay, 320),
    (ARS343, forced_cubic, 160),
    (ARS343, rotating_cubic, 40),
    (ETDRK2, forced_cubic, 40),
    (ETDRK2, rotating_cubic, 80),
    (ETDRK2, forced_decay, 160),
    (ETDRK4, forced_cubic, 40),
    (ETDRK4, rotating_cubic, 80),
    (ETDRK4, forced_decay, 320),
]


@pytest.mark.parametrize(("scheme", "problem", "coarsest"), CASES)
def test_error_falls_at_the_design_order_over_three_halvings(scheme, problem, coarsest):
    config = EmbeddedConfig() if scheme.adaptive else FixedStepConfig()
    steps = coarsest * 2 ** np.arange(4)
    exact = problem().exact(3.0)
    errors = [np.abs(drive(scheme(config), OdeRhs(problem()), 3.0, n) - exact).max() for n in steps]
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(scheme.order, rel=0.03)


@pytest.mark.parametrize("scheme", [ETDRK2, ETDRK4, CNAB2, SBDF2, SBDF2Variable, ARS343])
def test_a_stiff_linear_part_does_not_limit_the_step(scheme):
    """rate * dt = 1e4: explicit schemes would amplify by 1e4 per step; the solution follows sin(t) / rate."""
    rhs = OdeRhs(forced_decay(rate=1e5))
    final = drive(scheme(FixedStepConfig()), rhs, 3.0, 30)
    # Crank-Nicolson only alternates the sign of the initial transient; the explicit weights of ARS343 differ from its
    # last row, which leaves a part of dt * sin(t)
    bound = {CNAB2: 1.0, ARS343: 0.01}.get(scheme, 1e-5)
    assert np.abs(final - rhs.problem.exact(3.0)).max() < bound
