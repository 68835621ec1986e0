"""Adams-Bashforth schemes: one evaluation per step, slopes of past steps in memory."""

from __future__ import annotations

from typing import ClassVar

from subgrid.api import ArraySpec, Fields, Rhs, Setup, StateSpec, StepReport, Streams
from subgrid.integrators import tableaux
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.explicit_rk import RungeKuttaStages
from subgrid.integrators.field_arithmetic import FieldArithmetic
from subgrid.integrators.history import History


class AdamsBashforth:
    """Explicit linear multistep scheme ``y + dt sum_j beta_j f_{n-j}`` (Hairer, Norsett and Wanner 1993, III.1).

    The first steps are taken by the three-stage SSP Runge-Kutta scheme: an Euler start has a local error of dt**2,
    which would leave AB3 with second order. ``imaginary_extent`` is strict: 0 for AB2, which amplifies oscillations of
    frequency w by about (w dt)**4 / 4 per step.
    """

    weights: ClassVar[tuple[float, ...]]
    history: ClassVar[tuple[str, ...]]
    order: int
    adaptive = False
    splits_linear = False
    variable_step = False
    real_extent: float
    imaginary_extent: float

    def __init__(self, config: FixedStepConfig) -> None:
        self._starter = RungeKuttaStages(tableaux.SSP_RK3)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(order={self.order})"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._backend = setup.backend
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._history = History(self._arithmetic, self.history)
        return StateSpec(memory={**self._history.memory(), "known_slopes": ArraySpec((), kind="int")})

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        slope = rhs.total(fields, t, self._history.spare(memory))
        updates = self._shift(memory, slope)
        known = int(memory["known_slopes"])
        if known < len(self.history):
            updates["known_slopes"] = self._backend.asarray(known + 1, "int")
            return self._start(rhs, fields, slope, updates, t, dt, out)
        factors = [1.0, *[dt * weight for weight in self.weights]]
        past = [self._history.read(memory, entry) for entry in self.history]
        return StepReport(self._arithmetic.combine(factors, [fields, slope, *past], out), updates)

    def _shift(self, memory: Fields, slope: Fields) -> Fields:
        updates: Fields = {}
        for entry in self.history:
            updates.update(self._history.entry(entry, slope))
            slope = self._history.read(memory, entry)
        return updates

    def _start(
        self, rhs: Rhs, fields: Fields, slope: Fields, updates: Fields, t: float, dt: float, out: Fields | None
    ) -> StepReport:
        slopes = self._starter.evaluate(self._arithmetic, rhs, fields, slope, t, dt, [None, None], None)
        result = self._starter.update(self._arithmetic, fields, slopes, dt, out)
        return StepReport(result, updates, evaluations=len(slopes))


class AB2(AdamsBashforth):
    """Second order: 3/2 f_n - 1/2 f_{n-1}."""

    weights = (3 / 2, -1 / 2)
    history = ("slope",)
    order = 2
    real_extent = 1.0
    imaginary_extent = 0.0


class AB3(AdamsBashforth):
    """Third order: 23/12 f_n - 16/12 f_{n-1} + 5/12 f_{n-2}."""

    weights = (23 / 12, -16 / 12, 5 / 12)
    history = ("slope", "older_slope")
    order = 3
    real_extent = 0.545
    imaginary_extent = 0.724
