"""The slot table: sums, weights, empty and required slots, and what does not fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from subgrid.backend import Array
from subgrid.closures import Plugged, SlotTable
from subgrid.errors import PluginError, ScenarioError
from subgrid.protocols import LazyFields, Quantity, Setup, Slot
from subgrid.state import Fields, State, StateSpec

FIELD = Quantity(("x",), "1/s")


def slot(name: str = "forcing", **properties: Any) -> Slot:
    return Slot(name, {"vorticity": FIELD}, Quantity(("x",), "1/s2"), **properties)


class Multiple:
    """Answers a multiple of the vorticity."""

    slots = ("forcing", "viscosity")

    def __init__(self, factor: float, inputs: tuple[str, ...] = ("vorticity",)) -> None:
        self.factor = factor
        self.inputs = inputs

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return self.factor * inputs["vorticity"] + memory.get("offset", 0.0)


class Failing(Multiple):
    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        raise ZeroDivisionError("by design")


def table(
    *plugged: Plugged, slots: tuple[Slot, ...] = (slot(), slot("viscosity")), state: State | None = None
) -> SlotTable:
    return SlotTable({entry.name: entry for entry in slots}, list(plugged), state or State())


INPUTS = {"vorticity": np.array([1.0, 2.0])}


def test_answers_are_summed_with_weights() -> None:
    closures = table(Plugged("a", "forcing", Multiple(2.0)), Plugged("b", "forcing", Multiple(10.0), weight=0.5))
    np.testing.assert_array_equal(closures("forcing", INPUTS), [7.0, 14.0])


def test_an_empty_slot_answers_zero() -> None:
    closures = table(Plugged("a", "forcing", Multiple(2.0)))
    assert closures("viscosity", INPUTS) == 0.0
    assert "forcing" in closures
    assert "viscosity" not in closures


def test_each_closure_gets_its_own_memory() -> None:
    state = State(memory={"a": {"offset": np.array([100.0])}})
    closures = table(Plugged("a", "forcing", Multiple(1.0)), Plugged("b", "forcing", Multiple(1.0)), state=state)
    np.testing.assert_array_equal(closures("forcing", INPUTS), [102.0, 104.0])


def test_calls_and_time_are_counted() -> None:
    closures = table(Plugged("a", "forcing", Multiple(2.0)), Plugged("b", "viscosity", Multiple(2.0)))
    for _ in range(3):
        closures("forcing", INPUTS)
    assert closures.calls == {"a": 3, "b": 0}
    assert closures.seconds["a"] > 0.0 == closures.seconds["b"]


def test_inputs_are_derived_only_when_read() -> None:
    derived = []

    def derive(name: str) -> Array:
        derived.append(name)
        return INPUTS["vorticity"]

    closures = table(Plugged("a", "forcing", Multiple(1.0)), Plugged("b", "forcing", Multiple(1.0)))
    closures("forcing", LazyFields(derive, ("vorticity", "strain_rate")))
    assert derived == ["vorticity"]


@pytest.mark.parametrize(
    ("plugged", "slots", "message"),
    [
        (
            [Plugged("a", "nowhere", Multiple(1.0))],
            [slot()],
            "no slot 'nowhere'; it offers: forcing",
        ),
        ([Plugged("a", "forcing", Multiple(1.0, ("psi",)))], [slot()], r"needs psi; .* 'forcing' offers: vorticity"),
        ([], [slot(required=True)], "requires an answer to slot 'forcing'"),
        (
            [Plugged("a", "forcing", Multiple(1.0)), Plugged("b", "forcing", Multiple(1.0))],
            [slot(additive=False)],
            "slot 'forcing' takes one closure, 2 are given",
        ),
    ],
)
def test_what_does_not_fit_is_refused(plugged: list[Plugged], slots: list[Slot], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        table(*plugged, slots=tuple(slots))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ScenarioError) as caught:
        table(Plugged("a", "nowhere", Multiple(1.0)), slots=(slot(required=True),))
    assert len(caught.value.problems) == 2


def test_a_failing_closure_is_blamed() -> None:
    closures = table(Plugged("a", "forcing", Failing(1.0), owner="closure 'a' of plugin 'p'"))
    with pytest.raises(PluginError, match=r"closure 'a' of plugin 'p' failed at step 0: ZeroDivisionError: by design"):
        closures("forcing", INPUTS)
