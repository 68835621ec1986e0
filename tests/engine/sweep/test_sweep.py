"""Sweeps: what one member does stops no other, and what kills processes loses nothing."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.errors import PluginError, RunFolderError, ScenarioError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid.sweep import pool
from subgrid.sweep.sweep import Sweep, sweep
from subgrid.toml_text import read_text

WriteSweep = Callable[..., Path]

LONGER: dict[str, Any] = {"time": {"end": 20.0, "dt": 0.01}, "checkpoint": {"every": {"steps": 100}}}


class Lines:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.left: list[float | None] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def progress(self, counts: Any, seconds_left: float | None) -> None:
        self.left.append(seconds_left)


def statuses(result: Sweep) -> list[str]:
    return [entry.ending.status for entry in result.entries]


def index_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "sweep.json").read_text())
    return content


def bits(folder: Path) -> dict[str, bytes]:
    return {path: values.tobytes() for path, values in checkpoint.latest(folder / "checkpoints")[0].arrays.items()}


def test_members_table_index_and_figure(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    expect = {"modulus": {"of": "modulus.modulus", "value": 1.0, "abs": 1e-6, "source": "unitary"}}
    path = write_sweep(
        scenario={"expect": expect},
        grid={"solver.omega": [1.0, 2.0]},
        seeds=[1, 2],
        table={"y": {"of": "modulus.y[0]"}, "mean": {"of": "modulus.y[0]", "statistic": "mean"}},
        split={"train": 0.5, "test": 0.5},
    )
    report = Lines()
    result = sweep(path, tmp_path / "out", registry, jobs=2, report=report)
    assert statuses(result) == ["finished"] * 4
    assert report.left[-1] == 0.0
    index = index_of(tmp_path / "out")
    assert index["counts"] == {"finished": 4}
    assert index["versions"]["toy"] == "toy 1.0"
    parts = [member["part"] for member in index["members"]]
    assert sorted(parts) == ["test", "test", "train", "train"]
    assert index["members"][0]["parameters"] == {"solver.omega": 1.0, "seed": 1}
    with (tmp_path / "out" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["y"]) for row in rows] == pytest.approx(np.cos([0.5, 0.5, 1.0, 1.0]).tolist(), abs=1e-8)
    assert [row["part"] for row in rows] == parts
    assert {row["missed"] for row in rows} == {""}
    data = json.loads((tmp_path / "out" / "table.json").read_text())
    assert data["columns"] == ["modulus", "y", "mean"]
    assert data["members"][2]["values"]["y"] == float(rows[2]["y"])
    text = (tmp_path / "out" / "table.txt").read_text()
    assert "solver.omega" in text
    assert "finished" in text
    assert result.figure is not None
    assert result.figure.stat().st_size > 5000
    assert not [path for path in (tmp_path / "out").iterdir() if path.suffix == ".tmp"]


def test_members_are_the_runs_they_would_be_alone(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    path = write_sweep(scenario={"closures": [{"type": "noise"}]}, seeds=[7, 8])
    result = sweep(path, tmp_path / "out", registry)
    for entry in result.entries:
        alone = parse(read_text(entry.member.scenario), registry, tmp_path)
        run(alone, tmp_path / "alone", registry, overwrite=True)
        assert bits(entry.member.folder) == bits(tmp_path / "alone")


def test_finished_members_are_skipped_and_new_ones_run(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path
) -> None:
    sweep(write_sweep(seeds=[1, 2]), tmp_path / "out", registry)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "members").glob("*/trajectory.h5")}
    report = Lines()
    result = sweep(write_sweep(seeds=[1, 2, 3]), tmp_path / "out", registry, report=report)
    assert report.lines[0] == "3 members, 2 finished before, 1 to run"
    assert statuses(result) == ["finished"] * 3
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())


def test_broken_members_stop_no_other_and_are_run_again_when_asked_for(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_KILLS", 2)
    troubles = [
        [{"type": "trouble", "kind": kind}] for kind in ("none", "raise", "nan", "hang", "exit", "die", "print")
    ]
    path = write_sweep(grid={"correctors": troubles})
    report = Lines()
    result = sweep(path, tmp_path / "out", registry, jobs=2, member_time=4.0, report=report)
    told = {entry.member.parameters["correctors"][0]["kind"]: entry.ending for entry in result.entries}
    assert told["none"].status == told["print"].status == "finished"
    assert told["raise"].status == "failed"
    assert "corrector 'trouble' of plugin 'breaking' (breaking 1.0) failed at step 2" in told["raise"].message
    assert "corrector 'trouble' of plugin 'breaking' (breaking 1.0): makes field 'y' non-finite" in told["nan"].message
    assert "corrector 'trouble' of plugin 'breaking' (breaking 1.0) failed at step 2" in told["hang"].message
    assert "did not come back" in told["hang"].message
    assert "ended 2 times (exit code 7)" in told["exit"].message
    assert "ended 2 times (SIGKILL)" in told["die"].message
    assert len([line for line in report.lines if "no luck" in line]) == 1
    again = Lines()
    sweep(path, tmp_path / "out", registry, report=again)
    assert again.lines[0] == "7 members, 2 finished before, 5 broken before (--retry runs them again), 0 to run"
    assert index_of(tmp_path / "out")["counts"]["finished"] == 2


def test_retry_runs_broken_members_again(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    trouble = {"type": "trouble", "kind": "raise"}
    path = write_sweep(scenario={"correctors": [trouble]}, seeds=[1])
    assert statuses(sweep(path, tmp_path / "out", registry)) == ["failed"]
    assert statuses(sweep(path, tmp_path / "out", registry, retry=True)) == ["failed"]
    # the world changes, not the file: the mark is what the plugin looks at
    trouble = {"type": "trouble", "kind": "die once", "mark": str(mark)}
    path = write_sweep(scenario={"correctors": [trouble]}, seeds=[1])
    assert statuses(sweep(path, tmp_path / "out", registry, retry=True)) == ["finished"]


def test_a_killed_member_goes_on_from_its_checkpoint(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path
) -> None:
    trouble = {"type": "trouble", "kind": "die once", "mark": str(tmp_path / "mark")}
    path = write_sweep(scenario={"correctors": [trouble], "closures": [{"type": "noise"}]}, seeds=[1, 2])
    result = sweep(path, tmp_path / "out", registry, jobs=1)
    assert statuses(result) == ["finished", "finished"]
    log = (result.entries[0].member.folder / "run.log").read_text()
    assert "resume from step" in log
    for entry in result.entries:  # the mark is there, so nothing dies now
        alone = parse(read_text(entry.member.scenario), registry, tmp_path)
        run(alone, tmp_path / "alone", registry, overwrite=True)
        assert bits(entry.member.folder) == bits(tmp_path / "alone")


def kill_workers(stop: threading.Event, pause: float, seed: int) -> int:
    """Kill children of this process at random until told to stop; return how many."""
    rng, killed = np.random.default_rng(seed), 0
    while not stop.wait(rng.exponential(pause)):
        children = [
            int(pid)
            for pid in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
            if b"subgrid.sweep.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        if children:
            os.kill(int(rng.choice(children)), signal.SIGKILL)
            killed += 1
    return killed


def sweep_under_fire(path: Path, out: Path, registry: Registry, pause: float) -> tuple[Sweep, int]:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as hunter:
        kills = hunter.submit(kill_workers, stop, pause, 1)
        try:
            result = sweep(path, out, registry, jobs=2)
        finally:
            stop.set()
    return result, kills.result()


def check_nothing_lost(result: Sweep, registry: Registry, tmp_path: Path, every: int) -> None:
    assert set(statuses(result)) == {"finished"}
    for entry in result.entries[::every]:
        alone = parse(read_text(entry.member.scenario), registry, tmp_path)
        run(alone, tmp_path / "alone", registry, overwrite=True)
        assert bits(entry.member.folder) == bits(tmp_path / "alone")
        assert len(RunFolder(entry.member.folder).series("modulus")["time"]) == len(
            RunFolder(tmp_path / "alone").series("modulus")["time"]
        )


def test_workers_killed_at_random_lose_nothing(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_KILLS", 50)
    path = write_sweep(scenario={"closures": [{"type": "noise"}], **LONGER}, seeds=list(range(16)))
    result, kills = sweep_under_fire(path, tmp_path / "out", registry, pause=2.0)
    assert kills > 0
    check_nothing_lost(result, registry, tmp_path, every=5)


@pytest.mark.slow
def test_a_thousand_members_with_workers_killed_lose_nothing(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # on a busy machine members live through many kills, and five of one would be told as failed
    monkeypatch.setattr(pool, "MOST_KILLS", 50)
    path = write_sweep(scenario={"closures": [{"type": "noise"}], **LONGER}, seeds=list(range(1000)))
    begun = time.monotonic()
    result, kills = sweep_under_fire(path, tmp_path / "out", registry, pause=2.0)
    seconds = time.monotonic() - begun
    log = [(entry.member.folder / "run.log").read_text() for entry in result.entries]
    print(f"\n1000 members, {kills} workers killed, {sum('resume' in text for text in log)} continued, {seconds:.0f} s")
    check_nothing_lost(result, registry, tmp_path, every=10)
    assert index_of(tmp_path / "out")["counts"] == {"finished": 1000}


def test_other_versions_are_refused(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    path = write_sweep(seeds=[1, 2])
    result = sweep(path, tmp_path / "out", registry)
    note = result.entries[1].member.folder / "provenance.json"
    note.write_text(note.read_text().replace("toy 1.0", "toy 0.9"))
    before = note.read_bytes()
    with pytest.raises(RunFolderError, match=r"0001 was made with toy toy 0\.9, this is toy 1\.0; one sweep has one"):
        sweep(path, tmp_path / "out", registry)
    assert note.read_bytes() == before


def test_folders_that_hold_something_else(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    path = write_sweep(seeds=[1])
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="is not empty and holds no sweep"):
        sweep(path, tmp_path / "thesis", registry)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="file"):
        sweep(path, tmp_path / "file", registry)
    sweep(path, tmp_path / "out", registry)
    (tmp_path / "out" / "sweep.json").write_text('{"format": 1, "members": 3}')
    with pytest.raises(RunFolderError, match=r"sweep\.json: not the index of a sweep"):
        sweep(path, tmp_path / "out", registry)
    (tmp_path / "out" / "sweep.json").unlink()
    assert statuses(sweep(path, tmp_path / "out", registry)) == ["finished"], "members alone are enough to go on"


def test_one_sweep_at_a_time(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    import fcntl

    path = write_sweep(seeds=[1])
    (tmp_path / "out" / "members").mkdir(parents=True)
    with (tmp_path / "out" / "sweep.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunFolderError, match="another process runs this sweep"):
            sweep(path, tmp_path / "out", registry)


def command(path: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "subgrid", "sweep", str(path), "--out", str(out), *more]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    return subprocess.Popen(
        arguments,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # a shell's background job ignores SIGINT, and so would everything that it starts
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def await_file(pattern: str, folder: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(600):
        if any(folder.glob(pattern)) or process.poll() is not None:
            return
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_sweep_goes_on(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, number: signal.Signals
) -> None:
    path = write_sweep(scenario={"closures": [{"type": "noise"}], **LONGER}, seeds=[1, 2])
    process = command(path, tmp_path / "out", "-j", "1")
    await_file("members/*/checkpoints/step_0000000[1-9]*.npz", tmp_path / "out", process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    if number != signal.SIGKILL:
        assert process.returncode == 75, errors
        assert "run the same command again to go on" in errors
        first = index_of(tmp_path / "out")["members"][0]
        assert first["status"] == "stopped"
        assert first["step"] > 0
    result = sweep(path, tmp_path / "out", registry)
    assert statuses(result) == ["finished"] * 2
    logs = [(entry.member.folder / "run.log").read_text() for entry in result.entries]
    assert "resume from step" in logs[0]


def test_command_line_tells_table_and_broken_members(write_sweep: WriteSweep, tmp_path: Path) -> None:
    path = write_sweep(grid={"correctors": [[{"type": "trouble"}], [{"type": "trouble", "kind": "raise"}]]})
    process = command(path, tmp_path / "out")
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 3
    assert "1 of 2 members are broken; --retry runs them again" in errors
    assert "0001" in output
    assert "table.txt" in output
    process = command(path, tmp_path / "out", "--list")
    output, _ = process.communicate(timeout=60)
    assert "correctors = trouble(kind=raise)" in output
    assert process.returncode == 0


def test_workers_that_do_not_start_are_reported(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RunFolderError, match=r"workers\.log: worker processes do not start \(exit code 1\)"):
        sweep(write_sweep(seeds=[1]), tmp_path / "out", registry)


@pytest.mark.slow
def test_members_run_on_a_local_dask_cluster(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    troubles = [[{"type": "trouble", "kind": kind}] for kind in ("none", "raise", "hang", "print")]
    path = write_sweep(grid={"correctors": troubles})
    result = sweep(path, tmp_path / "out", registry, jobs=2, cluster="local", member_time=6.0)
    assert statuses(result) == ["finished", "failed", "failed", "finished"]


@pytest.mark.slow
def test_members_run_at_the_address_of_a_scheduler(write_sweep: WriteSweep, registry: Registry, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    path = write_sweep(seeds=[1, 2, 3], grid={"correctors": [[], [{"type": "trouble", "kind": "raise"}]]})
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        result = sweep(path, tmp_path / "out", registry, cluster=cluster.scheduler_address)
        assert sorted(statuses(result)) == ["failed"] * 3 + ["finished"] * 3
        # the cluster is somebody else's and goes on
        again = sweep(path, tmp_path / "out", registry, cluster=cluster.scheduler_address, retry=True)
    assert statuses(again) == statuses(result)


def test_the_job_of_the_documentation_starts_workers_with_one_thread_each() -> None:
    pytest.importorskip("dask_jobqueue")
    text = (Path(__file__).parents[3] / "docs" / "sweeps.md").read_text()
    # the usual port of the dashboard may be taken on the machine of the test
    text = text.replace('walltime="04:00:00")', 'walltime="04:00:00", scheduler_options={"dashboard_address": ":0"})')
    lines = text.split("```python\n")[-1].split("```")[0].splitlines()
    begun: dict[str, Any] = {}
    exec("\n".join(line for line in lines if not line.startswith(("cluster.adapt", "print", "input"))), begun)
    cluster = begun["cluster"]
    try:
        script = cluster.job_script()
        assert f"distributed.cli.dask_worker {cluster.scheduler_address} " in script
        for words in ("#SBATCH --cpus-per-task=16", "#SBATCH -t 04:00:00", "--nworkers 16", "--nthreads 1"):
            assert words in script
    finally:
        cluster.close()


def test_an_address_where_nobody_answers(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("subgrid.sweep.cluster.CONNECT_SECONDS", 0.5)
    with pytest.raises(ScenarioError, match=r"--cluster 'tcp://127\.0\.0\.1:1': no scheduler answers there"):
        sweep(write_sweep(seeds=[1]), tmp_path / "out", registry, cluster="tcp://127.0.0.1:1")


def test_a_cluster_needs_dask(
    write_sweep: WriteSweep, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgrid.sweep.cluster.find_spec", lambda name: None)
    with pytest.raises(PluginError, match=r"pip install 'subgrid\[dask\]'"):
        sweep(write_sweep(seeds=[1]), tmp_path / "out", registry, cluster="local")
