"""The benchmark runner: figures, goals and the table, with a clock that only moves when the work says so."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import pytest

from subgrid import bench
from subgrid.bench import Case, Line, Reading, Rival, Work
from subgrid.errors import ScenarioError
from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench


class FakeClock:
    """Time that passes only through work."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> Callable[[], Work]:
        def call() -> None:
            self.now += seconds

        return lambda: call


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def lines(case: Case | Reading, clock: FakeClock, rounds: int = 5) -> list[Line]:
    return list(bench.run_case(case, rounds, seconds=1.0, clock=clock))


def test_speedup_counts_units_of_work(clock: FakeClock) -> None:
    rival = Rival("scan of ten steps", clock.work(60.0), work=10, goal=2.5)
    (line,) = lines(Case("steps", clock.work(4.0), [rival], work=2), clock)
    assert (line.ours, line.theirs) == (2.0, 6.0)
    assert line.values == (3.0,) * 5
    assert line.met


@pytest.mark.parametrize(
    ("figure", "goal", "expected", "met"),
    [
        ("speedup", 1.5, 1.5, True),
        ("speedup", 1.6, 1.5, False),
        ("cost", 0.7, 2.0 / 3.0, True),
        ("cost", 0.6, 2.0 / 3.0, False),
        ("excess", -1.0, -1.0, True),
        ("excess", -2.0, -1.0, False),
    ],
)
def test_goals(clock: FakeClock, figure: bench.Figure, goal: float, expected: float, met: bool) -> None:
    (line,) = lines(Case("work", clock.work(2.0), [Rival("rival", clock.work(3.0), 1, figure, goal)]), clock)
    assert line.value == pytest.approx(expected)
    assert line.met is met
    assert bench.row(line).endswith("met" if met else "MISSED")


def test_rounds_alternate_between_contenders() -> None:
    order: list[str] = []
    ticks = iter(range(10**6))

    def contender(name: str) -> tuple[Work, int]:
        return lambda: order.append(name), 1

    bench.interleave([contender("a"), contender("b")], rounds=3, seconds=0.0, clock=lambda: next(ticks))
    timed = order[4:]  # after the calls that find out how many to make
    assert timed == ["a", "a", "b", "b"] * 3  # each sample begins with a call that is not timed


def test_median_ignores_a_disturbed_round_and_fastest_is_of_the_best() -> None:
    samples = {"ours": (1.0, 1.0, 9.0, 1.0, 0.5), "theirs": (2.0, 2.0, 2.0, 2.0, 1.5)}
    figures = [bench._figure("speedup", a, b) for a, b in zip(samples["ours"], samples["theirs"], strict=True)]
    assert Line("work", "speedup", tuple(figures)).value == 2.0
    clock = FakeClock()
    durations = cycle([1.0, 4.0, 2.0])

    def work() -> None:
        clock.now += next(durations)

    (line,) = lines(Case("work", lambda: work, [Rival("rival", clock.work(8.0))]), clock, rounds=6)
    assert line.fastest == 8.0


def test_a_sample_that_waited_for_a_core_is_taken_again(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    waited = iter([0.0, 0.5, 0.5, 0.9, 0.9, 0.9])  # readings before and after three tries
    monkeypatch.setattr(bench, "seconds_waited", lambda: next(waited))
    durations = iter([0.1, 7.0, 0.1, 5.0, 0.1, 3.0])  # each try begins with a call that is not timed

    def work() -> None:
        clock.now += next(durations)

    assert bench.time_undisturbed(work, 1, clock) == pytest.approx(3.0)


def test_the_least_disturbed_sample_counts_where_all_are(monkeypatch: pytest.MonkeyPatch, clock: FakeClock) -> None:
    waited = iter([0.0, 3.0, 3.0, 4.0] + [value for k in range(bench.TRIES) for value in (10.0 * k, 10.0 * k + 5.0)])
    monkeypatch.setattr(bench, "seconds_waited", lambda: next(waited))
    durations = iter([0.1, 7.0, 0.1, 5.0] + [0.1, 9.0] * bench.TRIES)

    def work() -> None:
        clock.now += next(durations)

    assert bench.time_undisturbed(work, 1, clock) == pytest.approx(5.0)


def test_missing_and_broken_peers_cost_only_their_line(clock: FakeClock) -> None:
    def missing() -> Work:
        raise ImportError("No module named 'peer'")

    def broken() -> Work:
        raise RuntimeError("wrong\nversion")

    rivals = [Rival("missing", missing, goal=2.0), Rival("broken", broken), Rival("present", clock.work(2.0))]
    first, second, third = lines(Case("work", clock.work(1.0), rivals), clock)
    assert "not installed (No module named 'peer')" in bench.row(first)
    assert first.met is None
    assert "RuntimeError: wrong version" in bench.row(second)
    assert third.value == 2.0


def test_a_case_without_rivals_reports_its_time(clock: FakeClock) -> None:
    (line,) = lines(Case("checkpoint", clock.work(0.04), goal=0.05), clock)
    assert line.value == pytest.approx(0.04)
    assert "40 ms" in bench.row(line)
    assert line.met


def test_readings_are_taken_warm(clock: FakeClock) -> None:
    values = iter([9.0, 1.2, 1.4, 1.3])
    (line,) = lines(Reading("memory", lambda: next(values), goal=1.5, rounds=3), clock)
    assert line.values == (1.2, 1.4, 1.3)
    assert (line.value, line.fastest, line.met) == (1.3, 1.2, True)


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (7e-6, "7 us"), (2e-8, "20 ns"), (-3e-5, "-30 us")]
)
def test_times_are_told_in_the_unit_that_suits(seconds: float, text: str) -> None:
    assert bench.seconds_text(seconds) == text


