"""Closures plugged into a running solver: short runs of decaying turbulence through the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid.api import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid_closures import a_priori

from .conftest import VARIANTS, variant_id


def decay(folder: Path, registry: Registry, closures: Sequence[dict[str, Any]]) -> RunFolder:
    """Some turnover times of unresolved turbulence: a truncated Euler flow but for the closures."""
    data = {
        "name": "decay",
        "seed": 1,
        "mesh": {"type": "grid", "shape": [32, 32], "length": ["2 pi", "2 pi"]},
        "initial": {"type": "mcwilliams", "energy": 1.0, "peak_wavenumber": 4.0, "cutoff": 10},
        "solver": {"type": "navier_stokes_2d", "viscosity": 0.0},
        "integrator": {"type": "rk4"},
        "time": {"end": 1.0, "dt": 0.02},
        "closures": list(closures),
        "observers": [{"type": name, "every": {"steps": 10}} for name in ("energy", "enstrophy")],
        "output": {"every": {"time": 1.0}, "quantities": ["vorticity"]},
    }
    run(parse(data, registry, folder), folder, registry)
    return RunFolder(folder)


def change(stored: RunFolder, invariant: str) -> float:
    """Relative change of energy or enstrophy over the run."""
    values = stored.series(invariant)[invariant]
    return float(values[-1] / values[0] - 1.0)


BAROTROPIC = [
    variant for variant in VARIANTS if variant[0] != "gent_mcwilliams" and "layer_thickness" not in variant[1]
]


@pytest.mark.parametrize("variant", BAROTROPIC, ids=map(variant_id, BAROTROPIC))
def test_each_closure_runs_and_drains(variant: Any, registry: Registry, tmp_path: Path) -> None:
    name, options = variant
    stored = decay(tmp_path, registry, [{"type": name, **options}])
    lost = change(stored, "enstrophy")
    print(f"{variant_id(variant):55s} energy {change(stored, 'energy'):+.4f}  enstrophy {lost:+.4f}")
    if name == "none":
        assert abs(lost) < 1e-4  # the truncated Euler flow conserves; Runge-Kutta steps of 0.02 lose 1e-5
    elif name == "approximate_deconvolution":
        assert change(stored, "energy") < -1e-3  # its invariant is the enstrophy of the recovered flow, not of this one
    else:
        assert -0.9 < lost < -1e-3


def test_backscatter_keeps_the_energy(registry: Registry, tmp_path: Path) -> None:
    stored = decay(tmp_path, registry, [{"type": "backscatter", "returned_fraction": 1.0}])
    assert abs(change(stored, "energy")) < 1e-5
    assert change(stored, "enstrophy") < -0.01


def test_closures_add_with_their_weights(registry: Registry, tmp_path: Path) -> None:
    """Halves of one closure make the whole, and different slots add."""
    other = {"type": "backscatter"}
    whole = decay(tmp_path / "whole", registry, [{"type": "leith"}, other])
    half = {"type": "leith", "weight": 0.5}
    halves = decay(tmp_path / "halves", registry, [half | {"label": "a"}, half | {"label": "b"}, other])
    expected = whole.frame("vorticity", -1)
    assert_allclose(halves.frame("vorticity", -1), expected, rtol=0, atol=1e-11 * np.abs(expected).max())


def test_a_priori_command_reads_run_folders(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decay(tmp_path, registry, [{"type": "backscatter"}])
    a_priori.main([str(tmp_path), "--cells", "16"])
    assert "gaussian filter of 2 cells, 32 x 32 to 16^2" in capsys.readouterr().out
