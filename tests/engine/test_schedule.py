"""Schedules: when something is due follows from the clock alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from subgrid.schedule import Every, Schedule


def test_steps() -> None:
    schedule = Schedule(every={"steps": 3})
    assert [step for step in range(10) if schedule.due(0.0, 0.1 * step, step)] == [0, 3, 6, 9]
    assert schedule.next_time(0.0, 0.0) == math.inf


def test_times_count_from_the_start_of_the_run() -> None:
    schedule = Schedule(every={"time": 0.5})
    assert schedule.due(0.2, 0.2, 0)
    assert schedule.due(0.2, 1.2, 7)
    assert not schedule.due(0.2, 1.0, 7)
    assert schedule.next_time(0.2, 0.2) == pytest.approx(0.7)
    assert schedule.next_time(0.2, 0.69) == pytest.approx(0.7)
    assert schedule.next_time(0.2, 0.7) == pytest.approx(1.2)


def test_given_times() -> None:
    schedule = Schedule(at=(1.0, 0.25, 3.0))
    assert [time for time in (0.0, 0.25, 0.5, 1.0, 3.0) if schedule.due(0.0, time, 1)] == [0.25, 1.0, 3.0]
    assert schedule.next_time(0.0, 0.0) == 0.25
    assert schedule.next_time(0.0, 0.25) == 1.0
    assert schedule.next_time(0.0, 3.0) == math.inf


def test_both_at_once() -> None:
    schedule = Schedule(every={"time": 1.0}, at=(0.3,))
    assert schedule.next_time(0.0, 0.0) == 0.3
    assert schedule.next_time(0.0, 0.3) == 1.0
    assert schedule.due(0.0, 0.3, 1)
    assert schedule.due(0.0, 2.0, 1)


def test_empty() -> None:
    assert Schedule().empty
    assert not Schedule().due(0.0, 0.0, 0)
    assert not Schedule(at=(0.0,)).empty


@given(
    st.floats(-1e3, 1e3),
    st.floats(1e-3, 1e3),
    st.integers(0, 10_000),
)
def test_every_event_time_is_due_and_followed_by_the_next(start: float, interval: float, count: int) -> None:
    schedule = Schedule(every={"time": interval})
    event = start + count * interval
    assert schedule.due(start, event, 1)
    following = schedule.next_time(start, event)
    assert following == pytest.approx(event + interval, rel=1e-9, abs=1e-9 * interval)
    assert schedule.due(start, following, 1)
    assert schedule.next_time(start, event + 0.5 * interval) == following


@given(st.floats(1e-3, 1e3), st.integers(1, 10_000))
def test_landing_by_addition_is_still_recognised(interval: float, count: int) -> None:
    """Ten thousand additions drift by some roundings, far less than the tolerance."""
    time = math.fsum([interval] * count) * (1.0 + 1e-13)
    assert Schedule(every={"time": interval}).due(0.0, time, count)


@pytest.mark.parametrize(
    "every", [{}, {"steps": 1, "time": 1.0}, {"steps": 0}, {"steps": -1}, {"time": 0.0}, {"time": math.inf}]
)
def test_impossible_intervals_are_refused(every: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Every(**every)
