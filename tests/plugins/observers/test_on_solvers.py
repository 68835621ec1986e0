"""Observers on the solvers they are made for: spectra, totals and budgets must agree with the solver's own scalars."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse

TWO_PI = 2.0 * np.pi
TURBULENCE = {
    "mesh": {"type": "grid", "shape": [32, 32], "length": [TWO_PI, TWO_PI]},
    "initial": {"type": "mcwilliams", "peak_wavenumber": 3.0},
    "solver": {"type": "navier_stokes_2d", "viscosity": 0.01, "drag": 0.1, "forcing": {"type": "crossed_cosines"}},
    "closures": [{"type": "leith"}],
    "integrator": {"type": "rk4"},
    "time": {"end": 0.2, "dt": 0.005},
}
LAYERS = {
    "mesh": {"type": "grid", "shape": [32, 32], "length": [1e6, 1e6]},
    "initial": {"type": "random_potential_vorticity", "amplitude": 1e-5},
    "solver": {"type": "two_layer_qg"},
    "integrator": {"type": "rk4"},
    "time": {"end": 72000.0, "dt": 7200.0},
}
LINE = {
    "mesh": {"type": "grid", "shape": [64], "length": [22.0]},
    "initial": {"type": "random_fourier"},
    "solver": {"type": "kuramoto_sivashinsky"},
    "integrator": {"type": "etdrk4"},
    "time": {"end": 2.0, "dt": 0.05},
}


def observed(folder: Path, data: dict[str, Any], *observers: dict[str, Any]) -> RunFolder:
    registry = Registry.load()
    listed = [{"every": {"steps": 1}, **observer} for observer in observers]
    run(parse({**data, "observers": listed}, registry, folder), folder / "run", registry)
    return RunFolder(folder / "run")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_spectra_sum_to_energy_and_enstrophy(tmp_path, backend):
    if backend == "torch":
        pytest.importorskip("torch")
    names = ("energy", "enstrophy", "energy_spectrum", "enstrophy_spectrum")
    folder = observed(tmp_path, {**TURBULENCE, "backend": {"name": backend}}, *({"type": name} for name in names))
    for name in ("energy", "enstrophy"):
        spectrum = folder.series(f"{name}_spectrum")["spectrum"]
        np.testing.assert_allclose(spectrum.sum(axis=1), folder.series(name)[name], rtol=1e-12)


def test_budgets_are_the_rates_of_change(tmp_path):
    """Against centred differences of the stored totals: error dt^2/6 E''', some 1e-5 of the rate at dt = 0.005."""
    folder = observed(tmp_path, TURBULENCE, *({"type": name} for name in ("energy", "enstrophy", "budget")))
    budget = folder.series("budget")
    for name in ("energy", "enstrophy"):
        total = folder.series(name)[name]
        slope = (total[2:] - total[:-2]) / (2 * 0.005)
        np.testing.assert_allclose(slope, budget[f"{name}_rate"][1:-1], rtol=2e-3)


def test_courant_number_of_a_run(tmp_path):
    series = observed(tmp_path, TURBULENCE, {"type": "cfl"}).series("cfl")
    bound = series["max_speed"] * 0.005 * 32 / TWO_PI
    assert np.all(series["courant"][1:] >= bound[1:] * (1 - 1e-12))
    assert np.all(series["courant"][1:] <= bound[1:] * np.sqrt(2.0) * (1 + 1e-12))


def test_layers_of_a_quasi_geostrophic_run(tmp_path):
    spectrum = {"type": "enstrophy_spectrum"}
    potential = {"type": "power_spectrum", "quantity": "potential_vorticity"}
    others = ({"type": name} for name in ("energy_spectrum", "vorticity_pdf", "cfl", "budget", "enstrophy"))
    folder = observed(tmp_path, LAYERS, spectrum, potential, *others)
    assert folder.series_info("energy_spectrum")["spectrum"].dims == ("layer", "wavenumber")
    np.testing.assert_allclose(
        folder.series("enstrophy_spectrum")["spectrum"].sum(axis=-1),
        folder.series("enstrophy")["enstrophy"],
        rtol=1e-12,
    )
    assert folder.series("vorticity_pdf")["upper_quantile"].shape == (11, 2, 3)


def test_a_one_dimensional_run(tmp_path):
    names = ("energy", "energy_spectrum", "power_spectrum", "cfl")
    folder = observed(tmp_path, LINE, *({"type": name} for name in names))
    energy = folder.series("energy")["energy"]
    np.testing.assert_allclose(folder.series("energy_spectrum")["spectrum"].sum(axis=1), energy, rtol=1e-12)
    np.testing.assert_array_equal(
        folder.series("power_spectrum")["spectrum"], folder.series("energy_spectrum")["spectrum"]
    )
