"""The lid-driven cavity at Re = 1000 beside a spectral solution: a slow study."""

from pathlib import Path

import numpy as np
import pytest

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load

SCENARIO = Path(__file__).parents[3] / "scenarios" / "incompressible" / "cavity_re1000.toml"
SPECTRAL = {"u_min": -0.3885698, "v_min": -0.5270771, "v_max": 0.3769447}
"""O. Botella and R. Peyret, Comput. Fluids 27, 421 (1998), table 9, 160 x 160 modes."""


@pytest.mark.slow
def test_two_grids_extrapolate_to_the_spectral_solution(tmp_path: Path) -> None:
    """Richardson's extrapolation of second order from 64 and 128 cells leaves a quarter of a per cent."""
    registry, found = Registry.load(), {}
    for n in (64, 128):
        run(load(SCENARIO, registry, [f"mesh.shape=[{n}, {n}]"]), tmp_path / str(n), registry)
        series = RunFolder(tmp_path / str(n)).series("cavity_reference")
        found[n] = {name: float(series[name][-1]) for name in (*SPECTRAL, "deviation_u", "deviation_v")}
        print(f"{n}: " + ", ".join(f"{name} {value:.5f}" for name, value in found[n].items()))
    for name, expected in SPECTRAL.items():
        extrapolated = (4.0 * found[128][name] - found[64][name]) / 3.0
        off = [abs(value / expected - 1.0) for value in (found[64][name], found[128][name], extrapolated)]
        print(f"{name}: extrapolated {extrapolated:.5f}, spectral {expected:.5f}; off by {np.round(off, 4)}")
        assert off[2] < 0.0025
        assert off[1] < off[0]
    assert found[128]["u_min"] == pytest.approx(-0.3825, abs=0.001)
