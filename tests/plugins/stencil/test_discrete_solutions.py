"""A thousand steps beside the closed solution of the discrete equations: nothing but round-off may differ."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from subgrid.kernels.native import FUSES

STEPS = 1000


def test_a_heat_mode_decays_at_the_discrete_rate(build: Any, advance: Any) -> None:
    """Forward Euler at r = D dt/dx^2 = 0.2: a step multiplies mode (1, 1) by 1 - 8 r sin^2(pi/n)."""
    n, r = 64, 0.2
    dt = r / n**2
    run = build(
        {"type": "heat"}, (n, n), integrator="euler", time={"end": STEPS * dt, "dt": dt},
        initial={"type": "standing_mode", "modes": [2, 2], "form": "sine"},
    )  # fmt: skip
    start = run.state.fields["u"].copy()
    advance(run)
    assert run.state.clock.step == STEPS
    left = (1.0 - 8.0 * r * np.sin(np.pi / n) ** 2) ** STEPS * start
    assert np.abs(run.state.fields["u"] - left).max() < 1e-12 * np.abs(left).max()


@pytest.mark.parametrize(("walls", "modes"), [("", [2, 2]), ("", [4, 2]), ("xy", [1, 1]), ("y", [2, 3])])
def test_a_wave_follows_the_discrete_dispersion_and_keeps_its_energy(build: Any, walls: str, modes: list[int]) -> None:
    """A mode from rest is cos(omega n dt), sin^2(omega dt/2) = C^2 (sin^2(k dx/2) + sin^2(l dx/2)), at C = 1/2."""
    n, C = 64, 0.5
    fixed = {axis: {"low": {"type": "dirichlet"}, "high": {"type": "dirichlet"}} for axis in walls}
    run = build(
        {"type": "wave", "speed": 2.0, "boundaries": fixed}, (n, n), walls=walls, integrator="own",
        time={"end": STEPS * C / (2.0 * n), "dt": C / (2.0 * n)},
        initial={"type": "standing_mode", "modes": modes, "form": "sine"},
    )  # fmt: skip
    angle = 2.0 * np.arcsin(C * np.sqrt(sum(np.sin(0.5 * np.pi * mode / n) ** 2 for mode in modes)))
    start, energy = run.state.fields["u"].copy(), float(run.view()["leapfrog_energy"])
    streams, dt = run.streams("own"), run.scenario.time.dt
    for step in range(1, STEPS + 1):
        run.accept(run.integrator.step(run.rhs, run.state.fields, {}, (step - 1) * dt, dt, streams, run.spare).fields)
        assert float(run.view()["leapfrog_energy"]) == pytest.approx(energy, rel=1e-14)
        if step % 100 == 0:
            difference = run.state.fields["u"] - np.cos(step * angle) * start
            assert np.abs(difference).max() < 1e-12 * np.abs(start).max()


def fused(a: float, b: float, c: float) -> float:
    """a b + c with one rounding, where the processor does so too."""
    return float(Fraction(a) * Fraction(b) + Fraction(c)) if FUSES else a * b + c


def euler_map(u: float, v: float, F: float, removal: float, dt: float) -> tuple[float, float]:
    """Forward Euler of u' = -u v^2 + F (1 - u), v' = u v^2 - removal v, rounded as the kernel rounds."""
    product, supply = u * v * v, dt * F
    return (
        fused(1.0 - supply, u, fused(-dt, product, 0.0) + supply),
        fused(1.0 - dt * removal, v, fused(dt, product, 0.0)),
    )


@pytest.mark.parametrize(("shape", "walls"), [((6, 7), ""), ((5, 6), "xy"), ((4, 5, 6), "z")])
def test_homogeneous_gray_scott_is_the_map_of_its_time_scheme_to_the_bit(
    build: Any, advance: Any, shape: tuple[int, ...], walls: str
) -> None:
    F, k, dt = 0.04, 0.06, 0.125  # a step that times are multiples of to the bit
    run = build(
        {"type": "gray_scott", "feed": F, "kill": k}, shape, walls=walls, integrator="euler",
        time={"end": STEPS * dt, "dt": dt}, initial={"type": "gray_scott_seed", "cells": min(shape), "noise": 0.0},
    )  # fmt: skip
    u, v = 0.5, 0.25
    run.state.fields.update({"u": np.full(shape, u), "v": np.full(shape, v)})
    advance(run)
    for _ in range(STEPS):
        u, v = euler_map(u, v, F, F + k, dt)
    assert run.state.clock.step == STEPS
    np.testing.assert_array_equal(run.state.fields["u"], u)
    np.testing.assert_array_equal(run.state.fields["v"], v)
