"""Threads that go through a compiled kernel together."""

import threading
import time
from typing import Any

import numpy as np
import pytest
from numba import njit

from subgrid.kernels.crew import Crew, begin, meet

THREADS = [1, 2, 3, 5]


@njit(nogil=True)  # type: ignore[untyped-decorator]
def sums(thread: int, threads: int, signals: Any, values: Any, totals: Any) -> None:
    """Each thread writes its share, and after they met adds up what all have written."""
    while begin(thread, signals):
        for i in range(thread, len(values), threads):
            values[i] += i
        meet(thread, threads, signals)
        totals[thread] = values.sum()
        meet(thread, threads, signals)
        if thread == 0:
            return


@pytest.mark.parametrize("threads", THREADS)
def test_each_thread_sees_what_all_wrote_before_they_met(threads: int) -> None:
    values, totals = np.zeros(13), np.zeros(threads)
    crew = Crew(threads, sums, (values, totals))
    for repetition in range(1, 200):
        crew()
        assert (totals == repetition * 78.0).all()


def test_threads_that_went_to_sleep_wake_up() -> None:
    values, totals = np.zeros(13), np.zeros(2)
    crew = Crew(2, sums, (values, totals))
    for repetition in range(1, 5):
        time.sleep(0.02)  # far beyond the patience of the other thread
        crew()
        assert (totals == repetition * 78.0).all()


def test_threads_end_with_their_owner() -> None:
    before = set(threading.enumerate())
    crew = Crew(4, sums, (np.zeros(4), np.zeros(4)))
    crew()
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 3
    del crew
    for helper in helpers:
        helper.join(timeout=5.0)
        assert not helper.is_alive()
