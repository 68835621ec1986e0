"""Ctrl-C and SIGTERM: one answer, from the first moment of a process to its last.

The first signal goes to whoever listens, such as a run, which then ends after its step with a checkpoint; where nobody
listens it is raised as KeyboardInterrupt. Signals within `GRACE` of the first are taken for the same one: terminals,
shells and batch systems often send several. A later one is raised as KeyboardInterrupt whoever listens, so that a step
that takes an hour can be given up. Imports nothing heavy, because it is at work before everything else.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

EXIT_CODE = 75
"""What a process ends with that was interrupted, whatever it did: that of `subgrid.errors.StoppedEarly`."""

GRACE = 2.0
"""Seconds within which further signals count as the first."""

NUMBERS = (signal.SIGINT, signal.SIGTERM)

Listener = Callable[[str], None]
"""Told the name of the signal, within a signal handler: it notes it and returns."""


class Interruptions:
    """A handler of SIGINT and SIGTERM that remembers the first one."""

    def __init__(self) -> None:
        self.received = ""
        """Name of the first signal, empty until there was one."""
        self.listener: Listener | None = None
        self._since = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received:
            if now - self._since > GRACE:
                raise KeyboardInterrupt(signal.Signals(number).name)
            return
        self.received, self._since = signal.Signals(number).name, now
        if self.listener is None:
            raise KeyboardInterrupt(self.received)
        self.listener(self.received)


def answer_signals() -> Interruptions:
    """Have this process answer signals from now on; called by the command line before it imports anything else."""
    handler = Interruptions()
    for number in NUMBERS:
        signal.signal(number, handler)

    def unraisable(problem: Any) -> None:
        # where Python cannot raise (a finaliser, a callback from C) it would print a traceback and go on
        if isinstance(problem.exc_value, KeyboardInterrupt):
            os.write(2, b"interrupted\n")
            os._exit(EXIT_CODE)
        sys.__unraisablehook__(problem)

    sys.unraisablehook = unraisable
    return handler


def ignore_signals() -> None:
    """From now on the process ends with the code that it has: what the interpreter does at its end is not to be
    interrupted."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """While this lasts, the first signal is told to ``listener`` in place of being raised.

    Works in the main thread, where Python meets signals; in others nothing is heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler, previous = signal.getsignal(signal.SIGINT), {}
    if not isinstance(handler, Interruptions):
        handler = Interruptions()
        previous = {number: signal.signal(number, handler) for number in NUMBERS}
    before, handler.listener = handler.listener, listener
    try:
        yield
    finally:
        handler.listener = before
        for number, former in previous.items():
            signal.signal(number, former)


@contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Answer SIGTERM as SIGINT is answered, so that whoever cleans up after KeyboardInterrupt does so for both."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    answer = signal.getsignal(signal.SIGINT)
    before = signal.signal(signal.SIGTERM, answer if callable(answer) else signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
