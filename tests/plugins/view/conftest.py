"""Runs to look at: small ones of every solver world, and folders written by hand."""

import fcntl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.cli import main, offered
from subgrid.mesh import Grid
from subgrid.output import OBSTACLES, Trajectory, write_json
from subgrid.protocols import Quantity
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse

ROOT = Path(__file__).parents[3]

FLAME = {
    "name": "flame",
    "mesh": {"type": "grid", "shape": [48], "length": [22.0]},
    "initial": {"type": "random_fourier", "rms": 0.5},
    "solver": {"type": "kuramoto_sivashinsky"},
    "integrator": {"type": "etdrk4"},
    "time": {"end": 40.0, "dt": 0.25},
    "observers": [{"type": "energy", "every": {"time": 1.0}}, {"type": "power_spectrum", "every": {"time": 10.0}}],
    "output": {"every": {"time": 2.0}, "quantities": ["u"]},
    "expect": {"energy": {"of": "energy.energy", "value": 0.7, "abs": 0.7, "source": "rough"}},
}
FLOW = {
    "name": "flow",
    "mesh": {"type": "grid", "shape": [24, 32], "length": [3.0, 4.0]},
    "initial": {"type": "mcwilliams"},
    "solver": {"type": "navier_stokes_2d", "viscosity": 1e-3},
    "integrator": {"type": "rk4"},
    "time": {"end": 1.0, "dt": 0.02},
    "observers": [{"type": "energy", "every": {"time": 0.1}}],
    "output": {"every": {"time": 0.2}, "quantities": ["vorticity", "velocity"]},
}
REACTION = {
    "name": "reaction",
    "mesh": {"type": "grid", "shape": [10, 12, 14], "length": [0.1, 0.12, 0.14], "offset": "cell"},
    "initial": {"type": "gray_scott_seed", "cells": 4},
    "solver": {"type": "gray_scott"},
    "integrator": {"type": "euler"},
    "time": {"end": 20.0, "dt": 0.5},
    "output": {"every": {"time": 10.0}, "quantities": ["v"]},
}
OBSTACLE = {
    "name": "obstacle",
    "mesh": {
        "type": "grid",
        "shape": [16, 24],
        "length": [2.0, 3.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "fluid_at_rest", "velocity": [1.0, 0.0], "noise": 0.05},
    "solver": {
        "type": "incompressible_navier_stokes",
        "viscosity": 0.01,
        "boundaries": {"x": {"low": {"type": "inflow", "velocity": [1.0, 0.0]}, "high": {"type": "outflow"}}},
        "obstacle": {"time": 0.005, "bodies": [{"type": "ball", "center": [1.0, 1.0], "radius": 0.3}]},
    },
    "integrator": {"type": "rk4"},
    "time": {"end": 0.4, "cfl": 0.5},
    "output": {"every": {"time": 0.2}, "quantities": ["velocity", "pressure"]},
}
POND = {
    "name": "pond",
    "mesh": {"type": "grid", "shape": [12, 15], "length": [1.2, 1.5], "offset": "cell", "boundaries": {"x": "wall"}},
    "initial": {"type": "lake", "bump": {"center": [0.4, 0.5], "width": 0.1, "height": 0.2}},
    "solver": {"type": "shallow_water"},
    "integrator": {"type": "ssp_rk3"},
    "time": {"end": 0.1, "cfl": 0.5},
    "output": {"every": {"time": 0.05}, "quantities": ["depth", "velocity"]},
}
SPLASH = {
    "name": "splash",
    "mesh": {
        "type": "grid",
        "shape": [12, 16],
        "length": [0.75, 1.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "bodies", "bodies": [{"center": [0.5, 0.2], "size": [0.3, 0.3], "spin": 1.0}]},
    "solver": {"type": "mpm", "gravity": [0.0, -10.0]},
    "integrator": {"type": "own"},
    "closures": [{"type": "fixed_corotated"}],
    "time": {"end": 0.1, "cfl": 0.4},
    "output": {"every": {"time": 0.05}, "quantities": ["material_position", "material_velocity"]},
}
SCENARIOS = {s["name"]: s for s in (FLAME, FLOW, REACTION, OBSTACLE, POND, SPLASH)}


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """``stored(name)`` is the folder of one of the scenarios, run when first asked for."""
    folder = tmp_path_factory.mktemp("runs")
    registry = Registry.load()

    def get(name: str) -> Path:
        path = folder / name
        if not path.exists():
            run(parse(SCENARIOS[name], registry, folder), path, registry)
        return path

    return get


@pytest.fixture(scope="session")
def scenarios() -> dict[str, dict[str, Any]]:
    """The scenarios behind ``stored``."""
    return SCENARIOS


@pytest.fixture(scope="session")
def rendering() -> None:
    """Skips where nothing can be rendered, and says why."""
    from subgrid_view.probe import Probe

    with Probe() as probe:
        problem = probe.problem()
    if problem:
        pytest.skip(problem)


class HandMade:
    """A run folder written by hand, frame by frame; `run.lock` is held as by a process that goes on."""

    def __init__(
        self,
        path: Path,
        mesh: Grid,
        quantities: Mapping[str, Quantity],
        shapes: Mapping[str, tuple[int, ...]],
        name: str,
        obstacle: str = "",
    ) -> None:
        path.mkdir(parents=True)
        self.path = path
        (path / "scenario.toml").write_text(f"name = {toml_text(name)}\ndescription = {toml_text(name)}\n")
        described = {key: getattr(mesh, key) for key in ("shape", "length", "origin", "boundaries", "offset")}
        write_json(path / "provenance.json", {"mesh": described, "subgrid": name, "started": name})
        self._file = Trajectory(path / "trajectory.h5", "w")
        self._file.declare("frames", quantities, shapes)
        self._count = 0
        if obstacle:
            self._file.declare(OBSTACLES, {obstacle: Quantity(mesh.axes)}, {obstacle: mesh.shape}, "float32")
        self._obstacle = obstacle

    def add(self, time: float, taken: Any = None, **values: Any) -> None:
        if taken is not None:
            self._file.add(OBSTACLES, time, self._count, {self._obstacle: taken})
        self._file.add("frames", time, self._count, values)
        self._file.commit()
        self._count += 1

    def finish(self) -> Path:
        self._file.close()
        write_json(self.path / "outcome.json", {"status": "finished", "message": "", "time": 1.0, "step": self._count})
        return self.path

    @contextmanager
    def locked(self) -> Iterator[None]:
        with (self.path / "run.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def toml_text(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def write_field_run(
    path: Path, values: list[np.ndarray], mesh: Grid, name: str = "by hand", finished: bool = True
) -> HandMade:
    """A run that stored a scalar ``c`` over a mesh."""
    made = HandMade(path, mesh, {"c": Quantity(mesh.axes, "kg/m3")}, {"c": mesh.shape}, name)
    for i, array in enumerate(values):
        made.add(0.5 * i, c=array)
    if finished:
        made.finish()
    return made


@pytest.fixture(scope="session")
def hand_made() -> type[HandMade]:
    """The class of folders that are written by hand."""
    return HandMade


@pytest.fixture(scope="session")
def field_run() -> Callable[..., HandMade]:
    """``field_run(path, values, mesh)`` writes a run that stored a scalar ``c``."""
    return write_field_run


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``cli("render", ...)`` gives exit code, standard output and standard error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["subgrid", *map(str, arguments)])
        offered._registry.cache_clear()
        code = 0
        try:
            main()
        except SystemExit as ending:
            code = int(ending.code or 0)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return code, printed.out, printed.err

    return call
