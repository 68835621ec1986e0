"""The slot table: which closures answer which question, summed with their weights and timed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter

from subgrid.backend import Array
from subgrid.blame import Blame
from subgrid.errors import ScenarioError
from subgrid.protocols import Closure, EvolvingClosure, Slot
from subgrid.state import State


@dataclass(frozen=True)
class Plugged:
    """A closure in its slot."""

    label: str
    slot: str
    closure: Closure
    weight: float = 1.0
    owner: str = ""


class SlotTable:
    """Answers a solver's questions from the closures that the scenario plugged in."""

    def __init__(self, slots: Mapping[str, Slot], plugged: list[Plugged], state: State) -> None:
        self._state = state
        self._by_slot: dict[str, list[Plugged]] = {}
        self.plugged = plugged
        # found once: looking for a method in a protocol costs more than the rest of a small step
        self.evolving = [(entry, entry.closure) for entry in plugged if isinstance(entry.closure, EvolvingClosure)]
        self.seconds = {entry.label: 0.0 for entry in plugged}
        self.calls = {entry.label: 0 for entry in plugged}
        problems = []
        for entry in plugged:
            if entry.slot not in slots:
                offered = ", ".join(sorted(slots)) or "none"
                problems.append(
                    f"closures ({entry.label}): the solver has no slot {entry.slot!r}; it offers: {offered}"
                )
            else:
                problems += missing_inputs(entry, slots[entry.slot])
            self._by_slot.setdefault(entry.slot, []).append(entry)
        for name, slot in slots.items():
            count = len(self._by_slot.get(name, []))
            if slot.required and count == 0:
                problems.append(f"closures: the solver requires an answer to slot {name!r}, and none is given")
            if not slot.additive and count > 1:
                problems.append(f"closures: slot {name!r} takes one closure, {count} are given")
        if problems:
            raise ScenarioError(problems)

    def __contains__(self, slot: object) -> bool:
        return slot in self._by_slot

    def __call__(self, slot: str, inputs: Mapping[str, Array]) -> Array:
        """Weighted sum of the answers; zero for an empty slot."""
        total: Array = None
        for entry in self._by_slot.get(slot, ()):
            start = perf_counter()
            with Blame(entry.owner, self._state):
                answer = entry.closure.evaluate(inputs, self._state.memory.get(entry.label, {}))
            weighted = answer if entry.weight == 1.0 else entry.weight * answer
            total = weighted if total is None else total + weighted
            self.seconds[entry.label] += perf_counter() - start
            self.calls[entry.label] += 1
        return 0.0 if total is None else total


def missing_inputs(entry: Plugged, slot: Slot) -> list[str]:
    """A line when a closure reads what the solver does not offer in this slot."""
    missing = [name for name in entry.closure.inputs if name not in slot.inputs]
    if not missing:
        return []
    offered = ", ".join(slot.inputs)
    return [f"closures ({entry.label}): needs {', '.join(missing)}; the solver's slot {slot.name!r} offers: {offered}"]
