"""A comparison of speed is fair only when everyone computes the same thing: the peers give our numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench
from subgrid_spectral import benchmarks, peers

N = 32


@pytest.fixture(scope="module")
def workbench() -> RegistryWorkbench:
    return RegistryWorkbench(Registry.load())


@pytest.fixture(scope="module")
def spectrum(workbench: RegistryWorkbench) -> Any:
    return benchmarks.initial_spectrum(workbench, N)


def clean(values: Any) -> Any:
    """Modes |m| <= 8: everyone keeps them, and products of modes up to 9 reach them without aliasing."""
    values = np.asarray(values).reshape(N, N // 2 + 1)
    return np.concatenate([values[:9, :9], values[-8:, :9]])


def close(a: Any, b: Any, rtol: float = 1e-11) -> None:
    a, b = clean(a), clean(b)
    np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())  # round-off of transforms


@pytest.mark.parametrize("fft", ["scipy", "fftw"])
def test_exponax_has_our_right_hand_side(workbench: RegistryWorkbench, spectrum: Any, fft: str) -> None:
    pytest.importorskip("exponax")
    if fft == "fftw":
        pytest.importorskip("pyfftw")
    ours: Any = benchmarks.right_hand_side(workbench, N, fft)()
    close(ours["vorticity"], peers.exponax_tendency(spectrum, N)())


def test_jax_cfd_has_our_right_hand_side(workbench: RegistryWorkbench, spectrum: Any) -> None:
    pytest.importorskip("jax_cfd")
    ours: Any = benchmarks.right_hand_side(workbench, N, "scipy")()
    # its first axis is x, ours is y: exchanging the axes turns the flow round
    close(ours["vorticity"], -np.asarray(peers.jax_cfd_tendency(spectrum, N, benchmarks.VISCOSITY)()))


def test_exponax_takes_our_step(workbench: RegistryWorkbench) -> None:
    pytest.importorskip("exponax")
    data = benchmarks.scenario(N)
    data["initial"]["cutoff"] = 3
    start = workbench.simulation(data).state.fields["vorticity"]
    ours: Any = benchmarks.step(workbench, data)()
    theirs = peers.exponax_step(start, N, benchmarks.STEP, benchmarks.VISCOSITY)()
    # the masks differ at |m| = 10, which these waves reach and come back from with dt^3 = 1e-9
    close(ours.fields["vorticity"], theirs, rtol=1e-8)
    assert np.abs(clean(ours.fields["vorticity"]) - clean(start)).max() > 1e-5 * np.abs(start).max()


def test_exponax_takes_our_kuramoto_sivashinsky_step(workbench: RegistryWorkbench) -> None:
    pytest.importorskip("exponax")
    data = benchmarks.ks_scenario(64, 32.0)
    dt, u = data["time"]["dt"], workbench.simulation(data).state.fields["u"]
    ours: Any = benchmarks.step(workbench, data)()
    theirs = np.asarray(peers.exponax_ks_step(u, 64, 32.0, dt)())[0]
    np.testing.assert_allclose(ours.fields["u"][:16], theirs[:16], rtol=0, atol=1e-9 * np.abs(u).max())
    rolled = np.asarray(peers.exponax_ks_scan(u, 64, 32.0, dt, 1)())[0]
    np.testing.assert_allclose(rolled, theirs, rtol=0, atol=1e-12 * np.abs(u).max())


def test_every_workload_runs_at_a_small_size(workbench: RegistryWorkbench) -> None:
    overrides = [
        "navier_stokes.sizes=[32]",
        "navier_stokes.step_size=32",
        "navier_stokes.scaling_size=32",
        'navier_stokes.fft=["scipy"]',
        "kuramoto_sivashinsky.points=32",
    ]
    names = ["right-hand side", "ETDRK4 step", "compiled kernel"]
    cases: list[Any] = workbench.cases(names, overrides)
    assert len(cases) == 5
    for case in cases:
        case.prepare()()
        for rival in case.rivals:
            if rival.name.startswith(("its", "4 transforms", "1 thread")):
                rival.prepare()()
