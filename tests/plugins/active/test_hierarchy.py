"""The moment hierarchy against the equation on a grid of angles, and its compiled form against the readable one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid.kernels.fourier import FourierBasis
from subgrid_active.config import ActiveKineticConfig, ActiveOrientationsConfig, RandomOrientationsConfig
from subgrid_active.initial import RandomOrientations
from subgrid_active.kinetic import ActiveKinetic
from subgrid_active.orientation_grid import ActiveOrientations
from subgrid_active.stokes import StokesSolver

START = RandomOrientations(RandomOrientationsConfig(amplitude=0.4, largest_wavenumber=3))
PHYSICS = {"zeta": 0.3, "alpha": -2.0}


def both(rod_run: Any, angles: int, modes: int, shape: tuple[int, int]) -> list[Any]:
    grid = ActiveOrientations(ActiveOrientationsConfig(**PHYSICS, angles=angles, stokes_passes=40))
    hierarchy = ActiveKinetic(ActiveKineticConfig(**PHYSICS, angular_modes=modes))
    return [rod_run(solver, shape=shape).start(START) for solver in (grid, hierarchy)]


def difference(runs: list[Any], name: str) -> float:
    exact, other = (run.quantity(name) for run in runs)
    return float(np.linalg.norm(other - exact) / np.linalg.norm(exact))


def test_both_start_from_the_same_state(rod_run: Any) -> None:
    runs = both(rod_run, 40, 6, (11, 12))
    for name in runs[0].solver.quantities:
        if name != "alignment":
            assert difference(runs, name) < 1e-8, name


def test_the_same_cut_gives_the_same_run(rod_run: Any) -> None:
    """40 angles keep harmonics below 40/3, of which the even ones end at 12 = 2 K."""
    runs = [run.advance(0.02, 60) for run in both(rod_run, 40, 6, (12, 15))]
    for name in ("concentration", "second_moment", "fourth_moment", "velocity"):
        assert difference(runs, name) < 1e-8, name


@pytest.mark.slow
def test_the_hierarchy_is_the_kinetic_theory_at_full_size(rod_run: Any) -> None:
    """300 steps at 32 x 32: 64 angles and the K that the solver chooses."""
    start = RandomOrientations(RandomOrientationsConfig())
    grid = ActiveOrientations(ActiveOrientationsConfig(zeta=0.3, angles=96, stokes_passes=40))
    hierarchy = ActiveKinetic(ActiveKineticConfig(zeta=0.3))
    runs = [rod_run(solver, shape=(32, 32), length=(10.0, 10.0)).start(start) for solver in (grid, hierarchy)]
    for run in runs:
        run.advance(0.02, 300)
    error = difference(runs, "second_moment")
    print(f"relative difference of a_2 after 300 steps: {error:.1e}")
    assert error < 1e-6


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(9, 14), (16, 11), (15, 15)])
def test_compiled_rates_are_the_readable_ones(theory: Any, shape: tuple[int, int], precision: str) -> None:
    run = theory({"zeta": 1.0}, shape=shape, backend=Backend(precision=precision, threads=1)).start(START)
    solver = run.solver
    compiled = solver.tendency(run.fields, 0.0, run.closures)["moments"]
    solver.backward = FourierBasis(run.mesh, run.backend).backward
    solver.stokes = StokesSolver(solver.basis, solver.config)
    readable = solver.reference_rate(solver.rods(run.fields, run.closures))
    tolerance = 1e-12 if precision == "float64" else 1e-4
    assert np.abs(compiled - readable).max() < tolerance * np.abs(readable).max()
    assert np.all(compiled[:, ~solver.basis.mask] == 0.0)


@pytest.mark.parametrize(("zeta", "alpha", "modes"), [(0.3, -1.0, 12), (1.0, -1.0, 18), (17.0, -5.0, 68)])
def test_modes_follow_the_alignment(zeta: float, alpha: float, modes: int) -> None:
    assert ActiveKinetic(ActiveKineticConfig(zeta=zeta, alpha=alpha)).modes == modes


def test_stress_settles_to_the_tolerance(theory: Any) -> None:
    """More passes change the velocity no more than the tolerance says."""
    velocity = []
    for passes, tolerance in ((12, 1e-8), (40, 0.0)):
        options = {"zeta": 1.0, "stokes_passes": passes, "stokes_tolerance": tolerance}
        run = theory(options).start(RandomOrientations(RandomOrientationsConfig(amplitude=0.5))).advance(0.02, 20)
        velocity.append(run.quantity("velocity"))
    assert np.abs(velocity[0] - velocity[1]).max() < 1e-7 * np.abs(velocity[1]).max()
