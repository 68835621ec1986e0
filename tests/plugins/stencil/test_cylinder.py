"""The vortex street behind a cylinder: slow studies."""

from pathlib import Path

import numpy as np
import pytest

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load

SCENARIO = Path(__file__).parents[3] / "scenarios" / "incompressible" / "cylinder_re100.toml"
WIDE = [
    "mesh.shape=[384, 384]",
    "mesh.length=[32.0, 32.0]",
    "solver.obstacle={time=0.02, bodies=[{type='ball', center=[12.0, 16.0], radius=0.5}]}",
    "time.end=120.0",
]


def street(folder: Path, overrides: list[str], start: float) -> tuple[float, float, float]:
    """Strouhal number, mean drag and largest lift coefficient after ``start``."""
    registry = Registry.load()
    run(load(SCENARIO, registry, overrides), folder, registry)
    series = RunFolder(folder).series("force")
    late = series["time"] > start
    time, lift = series["time"][late], series["obstacle_force"][late, 1]
    up = np.flatnonzero((lift[:-1] < 0) & (lift[1:] >= 0))
    crossings = time[up] - lift[up] * (time[up + 1] - time[up]) / (lift[up + 1] - lift[up])
    strouhal = float(1.0 / np.diff(crossings).mean())
    drag, largest = 2.0 * float(series["obstacle_force"][late, 0].mean()), 2.0 * float(np.abs(lift).max())
    print(f"St = {strouhal:.4f}, Cd = {drag:.4f}, CL = {largest:.4f}")
    return strouhal, drag, largest


@pytest.mark.slow
def test_strouhal_number(tmp_path: Path) -> None:
    """0.164 to 0.167 in an unbounded stream (Williamson 1996); side walls 16 diameters apart speed the flow by 3 %."""
    strouhal, drag, _ = street(tmp_path / "run", [], 100.0)
    assert strouhal == pytest.approx(0.168, abs=0.006)
    assert drag == pytest.approx(1.35, abs=0.05)


@pytest.mark.slow
def test_strouhal_number_in_a_wide_stream(tmp_path: Path) -> None:
    """Side walls 32 diameters apart, 12 cells a diameter: the frequency falls to that of an unbounded stream; the lift
    stays a fifth low for want of cells."""
    strouhal, drag, lift = street(tmp_path / "run", WIDE, 90.0)
    assert strouhal == pytest.approx(0.1655, abs=0.004)
    assert drag == pytest.approx(1.35, abs=0.03)
    assert lift == pytest.approx(0.267, abs=0.01)


@pytest.mark.slow
def test_lift_rises_with_the_cells_in_a_narrow_stream(tmp_path: Path) -> None:
    """14 by 8 diameters: what is missing of the lift at 12 cells a diameter is missing for want of cells."""
    lifts = []
    for n in (12, 24):
        narrow = [
            f"mesh.shape=[{8 * n}, {14 * n}]",
            "mesh.length=[8.0, 14.0]",
            "solver.obstacle={time=0.01, bodies=[{type='ball', center=[5.0, 4.0], radius=0.5}]}",
            "time.end=80.0",
        ]
        strouhal, _, lift = street(tmp_path / str(n), narrow, 55.0)
        assert strouhal == pytest.approx(0.183, abs=0.002)
        lifts.append(lift)
    assert lifts == [pytest.approx(0.277, abs=0.01), pytest.approx(0.343, abs=0.01)]
