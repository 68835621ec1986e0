"""Worker processes on this machine, each with one member at a time, which may be killed at any moment.

An executor of the standard library gives up all of its work when one process is killed, and cannot stop a member that
hangs. Here each worker has its own pipe, so that it is known whose member was hit.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol

from subgrid.errors import RunFolderError
from subgrid.sweep.member import Ending, Job
from subgrid.sweep.worker import READY

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

MOST_KILLS = 5
"""Times that a member's process may be killed from outside before the member counts as failed."""

MOST_FALSE_STARTS = 10
"""Workers in a row that may die before they are ready."""

GRACE = 10.0
"""Seconds that members have to write a checkpoint when the sweep is interrupted."""


class Executor(Protocol):
    """Runs jobs somewhere and says how each ended, in any order. Used as a context, which ends what still runs."""

    def run(self, jobs: Sequence[Job], started: Callable[[Job], None]) -> Iterator[tuple[Job, Ending]]:
        """``started`` is called when a job begins, where that is known."""

    def __enter__(self) -> Executor: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass
class _Worker:
    """A worker process, and the job that it has."""

    process: subprocess.Popen[bytes]
    results: IO[bytes]
    ready: bool = False
    job: Job | None = None
    since: float = math.inf
    unread: bytes = field(default=b"")

    def give(self, job: Job) -> None:
        self.job, self.since = job, time.monotonic()
        assert self.process.stdin is not None
        # it may have died since: its pipe of results says so, and the job is given to another
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
            self.process.stdin.flush()

    def messages(self) -> tuple[list[Any], bool]:
        """What it has told, and whether that was the last."""
        chunk = os.read(self.results.fileno(), 1 << 16)
        *lines, self.unread = (self.unread + chunk).split(b"\n")
        return [json.loads(line) for line in lines], not chunk

    def end(self) -> int:
        """Kill it, if it still runs, and return its exit code."""
        self.process.kill()
        code = self.process.wait()
        self.results.close()
        if self.process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.close()
        return code


class LocalPool:
    """``count`` worker processes with one thread each.

    A member that takes longer than ``member_time`` [s] is killed and has failed. One whose process is killed by
    something else is given to another worker, which continues it from its checkpoint. What workers print goes to
    ``log``.
    """

    def __init__(self, count: int, member_time: float | None, log: Path) -> None:
        self._count = count
        self._member_time = math.inf if member_time is None else member_time
        self._log = log
        self._workers: list[_Worker] = []
        self._kills: dict[int, int] = {}
        self._false_starts = 0

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        busy = [worker for worker in self._workers if worker.job is not None]
        try:
            for worker in busy:
                worker.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            for worker in busy:
                self._await_ending(worker, deadline)
        finally:
            for worker in self._workers:
                worker.end()
            self._workers.clear()

    @staticmethod
    def _await_ending(worker: _Worker, deadline: float) -> None:
        """Give a member that was told to stop the time to write its checkpoint."""
        with selectors.DefaultSelector() as selector:
            selector.register(worker.results, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                told, last = worker.messages()
                if last or any(message != READY for message in told):
                    return

    def run(self, jobs: Sequence[Job], started: Callable[[Job], None]) -> Iterator[tuple[Job, Ending]]:
        """Raises RunFolderError when workers do not even start."""
        waiting = deque(jobs)
        with selectors.DefaultSelector() as selector:
            for worker in self._workers:
                selector.register(worker.results, selectors.EVENT_READ, worker)
            while waiting or any(worker.job is not None for worker in self._workers):
                unfinished = len(waiting) + sum(worker.job is not None for worker in self._workers)
                while len(self._workers) < min(self._count, unfinished):
                    worker = self._start()
                    selector.register(worker.results, selectors.EVENT_READ, worker)
                for worker in self._workers:
                    if worker.ready and worker.job is None and waiting:
                        job = waiting.popleft()
                        worker.give(job)
                        started(job)
                for key, _ in selector.select(self._patience()):
                    worker = key.data
                    told, last = worker.messages()
                    for message in told:
                        if message == READY:
                            worker.ready, self._false_starts = True, 0
                        elif worker.job is not None:
                            job, worker.job, worker.since = worker.job, None, math.inf
                            yield job, Ending.from_data(message)
                    if last:
                        yield from self._lost(worker, selector, waiting)
                yield from self._overdue(selector)

    def _start(self) -> _Worker:
        reading, writing = os.pipe()
        paths = [path or os.getcwd() for path in sys.path]
        environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": os.pathsep.join(paths)}
        try:
            with self._log.open("ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "subgrid.sweep.worker", str(writing)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=(writing,),
                    env=environment,
                    start_new_session=True,  # a terminal's Ctrl-C is answered by this process alone
                )
        finally:
            os.close(writing)
        worker = _Worker(process, os.fdopen(reading, "rb", buffering=0))
        self._workers.append(worker)
        return worker

    def _patience(self) -> float | None:
        """Seconds until the next member has had its time."""
        due = min((worker.since + self._member_time for worker in self._workers), default=math.inf)
        return None if math.isinf(due) else max(0.0, due - time.monotonic())

    def _drop(self, worker: _Worker, selector: selectors.BaseSelector) -> int:
        selector.unregister(worker.results)
        self._workers.remove(worker)
        return worker.end()

    def _lost(
        self, worker: _Worker, selector: selectors.BaseSelector, waiting: deque[Job]
    ) -> Iterator[tuple[Job, Ending]]:
        """A worker has died by itself: its member is tried again, before the others, unless it happens too often."""
        code, job = self._drop(worker, selector), worker.job
        if not worker.ready:
            self._false_starts += 1
            if self._false_starts >= MOST_FALSE_STARTS:
                raise RunFolderError(
                    f"{self._log}: worker processes do not start ({_ended(code)}); what they print is there"
                )
        if job is None:
            return
        kills = self._kills[job.number] = self._kills.get(job.number, 0) + 1
        if kills < MOST_KILLS:
            waiting.appendleft(job)
        else:
            yield job, Ending("failed", f"its process ended {kills} times ({_ended(code)}); is memory short?")

    def _overdue(self, selector: selectors.BaseSelector) -> Iterator[tuple[Job, Ending]]:
        now = time.monotonic()
        for worker in [worker for worker in self._workers if now - worker.since >= self._member_time]:
            self._drop(worker, selector)
            if worker.job is not None:
                yield worker.job, Ending("failed", f"hung or too slow: not done after {self._member_time:g} s")


def _ended(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
