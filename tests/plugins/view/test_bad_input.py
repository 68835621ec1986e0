"""Whatever is wrong with options or with a run folder is told in one line, and nothing is left behind."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock

import h5py
import numpy as np
import pytest

from subgrid.mesh import Grid
from subgrid.protocols import Quantity
from subgrid_view import probe

PLANE = Grid((6, 8), (0.6, 0.8))


@pytest.fixture
def folder(field_run: Callable, tmp_path: Path) -> Path:
    return field_run(tmp_path / "run", [np.arange(48.0).reshape(6, 8)] * 3, PLANE).path


@pytest.fixture(autouse=True)
def no_rendering(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong shows before anything is rendered: the probe is not even asked."""
    monkeypatch.setattr(probe.Probe, "_start", staticmethod(lambda window: MagicMock()))


OPTIONS = [
    (["--field", "d"], 2, "choose from c"),
    (["--field", "c[0]"], 2, "c has the axes ()"),
    (["--field", "../../etc/passwd"], 2, "choose from c"),
    (["--cmap", "viridsi"], 2, "viridis"),
    (["--limits", "3:1"], 2, "LOW:HIGH"),
    (["--time", "9"], 2, "between 0 and 1"),
    (["--time", "soon"], 2, "FROM:TO"),
    (["--frame", "3"], 2, "frames 0 to 2"),
    (["--frame", "-4"], 2, "frames 0 to 2"),
    (["--frame", "7:9"], 2, "picks none"),
    (["--frame", "::0"], 2, "FIRST:END:STEP"),
    (["--frame", "1", "--time", "0"], 2, "give one of them"),
    (["--size", "333x500"], 2, "336x496"),
    (["--size", "16x16"], 2, "192x192"),
    (["--size", "99999999x16"], 2, "WIDTHxHEIGHT"),
    (["--size", "big"], 2, "WIDTHxHEIGHT"),
    (["--out", "film.avi"], 2, ".png, .mp4, .gif"),
    (["--style", "cubist"], 2, "isosurfaces"),
    (["--levels", "1,x"], 2, "numbers"),
    (["--camera", "10:95"], 2, "AZIMUTH:ELEVATION"),
    (["--fps", "0"], 2, "fps"),
]


@pytest.mark.parametrize(("options", "code", "said"), OPTIONS, ids=lambda value: str(value)[:30])
def test_a_wrong_option_is_one_line(
    cli, folder: Path, options: list[str], code: int, said: str, tmp_path: Path
) -> None:
    out = [] if "--out" in options else ["--out", tmp_path / "picture.png"]
    found, _, err = cli("render", folder, *options, *out)
    assert found == code
    assert said in err
    assert "--fps" in options or err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "run"] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--style", "volume"], "can be drawn as image"),
        (["--vectors", "c"], "no vector"),
        (["--director", "c"], "no vector"),
    ],
)
def test_what_a_run_cannot_show_is_one_line(
    cli, rendering, monkeypatch, folder: Path, options: list[str], said: str
) -> None:
    monkeypatch.setattr(probe.Probe, "problem", lambda self: "")
    code, _, err = cli("render", folder, *options)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def damaged(folder: Path, how: str) -> None:
    """Break one thing."""
    file = folder / "trajectory.h5"
    if how == "truncated":
        file.write_bytes(file.read_bytes()[:700])
    elif how == "no trajectory":
        file.unlink()
    elif how == "not HDF5":
        file.write_text("frames")
    elif how == "no provenance":
        (folder / "provenance.json").unlink()
    elif how == "no run":
        (folder / "scenario.toml").unlink()
    elif how in ("no cells", "endless", "no number"):
        described = json.loads((folder / "provenance.json").read_text())
        described["mesh"]["shape"] = {"no cells": [0, 8], "endless": [10**9, 10**9], "no number": ["six", 8]}[how]
        (folder / "provenance.json").write_text(json.dumps(described))
    else:
        with h5py.File(file, "a") as content:
            frames = content["frames"]
            if how == "no attributes":
                for name in list(frames["c"].attrs):
                    del frames["c"].attrs[name]
            elif how == "other shape":
                attributes = dict(frames["c"].attrs)
                del frames["c"]
                frames["c"] = np.zeros((3, 5, 5))
                frames["c"].attrs.update(attributes)
            elif how == "text":
                attributes = dict(frames["c"].attrs)
                del frames["c"]
                frames["c"] = [b"<script>"] * 3
                frames["c"].attrs.update(attributes)
            elif how == "counter":
                frames["committed"][()] = 10**6
            elif how == "times":
                frames["time"][:] = np.nan


