"""Ctrl-C and SIGTERM: one answer, from the first moment of a process to its last.

What a signal does depends on what is at stake. Where nothing is (imports, set-up, listing things), the process ends at
once. A run listens, and ends after its step with a checkpoint. Whoever has something to put in order asks to have the
signal raised as KeyboardInterrupt. Signals within `GRACE` of the first are taken for the same one: terminals, shells
and batch systems often send several. A later one is raised whoever listens, so that a step that takes an hour can be
given up. Imports nothing heavy, because it is at work before everything else.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
        self.listener: Listener = _end_at_once
        self._since = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.received:
            if now - self._since > GRACE:
                _raise(signal.Signals(number).name)
            return
        self.received, self._since = signal.Signals(number).name, now
        self.listener(self.received)


def _raise(name: str) -> None:
    raise KeyboardInterrupt(name)


def _end_at_once(name: str) -> None:
    # not by an exception: packages that are being imported may catch it and go on, and an extension module whose
    # import was interrupted may crash the interpreter when that takes itself apart
    os.write(2, b"interrupted; the same command begins or goes on\n")
    os._exit(EXIT_CODE)


def answer_signals() -> Interruptions:
    """Have this process answer signals from now on; called by the command line before it imports anything else."""
    handler = Interruptions()
    for number in NUMBERS:
        signal.signal(number, handler)

    def unraisable(problem: Any) -> None:
        # where Python cannot raise (a finaliser, a callback from C) it would print a traceback and go on
        if isinstance(problem.exc_value, KeyboardInterrupt):
            _end_at_once("")
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
    """While this lasts, the first signal is told to ``listener``.

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


def raised() -> AbstractContextManager[None]:
    """While this lasts, both signals are raised as KeyboardInterrupt, for whoever has something to put in order."""
    return heard_by(_raise)
