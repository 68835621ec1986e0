"""Threads that share blocks: everything is done once, in step with the caller, and errors come back."""

import threading
import time

import numpy as np
import pytest

from subgrid.kernels.workers import Workers

THREADS = [1, 2, 3, 5]


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_index_is_done_once_by_its_thread(threads: int, count: int) -> None:
    workers = Workers(threads)
    done: dict[int, str] = {}

    def work(index: int) -> None:
        assert index not in done
        done[index] = threading.current_thread().name

    workers.each(work, count)
    assert sorted(done) == list(range(count))
    names = [{done[i] for i in range(t, count, threads)} for t in range(threads)]
    assert all(len(name) <= 1 for name in names)


@pytest.mark.parametrize("threads", THREADS)
def test_one_call_ends_before_the_next_begins(threads: int) -> None:
    workers, values = Workers(threads), np.zeros((200, 8))

    def accumulate(step: int) -> None:
        def work(index: int) -> None:
            values[step, index] = values[step - 1].sum() + 1.0

        workers.each(work, 8)

    for step in range(1, 60):
        accumulate(step)
    expected = np.zeros(60)
    for step in range(1, 60):
        expected[step] = 8 * expected[step - 1] + 1.0
    np.testing.assert_allclose(values[:60, 0], expected, rtol=1e-12)


@pytest.mark.parametrize("threads", THREADS)
def test_a_failure_on_any_thread_reaches_the_caller_and_work_goes_on(threads: int) -> None:
    workers = Workers(threads)

    def fail(index: int) -> None:
        if index == threads - 1:
            raise ArithmeticError(f"no {index}")

    for _ in range(3):
        with pytest.raises(ArithmeticError, match=f"no {threads - 1}"):
            workers.each(fail, threads)
    done: list[int] = []
    workers.each(done.append, 4)
    assert sorted(done) == [0, 1, 2, 3]


def test_threads_that_went_to_sleep_wake_up_and_slow_ones_are_waited_for() -> None:
    workers = Workers(2)
    done: list[int] = []

    def slow(index: int) -> None:
        time.sleep(0.05 * index)
        done.append(index)

    for _ in range(3):
        time.sleep(0.05)  # far beyond the patience of the other thread
        workers.each(slow, 2)
    assert sorted(done) == [0, 0, 0, 1, 1, 1]


def test_threads_end_with_their_owner() -> None:
    before = set(threading.enumerate())
    workers = Workers(4)
    helpers = set(threading.enumerate()) - before
    assert len(helpers) == 3
    workers.each(lambda index: None, 4)
    del workers
    for helper in helpers:
        helper.join(timeout=5.0)
        assert not helper.is_alive()


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 7, 29])
def test_bands_cover_the_rows_once_and_small_counts_are_not_cut(threads: int, count: int) -> None:
    workers = Workers(threads)
    bands: list[tuple[int, int]] = []
    workers.share(count, lambda first, last: bands.append((first, last)), serial=4, start=5)
    assert sorted(row for first, last in bands for row in range(first, last)) == list(range(5, 5 + count))
    assert len(bands) == (threads if count >= 4 * threads else 1)