HOW = ["truncated", "no trajectory", "not HDF5", "no provenance", "no run", "no cells", "endless", "no number"]
HOW += ["no attributes", "other shape", "text", "counter", "times"]


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_run_is_one_line(cli, folder: Path, how: str, tmp_path: Path) -> None:
    damaged(folder, how)
    code, _, err = cli("render", folder, "--out", tmp_path / "picture.png")
    assert (code, err.count("\n")) == (4, 1)
    assert str(folder) in err
    assert not (tmp_path / "picture.png").exists()


@pytest.mark.parametrize("verb", ["render", "view", "report"])
def test_what_is_no_run_is_one_line(cli, tmp_path: Path, verb: str) -> None:
    code, _, err = cli(verb, tmp_path / "nothing")
    assert (code, err.count("\n")) == (4, 1)
    assert "not a run folder" in err


@pytest.mark.parametrize("verb", ["render", "view"])
def test_a_run_without_frames_is_one_line(cli, field_run, tmp_path: Path, verb: str) -> None:
    run = field_run(tmp_path / "empty", [], PLANE).path
    code, _, err = cli(verb, run)
    assert (code, err.count("\n")) == (4, 1)
    assert "no frames yet" in err


@pytest.mark.parametrize("name", ["picture.png", "film.mp4"])
def test_a_place_that_cannot_be_written_is_one_line(
    cli, rendering, monkeypatch, folder: Path, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(probe.Probe, "problem", lambda self: "")
    (tmp_path / "file").write_text("")
    code, _, err = cli("render", folder, "--out", tmp_path / "file" / name, "--size", "192x192")
    assert (code, err.count("\n")) == (4, 1)
    assert "cannot be written" in err


def test_a_film_that_fails_leaves_nothing_behind(cli, rendering, monkeypatch, folder: Path, tmp_path: Path) -> None:
    from subgrid_view.figure import Figure

    def fail(self: Figure) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(probe.Probe, "problem", lambda self: "")
    monkeypatch.setattr(Figure, "pixels", fail)
    with pytest.raises(KeyboardInterrupt):
        cli("render", folder, "--out", tmp_path / "film.mp4", "--size", "192x192")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_missing_part_of_vtk_is_one_line_with_the_packages(cli, monkeypatch, folder: Path, tmp_path: Path) -> None:
    monkeypatch.undo()
    died = [sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"]
    monkeypatch.setattr(
        probe.Probe, "_start", staticmethod(lambda window: subprocess.Popen(died, stdout=subprocess.PIPE, text=True))
    )
    code, _, err = cli("render", folder, "--out", tmp_path / "picture.png")
    assert (code, err.count("\n")) == (3, 1)
    assert "SIGSEGV" in err
    assert probe.PACKAGES in err


def test_the_probe_finds_out(monkeypatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv(probe.VARIABLE, "")
    monkeypatch.delenv("DISPLAY", raising=False)
    assert probe.candidates() == ["vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow"]
    monkeypatch.setenv(probe.VARIABLE, "vtkOSOpenGLRenderWindow")
    assert probe.candidates() == [""]


def test_two_runs_of_different_dimension_are_refused(
    cli, rendering, monkeypatch, folder: Path, field_run, tmp_path: Path
) -> None:
    monkeypatch.setattr(probe.Probe, "problem", lambda self: "")
    line = field_run(tmp_path / "line", [np.ones(5)] * 2, Grid((5,), (1.0,))).path
    code, _, err = cli("render", folder, line, "--out", tmp_path / "picture.png")
    assert (code, err.count("\n")) == (2, 1)
    assert "different dimension" in err


def test_a_port_that_is_taken_is_one_line(rendering, folder: Path) -> None:
    import socket

    pytest.importorskip("trame")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "subgrid", "view", str(folder), "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert f"--port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_copy_of_a_run_elsewhere_is_drawn_the_same(stored, tmp_path: Path) -> None:
    from subgrid_view.reading import Source

    shutil.copytree(stored("flow"), tmp_path / "moved")
    assert len(Source(tmp_path / "moved").times) == 6


@pytest.mark.parametrize("verb", ["render", "view"])
def test_runs_without_a_field_in_common_are_told_apart(cli, hand_made, verb: str, tmp_path: Path) -> None:
    folders = []
    for name in ("a", "b"):
        made = hand_made(tmp_path / name, PLANE, {name: Quantity(("y", "x"))}, {name: PLANE.shape}, name)
        made.add(0.0, **{name: np.ones(PLANE.shape)})
        folders.append(made.finish())
    code, _, err = cli(verb, *folders)
    assert (code, err.count("\n")) == (2, 1)
    assert f"no field in common to be shown side by side: {folders[0]} has a; {folders[1]} has b" in err
