"""A two-dimensional run without files: solver, closures and integrator driven the way the loop does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import Array, Backend, Clock, Fields, Grid, Setup, Slot, State, StateSpec, Streams
from subgrid.closures import Plugged, SlotTable
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.etd import ETDRK4


class Answer:
    """A closure given by a function of its inputs."""

    def __init__(self, slot: str, answer: Callable[[Mapping[str, Array]], Array]) -> None:
        self.slots, self.inputs = (slot,), ()
        self.answer = answer

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return self.answer(inputs)


class RightHandSide:
    """The least that an integrator asks for."""

    def __init__(self, solver: Any, closures: Any) -> None:
        self.solver, self.closures = solver, closures
        self.linear, self.fused = solver.linear, {}

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        return self.solver.tendency(fields, t, self.closures, out)

    def total(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        rates = self.explicit(fields, t, out)
        return {name: rate + self.linear[name] * fields[name] for name, rate in rates.items()}


class PlaneRun:
    """A solver on a doubly periodic plane, and its state ``fields`` at time ``t``."""

    def __init__(
        self,
        solver: Any,
        shape: tuple[int, int],
        length: tuple[float, float] = (2.0 * np.pi, 2.0 * np.pi),
        backend: Backend | None = None,
        answers: Sequence[Answer] = (),
        correctors: Sequence[Any] = (),
        offset: float = 0.0,
        seed: int = 1,
    ) -> None:
        self.solver, self.backend = solver, backend or Backend(threads=1)
        mesh = Grid(shape, length, offset=offset)
        self.setup = Setup(mesh, self.backend, "solver", Streams(seed, "solver"), 0.01, Path())
        self.spec = solver.setup(self.setup)
        plugged = [Plugged(answer.slots[0], answer.slots[0], answer) for answer in answers]
        self.closures = SlotTable(solver.slots, plugged, State())
        self.correctors = correctors
        for corrector in correctors:
            corrector.setup(self.setup, solver)
        self.y, self.x = mesh.meshgrid()
        self.t = 0.0

    def start(self, initial: Any) -> PlaneRun:
        """Begin from an initial component, or from physical fields by name."""
        values = initial.fill(self.setup) if hasattr(initial, "fill") else initial
        self.fields = self.solver.encode(values, self.backend)
        self.t = 0.0
        return self

    def advance(self, steps: int, dt: float, scheme: Any = ETDRK4, each: Callable[[], None] | None = None) -> PlaneRun:
        """Take steps from where the run stands, calling ``each`` after every one; a multistep scheme starts afresh."""
        rhs = RightHandSide(self.solver, self.closures)
        integrator = scheme(FixedStepConfig())
        state = State()
        state.allocate("integrator", integrator.setup(self.setup, self.spec, rhs), self.backend)
        memory = state.memory.get("integrator", {})
        start = self.t
        for step in range(steps):
            report = integrator.step(rhs, self.fields, memory, self.t, dt, self.setup.rng, None)
            memory.update(report.memory)
            self.fields, self.t = dict(report.fields), start + (step + 1) * dt
            for corrector in self.correctors:
                correction = corrector.correct(State(fields=self.fields), {}, self.t, dt, self.setup.rng)
                self.fields.update(correction.fields)
            if each is not None:
                each()
        return self

    def tendency(self) -> Fields:
        return self.solver.tendency(self.fields, self.t, self.closures)

    def quantity(self, name: str) -> Any:
        """A quantity as NumPy values."""
        return self.backend.to_numpy(self.solver.derive(name, self.fields, self.t, self.closures))

    def observed(self, observer: Any) -> Mapping[str, Any]:
        observer.setup(self.setup, self.solver.quantities)
        view = {name: self.solver.derive(name, self.fields, self.t, self.closures) for name in observer.needs}
        return observer.observe(view, Clock(time=self.t))


@pytest.fixture
def plane_run() -> Callable[..., PlaneRun]:
    return PlaneRun


@pytest.fixture
def answer() -> Callable[..., Answer]:
    return Answer
