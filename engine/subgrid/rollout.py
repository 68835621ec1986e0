"""Stepping a scenario from any state, for training through time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from subgrid.assembly import Simulation, assemble
from subgrid.backend import Array
from subgrid.errors import ScenarioError
from subgrid.loop import Ledger, correct, take_step
from subgrid.protocols import Closure
from subgrid.registry import Registry
from subgrid.scenario import Scenario
from subgrid.state import Clock

__all__ = ["Rollout"]


class Rollout:
    """A scenario whose steps are taken one by one from states that are handed in, by its own integrator.

    Nothing is recorded, and on the torch backend nothing is detached: what `start` and `steps` compute can be
    differentiated with respect to the initial state and to whatever the closures hold. Raises ScenarioError when the
    scenario has no fixed step.
    """

    def __init__(self, scenario: Scenario, registry: Registry) -> None:
        if scenario.time.dt is None or scenario.time.cfl is not None:
            raise ScenarioError("time.dt: a rollout needs a fixed step, and no cfl")
        self.simulation: Simulation = assemble(scenario, registry)
        if self.simulation.adaptive is not None:
            raise ScenarioError(f"integrator.type: {scenario.integrator.type!r} sets its own steps; choose a fixed one")
        state = self.simulation.state
        self._fresh = {
            label: {name: self.simulation.backend.copy(values) for name, values in memory.items()}
            for label, memory in state.memory.items()
        }
        self.dt: float = scenario.time.dt

    def closure(self, label: str) -> Closure:
        """The closure with this label."""
        return next(entry.closure for entry in self.simulation.closures.plugged if entry.label == label)

    def start(self, physical: Mapping[str, Array], time: float = 0.0) -> None:
        """Begin at quantities in physical space that the solver's ``encode`` understands, with empty memories."""
        state, backend = self.simulation.state, self.simulation.backend
        encoded = self.simulation.solver.encode(physical, backend)
        state.fields = {name: encoded[name] for name in state.fields}
        state.memory = {
            label: {name: backend.copy(values) for name, values in memory.items()}
            for label, memory in self._fresh.items()
        }
        # counted from the start of the scenario, as schemes of fixed steps keep time
        state.clock = Clock(time, round((time - self.simulation.scenario.time.start) / self.dt), self.dt)

    def steps(self, count: int) -> Iterator[Mapping[str, Array]]:
        """Take ``count`` steps; after each, the solver's quantities by name, computed when read."""
        ledger = Ledger()
        for _ in range(count):
            dt = take_step(self.simulation, ledger, math.inf)
            correct(self.simulation, ledger, False, dt)
            yield self.simulation.view()

    def inputs(self, slot: str) -> Mapping[str, Any]:
        """What the solver offers in a slot now."""
        state = self.simulation.state
        return self.simulation.solver.inputs(slot, state.prognostic(), state.clock.time)
