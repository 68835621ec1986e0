"""The recipe of the data set of trajectories, made small."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.sweep.members import plan
from subgrid.sweep.options import load

RECIPE = Path(__file__).parents[3] / "scenarios" / "datasets" / "material_points_2d.toml"
SMALL = {
    "seeds": "[101, 201, 301]",
    "split.train": "{ seed = [101] }",
    "split.validation": "{ seed = [201] }",
    "split.test": "{ seed = [301] }",
    "scenario.time.end": "0.05",
    "scenario.mesh.shape": "[32, 32]",
    "grid.closures": "[[{ type = 'fixed_corotated' }], [{ type = 'drucker_prager' }]]",
}


def test_the_recipe_gives_the_same_starts_to_every_material_and_parts_by_seed(tmp_path: Path) -> None:
    changes = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "subgrid", "sweep", str(RECIPE), "--out", str(tmp_path / "set"), "--jobs", "1"]
    done = subprocess.run([*command, *changes], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    members = json.loads((tmp_path / "set" / "sweep.json").read_text())["members"]
    assert [m["part"] for m in members] == ["train", "validation", "test"] * 2
    assert {m["status"] for m in members} == {"finished"}
    runs = [RunFolder(tmp_path / "set" / m["folder"]) for m in members]
    starts = [run.frame("material_position", 0) for run in runs]
    for jelly, sand in zip(starts[:3], starts[3:], strict=True):
        np.testing.assert_array_equal(jelly, sand)
    assert len({start.tobytes() for start in starts}) == 3
    for run in runs:
        np.testing.assert_allclose(run.frame_times(), 0.01 * np.arange(6), atol=1e-12)
        moved = run.frame("material_position", -1)
        assert np.all(np.isfinite(moved))
        assert run.frame("material_velocity", -1).shape == moved.shape
        size = (run.path / "trajectory.h5").stat().st_size
        assert size < 500_000, "space that was claimed and not used is given back"


def test_the_whole_recipe_is_valid_and_has_twenty_trajectories_of_two_hundred_frames(registry: Registry) -> None:
    members = plan(load(RECIPE), registry).members
    assert Counter(member.part for member in members) == {"train": 12 * 14, "validation": 12 * 3, "test": 12 * 3}
    assert load(RECIPE).scenario["time"]["end"] / load(RECIPE).scenario["output"]["every"]["time"] + 1 == 200
