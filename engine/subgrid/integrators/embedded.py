"""Embedded Runge-Kutta pairs of order 5(4): error estimate, step-size control and continuous extension."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import ClassVar

from subgrid.api import ArraySpec, Fields, Rhs, Setup, StateSpec, StepReport, Streams
from subgrid.controller import ErrorNorm, PIController
from subgrid.integrators import tableaux
from subgrid.integrators.config import EmbeddedConfig
from subgrid.integrators.explicit_rk import RungeKuttaStages, StageSum
from subgrid.integrators.field_arithmetic import FieldArithmetic
from subgrid.integrators.history import History
from subgrid.integrators.tableaux import EmbeddedTableau, Tableau


class EmbeddedRungeKutta:
    """A pair with seven stages, of which the last is the first of the next step: six evaluations per step.

    That last slope lives in memory, so a restart is exact; `disturbed` drops it when something else changes the fields.
    The fifth-order solution is propagated. ``dense`` of the report is valid until the next step.
    """

    tableau: ClassVar[EmbeddedTableau]
    order = 5
    adaptive = True
    splits_linear = False
    variable_step = True
    real_extent: float
    imaginary_extent: float

    def __init__(self, config: EmbeddedConfig) -> None:
        self.config = config
        pair = self.tableau
        self._stages = RungeKuttaStages(Tableau(pair.c[:-1], pair.a[:-1], pair.b[:-1]))
        self._error_weights = pair.error

    def __repr__(self) -> str:
        return f"{type(self).__name__}(rtol={self.config.rtol:g}, atol={self.config.atol:g})"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._backend = setup.backend
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._history = History(self._arithmetic, ("slope",))
        self._slopes = self._arithmetic.buffers(len(self._stages.nodes))
        self._stage = self._arithmetic.buffer()
        self._norm = ErrorNorm(setup.backend, fields, prod(setup.mesh.shape), self.config.atol, self.config.rtol)
        self.controller = PIController(
            self.order,
            self.config.integral_gain,
            self.config.proportional_gain,
            self.config.safety,
            self.config.shrink_limit,
            self.config.growth_limit,
            setup.backend,
        )
        flags = {"slope_known": ArraySpec((), kind="int"), **self.controller.memory_spec()}
        return StateSpec(memory={**self._history.memory(), **flags})

    def disturbed(self) -> Fields:
        """Memory update for when fields or right-hand side were changed between steps: the last slope is void."""
        return {"slope_known": self._backend.asarray(0, "int")}

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        known = int(memory["slope_known"]) == 1
        first = self._history.read(memory, "slope") if known else rhs.total(fields, t, self._slopes[0])
        slopes = self._stages.evaluate(self._arithmetic, rhs, fields, first, t, dt, self._slopes[1:], self._stage)
        after = self._stages.update(self._arithmetic, fields, slopes, dt, out)
        slopes.append(rhs.total(after, t + dt, self._history.spare(memory)))
        updates = self._history.entry("slope", slopes[-1])
        if not known:
            updates["slope_known"] = self._backend.asarray(1, "int")
        return StepReport(
            after,
            updates,
            error=self._error(fields, after, slopes, dt),
            evaluations=len(slopes) - known,
            dense=partial(self._dense, fields, slopes, dt),
        )

    def _error(self, before: Fields, after: Fields, slopes: Sequence[Fields], dt: float) -> float:
        factors, terms = [], []
        for weight, slope in zip(self._error_weights, slopes, strict=True):
            if weight != 0.0:
                factors.append(dt * weight)
                terms.append(slope)
        return self._norm(self._arithmetic.combine(factors, terms, self._stage), before, after)

    def _dense(self, before: Fields, slopes: Sequence[Fields], dt: float, theta: float) -> Fields:
        """Fields at ``t + theta dt``, fourth-order accurate inside the step."""
        return StageSum(self.tableau.dense(theta))(self._arithmetic, before, slopes, dt, None)

    def initial_dt(self, rhs: Rhs, fields: Fields, t: float) -> float:
        """First step from the size of the solution and its first two derivatives, two evaluations.

        Hairer, Norsett and Wanner (1993), II.4: an Euler probe estimates the second derivative, and the step is that at
        which a Taylor term of the scheme's order would be about 0.01 of the tolerance.
        """
        slope = rhs.total(fields, t, None)
        size, speed = self._norm(fields, fields, fields), self._norm(slope, fields, fields)
        probe_dt = 0.01 * size / speed if size > 1e-5 and speed > 1e-5 else 1e-6
        probe = self._arithmetic.combine([1.0, probe_dt], [fields, slope], None)
        change = self._arithmetic.combine([1.0, -1.0], [rhs.total(probe, t + probe_dt, None), slope], None)
        steepest = max(speed, self._norm(change, fields, fields) / probe_dt)
        if steepest <= 1e-15:
            return max(1e-6, 1e-3 * probe_dt)
        return float(min(100.0 * probe_dt, (0.01 / steepest) ** (1.0 / self.order)))


class Tsit5(EmbeddedRungeKutta):
    """Tsitouras 5(4) (2011): the smaller error of the two pairs at equal cost."""

    tableau = tableaux.TSIT5
    real_extent = 3.507
    imaginary_extent = 0.478


class DormandPrince(EmbeddedRungeKutta):
    """Dormand-Prince 5(4) (1980), with Shampine's continuous extension."""

    tableau = tableaux.DORMAND_PRINCE
    real_extent = 3.307
    imaginary_extent = 0.997
