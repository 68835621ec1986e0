"""The conformance suites fail on components that break their promises, and say which."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import (
    Array,
    ArraySpec,
    Clock,
    Component,
    Correction,
    Fields,
    Options,
    Quantity,
    Setup,
    Slot,
    Solver,
    State,
    StateSpec,
    Streams,
)
from subgrid.registry import Plugin, Registry
from subgrid.testing import ClosureConformance, CorrectorConformance, InitialConformance, ObserverConformance
from subgrid.testing.in_run import RunConformance

HERE = f"{__name__}:"
OWNER = Plugin("faults", "faults", "1.0", "faults")


class FaultConfig(Options):
    fault: str = "none"


class FaultyClosure:
    slots = ("subgrid_forcing",)
    inputs = ("vorticity",)
    calls = 0

    def __init__(self, config: FaultConfig) -> None:
        self.fault = config.fault

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.scratch = setup.backend.zeros(setup.mesh.shape)
        return StateSpec(memory={"noise": ArraySpec(setup.mesh.shape)})

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        w = inputs["vorticity"]
        if self.fault == "writes inputs":
            w *= 0.5
        if self.fault == "counts calls":
            self.calls += 1
        if self.fault == "scratch escapes":
            np.multiply(-1.0, w, out=self.scratch)
            return self.scratch
        if self.fault == "wrong shape":
            return -w.T
        if self.fault == "wrong precision":
            return -w.astype(np.float32)
        if self.fault == "divides by zero":
            with np.errstate(invalid="ignore"):
                return -w / abs(w).max()
        return -(1.0 + self.calls) * w + memory["noise"]

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        shape = memory["noise"].shape
        if self.fault == "global random numbers":
            return {"noise": np.random.standard_normal(shape)}  # noqa: NPY002
        noise = rng.generator("noise").standard_normal(shape)
        if self.fault == "writes memory":
            memory["noise"][...] = noise
        return {"undeclared": noise} if self.fault == "undeclared memory" else {"noise": noise}


class FaultyCorrector:
    def __init__(self, config: FaultConfig) -> None:
        self.fault = config.fault

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        if self.fault == "writes fields":
            state.fields["vorticity"] *= 0.5
        return Correction({"vorticity": state.fields["vorticity"].real})


class FaultyObserver:
    needs = ("vorticity",)

    def __init__(self, config: FaultConfig) -> None:
        self.fault = config.fault

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        return {"largest": Quantity(("y",))}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        if self.fault == "writes the view":
            view["vorticity"][0] = 0.0
        return {"largest": view["vorticity"].max(axis=0)}


class FaultyInitial:
    def __init__(self, config: FaultConfig) -> None:
        self.fault = config.fault

    def fill(self, setup: Setup) -> Fields:
        return {"vorticity": np.random.standard_normal(setup.mesh.shape)}  # noqa: NPY002


def suite(base: type[RunConformance], fault: str) -> RunConformance:
    attributes = {"name": "faulty", "options": {"fault": fault}}
    made: RunConformance = type("Suite", (base,), attributes)()
    return made


@pytest.fixture
def registry() -> Registry:
    registry = Registry.load()
    targets = {
        "closure": "FaultyClosure",
        "corrector": "FaultyCorrector",
        "observer": "FaultyObserver",
        "initial": "FaultyInitial",
    }
    config = f"{HERE}FaultConfig"
    registry.add(
        [Component(kind, "faulty", HERE + name, config, "breaks its promises") for kind, name in targets.items()], OWNER
    )
    return registry


@pytest.mark.parametrize(
    ("base", "fault", "test", "message"),
    [
        (ClosureConformance, "writes inputs", "test_evaluate_changes_nothing", "changed its inputs: vorticity"),
        (ClosureConformance, "wrong shape", "test_answer_is_finite_and_fits_the_slot", "asks for"),
        (ClosureConformance, "wrong precision", "test_answer_is_finite_and_fits_the_slot", "float32"),
        (ClosureConformance, "divides by zero", "test_answer_at_rest_is_finite", "at rest"),
        (ClosureConformance, "scratch escapes", "test_answers_are_not_overwritten_by_the_next", "overwrote"),
        (CorrectorConformance, "writes fields", "test_correct_changes_nothing_itself", "leave the state alone"),
        (CorrectorConformance, "wrong type", "test_correction_fits_the_state", "is float64"),
        (ObserverConformance, "writes the view", "test_observing_changes_nothing", "changed what it looked at"),
        (ObserverConformance, "wrong dims", "test_returns_what_it_declares", "largest has 12 entries along y"),
    ],
)
def test_faults_of_one_call(
    registry: Registry, tmp_path: Path, base: type[RunConformance], fault: str, test: str, message: str
) -> None:
    checked = suite(base, fault)
    with pytest.raises((AssertionError, ValueError), match=message):
        getattr(checked, test)(checked.simulate(registry, tmp_path))


@pytest.mark.parametrize(
    ("fault", "test", "message"),
    [
        ("counts calls", "test_answer_depends_on_inputs_and_memory_only", "left traces"),
        ("writes memory", "test_memory_advances_by_return_value_only", "in place"),
        ("undeclared memory", "test_memory_advances_by_return_value_only", "undeclared"),
        ("global random numbers", "test_memory_advances_by_return_value_only", "second time"),
    ],
)
def test_hidden_state_of_closures(registry: Registry, tmp_path: Path, fault: str, test: str, message: str) -> None:
    checked = suite(ClosureConformance, fault)
    with pytest.raises(AssertionError, match=message):
        getattr(checked, test)(checked.simulate(registry, tmp_path), checked.simulate(registry, tmp_path))


@pytest.mark.parametrize("fault", ["counts calls", "global random numbers"])
def test_runs_that_do_not_resume_to_the_same_bits(registry: Registry, tmp_path: Path, fault: str) -> None:
    with pytest.raises(AssertionError, match="gives other numbers"):
        suite(ClosureConformance, fault).test_runs_repeat_and_resume_to_the_same_bits(registry, tmp_path)


def test_global_random_numbers_are_noticed(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="draw from the streams"):
        suite(ClosureConformance, "global random numbers").test_global_random_numbers_stay_untouched(registry, tmp_path)


def test_random_initial_states_without_a_stream_are_noticed(registry: Registry, tmp_path: Path) -> None:
    checked = suite(InitialConformance, "none")
    assert isinstance(checked, InitialConformance)
    with pytest.raises(AssertionError, match="another state"):
        checked.test_same_streams_give_the_same_bits(checked.simulate(registry, tmp_path), registry)


def test_default_repr_is_noticed(registry: Registry) -> None:
    component = registry.find("closure", "faulty")
    with pytest.raises(AssertionError):
        suite(ClosureConformance, "none").test_repr_names_the_class_and_no_address(registry, component, FaultConfig)


def test_the_faultless_closure_passes(registry: Registry, tmp_path: Path) -> None:
    suite(ClosureConformance, "none").test_runs_repeat_and_resume_to_the_same_bits(registry, tmp_path)
