"""Explicit Runge-Kutta schemes with a fixed step: forward Euler, RK4 and strong-stability-preserving schemes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from subgrid.api import Fields, Rhs, Setup, SeveralSteps, StateSpec, StepReport, Streams
from subgrid.integrators import tableaux
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.field_arithmetic import FieldArithmetic
from subgrid.integrators.tableaux import Row, Tableau


class StageSum:
    """``y + dt * sum_i w_i k_i`` with the zero weights left out."""

    def __init__(self, weights: Row) -> None:
        self.stages = [stage for stage, weight in enumerate(weights) if weight != 0.0]
        self.weights = [weights[stage] for stage in self.stages]

    def __call__(
        self, arithmetic: FieldArithmetic, fields: Fields, slopes: Sequence[Fields], dt: float, out: Fields | None
    ) -> Fields:
        factors = [1.0, *[dt * weight for weight in self.weights]]
        return arithmetic.combine(factors, [fields, *[slopes[stage] for stage in self.stages]], out)


class RungeKuttaStages:
    """Evaluates the stages of a tableau and sums them up."""

    def __init__(self, tableau: Tableau) -> None:
        self.nodes = tableau.c
        self.rows = [StageSum(row) for row in tableau.a]
        self.update = StageSum(tableau.b)

    def evaluate(
        self,
        arithmetic: FieldArithmetic,
        rhs: Rhs,
        fields: Fields,
        first: Fields,
        t: float,
        dt: float,
        buffers: Sequence[Fields | None],
        stage: Fields | None,
    ) -> list[Fields]:
        """All slopes, given the first one. ``buffers`` take the others and ``stage`` their arguments."""
        slopes = [first]
        for node, row, buffer in zip(self.nodes[1:], self.rows[1:], buffers, strict=True):
            argument = row(arithmetic, fields, slopes, dt, stage)
            slopes.append(rhs.total(argument, t + node * dt, buffer))
        return slopes


class ExplicitRungeKutta:
    """A scheme given by its Butcher tableau.

    ``real_extent`` and ``imaginary_extent`` are the lengths of the negative real and of the imaginary axis on which
    |R(z)| <= 1, to three decimals.
    """

    tableau: ClassVar[Tableau]
    order: int
    adaptive = False
    splits_linear = False
    variable_step = True
    real_extent: float
    imaginary_extent: float

    def __init__(self, config: FixedStepConfig) -> None:
        self.stages = RungeKuttaStages(self.tableau)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(order={self.order}, stages={self.tableau.stages})"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._slopes = self._arithmetic.buffers(self.tableau.stages)
        self._stage = self._arithmetic.buffer() if self.tableau.stages > 1 else None
        return StateSpec()

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        first = rhs.total(fields, t, self._slopes[0])
        slopes = self.stages.evaluate(self._arithmetic, rhs, fields, first, t, dt, self._slopes[1:], self._stage)
        update = self.stages.update(self._arithmetic, fields, slopes, dt, out)
        return StepReport(update, evaluations=len(slopes))


class Euler(ExplicitRungeKutta):
    """Forward Euler, first order: ``y + dt f(t, y)``. Unstable for any step on the imaginary axis.

    Takes the solver's own compiled step where there is one: right-hand side and update in one sweep over memory, or
    several steps in one sweep.
    """

    tableau = tableaux.EULER
    order = 1
    real_extent = 2.0
    imaginary_extent = 0.0

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        fused = rhs.fused.get("euler")
        if fused is None:
            return super().step(rhs, fields, memory, t, dt, rng, out)
        target = self._arithmetic.empty() if out is None else out
        fused(fields, target, t, dt)
        return StepReport(target, evaluations=1)

    def at_once(self, rhs: Rhs) -> int:
        several: SeveralSteps | None = rhs.fused.get("euler_steps")
        return 1 if several is None else several.most

    def steps(
        self, rhs: Rhs, fields: Fields, times: Sequence[float], sizes: Sequence[float], out: Fields
    ) -> StepReport:
        rhs.fused["euler_steps"].take(fields, out, times, sizes)
        return StepReport(out, evaluations=len(times))


class RK4(ExplicitRungeKutta):
    """The classical four-stage scheme of order 4 (Kutta 1901)."""

    tableau = tableaux.RK4
    order = 4
    real_extent = 2.785
    imaginary_extent = 2.828


class SSPRK3(ExplicitRungeKutta):
    """Three stages, order 3, strong stability preserving up to the step of forward Euler (Shu and Osher 1988)."""

    tableau = tableaux.SSP_RK3
    order = 3
    real_extent = 2.513
    imaginary_extent = 1.732


class SSPRK43(ExplicitRungeKutta):
    """Four stages, order 3, strong stability preserving up to two steps of forward Euler (Ruuth and Spiteri 2004)."""

    tableau = tableaux.SSP_RK43
    order = 3
    real_extent = 5.149
    imaginary_extent = 2.156
