"""Every scenario meets its ``[expect]`` table, and stopping at half and resuming gives the same bits."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import Outcome, resume, run
from subgrid.scenario import Scenario, load

ROOT = Path(__file__).parents[2] / "scenarios"
REDUCED: dict[str, Any] = tomllib.loads((Path(__file__).parent / "reduced.toml").read_text())
"""Overrides that bring a scenario to a size for the suite; those not named run as they are."""

SCENARIOS = sorted(
    str(path.relative_to(ROOT))
    for path in ROOT.glob("**/*.toml")
    if path.parent.name not in ("compare", "reference", "sweeps")
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.load()


def overrides(name: str) -> list[str]:
    reduced = REDUCED.get(name, {})
    return [f"{key}={value!r}" for key, value in reduced.get("set", {}).items()]


def final_state(folder: Path) -> checkpoint.Checkpoint:
    return checkpoint.latest(folder / "checkpoints")[0]


def assert_same_bits(a: Path, b: Path) -> None:
    first, second = final_state(a), final_state(b)
    assert first.clock == second.clock
    assert first.arrays.keys() == second.arrays.keys()
    for path, values in first.arrays.items():
        assert values.tobytes() == second.arrays[path].tobytes(), path
    one, two = RunFolder(a), RunFolder(b)
    assert one.labels() == two.labels()
    for label in one.labels():
        for name, values in one.series(label).items():
            np.testing.assert_array_equal(values, two.series(label)[name], err_msg=f"{label}.{name}", strict=True)
    np.testing.assert_array_equal(one.frame_times(), two.frame_times())
    for quantity in one.quantities():
        np.testing.assert_array_equal(one.frame(quantity, -1), two.frame(quantity, -1))


def reduced(name: str, registry: Registry) -> Scenario:
    """The scenario at its size in the suite, with the expectations that hold at that size."""
    scenario = load(ROOT / name, registry, overrides(name))
    assert scenario.expect, "a scenario states what it expects"
    elsewhere = REDUCED.get(name, {}).get("expect_at_full_size", [])
    return replace(scenario, expect={key: value for key, value in scenario.expect.items() if key not in elsewhere})


def check_expectations(outcome: Outcome) -> None:
    for expectation in outcome.expectations:
        assert expectation.ok, f"{expectation.name}: {expectation.value}, expected {expectation.expected}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario_expectations_and_restart(name: str, tmp_path: Path, registry: Registry) -> None:
    scenario = reduced(name, registry)
    whole = run(scenario, tmp_path / "whole", registry)
    assert whole.status == "finished"
    check_expectations(whole)
    half = run(scenario, tmp_path / "half", registry, stop_after=whole.steps // 2)
    assert half.status == "stopped"
    assert half.steps == whole.steps // 2
    resume(tmp_path / "half", registry)
    assert_same_bits(tmp_path / "whole", tmp_path / "half")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(REDUCED) & set(SCENARIOS)))
def test_reduced_scenarios_meet_their_expectations_at_full_size(name: str, tmp_path: Path, registry: Registry) -> None:
    outcome = run(load(ROOT / name, registry), tmp_path / "run", registry)
    for expectation in outcome.expectations:
        print(f"{name} {expectation.name}: {expectation.value:.9g}, expected {expectation.expected:.9g}")
        assert expectation.ok
