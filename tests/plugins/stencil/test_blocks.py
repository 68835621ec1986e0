"""Several steps at once: a run gives the same bits whether the loop may ask for them or not, and misses nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import loop
from subgrid.api import API_VERSION, Component, Correction, Fields, Options, Setup, Solver, State, StateSpec, Streams
from subgrid.errors import NonFiniteError
from subgrid.integrators.explicit_rk import Euler
from subgrid.output import RunFolder
from subgrid.registry import Plugin, Registry
from subgrid.run import resume, run
from subgrid.scenario import parse
from subgrid.testing.bits import assert_same_bits
from subgrid.testing.in_run import NoRecorder, stored_bits
from subgrid.workbench import RegistryWorkbench


class Damp:
    """Takes a tenth of the first field away."""

    def __init__(self, options: Options) -> None:
        pass

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        return Correction(fields={"u": 0.9 * state.fields["u"]})


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = Registry.load()
    entry = Component("corrector", "damp", f"{__name__}:Damp", "subgrid.options:Options", "damps")
    registry.add([entry], Plugin("blocks", "subgrid", str(API_VERSION), __name__))
    return registry


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps each block had."""
    sizes: list[int] = []
    steps = Euler.steps

    def counted(self: Euler, rhs: Any, fields: Any, times: Any, *others: Any) -> Any:
        sizes.append(len(times))
        return steps(self, rhs, fields, times, *others)

    monkeypatch.setattr(Euler, "steps", counted)
    return sizes


HELD = {"times": [0.0, 0.004], "values": [0.0, 1.0]}


def data(solver: str = "heat", shape: tuple[int, ...] = (24, 40), **changes: Any) -> dict[str, Any]:
    """Forty steps between walls that warm up. 24 planes are few enough for blocks of three steps only."""
    walls = {"x": {"low": {"type": "dirichlet", "value": HELD}, "high": {"type": "robin", "value": HELD}}}
    scenario: dict[str, Any] = {
        "backend": {"threads": 1},
        "mesh": {
            "type": "grid",
            "shape": list(shape),
            "length": [1.0] * len(shape),
            "offset": "cell",
            "boundaries": {"x": "wall"},
        },
        "initial": {"type": "gaussian", "width": 0.2},
        "solver": {"type": "heat", "boundaries": walls},
        "integrator": {"type": "euler"},
        "time": {"end": 0.004, "dt": 1e-4},
        "observers": [{"type": "domain_mean", "quantities": ["u"], "every": {"steps": 7}}],
        "checkpoint": {"every": {"steps": 10}},
    }
    if solver == "gray_scott":
        scenario["initial"] = {"type": "gray_scott_seed", "cells": 4}
        scenario["solver"] = {"type": "gray_scott", "boundaries": {"u": walls}}
        scenario["observers"] = [{"type": "domain_mean", "quantities": ["v"], "every": {"steps": 7}}]
    return {**scenario, **changes}


def everything(folder: Path) -> dict[str, Any]:
    """Checkpoint, series, frames and their times."""
    stored = RunFolder(folder)
    frames = {f"frame/{n}": stored.frame("u", n) for n in range(len(stored.frame_times()))}
    return {**stored_bits(folder), **frames}


CASES: Mapping[str, dict[str, Any]] = {
    "steps": {"output": {"every": {"steps": 9}, "quantities": ["u"]}},
    "times": {"output": {"every": {"time": 0.00065}, "quantities": ["u"]}},
    "given times": {"output": {"at": [0.00012, 0.0031], "quantities": ["u"]}},
    "corrector by steps": {"correctors": [{"type": "damp", "every": {"steps": 6}}]},
    "corrector by time": {"correctors": [{"type": "damp", "every": {"time": 0.00055}}]},
    "corrector always": {"correctors": [{"type": "damp"}]},
    "observer always": {"observers": [{"type": "domain_mean", "quantities": ["u"], "every": {"steps": 1}}]},
    "last step is short": {"time": {"end": 0.00333, "dt": 1e-4}},
}


