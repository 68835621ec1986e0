"""Checkpoints hold every bit of the state, and damage is noticed."""

from pathlib import Path

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.backend import Backend
from subgrid.errors import RunFolderError
from subgrid.particles import ColumnSpec
from subgrid.state import ArraySpec, ParticleSpec, State, StateSpec

BACKEND = Backend(threads=1)
SPEC = StateSpec(
    fields={"w": ArraySpec((4, 3), "complex")},
    particles={"dust": ParticleSpec(8, {"position": ColumnSpec((2,))})},
    memory={"previous": ArraySpec((4, 3), "complex"), "count": ArraySpec((), "int")},
)


def filled_state() -> State:
    state = State()
    state.allocate("solver", SPEC, BACKEND)
    rng = np.random.default_rng(1)
    state.fields["w"][...] = rng.normal(size=(4, 3)) + 1j * rng.normal(size=(4, 3))
    state.memory["solver"]["previous"][...] = rng.normal(size=(4, 3))
    state.memory["solver"]["count"][...] = 7
    state.particles["dust"].add(position=rng.normal(size=(5, 2)))
    state.particles["dust"].remove(np.array([False, True, False, False, False]))
    state.clock.time, state.clock.step, state.clock.dt = 0.1 + 0.2, 12, 1.0 / 3.0
    return state


def save(state: State, folder: Path, keep: int = 2) -> None:
    writer = checkpoint.CheckpointWriter(folder, keep, ["solver/x/solver"])
    writer.write(state, BACKEND, {"frames": 3}, lambda: None)
    writer.wait()


def test_every_bit_comes_back(tmp_path: Path) -> None:
    state = filled_state()
    save(state, tmp_path)
    found, damaged = checkpoint.latest(tmp_path)
    restored = State()
    restored.allocate("solver", SPEC, BACKEND)
    found.restore(restored, BACKEND)
    assert damaged == []
    assert found.counts == {"frames": 3}
    assert restored.clock == state.clock
    for (path, a), (other, b) in zip(state.arrays(), restored.arrays(), strict=True):
        assert path == other
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    state = filled_state()
    writer = checkpoint.CheckpointWriter(tmp_path, 2, [])
    for step in (1, 2, 3):
        state.clock.step = step
        writer.write(state, BACKEND, {}, lambda: None)
    writer.wait()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["step_0000000002.npz", "step_0000000003.npz"]


def test_damage_falls_back_to_the_one_before(tmp_path: Path) -> None:
    state = filled_state()
    save(state, tmp_path)
    state.clock.step = 13
    save(state, tmp_path)
    newest = tmp_path / "step_0000000013.npz"
    content = bytearray(newest.read_bytes())
    content[content.index(state.fields["w"].tobytes()) + 5] ^= 0xFF
    newest.write_bytes(content)
    found, damaged = checkpoint.latest(tmp_path)
    assert found.clock.step == 12
    assert len(damaged) == 1
    assert "step_0000000013.npz: damaged checkpoint" in damaged[0]


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_truncated_file_is_refused_in_one_line(tmp_path: Path, kept: int) -> None:
    save(filled_state(), tmp_path)
    path = tmp_path / "step_0000000012.npz"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(RunFolderError, match="damaged checkpoint") as caught:
        checkpoint.read(path)
    assert "\n" not in str(caught.value)


def test_another_layout_is_refused(tmp_path: Path) -> None:
    save(filled_state(), tmp_path)
    other = State()
    other.allocate("solver", StateSpec(fields={"w": ArraySpec((4, 5), "complex")}), BACKEND)
    with pytest.raises(RunFolderError, match="does not fit the scenario"):
        checkpoint.latest(tmp_path)[0].restore(other, BACKEND)


def test_failure_to_sync_reaches_the_caller_and_leaves_the_old_file(tmp_path: Path) -> None:
    state = filled_state()
    save(state, tmp_path)
    writer = checkpoint.CheckpointWriter(tmp_path, 2, [])
    state.clock.step = 13

    def no_space() -> None:
        raise OSError(28, "No space left on device")

    writer.write(state, BACKEND, {}, no_space)
    with pytest.raises(OSError, match="No space left"):
        writer.wait()
    assert checkpoint.latest(tmp_path)[0].clock.step == 12
