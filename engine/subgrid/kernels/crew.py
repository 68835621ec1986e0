"""Threads that go through one compiled kernel together, again and again, without the interpreter lock.

A kernel that is shared as Python calls, as `subgrid.kernels.workers` does it, pays some forty microseconds for each
handover, because a thread cannot take up its share before it holds the interpreter lock. The threads of a `Crew` wait
for the next round inside the compiled code, and come back to Python only to sleep.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import add_atomic, call, load_atomic

__all__ = ["Crew", "begin", "meet"]

PATIENCE = 300_000
"""Looks at a counter, about a nanosecond each, before a thread goes to sleep."""

EAGERNESS = 20_000
"""Looks at a counter before a thread that waits for another offers its core to whoever needs it."""

# entries of the array of signals; those of each thread follow in a cache line of their own
_ROUNDS, _ARRIVALS, _YIELD, _DISMISSED, _TAKEN, _MEETINGS, _LINE = 0, 8, 16, 17, 0, 1, 8
_THREADS = 24


class Crew:
    """Runs ``kernel(thread, threads, signals, *arguments)`` on ``threads`` threads at once, the caller being thread 0.

    The kernel is compiled, holds no interpreter lock, and has this shape; shares of work lie between the meetings::

        while begin(thread, signals):
            ...
            meet(thread, threads, signals)
            ...
            meet(thread, threads, signals)
            if thread == 0:
                return

    Arguments are arrays and numbers that stay what they are; what changes is written into the arrays between rounds.
    """

    def __init__(self, threads: int, kernel: Callable[..., None], arguments: Sequence[Any]) -> None:
        self._signals = np.zeros(_THREADS + _LINE * threads, dtype=np.int64)
        self._signals[_YIELD] = _sched_yield()
        self._call = kernel, threads, self._signals, tuple(arguments)
        self._beds = [_Bed() for _ in range(1, threads)]
        for thread, bed in enumerate(self._beds, start=1):
            threading.Thread(target=_serve, args=(thread, bed, *self._call), daemon=True).start()
        weakref.finalize(self, _dismiss, self._signals, self._beds)

    def __call__(self) -> None:
        """Go through the kernel once."""
        kernel, threads, signals, arguments = self._call
        signals[_ROUNDS] += 1
        for bed in self._beds:
            if bed.asleep:
                bed.alarm.set()
        kernel(0, threads, signals, *arguments)


class _Bed:
    """Where a thread sleeps between rounds that are far apart."""

    def __init__(self) -> None:
        self.asleep = False
        self.alarm = threading.Event()


def _serve(
    thread: int, bed: _Bed, kernel: Callable[..., None], threads: int, signals: Any, arguments: tuple[Any, ...]
) -> None:
    taken = _THREADS + _LINE * thread + _TAKEN
    while not signals[_DISMISSED]:
        bed.asleep = True
        # looked at again after the flag is up: whoever calls a round now either sees the flag or is seen here
        if signals[_ROUNDS] == signals[taken] and not signals[_DISMISSED]:
            bed.alarm.wait()
            bed.alarm.clear()
        bed.asleep = False
        kernel(thread, threads, signals, *arguments)


def _dismiss(signals: Any, beds: list[_Bed]) -> None:
    signals[_DISMISSED] = 1
    for bed in beds:
        bed.alarm.set()


def _sched_yield() -> int:
    """Address of the C function that lets other threads run, 0 where there is none."""
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (AttributeError, OSError, TypeError):
        return 0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def begin(thread: int, signals: Any) -> bool:
    """Whether there is a round to do. A thread other than 0 waits for one, but not for long."""
    taken = _THREADS + _LINE * thread + _TAKEN
    if thread > 0:
        looks = 0
        while load_atomic(signals, _ROUNDS) <= signals[taken]:
            looks += 1
            if looks > PATIENCE or signals[_DISMISSED]:
                return False
    signals[taken] += 1
    return True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def meet(thread: int, threads: int, signals: Any) -> None:
    """Wait until all threads have come here. What each wrote before is seen by all afterwards."""
    meetings = _THREADS + _LINE * thread + _MEETINGS
    signals[meetings] += 1
    everyone = signals[meetings] * threads
    if add_atomic(signals, _ARRIVALS) + 1 >= everyone:
        return
    looks = 0
    while load_atomic(signals, _ARRIVALS) < everyone:
        looks += 1
        if looks > EAGERNESS and signals[_YIELD] != 0:
            call(signals[_YIELD], 0)
