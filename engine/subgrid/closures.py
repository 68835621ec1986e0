"""The slot table: which closures answer which question, summed with their weights and timed.

A closure may have a fall-back, another closure that answers in its place: when its answer is not finite, when the slot
does not admit it, or when the closure itself says that the inputs lie outside its range. What happened is counted here,
and by the run in its ledger, its provenance and its log.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from inspect import getdoc
from time import perf_counter
from typing import Any

import array_api_compat
import numpy as np

from subgrid.backend import Array
from subgrid.blame import Blame
from subgrid.errors import InadmissibleError, PluginError, ScenarioError
from subgrid.guard import Untouched, are_moderate, is_finite, misfit
from subgrid.protocols import (
    Closure,
    CompiledClosure,
    EnergyClosure,
    EvolvingClosure,
    InPlaceClosure,
    RangedClosure,
    Slot,
    Spread,
    StiffClosure,
)
from subgrid.rng import Streams
from subgrid.state import Fields, State


@dataclass(frozen=True)
class Plugged:
    """A closure in its slot, and the one that stands in for it.

    ``columns`` names its memory for each particle of the slot's set.
    """

    label: str
    slot: str
    closure: Closure
    weight: float = 1.0
    owner: str = ""
    columns: tuple[str, ...] = ()
    fallback: Plugged | None = None

    def chain(self) -> Iterator[Plugged]:
        """The closure, its fall-back, and so on."""
        yield self
        if self.fallback is not None:
            yield from self.fallback.chain()

    def column(self, name: str) -> str:
        """Name that a column of its memory has in the particle set."""
        return f"{self.label}.{name}"


@dataclass
class TakenOver:
    """How often the fall-back of a closure answered, and why it did so first."""

    answered_by: str
    first_step: int
    first_time: float
    reason: str
    count: int = 0


class SlotTable:
    """Answers a solver's questions from the closures that the scenario plugged in."""

    def __init__(self, slots: Mapping[str, Slot], plugged: list[Plugged], state: State) -> None:
        self._state = state
        self._slots = slots
        self._by_slot: dict[str, list[Plugged]] = {}
        self.plugged = plugged
        everyone = list(self.everyone())
        # found once: looking for a method in a protocol costs more than the rest of a small step
        self.evolving = [
            (entry, entry.closure)
            for entry in everyone
            if isinstance(entry.closure, EvolvingClosure) and entry.slot in slots and not slots[entry.slot].particles
        ]
        self._ranged = {entry.label for entry in everyone if isinstance(entry.closure, RangedClosure)}
        self.seconds = {entry.label: 0.0 for entry in everyone}
        self.calls = {entry.label: 0 for entry in everyone}
        self._likeness: dict[str, tuple[Any, Any]] = {}
        self.fallbacks: dict[str, TakenOver] = {}
        self.warnings: dict[str, str] = {}
        self._told: list[str] = []
        self._tell: Callable[[str], None] = self._told.append
        problems = []
        for entry in plugged:
            if entry.slot not in slots:
                offered = ", ".join(sorted(slots)) or "none"
                problems.append(
                    f"closures ({entry.label}): the solver has no slot {entry.slot!r}; it offers: {offered}"
                )
            else:
                problems += [line for one in entry.chain() for line in missing_inputs(one, slots[one.slot])]
            self._by_slot.setdefault(entry.slot, []).append(entry)
        for name, slot in slots.items():
            count = len(self._by_slot.get(name, []))
            if slot.required and count == 0:
                problems.append(f"closures: the solver requires an answer to slot {name!r}, and none is given")
            if (slot.particles or not slot.additive) and count > 1:
                problems.append(f"closures: slot {name!r} takes one closure, {count} are given")
        if problems:
            raise ScenarioError(problems)

    def __contains__(self, slot: object) -> bool:
        return slot in self._by_slot

    def reads(self, slot: str) -> set[str]:
        """Inputs that the closures of a slot read."""
        return {name for first in self._by_slot.get(slot, ()) for one in first.chain() for name in one.closure.inputs}

    def spent(self) -> float:
        """Wall time [s] of all closures so far."""
        return sum(self.seconds.values())

    def everyone(self) -> Iterator[Plugged]:
        """All closures, each followed by those that stand in for it."""
        for entry in self.plugged:
            yield from entry.chain()

    def listen(self, tell: Callable[[str], None]) -> None:
        """Hand every line about a first fall-back or a warning to ``tell``, also those from before."""
        for line in self._told:
            tell(line)
        self._told.clear()
        self._tell = tell

    def memory(self, entry: Plugged) -> Fields:
        """What a closure remembers: its own arrays, and its columns of the particle set."""
        memory = self._state.memory.get(entry.label, {})
        if not entry.columns:
            return memory
        particles = self._state.particles[self._slots[entry.slot].particles]
        return {**memory, **{name: particles[entry.column(name)] for name in entry.columns}}

    def update(
        self, slot: str, inputs: Mapping[str, Array], t: float, dt: float, rng: Streams, out: Array, spread: Spread
    ) -> None:
        """Advance what the closure of a slot over particles remembers, and write its answer into ``out``."""
        for entry in self._by_slot.get(slot, ()):
            self._update(entry, inputs, t, dt, rng, out, spread)

    def _update(
        self, entry: Plugged, inputs: Mapping[str, Array], t: float, dt: float, rng: Streams, out: Array, spread: Spread
    ) -> None:
        closure, memory, start = entry.closure, self.memory(entry), perf_counter()
        problem = self._outside(entry, inputs, memory)
        # what an update has written stays only if its answer does
        changeable = {**{name: inputs[name] for name in self._slots[entry.slot].returns}, **memory}
        before = {name: values.copy() for name, values in changeable.items()} if entry.fallback is not None else {}
        if not problem:
            with self._handed_out(entry, inputs), Blame(entry.owner, self._state):
                if isinstance(closure, InPlaceClosure) and entry.weight == 1.0:
                    spread(partial(_update_rows, closure, inputs, memory, dt, out))
                else:
                    if isinstance(closure, EvolvingClosure):
                        changed = closure.advance(inputs, memory, t, dt, Streams(rng.seed, entry.label, rng.step))
                        self._take_over(entry, memory, inputs, changed)
                    out[...] = entry.weight * closure.evaluate(inputs, memory)
            problem = self._violation(entry, inputs, out)
        self.seconds[entry.label] += perf_counter() - start
        self.calls[entry.label] += 1
        if problem:
            for name, values in before.items():
                changeable[name][...] = values
            self._update(self._stand_in(entry, problem), inputs, t, dt, rng, out, spread)

    def compiled(self, slot: str, inputs: Mapping[str, Array], out: Array) -> tuple[int, Array] | None:
        """Address and arguments of the compiled update of a slot's closure, ``None`` where it has none."""
        entries = self._by_slot.get(slot, ())
        if len(entries) != 1 or entries[0].weight != 1.0 or entries[0].fallback is not None:
            return None
        entry = entries[0]
        closure = entry.closure
        if not isinstance(closure, CompiledClosure):
            return None
        with Blame(entry.owner, self._state):
            return closure.compiled(inputs, self.memory(entry), out)

    def charge(self, slot: str, seconds: float) -> None:
        """Count a compiled update of a slot's closure, with the time that it took."""
        for entry in self._by_slot.get(slot, ()):
            self.seconds[entry.label] += seconds
            self.calls[entry.label] += 1

    def _handed_out(self, entry: Plugged, inputs: Mapping[str, Array]) -> AbstractContextManager[None]:
        """Watch over what a closure over particles may not write into, at its first call."""
        if self.calls[entry.label]:
            return nullcontext()
        returns = self._slots[entry.slot].returns
        given = {name: inputs[name] for name in entry.closure.inputs if name not in returns}
        return Untouched(entry.owner, "its input", given, self._state)

    def energy(self, slot: str, inputs: Mapping[str, Array]) -> Array:
        """Energy that the closures of a slot store at these inputs, zero where they store none."""
        total: Array = 0.0
        for entry in self._by_slot.get(slot, ()):
            if isinstance(entry.closure, EnergyClosure):
                with Blame(entry.owner, self._state):
                    total = total + entry.weight * entry.closure.energy(inputs, self.memory(entry))
        return total

    def stable_rate(self, inputs: Callable[[str], Mapping[str, Array]]) -> float:
        """Largest 1/dt that a closure asks for; ``inputs`` gives what the solver offers in a slot."""
        rate = 0.0
        for entry in self.everyone():
            if isinstance(entry.closure, StiffClosure):
                with Blame(entry.owner, self._state):
                    rate = max(rate, 1.0 / entry.closure.stable_dt(inputs(entry.slot), self.memory(entry)))
        return rate

    def _take_over(self, entry: Plugged, memory: Fields, inputs: Mapping[str, Array], changed: Fields) -> None:
        known = {**{name: inputs[name] for name in self._slots[entry.slot].returns}, **memory}
        for name, values in changed.items():
            shape = tuple(getattr(values, "shape", ()))
            if name not in known:
                raise PluginError(f"{entry.owner}: returns {name!r}; it may return {', '.join(known) or 'nothing'}")
            if shape != known[name].shape:
                raise PluginError(f"{entry.owner}: returns {name!r} with shape {shape}, it has {known[name].shape}")
            known[name][...] = values

    def __call__(self, slot: str, inputs: Mapping[str, Array]) -> Array:
        """Weighted sum of the answers; zero for an empty slot."""
        total: Array = None
        for entry in self._by_slot.get(slot, ()):
            answer = self._answer(entry, inputs)
            weighted = answer if entry.weight == 1.0 else entry.weight * answer
            total = weighted if total is None else total + weighted
        return 0.0 if total is None else total

    def _answer(self, entry: Plugged, inputs: Mapping[str, Array]) -> Array:
        """Answer of a closure, or of its fall-back."""
        start, memory = perf_counter(), self.memory(entry)
        answer, problem = None, self._outside(entry, inputs, memory)
        if not problem:
            answer = self._asked(entry, inputs, memory)
            problem = self._violation(entry, inputs, answer)
        self.seconds[entry.label] += perf_counter() - start
        self.calls[entry.label] += 1
        return self._answer(self._stand_in(entry, problem), inputs) if problem else answer

    def _asked(self, entry: Plugged, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """What a closure answers; a wrong type or shape, or numbers that are none, are its fault and named."""
        likeness = self._likeness.get(entry.label)
        if likeness is None:
            answer = self._first_answer(entry, inputs, memory)
        else:
            with Blame(entry.owner, self._state):
                answer = entry.closure.evaluate(inputs, memory)
            if likeness != _likeness(answer):
                self._check_fit(entry, inputs, answer)
        # on an accelerator looking at the numbers would wait for them at every call
        unguarded = entry.fallback is None and self._slots[entry.slot].admissible is None
        if unguarded and isinstance(answer, np.ndarray) and not is_finite(answer):
            self._check_moderate(entry, inputs)
        return answer

    def _first_answer(self, entry: Plugged, inputs: Mapping[str, Array], memory: Fields) -> Array:
        given = {name: inputs[name] for name in entry.closure.inputs}
        with (
            Untouched(entry.owner, "its input", given, self._state),
            Untouched(entry.owner, "its memory", memory, self._state),
            Blame(entry.owner, self._state),
        ):
            answer = entry.closure.evaluate(inputs, memory)
        self._check_fit(entry, inputs, answer)
        return answer

    def _check_fit(self, entry: Plugged, inputs: Mapping[str, Array], answer: Array) -> None:
        slot = self._slots[entry.slot]
        problem = misfit(answer, slot.output, slot.inputs, {name: inputs[name] for name in entry.closure.inputs})
        if problem:
            raise PluginError(
                f"{entry.owner} answers slot {entry.slot!r} at step {self._state.clock.step} with {problem}"
            )
        self._likeness[entry.label] = _likeness(answer)

    def _check_moderate(self, entry: Plugged, inputs: Mapping[str, Array]) -> None:
        """Blame a closure for what is not finite, unless the solution it saw was on its way to infinity already."""
        if are_moderate(inputs[name] for name in entry.closure.inputs):
            raise PluginError(
                f"{entry.owner} answers slot {entry.slot!r} at step {self._state.clock.step} with numbers that are not "
                "finite, though its inputs are"
            )

    def _outside(self, entry: Plugged, inputs: Mapping[str, Array], memory: Fields) -> str:
        """Why a closure with a fall-back should not be asked; where nobody stands in, a warning is enough."""
        if entry.label not in self._ranged or entry.label in self.warnings:
            return ""
        assert isinstance(entry.closure, RangedClosure)
        with Blame(entry.owner, self._state):
            reason = entry.closure.outside(inputs, memory)
        if reason and entry.fallback is None:
            self.warnings[entry.label] = reason
            self._tell(f"warning: {self._when()}: {entry.owner or entry.label} is used outside its range: {reason}")
            return ""
        return reason

    def _violation(self, entry: Plugged, inputs: Mapping[str, Array], answer: Array) -> str:
        """What is wrong with an answer, or an empty text. Nothing is looked at where nobody asked for it."""
        slot = self._slots[entry.slot]
        if entry.fallback is None and slot.admissible is None:
            return ""
        given = answer.detach() if hasattr(answer, "detach") else answer
        # a sum that is finite says the same of every entry, and costs much less than looking at each
        total = abs(given.sum() if hasattr(given, "sum") else given)
        if not math.isfinite(total) and (where := _first_failure(_finite(given))) is not None:
            return f"its answer to {slot.name!r} is not finite{where}"
        if slot.admissible is None or (where := _first_failure(slot.admissible(inputs, given))) is None:
            return ""
        condition = (getdoc(slot.admissible) or "").partition("\n")[0].rstrip(".")
        return f"its answer to {slot.name!r} is not admissible{f' ({condition})' if condition else ''}{where}"

    def _stand_in(self, entry: Plugged, problem: str) -> Plugged:
        """The fall-back of a closure that cannot answer. Raises InadmissibleError when it has none."""
        clock, fallback = self._state.clock, entry.fallback
        if fallback is None:
            raise InadmissibleError(
                f"{self._when()}: {entry.owner or entry.label}: {problem}; it has no fallback = {{type = ...}}"
            )
        if entry.label not in self.fallbacks:
            self.fallbacks[entry.label] = TakenOver(fallback.label, clock.step, clock.time, problem)
            self._tell(
                f"{self._when()}: {entry.owner or entry.label}: {problem}; {fallback.label!r} answers in its place "
                "(told once, counted in costs.json)"
            )
        self.fallbacks[entry.label].count += 1
        return fallback

    def _when(self) -> str:
        clock = self._state.clock
        return f"step {clock.step}, t = {clock.time:.9g}"


def _likeness(answer: Array) -> tuple[Any, Any]:
    return getattr(answer, "dtype", None), getattr(answer, "shape", None)


def _finite(values: Any) -> Any:
    if not hasattr(values, "dtype"):
        return np.isfinite(values)
    return array_api_compat.array_namespace(values).isfinite(values)


def _first_failure(holds: Any) -> str | None:
    """Words for where a condition fails first, none when it is a single one; ``None`` where it holds."""
    if bool(holds.all() if hasattr(holds, "all") else holds):
        return None
    failed = ~np.asarray(holds.cpu() if hasattr(holds, "cpu") else holds, dtype=bool)
    index = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(failed)))
    return f", first at index {index}" if failed.ndim else ""


def _update_rows(
    closure: InPlaceClosure, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int
) -> None:
    closure.update(inputs, memory, dt, out, first, last)


def missing_inputs(entry: Plugged, slot: Slot) -> list[str]:
    """A line when a closure reads what the solver does not offer in this slot."""
    missing = [name for name in entry.closure.inputs if name not in slot.inputs]
    if not missing:
        return []
    offered = ", ".join(slot.inputs)
    return [f"closures ({entry.label}): needs {', '.join(missing)}; the solver's slot {slot.name!r} offers: {offered}"]