@pytest.mark.parametrize("name", list(CASES))
def test_the_same_bits_with_and_without(
    name: str, registry: Registry, tmp_path: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = parse(
        data(**{"output": {"every": {"steps": 8}, "quantities": ["u"]}, **CASES[name]}), registry, tmp_path
    )
    first = run(scenario, tmp_path / "blocks", registry)
    assert bool(taken) == (name not in ("corrector always", "observer always"))
    assert all(2 <= size <= 3 for size in taken)
    monkeypatch.setattr(Euler, "at_once", lambda self, rhs: 1)
    second = run(scenario, tmp_path / "singly", registry)
    assert (first.steps, first.time) == (second.steps, second.time)
    assert_same_bits(everything(tmp_path / "singly"), everything(tmp_path / "blocks"), "blocks change the run")
    costs = [RunFolder(tmp_path / folder).costs() for folder in ("blocks", "singly")]
    assert costs[0]["steps"] == costs[1]["steps"] == costs[0]["evaluations"]


@pytest.mark.parametrize("solver", ["heat", "gray_scott"])
@pytest.mark.parametrize("shape", [(70, 66), (70, 12, 10)])
def test_both_solvers_in_two_and_three_dimensions(
    solver: str, shape: tuple[int, ...], registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = {"end": 0.0004, "dt": 2e-5}
    scenario = parse(data(solver, shape, time=time, output={"at": [0.0004], "quantities": ["u"]}), registry, tmp_path)
    run(scenario, tmp_path / "blocks", registry)
    monkeypatch.setattr(Euler, "at_once", lambda self, rhs: 1)
    run(scenario, tmp_path / "singly", registry)
    assert_same_bits(everything(tmp_path / "singly"), everything(tmp_path / "blocks"), "blocks change the run")


@pytest.mark.parametrize("stop", [2, 11, 25])
def test_a_run_stops_after_the_step_that_was_asked_for(
    stop: int, registry: Registry, tmp_path: Path, taken: list[int]
) -> None:
    scenario = parse(data(output={"every": {"steps": 8}, "quantities": ["u"]}), registry, tmp_path)
    run(scenario, tmp_path / "whole", registry)
    outcome = run(scenario, tmp_path / "parts", registry, stop_after=stop)
    assert (outcome.status, outcome.steps) == ("stopped", stop)
    resume(tmp_path / "parts", registry)
    assert taken
    assert_same_bits(everything(tmp_path / "whole"), everything(tmp_path / "parts"), "a resumed run differs")


def test_the_wall_time_limit_is_looked_at_between_blocks(registry: Registry, tmp_path: Path, taken: list[int]) -> None:
    scenario = parse(data(), registry, tmp_path)
    outcome = run(scenario, tmp_path / "run", registry, wall_time=0.0)
    assert (outcome.status, outcome.steps, taken) == ("stopped", 0, [])


def test_steps_that_the_state_decides_are_taken_singly(registry: Registry) -> None:
    bench = RegistryWorkbench(registry)
    assert bench.simulation(data()).most_steps == 3
    assert bench.simulation(data(time={"end": 0.004, "cfl": 0.5})).most_steps == 1
    assert bench.simulation(data(integrator={"type": "rk4"})).most_steps == 1


def test_a_breakdown_within_a_block_is_named_by_its_step(registry: Registry) -> None:
    """A step far above the limit multiplies rough fields by about 1e20 each time."""
    messages = []
    for most in (3, 1):
        simulation = RegistryWorkbench(registry).simulation(data(time={"end": 4e18, "dt": 1e17}))
        assert simulation.most_steps == 3
        simulation.most_steps = most
        simulation.state.fields["u"] = np.random.default_rng(1).normal(size=(24, 40))
        with np.errstate(all="ignore"), pytest.raises(NonFiniteError) as caught:
            loop.advance(simulation, NoRecorder(), loop.Ledger())
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    assert int(messages[0].split()[1].rstrip(",")) > 4


def test_a_three_dimensional_run_holds_state_scratch_and_frame(registry: Registry) -> None:
    """Peak growth of a process by a run, in units of what it must hold: the state, one more, and a frame."""

    def scenario(n: int) -> dict[str, Any]:
        dt = 0.1 / (6 * n * n)
        output = {"every": {"steps": 10}, "quantities": ["u"]}
        return {
            **data(shape=(n, n, n), time={"end": 20 * dt, "dt": dt}, output=output),
            "checkpoint": {"every": {"steps": 10}},
        }

    # large enough for some ten megabytes that any run takes, whatever its size
    ratio = RegistryWorkbench(registry).memory_ratio(scenario(160), scenario(12))
    # the bench counts a slope besides, which steps in one sweep do without
    assert ratio * 4.0 / 3.0 < 1.05
