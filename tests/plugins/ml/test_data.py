"""Data sets: which runs are found, and what is read of them."""

import json
from pathlib import Path

import numpy as np
import pytest

from subgrid.api import RunFolder, RunFolderError, ScenarioError
from subgrid_ml.data import CHUNK, Batches, DataSet, StoredRun, find_runs

NAMES = ("vorticity", "subgrid_forcing")


def opened(stored: Path, *names: str, after: float = -1.0, before: float = 99.0) -> DataSet:
    return DataSet(tuple(StoredRun.open(stored / name, after, before) for name in names), NAMES, 2)


def test_patterns_sweeps_and_parts_find_runs_once(stored: Path, tmp_path: Path) -> None:
    train = [stored / f"train_{letter}" for letter in "abc"]
    assert find_runs(["train_*", "train_a"], stored, "data") == train
    assert find_runs([f"{stored}/train_*"], tmp_path, "data") == train
    members = [
        {"folder": str(path), "status": status, "part": part}
        for path, status, part in zip(train, ("finished", "failed", "finished"), ("a", "a", "b"), strict=True)
    ]
    (tmp_path / "sweep.json").write_text(json.dumps({"members": members}))
    assert find_runs(["sweep.json"], tmp_path, "data") == [train[0], train[2]]
    assert find_runs(["sweep.json#b"], tmp_path, "data") == [train[2]]


def test_what_finds_nothing_is_named(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"data\.training\.0: 'nothing\*' finds no run folder"):
        find_runs(["nothing*"], stored, "data.training")
    (tmp_path / "sweep.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"data\.0: .*sweep\.json is no index of 'subgrid sweep' .there is no 'm"):
        find_runs(["sweep.json"], tmp_path, "data")
    member = {"folder": "none", "status": "running"}
    parts = [{**member, "part": part} for part in ("train", "test")]
    (tmp_path / "sweep.json").write_text(json.dumps({"members": parts}))
    with pytest.raises(ScenarioError, match=r"has no part 'trane'; did you mean 'train'\? choose from test, train"):
        find_runs(["sweep.json#trane"], tmp_path, "data.training")
    with pytest.raises(ScenarioError, match=r"data\.training\.0: no run of .*sweep\.json, part 'test', has finished"):
        find_runs(["sweep.json#test"], tmp_path, "data.training")
    (tmp_path / "sweep.json").write_text(json.dumps({"members": [member]}))
    with pytest.raises(ScenarioError, match=r"has no part 'train'; its file has no \[split\]"):
        find_runs(["sweep.json#train"], tmp_path, "data.training")
    with pytest.raises(RunFolderError, match=r"data\.0: .*none\.json: no such file; before '#' stands the index"):
        find_runs(["none.json#train"], tmp_path, "data")
    with pytest.raises(ScenarioError, match="has no frames between t = 5 and 6"):
        opened(stored, "check", after=5.0, before=6.0)


def test_samples_are_all_frames_in_parts(stored: Path) -> None:
    data = opened(stored, "train_a", "check", after=0.25, before=1.45)
    parts = list(data.samples())
    assert max(part["vorticity"].shape[0] for part in parts) <= CHUNK
    whole = np.concatenate([part["vorticity"] for part in parts])
    expected = [RunFolder(stored / name).frame("vorticity", i) for name in ("train_a", "check") for i in range(3, 15)]
    np.testing.assert_array_equal(whole, np.stack(expected))
    assert len(data) == 24


def test_a_window_of_frames_reads_what_single_frames_are(stored: Path) -> None:
    folder = RunFolder(stored / "check")
    window = folder.frames(NAMES, 2, 5)
    assert window.keys() == set(NAMES)
    for index in range(3):
        np.testing.assert_array_equal(window["vorticity"][index], folder.frame("vorticity", 2 + index))
    assert len(folder.frames(["vorticity"], 15, 99)["vorticity"]) == 2


def test_batches_depend_on_the_step_alone(stored: Path) -> None:
    data = opened(stored, "train_a", "train_b")
    one, other = (Batches(data, 7, "label", 3, 5, 4) for _ in range(2))
    forwards = [one(step) for step in range(9)]
    for step in (8, 0, 3, 4):
        for name in NAMES:
            np.testing.assert_array_equal(other(step)[name], forwards[step][name])
    assert forwards[0]["vorticity"].shape == (3, 5)
    assert not np.array_equal(forwards[0]["vorticity"], forwards[1]["vorticity"])
    assert not np.array_equal(Batches(data, 8, "label", 3, 5, 4)(0)["vorticity"], forwards[0]["vorticity"])


def test_points_belong_together_and_whole_fields_stay_whole(stored: Path) -> None:
    data = opened(stored, "train_a")
    points = Batches(data, 1, "label", 2, 7, 3)(0)
    frames = data.read([(0, index) for index in range(17)])
    pairs: set[tuple[float, float]] = set()
    for frame in frames:
        pairs |= set(zip(frame["vorticity"].flat, frame["subgrid_forcing"].flat, strict=True))
    assert set(zip(points["vorticity"].flat, points["subgrid_forcing"].flat, strict=True)) <= pairs
    whole = Batches(data, 1, "label", 2, 0, 3)
    assert whole.axes == 2
    assert whole(0)["vorticity"].shape == (2, 16, 12)
    assert any(np.array_equal(whole(0)["vorticity"][0], frame["vorticity"]) for frame in frames)


def test_frames_of_another_solver_are_refused(stored: Path) -> None:
    run = StoredRun.open(stored / "check", -1.0, 9.0)
    with pytest.raises(ScenarioError) as caught:
        run.require(("concentration", "vorticity"), "fourth_moment")
    assert str(caught.value) == (
        f"{stored / 'check'}: frames of solver 'navier_stokes_2d' do not hold concentration, which slot "
        "'fourth_moment' is about; they hold subgrid_forcing, vorticity"
    )
    with pytest.raises(ScenarioError, match=r"its scenario has no option 'solver\.zeta'"):
        run.option("solver.zeta")
