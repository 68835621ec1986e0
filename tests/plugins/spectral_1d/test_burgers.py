"""The Cole-Hopf solution, the time of the shock, and the energy budget under forcing."""

import numpy as np
import pytest

from subgrid_spectral.burgers import Burgers
from subgrid_spectral.cole_hopf import ColeHopf, ColeHopfError
from subgrid_spectral.config_1d import (
    BurgersConfig,
    ColeHopfConfig,
    RandomFourierConfig,
    SineConfig,
    SinusoidalForcingConfig,
)
from subgrid_spectral.initial_1d import RandomFourier, Sine

TWO_PI = 2.0 * np.pi


def cole_hopf_errors(line_run, dt):
    config = ColeHopfConfig(offset=1.25, viscosity=0.1)
    run = line_run(Burgers(BurgersConfig(viscosity=0.1)), 64, TWO_PI).start(ColeHopf(config))
    return run.advance(round(4.0 / dt), dt).observed(ColeHopfError(config))


def test_cole_hopf_solution_is_reached_at_fourth_order(line_run):
    coarse, fine = (cole_hopf_errors(line_run, dt)["error_l2"] for dt in (0.2, 0.1))
    assert np.log2(coarse / fine) == pytest.approx(4.0, abs=0.2)


def test_cole_hopf_solution_is_reached_to_rounding(line_run):
    # theta's zeros lie at Im x = arccosh(1.25) = 0.69, so that mode 21, the last of 64 cells kept, is exp(-14.6) = 5e-7
    # of the first, and less later on.
    assert cole_hopf_errors(line_run, 0.01)["error_max"] < 5e-7


def test_sine_steepens_like_the_inviscid_shock(line_run):
    # Inviscid: min u_x = -1/(1 - t), a shock at t = 1. Viscosity 1e-4 changes u_x by about nu t |u_xxx / u_x| < 1e-3.
    run = line_run(Burgers(BurgersConfig(viscosity=1e-4)), 512, TWO_PI).start(Sine(SineConfig())).advance(500, 1e-3)
    slope = run.solver.inputs("subgrid_forcing", run.fields, run.t)["gradient"]
    assert slope.min() == pytest.approx(-2.0, rel=2e-3)


def forced(line_run, **options):
    solver = Burgers(BurgersConfig(viscosity=0.05, forcing=SinusoidalForcingConfig(**options)))
    return line_run(solver, 96, TWO_PI, seed=5)


def test_energy_budget_closes_under_forcing(line_run):
    dt = 1e-3
    run = forced(line_run).start(RandomFourier(RandomFourierConfig(highest_mode=4)))
    before = run.values("energy")
    run.advance(1, dt)
    rates = sum(run.values(f"energy_rate_{name}") for name in ("advection", "viscosity", "forcing", "closure"))
    after = run.advance(1, dt).values("energy")
    assert run.values("energy_rate_forcing") != 0.0
    assert (after - before) / (2.0 * dt) == pytest.approx(rates, rel=1e-4)  # central difference, dt^2


def test_forcing_is_the_sum_of_its_waves(line_run):
    run = forced(line_run, waves=3).start(np.zeros(96))
    generator = run.setup.rng.generator("forcing")
    amplitude, frequency = generator.uniform(-0.5, 0.5, 3), generator.uniform(-0.4, 0.4, 3)
    phase, mode = generator.uniform(0.0, TWO_PI, 3), generator.integers(3, 6, 3, endpoint=True)
    waves = [a * np.sin(w * 2.0 - m * run.x + p) for a, w, p, m in zip(amplitude, frequency, phase, mode, strict=True)]
    tendency = run.solver.tendency(run.fields, 2.0, run.closures)["u"]
    np.testing.assert_allclose(run.solver.basis.backward(tendency), sum(waves), atol=1e-14)
