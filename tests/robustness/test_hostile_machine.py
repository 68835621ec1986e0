"""Full disk, read-only folder, folder taken away, clock jump, two processes: a clear error, and old data intact."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.errors import RunFolderError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import Scenario

Oscillators = Callable[..., Scenario]
ROOT = os.geteuid() == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; mounting one needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if (
        not ROOT
        or shutil.which("mount") is None
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def state_bits(folder: Path) -> dict[str, bytes]:
    return {path: values.tobytes() for path, values in checkpoint.latest(folder / "checkpoints")[0].arrays.items()}


def test_full_disk_ends_the_run_in_order_and_it_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path, registry: Registry, oscillators: Oscillators
) -> None:
    run(oscillators(), tmp_path / "whole", registry)
    with pytest.raises(RunFolderError, match="disk is full; what was committed before is intact"):
        run(oscillators(), small_disk / "run", registry)
    stored = RunFolder(small_disk / "run")
    count = len(stored.frame_times())
    assert 0 < count < 51
    whole = RunFolder(tmp_path / "whole")
    for index in range(count):
        np.testing.assert_array_equal(stored.frame("y_real", index), whole.frame("y_real", index))
    found, damaged = checkpoint.latest(small_disk / "run" / "checkpoints")
    assert found.clock.step % 10 == 0
    assert damaged == []
    assert not list((small_disk / "run").glob("**/*.tmp"))
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert resume(small_disk / "run", registry).status == "finished"
    assert state_bits(small_disk / "run") == state_bits(tmp_path / "whole")


def test_disk_that_is_full_from_the_start(small_disk: Path, registry: Registry, oscillators: Oscillators) -> None:
    (small_disk / "rubbish").write_bytes(b"x" * (2**20 - 8192))
    with pytest.raises(RunFolderError, match=r"full|No space"):
        run(oscillators(), small_disk / "run", registry)


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_read_only_folder_by_its_mode(tmp_path: Path, registry: Registry, oscillators: Oscillators) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(RunFolderError, match="Permission denied"):
            run(oscillators(), tmp_path / "run", registry)
    finally:
        tmp_path.chmod(0o700)


def test_read_only_file_system(small_disk: Path, registry: Registry, oscillators: Oscillators) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    run(oscillators(), small_disk / "run", registry, stop_after=30)
    before = state_bits(small_disk / "run")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(RunFolderError, match="Read-only file system"):
        run(oscillators(), small_disk / "other", registry)
    with pytest.raises(RunFolderError, match="Read-only file system"):
        resume(small_disk / "run", registry)
    with pytest.raises(RunFolderError, match="Read-only file system"):
        run(oscillators(), small_disk / "run", registry, overwrite=True)
    assert state_bits(small_disk / "run") == before, "reading needs no right to write"
    assert len(RunFolder(small_disk / "run").frame_times()) == 16


def test_folder_that_is_taken_away_under_way(
    tmp_path: Path, registry: Registry, oscillators: Oscillators, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_plugin

    plain = toy_plugin.Modulus.observe

    def observe(self: object, view: object, clock: object) -> object:
        if clock.step == 35:  # type: ignore[attr-defined]
            shutil.rmtree(tmp_path / "run")
        return plain(self, view, clock)  # type: ignore[arg-type]

    monkeypatch.setattr(toy_plugin.Modulus, "observe", observe)
    with pytest.raises(RunFolderError, match=r"run.*No such file or directory"):
        run(oscillators(), tmp_path / "run", registry)


def test_folder_that_is_moved_away_keeps_what_was_committed(
    tmp_path: Path, registry: Registry, oscillators: Oscillators, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_plugin

    plain = toy_plugin.Modulus.observe

    def observe(self: object, view: object, clock: object) -> object:
        if clock.step == 35:  # type: ignore[attr-defined]
            (tmp_path / "run").rename(tmp_path / "moved")
        return plain(self, view, clock)  # type: ignore[arg-type]

    monkeypatch.setattr(toy_plugin.Modulus, "observe", observe)
    with pytest.raises(RunFolderError, match=r"run.*No such file or directory"):
        run(oscillators(), tmp_path / "run", registry)
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(Path(toy_plugin.__file__).parent))
    run(oscillators(), tmp_path / "whole", registry)
    assert resume(tmp_path / "moved", registry).status == "finished"
    assert state_bits(tmp_path / "moved") == state_bits(tmp_path / "whole")


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_jump_of_the_clock_changes_nothing(
    tmp_path: Path, registry: Registry, oscillators: Oscillators, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    run(oscillators(), tmp_path / "whole", registry)
    plain, begun = time.time, time.time()
    monkeypatch.setattr(time, "time", lambda: plain() + (jump if plain() > begun + 0.05 else 0.0))
    outcome = run(oscillators(), tmp_path / "run", registry, wall_time=3600.0)
    assert outcome.status == "finished"
    assert 0.0 <= outcome.seconds < 600.0
    assert all(0.0 <= spent < 600.0 for spent in RunFolder(tmp_path / "run").costs()["seconds"].values())
    assert state_bits(tmp_path / "run") == state_bits(tmp_path / "whole")
    for path in (tmp_path / "run").glob("**/*"):  # files from the future, or older than what they follow from
        os.utime(path, (begun + jump, begun + jump))
    assert resume(tmp_path / "run", registry, until=2.0).status == "finished"


def test_two_processes_on_one_folder(tmp_path: Path, registry: Registry, oscillators: Oscillators) -> None:
    from subgrid.scenario import to_toml

    endless = oscillators(time={"end": 1e6, "dt": 0.01}, output={}, observers=[], mesh=_grid(5))
    file = tmp_path / "endless.toml"
    file.write_text(to_toml(endless))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:1])}
    command = [sys.executable, "-m", "subgrid", "run", str(file), "--out", str(tmp_path / "run"), "--wall-time", "60s"]
    first = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if list((tmp_path / "run" / "checkpoints").glob("step_*0.npz")):
                break
            time.sleep(0.05)
        with pytest.raises(RunFolderError, match="another process is writing to this run folder"):
            resume(tmp_path / "run", registry)
        with pytest.raises(RunFolderError, match="another process is writing to this run folder"):
            run(endless, tmp_path / "run", registry, overwrite=True)
        with pytest.raises(RunFolderError, match=r"holds a run already \(running\)"):
            run(endless, tmp_path / "run", registry)
        assert first.poll() is None, "the first goes on"
    finally:
        first.terminate()
        first.wait()
    assert RunFolder(tmp_path / "run").outcome()["status"] == "stopped"


@pytest.mark.parametrize("left", [["run.lock"], ["run.lock", "scenario.tmp"], []])
def test_a_run_killed_before_its_first_line_leaves_an_empty_folder(
    tmp_path: Path, registry: Registry, oscillators: Oscillators, left: list[str]
) -> None:
    (tmp_path / "run").mkdir()
    for name in left:
        (tmp_path / "run" / name).write_text("")
    assert run(oscillators(), tmp_path / "run", registry).status == "finished"


def _grid(count: int) -> dict[str, object]:
    return {"type": "grid", "shape": [count], "length": [1.0]}
