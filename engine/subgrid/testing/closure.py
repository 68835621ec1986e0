"""What closures promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from subgrid.assembly import Simulation
from subgrid.backend import Array
from subgrid.closures import Plugged
from subgrid.protocols import EvolvingClosure
from subgrid.rng import Streams
from subgrid.state import Fields
from subgrid.testing.bits import assert_same_bits, copied
from subgrid.testing.in_run import SUBJECT, RunConformance, broadcasts, scaled

STEP = 1e-3


class ClosureConformance(RunConformance):
    """Tests of a closure inside the solver of ``scenario``.

    The closure is handed nothing but the inputs that it declares.
    """

    kind = "closure"

    def test_declares_slots_and_inputs(self, simulation: Simulation) -> None:
        closure = plugged(simulation).closure
        assert closure.slots
        assert not isinstance(closure.slots, str), 'write slots = ("name",)'
        assert not isinstance(closure.inputs, str), 'write inputs = ("name",)'

    def test_answer_is_finite_and_fits_the_slot(self, simulation: Simulation) -> None:
        entry, inputs = plugged(simulation), given(simulation)
        answer = simulation.backend.asarray(entry.closure.evaluate(inputs, memory(simulation)))
        slot = simulation.solver.slots[entry.slot]
        expected = expected_shape(simulation, entry)
        assert broadcasts(tuple(answer.shape), expected), (
            f"the answer has shape {tuple(answer.shape)}, slot {slot.name!r} asks for {slot.output.dims} = {expected}"
        )
        assert answer.dtype == simulation.backend.dtype(), f"the answer is {answer.dtype}"
        assert bool(simulation.backend.xp.all(simulation.backend.xp.isfinite(answer)))

    def test_answer_at_rest_is_finite(self, simulation: Simulation) -> None:
        """A flow at rest has no direction and no magnitude to divide by."""
        inputs = given(simulation, scaled(simulation, 0.0))
        answer = plugged(simulation).closure.evaluate(inputs, memory(simulation))
        values = simulation.backend.to_numpy(simulation.backend.asarray(answer))
        assert np.all(np.isfinite(values)), "the answer at rest is not finite"

    def test_evaluate_changes_nothing(self, simulation: Simulation) -> None:
        inputs, backend = given(simulation), simulation.backend
        before = copied(inputs, backend), copied(memory(simulation), backend)
        plugged(simulation).closure.evaluate(inputs, memory(simulation))
        assert_same_bits(before[0], copied(inputs, backend), "evaluate changed its inputs")
        assert_same_bits(before[1], copied(memory(simulation), backend), "evaluate changed its memory")

    def test_answer_depends_on_inputs_and_memory_only(self, simulation: Simulation, twin: Simulation) -> None:
        first = answer_bits(simulation, given(simulation))
        answer_bits(simulation, given(simulation, scaled(simulation, 0.5)))
        assert_same_bits(first, answer_bits(simulation, given(simulation)), "an evaluation in between left traces")
        assert_same_bits(first, answer_bits(twin, given(twin)), "another instance answers differently")

    def test_answers_are_not_overwritten_by_the_next(self, simulation: Simulation) -> None:
        closure, backend = plugged(simulation).closure, simulation.backend
        answer = closure.evaluate(given(simulation), memory(simulation))
        before = copied({"answer": answer}, backend)
        closure.evaluate(given(simulation, scaled(simulation, 0.5)), memory(simulation))
        assert_same_bits(before, copied({"answer": answer}, backend), "the next evaluation overwrote an earlier answer")

    def test_memory_advances_by_return_value_only(self, simulation: Simulation, twin: Simulation) -> None:
        if not isinstance(plugged(simulation).closure, EvolvingClosure):
            pytest.skip("this closure does not evolve")
        before = copied(memory(simulation), simulation.backend)
        changed = advanced(simulation)
        assert_same_bits(before, copied(memory(simulation), simulation.backend), "advance changed memory in place")
        returns = simulation.solver.slots[plugged(simulation).slot].returns
        before |= {name: values for name, values in given(simulation).items() if name in returns}
        assert set(changed) <= set(before), f"advance returns {sorted(changed)}, memory holds {sorted(before)}"
        for name, values in copied(changed, simulation.backend).items():
            was = before[name]
            assert values.shape == was.shape, f"memory {name!r} has shape {values.shape}, it was {was.shape}"
            assert values.dtype == was.dtype, f"memory {name!r} became {values.dtype}, it was {was.dtype}"
        message = "advance gives other numbers the second time"
        assert_same_bits(copied(changed, simulation.backend), copied(advanced(simulation), simulation.backend), message)
        assert_same_bits(copied(changed, simulation.backend), copied(advanced(twin), twin.backend), message)


def plugged(simulation: Simulation) -> Plugged:
    """The closure under test in its slot."""
    return next(entry for entry in simulation.closures.plugged if entry.label == SUBJECT)


def memory(simulation: Simulation) -> Fields:
    return simulation.closures.memory(plugged(simulation))


def given(simulation: Simulation, fields: Fields | None = None) -> dict[str, Array]:
    """The declared inputs at these fields (by default, the simulation's), as arrays of their own."""
    entry = plugged(simulation)
    offered = simulation.solver.inputs(entry.slot, fields or simulation.state.prognostic(), 0.0)
    return {name: simulation.backend.copy(offered[name]) for name in entry.closure.inputs}


def answer_bits(simulation: Simulation, inputs: Mapping[str, Array]) -> dict[str, Any]:
    answer = plugged(simulation).closure.evaluate(inputs, memory(simulation))
    return copied({"answer": answer}, simulation.backend)


def advanced(simulation: Simulation) -> Fields:
    closure = plugged(simulation).closure
    assert isinstance(closure, EvolvingClosure)
    return closure.advance(given(simulation), memory(simulation), 0.0, STEP, Streams(7, SUBJECT, 3))


def expected_shape(simulation: Simulation, entry: Plugged) -> tuple[int, ...]:
    """Shape of a full answer: that of an offered input with the dims of the slot's output."""
    slot = simulation.solver.slots[entry.slot]
    offered = simulation.solver.inputs(entry.slot, simulation.state.prognostic(), 0.0)
    for name, quantity in slot.inputs.items():
        if quantity.dims == slot.output.dims:
            return tuple(offered[name].shape)
    return simulation.mesh.shape
