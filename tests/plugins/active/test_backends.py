"""The same source on NumPy and torch: equal to rounding, and differentiable through time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid.integrators.etd import ETDRK4
from subgrid.integrators.imex import SBDF2
from subgrid_active.config import RandomOrientationsConfig
from subgrid_active.initial import RandomOrientations

torch = pytest.importorskip("torch")

START = RandomOrientationsConfig(amplitude=0.5, largest_wavenumber=3)


@pytest.mark.parametrize("scheme", [SBDF2, ETDRK4])
def test_torch_takes_the_same_steps(theory: Any, scheme: Any) -> None:
    runs = [
        theory({"zeta": 1.0}, backend=Backend(name, threads=1), shape=(15, 18)).start(RandomOrientations(START))
        for name in ("numpy", "torch")
    ]
    for run in runs:
        run.advance(0.02, 5, scheme)
    for name in runs[0].solver.quantities:
        expected = runs[0].quantity(name)
        np.testing.assert_allclose(
            runs[1].quantity(name), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max(), err_msg=name
        )


@pytest.mark.parametrize("scheme", [SBDF2, ETDRK4])
def test_a_rollout_is_differentiable(theory: Any, scheme: Any) -> None:
    """The gradient with respect to the starting second moment against a difference quotient."""
    run = theory({"zeta": 1.0}, backend=Backend("torch", threads=1))
    start = RandomOrientations(START).fill(run.setup)
    direction = np.cos(np.arange(start["second_moment"].size)).reshape(start["second_moment"].shape)

    def rollout(step: Any) -> Any:
        run.start(start)
        change = run.basis_forward(0.0 * torch.asarray(direction) + step * torch.asarray(direction))
        moments = run.fields["moments"]
        run.fields = {"moments": torch.cat([moments[:1], moments[1:3] + change, moments[3:]])}
        run.advance(0.02, 4, scheme)
        return (run.solver.derive("second_moment", run.fields, 0.0, run.closures) ** 3).sum()

    size = torch.zeros((), dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(rollout(size), size)
    quotient = (rollout(1e-5).item() - rollout(-1e-5).item()) / 2e-5
    assert slope.item() == pytest.approx(quotient, rel=1e-6)
