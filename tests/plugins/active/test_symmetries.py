"""Turning and mirroring the plane turns and mirrors what is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid_active.bingham import Bingham
from subgrid_active.config import ChebyshevConfig, PlainClosureConfig, RandomOrientationsConfig
from subgrid_active.initial import RandomOrientations
from subgrid_active.plain_closures import Quadratic, QuasiLinear

CLOSURES = {
    "bingham": lambda: Bingham(ChebyshevConfig()),
    "quadratic": lambda: Quadratic(PlainClosureConfig()),
    "quasi_linear": lambda: QuasiLinear(PlainClosureConfig()),
}


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 1e-6)])
@pytest.mark.parametrize("name", CLOSURES)
def test_closures_turn_with_the_axes(
    rod_run: Any, moment_solver: Any, name: str, precision: str, tolerance: float
) -> None:
    """Axes turned by b: a_2 gets a factor exp(-2ib), e the same, a_4 one of exp(-4ib)."""
    closure = CLOSURES[name]()
    run = rod_run(moment_solver, closure, backend=Backend(precision=precision, threads=1))
    rng = np.random.default_rng(6)
    c = rng.uniform(0.5, 2.0, run.mesh.shape)
    a2 = 0.99 * c * rng.random(c.shape) * np.exp(2j * np.pi * rng.random(c.shape))
    turn = np.exp(-2j * rng.uniform(0.0, np.pi))

    def answer(moment: Any) -> Any:
        pair = run.backend.asarray(np.stack([moment.real, moment.imag]), "real")
        inputs = {"concentration": run.backend.asarray(c, "real"), "second_moment": pair}
        re, im = closure.evaluate(inputs, {})
        return re + 1j * im

    assert np.abs(answer(turn * a2) - turn**2 * answer(a2)).max() < tolerance * c.max()
    assert np.abs(answer(np.conj(a2)) - np.conj(answer(a2))).max() < tolerance * c.max()


def turned(physical: dict[str, Any]) -> dict[str, Any]:
    """The same rods in axes turned by a quarter: the new (x, y) is the old (y, -x), and a_2j gets a factor (-1)^j."""
    pairs = np.concatenate([physical["second_moment"], physical["higher_moments"]])
    signs = (-1.0) ** (1 + np.arange(len(pairs)) // 2)
    flipped = [_quarter(values) for values in (physical["concentration"], signs[:, None, None] * pairs)]
    return {"concentration": flipped[0], "second_moment": flipped[1][:2], "higher_moments": flipped[1][2:]}


def _quarter(values: Any) -> Any:
    """New value at (x', y') = (y, -x): new[i', j'] = old[j', -i']."""
    swapped = np.swapaxes(values, -1, -2)
    return np.roll(np.flip(swapped, axis=-2), 1, axis=-2)


def test_a_run_turns_with_its_start(theory: Any) -> None:
    run = theory({"zeta": 1.0}, shape=(15, 15), length=(10.0, 10.0))
    start = RandomOrientations(RandomOrientationsConfig(amplitude=0.8, largest_wavenumber=3)).fill(run.setup)
    straight = run.start(start).advance(0.02, 20)
    order, (u, v) = straight.quantity("order_parameter"), straight.quantity("velocity")
    run.start(turned(start)).advance(0.02, 20)
    np.testing.assert_allclose(run.quantity("order_parameter"), _quarter(order), atol=1e-11)
    np.testing.assert_allclose(run.quantity("velocity"), [_quarter(v), -_quarter(u)], atol=1e-11)
