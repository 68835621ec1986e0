"""What integrators promise."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
import pytest

from subgrid.assembly import Simulation
from subgrid.component import Component
from subgrid.options import Options
from subgrid.protocols import Integrator, StepReport
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.testing.bits import assert_same_bits, copied
from subgrid.testing.hosts import BURGERS
from subgrid.testing.in_run import RunConformance
from subgrid.testing.ode import OdeProblem, OdeRhs, drive, forced_cubic, limit_cycle

STEP = 0.01


class IntegratorConformance(RunConformance):
    """Tests of a time-stepping scheme on ordinary differential equations, and on the solver of ``scenario``.

    ``steps`` are two numbers of steps on the way from 0 to 2, between which the error of smooth test problems must fall
    by the order that the scheme states.
    """

    kind = "integrator"
    scenario = BURGERS
    steps: ClassVar[tuple[int, int]] = (40, 80)

    @pytest.fixture
    def integrator(self, registry: Registry, component: Component, options_class: type[Options]) -> Integrator:
        created: Integrator = registry.create(component, options_class(**self.options))
        return created

    def test_states_its_properties(self, integrator: Integrator) -> None:
        assert integrator.order >= 1
        for name in ("adaptive", "splits_linear", "variable_step"):
            assert isinstance(getattr(integrator, name), bool), f"{name} must be True or False"
        assert integrator.real_extent >= 0.0
        assert integrator.imaginary_extent >= 0.0

    @pytest.mark.parametrize("problem", [limit_cycle(), forced_cubic()], ids=["explicit", "split"])
    def test_error_falls_with_the_stated_order(self, integrator: Integrator, problem: OdeProblem) -> None:
        if problem.linear is not None and not integrator.splits_linear:
            pytest.skip("this scheme treats the linear part like all others")
        exact = problem.exact(2.0)
        coarse, fine = (
            float(np.max(np.abs(drive(integrator, OdeRhs(problem), 2.0, steps) - exact))) for steps in self.steps
        )
        observed = math.log(coarse / fine) / math.log(self.steps[1] / self.steps[0])
        # a quarter: the next order still shows at these steps
        assert observed >= integrator.order - 0.25, f"observed order {observed:.2f}, stated {integrator.order}"

    def test_step_changes_nothing(self, simulation: Simulation) -> None:
        before = copied(dict(simulation.state.arrays()), simulation.backend)
        step(simulation)
        after = copied(dict(simulation.state.arrays()), simulation.backend)
        assert_same_bits(before, after, "step wrote into the fields or the memory it was given")

    def test_step_depends_on_its_arguments_only(self, simulation: Simulation, twin: Simulation) -> None:
        first = report_bits(simulation, step(simulation))
        step(simulation, 0.5 * STEP if simulation.integrator.variable_step else STEP)
        again = report_bits(simulation, step(simulation))
        assert_same_bits(first, again, "a step in between left traces")
        assert_same_bits(first, report_bits(twin, step(twin)), "another instance steps differently")

    def test_step_reports_fields_memory_and_cost(self, simulation: Simulation) -> None:
        report = step(simulation)
        assert set(report.fields) == set(simulation.state.fields)
        for name, values in simulation.state.fields.items():
            assert tuple(report.fields[name].shape) == tuple(values.shape)
            assert report.fields[name].dtype == values.dtype
            assert bool(simulation.backend.xp.all(simulation.backend.xp.isfinite(report.fields[name])))
        known = simulation.state.memory.get(simulation.scenario.integrator.label, {})
        assert set(report.memory) <= set(known), "memory must be declared by setup"
        assert report.evaluations >= 1
        assert (report.error is not None) == simulation.integrator.adaptive

    def test_dense_output_begins_and_ends_with_the_step(self, simulation: Simulation) -> None:
        before = copied(simulation.state.fields, simulation.backend)
        report = step(simulation)
        if report.dense is None:
            pytest.skip("this scheme has no continuous extension")
        after = copied(report.fields, simulation.backend)
        for theta, expected in ((0.0, before), (1.0, after)):
            for name, values in copied(report.dense(theta), simulation.backend).items():
                scale = float(np.max(np.abs(expected[name])))
                rounding = 1e-12 if simulation.backend.precision == "float64" else 1e-5
                np.testing.assert_allclose(values, expected[name], rtol=0, atol=rounding * scale)


def step(simulation: Simulation, dt: float = STEP) -> StepReport:
    """One step from the initial state, into new arrays."""
    label, state = simulation.scenario.integrator.label, simulation.state
    out = None
    if simulation.backend.in_place:
        out = {name: simulation.backend.copy(values) for name, values in state.fields.items()}
    memory = state.memory.get(label, {})
    return simulation.integrator.step(simulation.rhs, state.fields, memory, 0.0, dt, Streams(7, label), out)


def report_bits(simulation: Simulation, report: StepReport) -> dict[str, np.ndarray]:
    memory = {f"memory/{name}": values for name, values in report.memory.items()}
    return copied({**report.fields, **memory}, simulation.backend)
