"""The vortex street behind a cylinder: a slow study."""

from pathlib import Path

import numpy as np
import pytest

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load

SCENARIO = Path(__file__).parents[3] / "scenarios" / "incompressible" / "cylinder_re100.toml"


@pytest.mark.slow
def test_strouhal_number(tmp_path: Path) -> None:
    """0.164 to 0.167 in an unbounded stream (Williamson 1996); side walls 16 diameters apart speed the flow by 3 %."""
    registry = Registry.load()
    run(load(SCENARIO, registry), tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("force")
    late = series["time"] > 100.0
    time, lift = series["time"][late], series["obstacle_force"][late, 1]
    up = np.flatnonzero((lift[:-1] < 0) & (lift[1:] >= 0))
    crossings = time[up] - lift[up] * (time[up + 1] - time[up]) / (lift[up + 1] - lift[up])
    strouhal = 1.0 / np.diff(crossings).mean()
    drag = 2.0 * series["obstacle_force"][late, 0].mean()
    print(f"St = {strouhal:.4f}, Cd = {drag:.4f}, CL = {2.0 * np.abs(lift).max():.4f}")
    assert strouhal == pytest.approx(0.168, abs=0.006)
    assert drag == pytest.approx(1.35, abs=0.05)
