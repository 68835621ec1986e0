"""Telling a person how a run goes on: a log file always, a progress bar where a terminal is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from subgrid.assembly import Simulation

REFRESH = 0.2
"""Seconds between updates of the bar."""

MANY_STEPS = 1e8
"""Steps to the end from which a run says so at its start: hours even where each takes a hundred microseconds."""

LOG_INTERVAL = 30.0
"""Seconds between log lines on long runs."""


class RunLog:
    """Appends lines with the time of day to ``run.log``, and repeats them on standard error when asked to."""

    def __init__(self, path: Path, echo: bool) -> None:
        self._file = path.open("a", encoding="utf-8")
        self.echo = echo

    def line(self, text: str) -> None:
        self.note(text)
        if self.echo:
            print(text, file=sys.stderr)

    def note(self, text: str) -> None:
        """A line for the file only, for what the caller of the run is told anyway."""
        self.write(f"{datetime.now().astimezone().isoformat(timespec='seconds')} {text}\n")

    def write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()

    def close(self) -> None:
        self._file.close()


@contextmanager
def compilation_announced(log: RunLog) -> Iterator[None]:
    """Write one line to the log when Numba begins to compile what its cache does not hold: nobody likes to wait without
    being told why. Nothing is imported for it."""
    if "numba" not in sys.modules:
        yield
        return
    from numba.core import event

    class FirstCompilation(event.Listener):  # type: ignore[misc]
        told = False

        def on_start(self, event: Any) -> None:
            if not self.told:
                self.told = True
                log.line("compiling kernels for this kind of run; later runs find them in the cache")

        def on_end(self, event: Any) -> None:
            return

    with event.install_listener("numba:compile", FirstCompilation()):
        yield


def step_notes(simulation: Simulation) -> list[str]:
    """What a person should know of the step of a run: that it will take very many, or that dt does not set it."""
    time_options, clock = simulation.scenario.time, simulation.state.clock
    limit = _limit_of_steps(simulation)
    notes = []
    if time_options.dt is not None and time_options.cfl is not None and clock.dt < time_options.dt:
        notes.append(
            f"time.dt = {time_options.dt:g} is the largest step allowed, now {limit} sets {clock.dt:.3g}; "
            f"for fixed steps: --set time.cfl=null"
        )
    steps = (time_options.end - clock.time) / clock.dt
    if steps > MANY_STEPS:
        notes.append(f"warning: about {steps:.1e} steps of {clock.dt:.3g} to the end, limited by {limit}")
    return notes


def _limit_of_steps(simulation: Simulation) -> str:
    scenario = simulation.scenario
    if scenario.time.cfl is not None and simulation.state.clock.dt != scenario.time.dt:
        return f"time.cfl = {scenario.time.cfl:g} of the stability limit of '{scenario.solver.type}'"
    return f"the tolerance of '{scenario.integrator.type}'" if simulation.integrator.adaptive else "time.dt"


class Progress:
    """Called once a step; shows a bar with the remaining time on a terminal, else a log line now and then."""

    def __init__(self, simulation: Simulation, log: RunLog) -> None:
        self._simulation = simulation
        self._log = log
        self._bar: Any = None
        self._task: Any = None
        self._first = 0.0
        self._next = 0.0
        self._told = False

    def __enter__(self) -> Progress:
        self._interval = LOG_INTERVAL
        if self._log.echo and sys.stderr.isatty():
            self._start_bar()
        # a fixed step, or one from the stability limit, is known after the first; the first of an adaptive run is small
        self._first = time.monotonic() + self._interval
        self._next = self._first if self._simulation.integrator.adaptive else 0.0
        return self

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        time_options = self._simulation.scenario.time
        self._task = self._bar.add_task("", total=time_options.end - time_options.start)
        self._interval = REFRESH

    def __call__(self) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        if not self._told:
            if self._simulation.state.clock.dt == 0.0:
                return  # not even the first step was taken
            self._told = True
            for line in step_notes(self._simulation):
                self._log.line(line)
            if now < self._first:
                self._next = self._first
                return
        self._next = now + self._interval
        clock, start = self._simulation.state.clock, self._simulation.scenario.time.start
        text = f"step {clock.step}  t = {clock.time:.6g}"
        if self._bar is None:
            self._log.line(text)
        else:
            self._bar.update(self._task, completed=clock.time - start, description=text)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
