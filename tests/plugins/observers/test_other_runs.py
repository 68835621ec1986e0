"""Starting from, and being compared with, the frames of another run: Taylor-Green vortices decay in a known way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subgrid.api import Backend, Grid, RunFolder, ScenarioError, Setup, Streams, SubgridError
from subgrid.initial_from_run import FromRun, FromRunConfig
from subgrid.run import run
from subgrid.scenario import parse

TWO_PI = 2.0 * np.pi


def scenario(points: int, **changes):
    data = {
        "mesh": {"type": "grid", "shape": [points, points], "length": [TWO_PI, TWO_PI]},
        "initial": {"type": "taylor_green"},
        "solver": {"type": "navier_stokes_2d", "viscosity": 0.1},
        "integrator": {"type": "rk4"},
        "time": {"end": 1.0, "dt": 0.05},
        "output": {"quantities": ["vorticity"], "every": {"time": 0.5}},
    }
    return {**data, **changes}


@pytest.fixture(scope="module")
def fine(tmp_path_factory, registry) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "fine"
    run(parse(scenario(24), registry, folder.parent), folder, registry)
    return folder


def make_setup(fine: Path, shape: tuple[int, int], length: tuple[float, float] = (TWO_PI, TWO_PI)) -> Setup:
    return Setup(Grid(shape, length), Backend(), "initial", Streams(0, "initial"), 0.1, fine.parent)


def exact(grid: Grid, time: float) -> np.ndarray:
    y, x = grid.meshgrid()
    return 2.0 * np.cos(x) * np.cos(y) * np.exp(-2.0 * 0.1 * time)


@pytest.mark.parametrize(("options", "time"), [({}, 1.0), ({"time": 0.5}, 0.5), ({"frame": 0}, 0.0)])
@pytest.mark.parametrize("shape", [(12, 10), (24, 24), (40, 32)])
def test_a_frame_on_another_grid_is_the_exact_solution_there(fine, options, time, shape):
    """RK4 on a rate of 0.2 with dt = 0.05: relative error (0.01)^5/120 a step, far below 1e-10."""
    setup = make_setup(fine, shape)
    vorticity = FromRun(FromRunConfig(run="fine", **options)).fill(setup)["vorticity"]
    np.testing.assert_allclose(vorticity, exact(setup.mesh, time), atol=1e-10)


def test_errors_name_what_is_there(fine):
    setup = make_setup(fine, (12, 12))
    with pytest.raises(SubgridError, match=r"no frame at t = 0.7; the nearest is at 0.5"):
        FromRun(FromRunConfig(run="fine", time=0.7)).fill(setup)
    with pytest.raises(SubgridError, match="not a run folder"):
        FromRun(FromRunConfig(run="nowhere")).fill(setup)
    with pytest.raises(SubgridError, match="does not fit: extents differ"):
        FromRun(FromRunConfig(run="fine")).fill(make_setup(fine, (12, 12), (1.0, 1.0)))
    with pytest.raises(SubgridError, match="choose from vorticity"):
        FromRun(FromRunConfig(run="fine", quantities=("pressure",))).fill(setup)


def test_correlation_and_error_against_a_slower_decay(fine, registry, tmp_path):
    """Half the viscosity: the shape stays (correlation 1) and the amplitude differs by exp(0.1 t) - 1."""
    observer = {"type": "reference_correlation", "run": str(fine), "every": {"time": 0.25}}
    slow = scenario(16, solver={"type": "navier_stokes_2d", "viscosity": 0.05}, observers=[observer])
    run(parse(slow, registry, tmp_path), tmp_path / "slow", registry)
    series = RunFolder(tmp_path / "slow").series("reference_correlation")
    common = np.isfinite(series["error"])
    np.testing.assert_allclose(series["time"][common], [0.0, 0.5, 1.0])  # the reference has no frames in between
    np.testing.assert_allclose(series["correlation"][common], 1.0, rtol=1e-12)
    np.testing.assert_allclose(series["error"][common], np.exp(0.1 * series["time"][common]) - 1.0, atol=1e-9)


def test_a_quantity_without_frames_is_refused(fine, registry, tmp_path):
    observer = {"type": "reference_correlation", "run": str(fine), "quantity": "velocity", "every": {"steps": 1}}
    with pytest.raises(ScenarioError, match="hold vorticity, not 'velocity'"):
        run(parse(scenario(16, observers=[observer]), registry, tmp_path), tmp_path / "run", registry)
