"""The integrator of solvers that take their own steps."""

from __future__ import annotations

import math
from typing import Protocol

from subgrid.api import Fields, Rhs, Setup, StateSpec, StepReport, Streams
from subgrid.integrators.config import FixedStepConfig


class SteppingRhs(Rhs, Protocol):
    """A right-hand side whose solver owns its step."""

    def advance(self, fields: Fields, t: float, dt: float, rng: Streams) -> Fields: ...


class Own:
    """Leaves the step to the solver, which knows its order and is responsible for its stability."""

    order = 1
    adaptive = False
    splits_linear = False
    variable_step = True
    real_extent = math.inf
    imaginary_extent = math.inf

    def __init__(self, config: FixedStepConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return "Own()"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        return StateSpec()

    def step(
        self, rhs: SteppingRhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        """Fields at ``t + dt`` as the solver gives them, in the arrays of ``out`` where it knows how to write there."""
        into = rhs.fused.get("own")
        if into is not None and out is not None:
            into(fields, out, t, dt)
            return StepReport(out)
        return StepReport(rhs.advance(fields, t, dt, rng))
