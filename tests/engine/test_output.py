"""Trajectory tables: what was committed is read back, and nothing else."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from subgrid.errors import RunFolderError
from subgrid.output import RunFolder, Trajectory, rebuild
from subgrid.protocols import Quantity

SPECTRUM = {"z": Quantity(("k",), "1/s2", coordinates={"k": np.arange(3.0)}), "total": Quantity((), "1/s2")}
SHAPES = {"z": (3,), "total": ()}


def rows(count: int, start: int = 0) -> list[tuple[float, int, dict[str, object]]]:
    return [(0.5 * i, i, {"z": np.array([i, 2.0 * i, -i]), "total": float(i)}) for i in range(start, start + count)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scenario.toml").write_text("")
    return tmp_path


def write(folder: Path, count: int) -> Trajectory:
    trajectory = Trajectory(folder / "trajectory.h5", "w")
    trajectory.declare("series/spectrum", SPECTRUM, SHAPES)
    for time, step, values in rows(count):
        trajectory.add("series/spectrum", time, step, values)
    return trajectory


def test_series_round_trip_with_units_and_coordinates(folder: Path) -> None:
    trajectory = write(folder, 200)
    trajectory.commit()
    trajectory.close()
    series = RunFolder(folder).series("spectrum")
    info = RunFolder(folder).series_info("spectrum")
    np.testing.assert_array_equal(series["time"], 0.5 * np.arange(200))
    np.testing.assert_array_equal(series["z"][:, 1], 2.0 * np.arange(200))
    assert info["z"].dims == ("k",)
    assert info["z"].units == "1/s2"
    np.testing.assert_array_equal(info["z"].coordinates["k"], np.arange(3.0))


def test_uncommitted_rows_are_not_read(folder: Path) -> None:
    trajectory = write(folder, 5)
    trajectory.commit()
    trajectory.add("series/spectrum", 99.0, 99, {"z": np.zeros(3), "total": 0.0})
    assert trajectory.counts() == {"series/spectrum": 5}
    trajectory.close()
    assert len(RunFolder(folder).series("spectrum")["time"]) == 5


def test_truncated_rows_are_written_over(folder: Path) -> None:
    trajectory = write(folder, 10)
    trajectory.commit()
    trajectory.close()
    again = Trajectory(folder / "trajectory.h5", "r+")
    again.truncate({"series/spectrum": 4})
    for time, step, values in rows(3, start=100):
        again.add("series/spectrum", time, step, values)
    again.commit()
    again.close()
    np.testing.assert_array_equal(RunFolder(folder).series("spectrum")["step"], [0, 1, 2, 3, 100, 101, 102])


def test_a_counter_beyond_the_rows_is_refused(folder: Path) -> None:
    trajectory = write(folder, 2)
    trajectory.commit()
    with pytest.raises(RunFolderError, match="the checkpoint knows 7"):
        trajectory.truncate({"series/spectrum": 7})
    trajectory.close()


def test_truncated_file_is_one_clear_line(folder: Path) -> None:
    trajectory = write(folder, 100)
    trajectory.commit()
    trajectory.close()
    path = folder / "trajectory.h5"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunFolderError, match=r"trajectory\.h5: cannot be read") as caught:
        RunFolder(folder).series("spectrum")
    assert "\n" not in str(caught.value)


def test_another_format_version_is_refused(folder: Path) -> None:
    write(folder, 1).close()
    with h5py.File(folder / "trajectory.h5", "r+") as file:
        file.attrs["version"] = 99
    with pytest.raises(RunFolderError, match="format version 99, this subgrid reads version 1"):
        RunFolder(folder).labels()


def test_missing_series_and_frames_name_the_choices(folder: Path) -> None:
    trajectory = write(folder, 1)
    trajectory.commit()
    trajectory.close()
    with pytest.raises(RunFolderError, match="no series 'spektrum'; choose from spectrum"):
        RunFolder(folder).series("spektrum")
    with pytest.raises(RunFolderError, match="no quantity 'w'"):
        RunFolder(folder).frame("w", 0)


def test_frames_of_unequal_axes_keep_their_order(folder: Path) -> None:
    field = np.arange(24.0).reshape(2, 3, 4)
    trajectory = Trajectory(folder / "trajectory.h5", "w")
    trajectory.declare("frames", {"w": Quantity(("z", "y", "x"), "1/s")}, {"w": (2, 3, 4)}, "float32")
    for i in range(3):
        trajectory.add("frames", float(i), i, {"w": field + i})
    trajectory.commit()
    trajectory.close()
    stored = RunFolder(folder)
    np.testing.assert_array_equal(stored.frame("w", -1), field + 2)
    np.testing.assert_array_equal(stored.frame_times(), [0, 1, 2])
    with pytest.raises(RunFolderError, match="frame 3 does not exist, 3 are committed"):
        stored.frame("w", 3)


def test_a_rebuilt_trajectory_has_the_rows_of_the_checkpoint_and_can_grow(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.h5"
    whole = {"w": Quantity(("y", "x"), "1/s"), "p": Quantity(("particle", "c"), "m", location="particle")}
    shapes = {"w": (3, 5), "p": (0, 2)}
    trajectory = Trajectory(path, "w")
    trajectory.declare("frames", whole, shapes, "float32")
    rng = np.random.default_rng(1)
    rows = [{"w": rng.random((3, 5)).astype("f4"), "p": rng.random((n, 2)).astype("f4")} for n in (4, 0, 7, 2)]
    for step, row in enumerate(rows):
        trajectory.add("frames", 0.5 * step, step, row)
        trajectory.commit()
    trajectory.close()
    rebuild(path, {"frames": 3})
    assert [entry.name for entry in tmp_path.iterdir()] == ["trajectory.h5"]
    trajectory = Trajectory(path, "r+")
    trajectory.add("frames", 1.5, 3, rows[3])
    trajectory.commit()
    trajectory.close()
    (tmp_path / "scenario.toml").write_text("")
    stored = RunFolder(tmp_path)
    for index, row in enumerate(rows):
        np.testing.assert_array_equal(stored.frame("w", index), row["w"])
        np.testing.assert_array_equal(stored.frame("p", index), row["p"])
    assert stored.quantities()["w"].units == "1/s"
    with pytest.raises(RunFolderError, match="frames has 4 rows, the checkpoint knows 5"):
        rebuild(path, {"frames": 5})


def test_a_folder_without_scenario_is_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        RunFolder(tmp_path)


def test_what_is_no_run_folder_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "sweep.json").touch()
    (tmp_path / "comparison" / "runs").mkdir(parents=True)
    (tmp_path / "comparison" / "table.json").touch()
    (tmp_path / "other").mkdir()
    reasons = {
        "nothing": "there is no such folder",
        "file": "it is a file",
        "sweep": "it is a sweep, whose runs are in",
        "comparison": "it is a comparison, whose runs are in",
        "other": "it has no scenario.toml",
    }
    for name, reason in reasons.items():
        with pytest.raises(RunFolderError, match=reason):
            RunFolder(tmp_path / name)
