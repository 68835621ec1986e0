"""Accuracy of the schemes on the stiff benchmark, the energy budget, and added model errors."""

from functools import cache

import numpy as np
import pytest

from subgrid.integrators.etd import ETDRK2, ETDRK4
from subgrid.integrators.imex import ARS343, CNAB2
from subgrid_spectral.config_1d import KassamTrefethenConfig, KuramotoSivashinskyConfig, RandomFourierConfig
from subgrid_spectral.initial_1d import KassamTrefethen, RandomFourier
from subgrid_spectral.kuramoto_sivashinsky import KuramotoSivashinsky

LENGTH = 32.0 * np.pi

# Relative L2 error at t = 30 by steps of 1/4, 1/8, 1/16, 1/32 and 1/64 (n = 128, reference with 24000 steps of ETDRK4),
# from an independent float64 computation without dealiasing, as in Kassam and Trefethen 2005. Two digits are given.
ERRORS = {
    ETDRK4: (3.0e-5, 2.7e-6, 4.2e-7, 4.2e-8, 3.4e-9),
    ARS343: (6.6e-4, 8.0e-5, 9.9e-6, 1.3e-6, 1.6e-7),
    ETDRK2: (2.6e-2, 6.6e-3, 1.7e-3, 4.1e-4, 1.0e-4),
    CNAB2: (4.2e-2, 1.0e-2, 2.6e-3, 6.5e-4, 1.6e-4),
}


def classical(line_run):
    solver = KuramotoSivashinsky(KuramotoSivashinskyConfig(dealias="none"))
    return line_run(solver, 128, LENGTH).start(KassamTrefethen(KassamTrefethenConfig()))


@cache
def reference(line_run):
    return classical(line_run).advance(24000, 30.0 / 24000).values()


@pytest.mark.parametrize("scheme", ERRORS)
def test_errors_of_the_stiff_benchmark(line_run, scheme):
    exact = reference(line_run)
    found = []
    for steps in (120, 240, 480, 960, 1920):
        u = classical(line_run).advance(steps, 30.0 / steps, scheme).values()
        found.append(np.linalg.norm(u - exact) / np.linalg.norm(exact))
    print(scheme.__name__, [f"{error:.2e}" for error in found])
    np.testing.assert_allclose(found, ERRORS[scheme], rtol=0.06)


def test_product_conserves_energy_when_dealiased(line_run):
    run = line_run(KuramotoSivashinsky(KuramotoSivashinskyConfig()), 64, 22.0)
    run.start(RandomFourier(RandomFourierConfig(highest_mode=20, slope=0.0)))
    # <u u u_x> = 0 for a Galerkin truncation; the scale of its terms is rms^3 k_max.
    assert abs(run.values("energy_rate_advection")) < 1e-14


def test_aliasing_spoils_that_without_dealiasing(line_run):
    run = line_run(KuramotoSivashinsky(KuramotoSivashinskyConfig(dealias="none")), 64, 22.0)
    run.start(RandomFourier(RandomFourierConfig(highest_mode=30, slope=0.0)))
    assert abs(run.values("energy_rate_advection")) > 1e-3


def test_energy_budget_closes(line_run):
    dt = 1e-3
    run = line_run(KuramotoSivashinsky(KuramotoSivashinskyConfig(dispersion=0.5)), 64, 22.0)
    run.start(RandomFourier(RandomFourierConfig(highest_mode=4))).advance(2000, 0.05)
    before = run.values("energy")
    run.advance(1, dt)
    terms = ("advection", "antidiffusion", "hyperviscosity", "dispersion")
    rates = sum(run.values(f"energy_rate_{name}") for name in terms)
    after = run.advance(1, dt).values("energy")
    assert abs(run.values("energy_rate_dispersion")) < 1e-13  # waves only travel
    assert run.values("energy_rate_antidiffusion") > 0.0 > run.values("energy_rate_hyperviscosity")
    assert (after - before) / (2.0 * dt) == pytest.approx(rates, abs=1e-5)


@pytest.mark.parametrize(
    ("option", "symbol"),
    [
        ("antidiffusion", lambda k: 2.0 * k**2 - k**4),
        ("hyperviscosity", lambda k: k**2 - 2.0 * k**4),
        ("dispersion", lambda k: k**2 - k**4 + 2j * k**3),
    ],
)
def test_coefficients_enter_the_symbol(line_run, option, symbol):
    run = line_run(KuramotoSivashinsky(KuramotoSivashinskyConfig(**{option: 2.0})), 64, 22.0)
    k = 2.0 * np.pi / 22.0 * np.arange(32)
    np.testing.assert_allclose(run.solver.linear["u"][:32], symbol(k), rtol=1e-14)


def test_small_waves_grow_and_travel_as_the_symbol_says(line_run):
    config = KuramotoSivashinskyConfig(dispersion=0.5)
    run = line_run(KuramotoSivashinsky(config), 64, 22.0)
    run.start(1e-9 * np.cos(2.0 * np.pi * 2 * run.x / 22.0))
    k = 4.0 * np.pi / 22.0
    before = run.fields["u"][2]
    ratio = run.advance(20, 0.1).fields["u"][2] / before
    assert ratio == pytest.approx(np.exp(2.0 * (k**2 - k**4 + 0.5j * k**3)), rel=1e-9)
