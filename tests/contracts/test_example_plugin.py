"""A stranger's package: installed, listed, run from the command line, held to the contract, and shown in README."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.testing import ClosureConformance
from subgrid.testing.closure import plugged

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests" / "example_plugin"
FILES = ("subgrid_vreman/vreman.py", "subgrid_vreman/plugin.py")


def subgrid(example_plugin: Path, *arguments: str) -> str:
    """Standard output of a command line that sees the plugin."""
    environment = {**os.environ, "PYTHONPATH": str(example_plugin)}
    command = [sys.executable, "-m", "subgrid", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


class TestVreman(ClosureConformance):
    name = "vreman"

    @pytest.fixture
    def registry(self, example_plugin: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
        monkeypatch.syspath_prepend(str(example_plugin))
        return Registry.load(strict=True)

    def test_vanishes_in_plane_shear(self, registry: Registry, tmp_path: Path) -> None:
        simulation = self.simulate(registry, tmp_path)
        gradient = np.zeros((2, 2, *simulation.mesh.shape))
        gradient[0, 1] = 3.0
        viscosity = plugged(simulation).closure.evaluate({"velocity_gradient": gradient}, {})
        np.testing.assert_array_equal(viscosity, 0.0)

    def test_value_in_solid_rotation(self, registry: Registry, tmp_path: Path) -> None:
        simulation = self.simulate(registry, tmp_path)
        gradient = np.zeros((2, 2, *simulation.mesh.shape))
        gradient[0, 1], gradient[1, 0] = -3.0, 3.0
        viscosity = plugged(simulation).closure.evaluate({"velocity_gradient": gradient}, {})
        dy, dx = simulation.mesh.spacing
        # det G = rate^2 and |G| = sqrt(2) rate
        np.testing.assert_allclose(viscosity, 0.07 * dx * dy * 3.0 / np.sqrt(2.0), rtol=1e-14)


def test_listed_and_shown(example_plugin: Path) -> None:
    listed = subgrid(example_plugin, "plugins", "list", "--strict")
    assert "vreman (subgrid-vreman 1.0): 1 components" in listed
    assert "coefficient (default 0.07" in subgrid(example_plugin, "plugins", "show", "vreman")


def test_runs_inside_a_scenario(example_plugin: Path, tmp_path: Path) -> None:
    subgrid(example_plugin, "run", str(SOURCE / "vreman.toml"), "--out", str(tmp_path / "run"), "--quiet")
    stored = RunFolder(tmp_path / "run")
    assert stored.outcome()["status"] == "finished"
    budget, energy = stored.series("budget"), stored.series("energy")["energy"]
    # the only process that takes energy: its rate accounts for the loss (trapezoidal rule over 20 intervals)
    loss = np.trapezoid(budget["energy_rate_closure"], budget["time"])
    assert loss < 0.0
    assert energy[-1] - energy[0] == pytest.approx(loss, rel=0.02)
    assert "subgrid-vreman" in str(stored.provenance())


def test_closure_takes_at_most_forty_lines() -> None:
    assert sum(len(path.read_text().splitlines()) for path in (SOURCE / "subgrid_vreman").glob("*.py")) <= 40


@pytest.mark.parametrize("file", [*FILES, "pyproject.toml"])
def test_readme_shows_the_files_as_they_are(file: str) -> None:
    language = "toml" if file.endswith(".toml") else "python"
    assert f"```{language}\n{(SOURCE / file).read_text()}```" in (ROOT / "README.md").read_text()
