"""Threads that share the blocks of one computation, with a handover of a few microseconds.

A thread pool wakes its threads through the operating system, which costs more than sharing a transform of 256 x 256
points gains. These threads look at a counter in memory for a moment before they go to sleep, so that a solver that
calls them again and again finds them awake.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import load_atomic

__all__ = ["Workers"]

PATIENCE = 300_000
"""Looks at a counter, about a nanosecond each, before a thread goes to sleep."""


class Workers:
    """Does the same work for several indices on a fixed number of threads: index i on thread i modulo ``threads``."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._helpers = [_Helper() for _ in range(1, threads)]
        self._finalizer = weakref.finalize(self, _dismiss, self._helpers)

    def each(self, work: Callable[[int], None], count: int) -> None:
        """Call ``work(i)`` for i = 0 .. count - 1 and wait for all of them. What one raises is raised here."""
        for thread, helper in enumerate(self._helpers, start=1):
            helper.start(work, range(thread, count, self.threads))
        try:
            _do(work, range(0, count, self.threads))
        finally:
            failures = [failure for helper in self._helpers if (failure := helper.wait()) is not None]
        for failure in failures:
            raise failure

    def share(self, count: int, work: Callable[[int, int], None], serial: int, start: int = 0) -> None:
        """Call ``work(first, last)`` for bands of the ``count`` rows from ``start`` on, one for each thread; for all
        rows at once where there are fewer than ``serial`` for each."""
        parts = self.threads if count >= serial * self.threads else 1
        if parts == 1:
            work(start, start + count)
        else:
            cuts = [start + count * k // parts for k in range(parts + 1)]
            self.each(lambda k: work(cuts[k], cuts[k + 1]), parts)


class _Helper:
    """One thread with a mailbox. Both counters only grow; the job is read between the two."""

    def __init__(self) -> None:
        self._counters = np.zeros(2, dtype=np.int64)  # jobs given, jobs done
        self._asleep = False
        self._wake = threading.Event()
        self._finished = threading.Event()
        self._awaited = False
        self._job: tuple[Callable[[int], None], Iterable[int]] | None = None
        self._failure: BaseException | None = None
        threading.Thread(target=self._run, daemon=True).start()

    def start(self, work: Callable[[int], None] | None, indices: Iterable[int]) -> None:
        self._job = None if work is None else (work, indices)
        self._counters[0] += 1
        if self._asleep:
            self._wake.set()

    def wait(self) -> BaseException | None:
        """Return when the job is done, with what it raised."""
        given = int(self._counters[0])
        if not _look(self._counters, 1, given, PATIENCE):
            self._awaited = True
            while self._counters[1] < given:
                self._finished.wait(0.05)
            self._awaited = False
            self._finished.clear()
        failure, self._failure = self._failure, None
        return failure

    def _run(self) -> None:
        given = 0
        while True:
            given += 1
            if not _look(self._counters, 0, given, PATIENCE):
                self._asleep = True
                # looked at again after the flag is up: whoever gives a job now either sees the flag or is seen here
                while self._counters[0] < given:
                    self._wake.wait()
                    self._wake.clear()
                self._asleep = False
            if self._job is None:
                return
            try:
                _do(*self._job)
            except BaseException as error:
                self._failure = error
            self._job = None
            self._counters[1] += 1
            if self._awaited:
                self._finished.set()


def _do(work: Callable[[int], None], indices: Iterable[int]) -> None:
    for index in indices:
        work(index)


def _dismiss(helpers: list[_Helper]) -> None:
    for helper in helpers:
        helper.start(None, ())


@njit("boolean(int64[::1], intp, int64, int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _look(counters: Any, index: int, value: int, patience: int) -> bool:
    """Whether a counter reaches ``value`` while one looks at it ``patience`` times."""
    for _ in range(patience):  # noqa: SIM110  compiled code knows no generator expressions
        if load_atomic(counters, index) >= value:
            return True
    return False
