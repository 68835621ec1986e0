"""A one-dimensional run without files: solver, closures and integrator driven the way the loop does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import Array, Backend, Clock, Closure, Fields, Grid, Setup, State, Streams
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.etd import ETDRK4


class Answers:
    """A slot table of no closure or of one."""

    def __init__(self, closure: Closure | None) -> None:
        self.closure = closure

    def __contains__(self, slot: object) -> bool:
        return self.closure is not None and slot == "subgrid_forcing"

    def __call__(self, slot: str, inputs: Mapping[str, Array]) -> Array:
        return self.closure.evaluate(inputs, {}) if self.closure is not None else 0.0


@dataclass
class LineRhs:
    """The solver as an integrator sees it."""

    solver: Any
    closures: Answers
    fused: Mapping[str, Callable[..., None]]

    @property
    def linear(self) -> Fields:
        return self.solver.linear

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        return self.solver.tendency(fields, t, self.closures, out)


@dataclass
class LineRun:
    """A solver on a line of ``n`` cells, and its state ``fields`` at time ``t``."""

    solver: Any
    n: int
    length: float
    backend: Backend = field(default_factory=lambda: Backend(threads=1))
    closure: Closure | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        self.setup = Setup(
            Grid((self.n,), (self.length,)), self.backend, "solver", Streams(self.seed, "solver"), 0.1, Path()
        )
        self.spec = self.solver.setup(self.setup)
        self.x = self.setup.mesh.coordinates()[0]
        if self.closure is not None:
            self.closure.setup(self.setup, self.solver.slots["subgrid_forcing"])
        self.closures = Answers(self.closure)
        self.t = 0.0

    def start(self, initial: Any) -> LineRun:
        """Begin from an initial component, or from values of u."""
        values = {"u": initial} if isinstance(initial, np.ndarray) else initial.fill(self.setup)
        self.fields = self.solver.encode(values, self.backend)
        self.t = 0.0
        return self

    def advance(self, steps: int, dt: float, scheme: Any = ETDRK4, fused: bool = True) -> LineRun:
        """Take steps from where the run stands; a multistep scheme starts afresh."""
        rhs = LineRhs(self.solver, self.closures, self.solver.fused if fused and self.closure is None else {})
        integrator = scheme(FixedStepConfig())
        state = State()
        state.allocate("integrator", integrator.setup(self.setup, self.spec, rhs), self.backend)
        memory = state.memory.get("integrator", {})
        spare: Fields | None = {"u": self.backend.copy(self.fields["u"])} if self.backend.in_place else None
        for step in range(steps):
            report = integrator.step(rhs, self.fields, memory, self.t + step * dt, dt, self.setup.rng, spare)
            memory.update(report.memory)
            self.fields, spare = report.fields, self.fields if self.backend.in_place else None
        self.t += steps * dt
        return self

    def quantity(self, name: str) -> Any:
        return self.solver.derive(name, self.fields, self.t, self.closures)

    def values(self, name: str = "u") -> Any:
        """A quantity as NumPy values."""
        return self.backend.to_numpy(self.quantity(name))

    def observed(self, observer: Any) -> Mapping[str, Any]:
        observer.setup(self.setup, self.solver.quantities)
        return observer.observe({"u": self.quantity("u")}, Clock(time=self.t))


@pytest.fixture
def line_run() -> Callable[..., LineRun]:
    return LineRun
