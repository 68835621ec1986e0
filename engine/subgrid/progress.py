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


class Progress:
    """Called once a step; shows a bar with the remaining time on a terminal, else a log line now and then."""

    def __init__(self, simulation: Simulation, log: RunLog) -> None:
        self._simulation = simulation
        self._log = log
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0

    def __enter__(self) -> Progress:
        self._interval = LOG_INTERVAL
        if self._log.echo and sys.stderr.isatty():
            self._start_bar()
        self._next = time.monotonic() + self._interval
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
