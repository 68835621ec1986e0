"""A whole comparison at the smallest size: forced flow on 16^2 points against an own run on 32^2."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.compare import Comparison, compare
from subgrid.errors import ScenarioError
from subgrid.registry import Registry

FILE = """
baseline = "none"
[scenario]
mesh = { type = "grid", shape = [16, 16], length = ["2 pi", "2 pi"] }
initial = { type = "mcwilliams", peak_wavenumber = 3.0 }
solver = { type = "navier_stokes_2d", viscosity = 5e-3, drag = 0.1, forcing = { type = "crossed_cosines" } }
integrator = { type = "rk4" }
time = { end = 3.0, dt = 0.025 }
output = { quantities = ["vorticity"], every = { time = 0.25 } }
[[scenario.observers]]
type = "enstrophy_spectrum"
every = { time = 0.25 }
[[scenario.observers]]
type = "vorticity_pdf"
std = 3.0
every = { time = 0.25 }
[reference]
spin_up = 1.0
set = { mesh.shape = [32, 32] }
[metrics]
after = 1.5
[[variants]]
name = "none"
[[variants]]
name = "leith"
set = { closures = [{ type = "leith" }] }
[[variants]]
name = "antidiffusion"
set = { closures = [{ type = "constant_viscosity", viscosity = -0.5 }] }
[[variants]]
name = "resolved"
set = { mesh.shape = [32, 32] }
"""


@dataclass
class Done:
    comparison: Comparison
    path: Path
    out: Path
    table: dict[str, Any]


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Done:
    folder = tmp_path_factory.mktemp("comparison")
    path = folder / "small.toml"
    path.write_text(FILE)
    comparison = compare(path, folder / "out", Registry.load(), jobs=2)
    return Done(comparison, path, folder / "out", json.loads((folder / "out" / "table.json").read_text()))


def result(done: Done, name: str):
    return next(r for r in done.comparison.results if r.name == name)


def test_a_variant_like_the_reference_has_no_error(done):
    """Same grid and step from the same state: what is left is the round trip of the start through a frame."""
    numbers = result(done, "resolved").numbers
    assert numbers["spectrum_error"] < 1e-8
    assert numbers["resolved_ratio"] == pytest.approx(1.0, abs=1e-8)
    assert numbers["tail_error_0.01"] == pytest.approx(0.0, abs=1e-2)
    assert numbers["correlation_time"] == np.inf


def test_all_variants_leave_the_filtered_reference(done):
    """The first frame is the reference's own, so its correlation is 1 on any grid."""
    for name in ("none", "leith", "resolved"):
        (trace,) = result(done, name).traces
        assert trace.times[0] == 1.0
        assert trace.correlations[0] == pytest.approx(1.0, abs=1e-10)


def test_coarse_variants_lose_accuracy(done):
    assert result(done, "none").numbers["spectrum_error"] > 1e-3
    assert result(done, "leith").numbers["spectrum_high"] < result(done, "none").numbers["spectrum_high"]


def test_a_blow_up_is_a_result(done):
    """Growth at (0.5 - 0.005) k^2 up to k = 5 passes any bound soon after t = 1."""
    broken = result(done, "antidiffusion")
    assert broken.outcome.startswith("blown up at t = ")
    assert broken.statistics is None
    assert done.comparison.failed == []
    assert "blown up" in (done.out / "table.txt").read_text()


def test_reference_statistics_are_those_of_the_filtered_frames(done):
    """Measured on the coarse grid by the variant's observers, they agree with the reference's own below the cut."""
    filtered, own = (result(done, name).reference.spectrum for name in ("none", "resolved"))
    np.testing.assert_allclose(filtered.values[1:6], own.values[1:6], rtol=1e-10)
    assert filtered.values[-1] == pytest.approx(0.0, abs=1e-20)


