"""What correctors promise."""

from __future__ import annotations

from typing import Any

from subgrid.assembly import Simulation
from subgrid.protocols import Correction
from subgrid.rng import Streams
from subgrid.testing.bits import Copies, assert_same_bits, copied
from subgrid.testing.in_run import SUBJECT, RunConformance

STEP = 1e-2


class CorrectorConformance(RunConformance):
    """Tests of a corrector on the initial state of ``scenario``."""

    kind = "corrector"

    def test_correction_fits_the_state(self, simulation: Simulation) -> None:
        correction, xp = correct(simulation), simulation.backend.xp
        assert isinstance(correction.refused, str)
        assert set(correction.fields) <= set(simulation.state.fields)
        for name, values in correction.fields.items():
            assert tuple(values.shape) == tuple(simulation.state.fields[name].shape)
            assert values.dtype == simulation.state.fields[name].dtype, f"{name} is {values.dtype}"
            assert bool(xp.all(xp.isfinite(values)))
        memory = simulation.state.memory.get(SUBJECT, {})
        assert set(correction.memory) <= set(memory), "memory must be declared"
        for name, values in correction.memory.items():
            was = memory[name]
            assert tuple(values.shape) == tuple(was.shape), f"memory {name!r} has shape {tuple(values.shape)}"
            assert values.dtype == was.dtype, f"memory {name!r} became {values.dtype}, it was {was.dtype}"

    def test_refusing_changes_nothing(self, simulation: Simulation) -> None:
        correction = correct(simulation)
        assert not (correction.refused and correction.fields), "a refusal comes without fields"

    def test_correct_changes_nothing_itself(self, simulation: Simulation) -> None:
        before = copied(dict(simulation.state.arrays()), simulation.backend)
        correct(simulation)
        after = copied(dict(simulation.state.arrays()), simulation.backend)
        assert_same_bits(before, after, "return changed fields, leave the state alone")

    def test_correction_depends_on_its_arguments_only(self, simulation: Simulation, twin: Simulation) -> None:
        first = correction_bits(simulation, correct(simulation))
        again = correction_bits(simulation, correct(simulation))
        assert_same_bits(first, again, "an earlier correction left traces")
        assert_same_bits(first, correction_bits(twin, correct(twin)), "another instance corrects differently")


def correct(simulation: Simulation) -> Correction:
    corrector: Any = next(entry.component for entry in simulation.correctors if entry.label == SUBJECT)
    memory = simulation.state.memory.get(SUBJECT, {})
    correction: Correction = corrector.correct(simulation.state, memory, 0.0, STEP, Streams(7, SUBJECT, 3))
    return correction


def correction_bits(simulation: Simulation, correction: Correction) -> Copies:
    memory = {f"memory/{name}": values for name, values in correction.memory.items()}
    return copied({**correction.fields, **memory}, simulation.backend)
