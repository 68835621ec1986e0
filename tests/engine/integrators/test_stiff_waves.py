"""Stiff partial differential equations: published errors for Kuramoto-Sivashinsky, and Burgers by Cole-Hopf."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from subgrid.api import ArraySpec, Backend, Grid, Setup, State, StateSpec, Streams
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.etd import ETDRK2, ETDRK4
from subgrid.integrators.imex import ARS343, CNAB2, SBDF2


class SpectralLine:
    """``u_t = L u - (u^2 / 2)_x`` on a periodic line of length ``2 pi / k1``, as the half spectrum of u."""

    def __init__(self, points, k1, symbol):
        self.fused = {}
        k = k1 * np.arange(points // 2 + 1)
        self.points = points
        self.linear = {"u": symbol(k)}
        self.flux = -0.5j * np.where(np.arange(k.size) == points // 2, 0.0, k)
        self.x = np.arange(points) * 2.0 * np.pi / k1 / points

    def explicit(self, fields, t, out=None):
        u = np.fft.irfft(fields["u"], self.points)
        return {"u": np.multiply(self.flux, np.fft.rfft(u * u), out=None if out is None else out["u"])}

    def run(self, scheme, u, end, steps):
        dt = end / steps
        backend, rng = Backend(), Streams(0, "integrator")
        setup = Setup(Grid((self.points,), (1.0,)), backend, "integrator", rng, dt, None)
        spec = StateSpec({"u": ArraySpec(self.linear["u"].shape, "complex", "mode")})
        integrator, state = scheme(FixedStepConfig()), State(fields={"u": np.fft.rfft(u)})
        state.allocate("integrator", StateSpec(memory=integrator.setup(setup, spec, self).memory), backend)
        fields, memory, spare = (
            state.fields,
            state.memory.get("integrator", {}),
            {"u": np.empty_like(state.fields["u"])},
        )
        for step in range(steps):
            report = integrator.step(self, fields, memory, step * dt, dt, rng, spare)
            memory.update(report.memory)
            fields, spare = report.fields, fields
        return np.fft.irfft(fields["u"], self.points)


def kuramoto_sivashinsky():
    """The problem of Kassam and Trefethen (2005): L = 32 pi, 128 points, not dealiased."""
    return SpectralLine(128, 1.0 / 16.0, lambda k: k**2 - k**4)


def start(x):
    return np.cos(x / 16.0) * (1.0 + np.sin(x / 16.0))


@cache
def converged():
    problem = kuramoto_sivashinsky()
    return problem.run(ETDRK4, start(problem.x), 30.0, 24_000)


# Relative L2 errors at t = 30 for steps 1/4, 1/8, ..., measured with an independent implementation of each scheme.
ERRORS = {
    ETDRK4: (3.0e-5, 2.7e-6, 4.2e-7, 4.2e-8, 3.4e-9),
    ARS343: (6.6e-4, 8.0e-5, 9.9e-6, 1.3e-6, 1.6e-7),
    ETDRK2: (2.6e-2, 6.6e-3, 1.7e-3, 4.1e-4, 1.0e-4),
    CNAB2: (4.2e-2, 1.0e-2, 2.6e-3, 6.5e-4, 1.6e-4),
}


@pytest.mark.parametrize("scheme", ERRORS)
def test_kuramoto_sivashinsky_errors(scheme):
    problem, reference = kuramoto_sivashinsky(), converged()
    errors = []
    for halving in range(5):
        final = problem.run(scheme, start(problem.x), 30.0, 120 * 2**halving)
        errors.append(np.linalg.norm(final - reference) / np.linalg.norm(reference))
    print(scheme.__name__, " ".join(f"{error:.2e}" for error in errors))
    # the figures have two digits
    assert errors == pytest.approx(ERRORS[scheme], rel=0.05)


def test_etdrk4_takes_the_published_step_of_a_quarter():
    problem = kuramoto_sivashinsky()
    final = problem.run(ETDRK4, start(problem.x), 30.0, 120)
    assert np.linalg.norm(final - converged()) / np.linalg.norm(converged()) < 5e-5


@pytest.mark.parametrize(("scheme", "coarsest"), [(ETDRK2, 40), (ETDRK4, 20), (CNAB2, 40), (SBDF2, 80), (ARS343, 20)])
def test_burgers_converges_at_the_design_order(scheme, coarsest):
    """u = 2 nu e^(-nu t) sin x / (5/4 + e^(-nu t) cos x), Cole (1951), nu = 0.1, to t = 4."""
    nu, end = 0.1, 4.0
    problem = SpectralLine(64, 1.0, lambda k: -nu * k**2)

    def exact(t):
        decay = np.exp(-nu * t)
        return 2.0 * nu * decay * np.sin(problem.x) / (1.25 + decay * np.cos(problem.x))

    steps = coarsest * 2 ** np.arange(4)
    errors = [np.abs(problem.run(scheme, exact(0.0), end, n) - exact(end)).max() for n in steps]
    print(scheme.__name__, errors)
    assert -np.polyfit(np.log(steps), np.log(errors), 1)[0] == pytest.approx(scheme.order, rel=0.03)
