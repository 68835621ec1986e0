"""When something happens: every so many steps, every so much time, or at given times.

Schedules have no state. Whether one is due follows from the clock alone, so restarts need nothing from them. Event
times are computed as ``start + k * interval``, and the loop lands on them exactly.
"""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

LANDING = 1e-9
"""Relative tolerance, in units of an interval, within which a time counts as an event time."""


class Every(Options):
    """``{steps = 10}`` or ``{time = 0.5}``."""

    steps: Annotated[int, Field(gt=0, lt=2**63, description="number of steps between events")] | None = None
    time: Annotated[float, Unit("s"), Field(gt=0, description="time between events")] | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Every:
        if (self.steps is None) == (self.time is None):
            raise ValueError("give either steps or time")
        return self


class Schedule(Options):
    """``every = {steps = 10}``, ``every = {time = 0.5}`` or ``at = [1.0, 2.5]``; both may be given."""

    every: Every | None = None
    at: tuple[Annotated[float, Unit("s")], ...] = ()

    @property
    def empty(self) -> bool:
        return self.every is None and not self.at

    def due(self, start: float, time: float, step: int) -> bool:
        """Whether an event falls on this time and step of a run that began at ``start``."""
        if self.every is not None:
            if self.every.steps is not None and step % self.every.steps == 0:
                return True
            if self.every.time is not None:
                count = round((time - start) / self.every.time)
                if count >= 0 and _same(time, start + count * self.every.time, self.every.time):
                    return True
        return any(_same(time, event, 1.0) for event in self.at)

    def next_step(self, step: int) -> float:
        """Earliest step after ``step`` on which an event falls; ``inf`` when only times are scheduled."""
        if self.every is None or self.every.steps is None:
            return math.inf
        return step + self.every.steps - step % self.every.steps

    def next_time(self, start: float, time: float) -> float:
        """Earliest event time after ``time``; ``inf`` when only steps are scheduled or nothing is left."""
        candidates = [event for event in self.at if event > time and not _same(time, event, 1.0)]
        if self.every is not None and self.every.time is not None:
            interval = self.every.time
            count = math.floor((time - start) / interval + LANDING) + 1
            candidates.append(start + count * interval)
        return min(candidates, default=math.inf)


def _same(a: float, b: float, scale: float) -> bool:
    return abs(a - b) <= LANDING * max(scale, abs(b) * 1e-3)