def test_results_of_every_round_are_stored(tmp_path: Path, clock: FakeClock) -> None:
    found = lines(Case("work", clock.work(1.0), [Rival("rival", clock.work(3.0), goal=2.0)]), clock)
    bench.write_lines(tmp_path / "bench.json", found, {"cores": 2})
    stored = json.loads((tmp_path / "bench.json").read_text())
    assert stored["cores"] == 2
    assert stored["lines"][0]["values"] == [3.0] * 5
    assert stored["lines"][0]["met"] is True
    with pytest.raises(ScenarioError, match="--json"):
        bench.write_lines(tmp_path / "absent" / "bench.json", found, {})


def test_threads_are_limited_by_affinity() -> None:
    code = "import os; from subgrid.bench import limit_threads; limit_threads(1); print(len(os.sched_getaffinity(0)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    with pytest.raises(ScenarioError, match="--threads"):
        bench.limit_threads(len(os.sched_getaffinity(0)) + 1)


def test_the_engine_adds_a_bounded_time_to_a_step() -> None:
    from subgrid import benchmarks

    loop, by_hand = benchmarks.loop_of_steps(), benchmarks.steps_by_hand()
    ours, theirs = bench.interleave([(loop, benchmarks.STEPS), (by_hand, benchmarks.STEPS)], rounds=3, seconds=0.002)
    # the goal is 20 us on a quiet machine; ten times that is a fault, not noise
    assert min(ours) - min(theirs) < 200e-6


def test_loop_and_hand_take_the_same_steps() -> None:
    from subgrid import benchmarks

    simulation = benchmarks.trivial_simulation()
    benchmarks.loop.advance(simulation, benchmarks.Discard(), benchmarks.loop.Ledger())
    end = simulation.scenario.time.end
    assert simulation.state.clock.step == benchmarks.STEPS
    # RK4 of y' = -y with a step of 1/1024: error of order dt^4 / 120
    assert simulation.state.fields["y"] == pytest.approx(math.exp(-end), rel=1e-13)


def test_cases_are_chosen_by_name_and_options_checked() -> None:
    workbench = RegistryWorkbench(Registry.load())
    names = [case.name for case in workbench.cases(["checkpoint"], ["engine.checkpoint_size=64"])]
    assert names == ["checkpoint 64^2 with AB3 memory, run stands still"]
    with pytest.raises(ScenarioError, match="no case is called 'nothing'"):
        workbench.cases(["nothing"])
    with pytest.raises(ScenarioError, match="did you mean 'engine'"):
        workbench.cases([], ["engin.checkpoint_size=64"])
    with pytest.raises(ScenarioError, match=r"engine\.checkpoint_size"):
        workbench.cases([], ["engine.checkpoint_size=-1"])


def test_registry_takes_components_without_a_distribution() -> None:
    from subgrid import benchmarks
    from subgrid.errors import PluginError
    from subgrid.registry import Plugin

    registry, plugin = Registry(), Plugin("notebook", "here", "0", "__main__")
    registry.add(benchmarks.TRIVIAL, plugin)
    assert registry.find("solver", "bench_decay").summary
    with pytest.raises(PluginError, match="already offers"):
        registry.add(benchmarks.TRIVIAL, plugin)
    assert not registry.problems


def test_command_prints_a_table(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "subgrid", "bench", "checkpoint", "--set", "engine.checkpoint_size=32"]
    done = subprocess.run([*command, "--json", str(tmp_path / "b.json")], capture_output=True, text=True, check=True)
    assert "checkpoint 32^2" in done.stdout
    assert json.loads((tmp_path / "b.json").read_text())["lines"][0]["met"] is not None