def test_table_files_hold_the_same_numbers(done):
    stored = done.table["variants"]
    rows = {row["variant"]: row for row in csv.DictReader((done.out / "table.csv").read_text().splitlines())}
    assert list(stored) == ["none", "leith", "antidiffusion", "resolved"]
    value = stored["leith"]["values"]["spectrum_error"]
    assert float(rows["leith"]["spectrum_error"]) == value == result(done, "leith").numbers["spectrum_error"]
    assert stored["leith"]["ratio"]["spectrum_error"] == pytest.approx(
        value / stored["none"]["values"]["spectrum_error"]
    )
    assert stored["none"]["values"]["evaluations"] == 4 * stored["none"]["values"]["steps"] == 320
    assert stored["resolved"]["correlation_held"]


def test_every_figure_is_drawn(done):
    pytest.importorskip("matplotlib")
    assert sorted(path.stem for path in done.comparison.figures) == [
        "correlation",
        "cost",
        "distributions",
        "panels",
        "spectra",
    ]
    assert all(path.stat().st_size > 10_000 for path in done.comparison.figures)


def test_finished_runs_are_taken_over_until_something_changes(done):
    lines: list[str] = []
    again = compare(done.path, done.out, Registry.load(), jobs=2, report=lines.append)
    assert len(lines) == 6
    assert all("taken over" in line for line in lines)
    assert again.results[1].numbers == result(done, "leith").numbers
    lines.clear()
    change = ["variants.1.set.closures.0.coefficient=0.3"]
    changed = compare(done.path, done.out, Registry.load(), jobs=2, overrides=change, report=lines.append)
    assert [line for line in lines if "taken over" not in line] == ["leith (seed 0): finished after 80 steps"]
    assert changed.results[1].numbers["spectrum_error"] != result(done, "leith").numbers["spectrum_error"]


def test_mistakes_of_every_variant_are_found_before_anything_runs(done, tmp_path):
    path = tmp_path / "wrong.toml"
    text = FILE.replace('type = "leith"', 'type = "lieth"').replace("viscosity = -0.5", 'viscosity = "-0.5 km"')
    path.write_text(text.replace("[metrics]", '[metrics]\npdf = "pdf.probability"'))
    with pytest.raises(ScenarioError) as caught:
        compare(path, tmp_path / "out", Registry.load())
    message = str(caught.value)
    assert "variants.leith.closures.0.type" in message
    assert "variants.antidiffusion.closures.0.viscosity" in message
    assert "metrics.pdf: variants.none has no observer 'pdf'; it has: enstrophy_spectrum, vorticity_pdf" in message
    assert not (tmp_path / "out").exists()


def test_stored_statistics_as_reference(done, tmp_path):
    """The statistics of one variant, stored: the same run again has no error against them."""
    known = done.table["variants"]["leith"]["statistics"]
    spectrum = {key: known[key][:6] for key in ("wavenumber", "multiplicity")} | {"values": known["spectrum"][:6]}
    spectrum["values"][0] = 1e-30  # the mean vorticity is zero, and a stored spectrum is positive
    content = {"description": "a run", "source": "a test", "spectrum": spectrum, "quantiles": known["quantiles"]}
    (tmp_path / "stored.json").write_text(json.dumps(content))
    start = f'initial = {{ type = "from_run", run = "{done.out / "runs" / "spin_up" / "seed_0"}" }}'
    text = re.sub("(?m)^initial = .*$", start, FILE).replace("end = 3.0", "start = 1.0, end = 3.0")
    text = re.sub(r"(?s)\[reference\].*?\[metrics\]", '[reference]\nstatistics = "stored.json"\n[metrics]', text)
    text = text.partition('[[variants]]\nname = "antidiffusion"')[0]
    (tmp_path / "stored.toml").write_text(text)
    again = compare(tmp_path / "stored.toml", tmp_path / "out", Registry.load(), jobs=1)
    leith = again.results[1].numbers
    assert leith["spectrum_error"] == pytest.approx(0.0, abs=1e-12)
    assert leith["resolved_ratio"] == pytest.approx(1.0, abs=1e-12)
    assert leith["tail_error_0.01"] == pytest.approx(0.0, abs=1e-12)
    assert again.results[0].numbers["spectrum_error"] > 1e-3
    assert "correlation_time" not in leith
