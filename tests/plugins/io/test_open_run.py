"""`open_run`: a run as an xarray data set that reads what is asked for."""

from pathlib import Path

import numpy as np
import pytest

from subgrid.api import RunFolder
from subgrid.errors import RunFolderError

pytest.importorskip("xarray")

from subgrid_io.dataset import open_run, open_series, particles_at


def test_dims_coordinates_units_and_origin(runs: dict[str, Path]) -> None:
    run = open_run(runs["box"])
    assert run["u"].dims == ("time", "z", "y", "x")
    for axis, values in zip("zyx", RunFolder(runs["box"]).mesh().coordinates(), strict=True):
        np.testing.assert_array_equal(run[axis].values, values)
    flow = open_run(runs["flow"])
    assert flow["vorticity"].attrs["units"] == "1/s"
    assert flow["velocity"].dims == ("time", "component", "y", "x")
    assert 'type = "navier_stokes_2d"' in flow.attrs["subgrid_scenario"]


@pytest.mark.parametrize(
    "index",
    [
        {"time": 2},
        {"time": slice(None, None, -1)},
        {"time": [3, 0, 0], "y": slice(1, None, 3)},
        {"x": [-1, 2], "y": slice(8, 1, -2)},
        {"time": slice(3, 3)},
        {"time": np.array([True, False, True, False, True]), "x": -2},
    ],
)
def test_any_index_reads_what_numpy_gives(runs: dict[str, Path], index: dict) -> None:
    stored = RunFolder(runs["flow"])
    whole = open_run(runs["flow"])["vorticity"]
    loaded = whole.copy(data=np.stack([stored.frame("vorticity", frame) for frame in range(5)]))
    np.testing.assert_array_equal(whole.isel(index).values, loaded.isel(index).values)


@pytest.mark.parametrize(
    "index",
    [
        {"time": 1},
        {"time": [2, 0, 0], "y": slice(1, None, 3)},
        {"time": -1, "y": slice(3, 1, -1), "x": [4, 1]},
        {"time": 0, "y": [0, 3], "x": 2},
        {"time": slice(2, 2), "x": [1, 2, 3]},
        {"time": slice(None, None, -2), "x": 7, "y": -1},
    ],
)
def test_any_index_of_obstacles_reads_what_numpy_gives(runs: dict[str, Path], index: dict) -> None:
    stored = RunFolder(runs["beach"])
    whole = open_run(runs["beach"])["dry"]
    loaded = whole.copy(data=np.stack([stored.obstacles(frame)["dry"] for frame in range(len(stored.frame_times()))]))
    np.testing.assert_array_equal(whole.isel(index).values, loaded.isel(index).values)


def test_only_what_is_asked_for_is_read(runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    original = RunFolder.rows

    def rows(self, quantity, key):
        keys.append((quantity, key))
        return original(self, quantity, key)

    monkeypatch.setattr(RunFolder, "rows", rows)
    run = open_run(runs["flow"])
    assert keys == []
    run["velocity"].isel(time=1, component=0).load()
    assert keys == [("velocity", (1, 0, slice(0, 16, 1), slice(0, 12, 1)))]


def test_particles_of_one_frame(runs: dict[str, Path]) -> None:
    run, stored = open_run(runs["sand"]), RunFolder(runs["sand"])
    for frame in (0, -1):
        columns = particles_at(run, "material", frame)
        np.testing.assert_array_equal(columns["position"].values, stored.frame("material_position", frame))
        np.testing.assert_array_equal(columns["id"].values, stored.frame("material_id", frame))


def test_series_with_their_coordinates(runs: dict[str, Path]) -> None:
    series = open_series(runs["flow"], "energy_spectrum")
    np.testing.assert_array_equal(
        series["spectrum"].values, RunFolder(runs["flow"]).series("energy_spectrum")["spectrum"]
    )
    assert series["spectrum"].dims == ("time", "wavenumber")
    assert series["wavenumber"].dims == series["multiplicity"].dims == ("wavenumber",)


def test_a_label_that_is_not_there_names_the_choices(runs: dict[str, Path]) -> None:
    with pytest.raises(RunFolderError, match="choose from energy, energy_spectrum"):
        open_series(runs["flow"], "enstrophy")
