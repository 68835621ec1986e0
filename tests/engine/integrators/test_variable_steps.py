"""SBDF2 with steps of changing size: second order, exact weights, and a fresh start where steps grow too fast."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from subgrid.api import State, StateSpec
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.imex import SBDF2, SBDF2Variable
from subgrid.testing.ode import OdeRhs, drive, forced_cubic, rotating_cubic, setup_for


def walk(rhs, times):
    """Solution at the last time, through all of them."""
    setup, integrator = setup_for(rhs.backend, 0.0), SBDF2Variable(FixedStepConfig())
    state = State()
    state.allocate("i", StateSpec(memory=integrator.setup(setup, rhs.spec, rhs).memory), rhs.backend)
    fields, memory = {"y": rhs.start.copy()}, state.memory["i"]
    for t, after in pairwise(times):
        report = integrator.step(rhs, fields, memory, t, after - t, setup.rng, None)
        memory.update(report.memory)
        fields = report.fields
    return fields["y"]


def uneven(steps, end=3.0):
    """Ratios of successive steps change smoothly between 0.6 and 1.7, whatever their number."""
    sizes = np.exp(0.75 * np.sin(2.0 * np.arange(steps) / 3.0))
    return end * np.concatenate([[0.0], np.cumsum(sizes)]) / sizes.sum()


@pytest.mark.parametrize("problem", [forced_cubic, rotating_cubic])
def test_second_order_on_uneven_steps(problem):
    counts = 80 * 2 ** np.arange(4)
    exact = problem().exact(3.0)
    errors = [np.abs(walk(OdeRhs(problem()), uneven(n)) - exact).max() for n in counts]
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] == pytest.approx(2.0, abs=0.1)
    # first-order weights would be off by the size of a step
    assert errors[-1] < 20.0 * np.abs(drive(SBDF2(FixedStepConfig()), OdeRhs(problem()), 3.0, 640) - exact).max()


def test_equal_steps_are_those_of_sbdf2():
    plain = drive(SBDF2(FixedStepConfig()), OdeRhs(rotating_cubic()), 3.0, 50)
    np.testing.assert_allclose(walk(OdeRhs(rotating_cubic()), np.linspace(0.0, 3.0, 51)), plain, rtol=1e-13)


def test_a_step_after_a_tiny_one_starts_afresh():
    """Landing on an event leaves a step of 1e-9; extrapolating over it would lose nine digits."""
    times = np.sort(np.concatenate([np.linspace(0.0, 3.0, 121), [1.0 - 1e-9, 2.0 - 1e-9]]))
    even = np.abs(drive(SBDF2(FixedStepConfig()), OdeRhs(forced_cubic()), 3.0, 120) - forced_cubic().exact(3.0)).max()
    assert np.abs(walk(OdeRhs(forced_cubic()), times) - forced_cubic().exact(3.0)).max() < 3.0 * even
