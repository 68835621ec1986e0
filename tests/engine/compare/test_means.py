"""Means over time of single numbers, beside the reference's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from subgrid.compare import compare
from subgrid.compare.options import load
from subgrid.compare.plan import Planner
from subgrid.errors import ScenarioError
from subgrid.output import RunFolder
from subgrid.registry import Registry

FILE = """
baseline = "leaky"
seeds = [1, 2]
[scenario]
mesh = { type = "grid", shape = [16, 16], length = ["2 pi", "2 pi"] }
initial = { type = "mcwilliams", peak_wavenumber = 3.0 }
solver = { type = "navier_stokes_2d", viscosity = 5e-3 }
integrator = { type = "rk4" }
time = { end = 0.5, dt = 0.025 }
output = { quantities = ["vorticity", "velocity"], every = { time = 0.05 } }
observers = [{ type = "energy", every = { time = 0.05 } }, { type = "energy_spectrum", every = { time = 0.05 } }]
[reference]
set = { mesh.shape = [16, 16] }
[metrics]
means = ["energy.energy"]
after = 0.2
[[variants]]
name = "same"
[[variants]]
name = "leaky"
set = { solver.viscosity = 2e-2 }
"""


def test_means_are_those_of_the_series(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(FILE)
    comparison = compare(path, tmp_path / "out", Registry.load(), jobs=1)
    numbers = {result.name: result.numbers for result in comparison.results}
    wanted = []
    for seed in (1, 2):
        series = RunFolder(tmp_path / "out" / "runs" / "variant_leaky" / f"seed_{seed}").series("energy")
        wanted.append(series["energy"][series["time"] >= 0.199].mean())
    assert numbers["leaky"]["mean:energy.energy"] == pytest.approx(sum(wanted) / 2.0, rel=1e-12)
    assert numbers["leaky"]["mean_error:energy.energy"] < -0.005
    # the reference is measured on frames in single precision that passed the filter
    assert numbers["same"]["mean_error:energy.energy"] == pytest.approx(0.0, abs=2e-2)
    text = (tmp_path / "out" / "table.txt").read_text()
    assert "energy" in text.splitlines()[2]
    assert "mean:energy.energy" in (tmp_path / "out" / "table.csv").read_text().splitlines()[0]


@pytest.mark.parametrize(
    ("means", "complaint"),
    [
        ('["heat.energy"]', "metrics.means: variants.same has no observer 'heat'"),
        ('["energy.heat"]', "metrics.means: 'energy' has no variable 'heat'"),
        ('["energy_spectrum.spectrum"]', "metrics.means: 'energy_spectrum.spectrum' is no single number"),
    ],
)
def test_what_is_no_single_number_is_named_before_anything_runs(tmp_path: Path, means: str, complaint: str) -> None:
    path = tmp_path / "file.toml"
    path.write_text(FILE.replace('["energy.energy"]', means))
    with pytest.raises(ScenarioError) as caught:
        Planner(load(path), tmp_path / "out", Registry.load()).plan()
    assert complaint in str(caught.value)


def test_a_path_is_a_label_and_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "file.toml"
    path.write_text(FILE.replace('["energy.energy"]', '["energy"]'))
    with pytest.raises(ScenarioError, match=r"metrics\.means"):
        load(path)


def test_figures_are_drawn_where_the_spectrum_peaks_high(tmp_path: Path) -> None:
    """The slope of the enstrophy range has no room there."""
    matplotlib: Any = pytest.importorskip("matplotlib")
    assert matplotlib
    path = tmp_path / "file.toml"
    path.write_text(FILE.replace("peak_wavenumber = 3.0", "peak_wavenumber = 30.0"))
    comparison = compare(path, tmp_path / "out", Registry.load(), jobs=1)
    assert "spectra" in [figure.stem for figure in comparison.figures]
