"""Does a comparison take what the runs have, of any flow, and say before they start what they lack?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from subgrid.compare import Comparison, compare
from subgrid.compare.options import load
from subgrid.compare.plan import Plan, Planner
from subgrid.errors import ScenarioError
from subgrid.registry import Registry
from subgrid.scenario import load as load_scenario

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "comparison.md"
BURGERS = PAGE.read_text().split("```toml\n")[1].split("```")[0]
FLOW = """
baseline = "none"
[scenario]
mesh = { type = "grid", shape = [16, 16], length = ["2 pi", "2 pi"] }
initial = { type = "mcwilliams", peak_wavenumber = 3.0 }
solver = { type = "navier_stokes_2d", viscosity = 5e-3 }
integrator = { type = "rk4" }
time = { end = 1.0, dt = 0.025 }
output = { quantities = ["vorticity"], every = { time = 0.25 } }
observers = [
  { type = "energy_spectrum", every = { time = 0.25 } },
  { type = "vorticity_pdf", every = { time = 0.25 }, std = 3.0 },
]
[reference]
set = { mesh.shape = [32, 32] }
[[variants]]
name = "none"
"""
NEEDS_VELOCITY = FLOW.replace('["vorticity"]', '["vorticity", "velocity"]')


def plan(folder: Path, text: str) -> Plan:
    path = folder / "file.toml"
    path.write_text(text)
    return Planner(load(path), folder / "out", Registry.load()).plan()


@pytest.fixture(scope="module")
def burgers(tmp_path_factory) -> Comparison:
    folder = tmp_path_factory.mktemp("burgers")
    path = folder / "burgers.toml"
    path.write_text(BURGERS)
    return compare(path, folder / "out", Registry.load(), jobs=2)


def test_one_dimensional_flows_can_be_compared(burgers):
    """The example of the documentation; a variant on the reference's own mesh differs by the start's round-off."""
    numbers = {result.name: result.numbers for result in burgers.results}
    assert numbers["resolved"]["spectrum_error"] < 1e-8
    assert numbers["coarse"]["spectrum_error"] > 1e-6
    assert "std" not in numbers["coarse"]
    assert "tail_error_0.01" not in numbers["coarse"]
    assert numbers["resolved"]["correlation_time"] == np.inf
    assert "distribution: none" in (burgers.folder / "table.txt").read_text()


def test_one_dimensional_fields_are_drawn_as_lines(burgers):
    pytest.importorskip("matplotlib")
    assert sorted(path.stem for path in burgers.figures) == ["correlation", "cost", "panels", "spectra"]


def test_what_is_left_out_is_taken_from_the_runs(tmp_path):
    metrics = plan(tmp_path, NEEDS_VELOCITY).metrics
    assert metrics.spectrum == "energy_spectrum.spectrum"
    assert metrics.pdf == "vorticity_pdf.probability"
    assert metrics.field == "vorticity"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (FLOW, "scenario.output.quantities: add 'velocity'"),
        (NEEDS_VELOCITY.replace(", std = 3.0", ""), "variants.none.observers (vorticity_pdf): vorticity_pdf.std is"),
        (NEEDS_VELOCITY + "[metrics]\nafter = 1.0", "metrics.after: 1 lies beyond reference, which ends at 1"),
        (NEEDS_VELOCITY + '[metrics]\npdf = "pdf.probability"', "metrics.pdf: variants.none has no observer 'pdf'"),
        (NEEDS_VELOCITY + '[metrics]\nspectrum = "energy_spectrum.mean"', "has no variable 'mean'; it has spectrum"),
        (NEEDS_VELOCITY + '[metrics]\nfield = "u"', "metrics.field: variants.none stores no 'u'"),
    ],
)
def test_what_is_lacking_is_named_before_anything_runs(tmp_path, text, complaint):
    with pytest.raises(ScenarioError) as caught:
        plan(tmp_path, text)
    assert complaint in str(caught.value)
    assert "file.toml: " in str(caught.value)


def test_a_comparison_is_no_scenario_and_the_converse(tmp_path):
    path = tmp_path / "file.toml"
    path.write_text(FLOW)
    with pytest.raises(ScenarioError, match=r"subgrid compare") as caught:
        load_scenario(path, Registry.load())
    assert len(caught.value.problems) == 1
    with pytest.raises(ScenarioError, match=r"subgrid run") as caught:
        load(ROOT / "scenarios" / "spectral_1d" / "burgers_cole_hopf.toml")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("to_the_group", [False, True])
def test_an_interrupt_ends_all_members_at_once(tmp_path, to_the_group):
    """Ctrl-C reaches every process of the terminal, `kill` only one; the runs would take minutes."""
    path = tmp_path / "long.toml"
    path.write_text(NEEDS_VELOCITY.replace("end = 1.0", "end = 100000.0"))
    call = [sys.executable, "-m", "subgrid", "compare", str(path), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(call, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60.0
    while not list((tmp_path / "out").glob("runs/*/*/trajectory.h5")) and time.monotonic() < deadline:
        time.sleep(0.05)
    (os.killpg if to_the_group else os.kill)(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=15.0)
    assert process.returncode == 75
    assert errors == "interrupted: finished members are kept; run the same command again to go on\n"
