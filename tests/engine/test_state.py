"""State: storage from declarations, and every array with a path."""

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.particles import ColumnSpec
from subgrid.state import ArraySpec, ParticleSpec, State, StateSpec

SPEC = StateSpec(
    fields={"vorticity": ArraySpec((4, 3), "complex", "mode", "1/s"), "phase": ArraySpec((2,))},
    particles={"tracers": ParticleSpec(5, {"position": ColumnSpec((2,))})},
    memory={"previous": ArraySpec((4, 3), "complex"), "count": ArraySpec((), "int"), "seen": ArraySpec((2,), "bool")},
)


def test_storage_is_zeroed_and_typed() -> None:
    state = State()
    state.allocate("solver", SPEC, Backend(precision="float32"))
    assert state.fields["vorticity"].dtype == np.complex64
    assert state.fields["phase"].dtype == np.float32
    assert state.memory["solver"]["count"].dtype == np.int64
    assert state.memory["solver"]["seen"].dtype == np.bool_
    assert all(not np.any(array) for _, array in state.arrays())


def test_memory_is_kept_apart_by_label() -> None:
    state = State()
    for label in ("first", "second"):
        state.allocate(label, StateSpec(memory={"noise": ArraySpec((2,))}), Backend())
    state.memory["first"]["noise"][:] = 1.0
    assert state.memory["second"]["noise"].tolist() == [0.0, 0.0]


def test_every_array_has_a_path_in_a_fixed_order() -> None:
    state = State()
    state.allocate("solver", SPEC, Backend())
    assert [path for path, _ in state.arrays()] == [
        "fields/phase",
        "fields/vorticity",
        "memory/solver/count",
        "memory/solver/previous",
        "memory/solver/seen",
        "particles/tracers/id",
        "particles/tracers/next_id",
        "particles/tracers/position",
    ]


def test_arrays_are_the_state_itself() -> None:
    state = State()
    state.allocate("solver", SPEC, Backend())
    dict(state.arrays())["fields/phase"][0] = 3.0
    assert state.fields["phase"][0] == 3.0


def test_components_without_memory_leave_no_entry() -> None:
    state = State()
    state.allocate("closure", StateSpec(), Backend())
    assert state.memory == {}


def test_torch_storage() -> None:
    torch = pytest.importorskip("torch")
    state = State()
    state.allocate("solver", SPEC, Backend("torch", threads=1))
    assert state.fields["vorticity"].dtype == torch.complex128
    assert tuple(state.memory["solver"]["previous"].shape) == (4, 3)
