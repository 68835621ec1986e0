"""Are NumPy and torch the same scheme, and can a torch step be differentiated?"""

from __future__ import annotations

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid.integrators.adams_bashforth import AB2, AB3
from subgrid.integrators.config import EmbeddedConfig, FixedStepConfig
from subgrid.integrators.embedded import DormandPrince, Tsit5
from subgrid.integrators.etd import ETDRK2, ETDRK4
from subgrid.integrators.explicit_rk import RK4, SSPRK3, SSPRK43, Euler
from subgrid.integrators.imex import ARS343, CNAB2, SBDF2, SBDF2Variable
from subgrid.testing.ode import OdeProblem, OdeRhs, drive, forced_cubic, limit_cycle, rotating_cubic

torch = pytest.importorskip("torch")

SCHEMES = (
    Euler, RK4, SSPRK3, SSPRK43, Tsit5, DormandPrince, AB2, AB3, CNAB2, SBDF2, SBDF2Variable, ARS343, ETDRK2, ETDRK4
)  # fmt: skip
STIFF = (CNAB2, SBDF2, SBDF2Variable, ARS343, ETDRK2, ETDRK4)


def build(scheme):
    return scheme(EmbeddedConfig() if scheme.adaptive else FixedStepConfig())


@pytest.mark.parametrize("problem", [limit_cycle, forced_cubic, rotating_cubic])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_both_worlds_give_the_same_numbers(scheme, problem):
    in_numpy = drive(build(scheme), OdeRhs(problem()), 1.0, 20)
    in_torch = drive(build(scheme), OdeRhs(problem(), Backend("torch", threads=1)), 1.0, 20)
    np.testing.assert_allclose(in_torch.numpy(), in_numpy, rtol=1e-13)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_gradient_with_respect_to_the_start(scheme):
    def final(start):
        rhs = OdeRhs(limit_cycle(), Backend("torch", threads=1))
        rhs.start = start
        return drive(build(scheme), rhs, 1.0, 10)[0]

    start = torch.tensor([0.5, 0.1], dtype=torch.float64)
    check_gradient(final, start)


@pytest.mark.parametrize("scheme", STIFF)
@pytest.mark.parametrize("symbol", [[-2.0, -1e-9, 0.0], [-2.0 + 1.0j, -1e-9 + 0.0j, 3.0j]])
def test_gradient_with_respect_to_the_linear_part(scheme, symbol):
    """Through the coefficients, whose formulas are 0/0 at z = 0, by way of a factor on real or complex symbols."""
    problem = OdeProblem(lambda xp, t, y: -(xp.abs(y) ** 2) * y, np.ones(3, dtype=complex), lambda t: t, linear=symbol)

    def final(factor):
        rhs = OdeRhs(problem, Backend("torch", threads=1))
        rhs.linear = {"y": factor * rhs.linear["y"] - 0.1 * (factor - 1.0)}
        return torch.sum(torch.abs(drive(build(scheme), rhs, 1.0, 10)) ** 2)

    check_gradient(final, torch.tensor([1.0], dtype=torch.float64))


def check_gradient(function, at):
    """Central differences of 1e-5 err by about 1e-10 of the third derivative and 1e-11 of rounding."""
    at.requires_grad_()
    function(at).backward()
    for i in range(at.numel()):
        step = torch.zeros_like(at.detach())
        step[i] = 1e-5
        with torch.no_grad():
            difference = (function(at + step) - function(at - step)) / 2e-5
        assert at.grad[i].item() == pytest.approx(difference.item(), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("scheme", [RK4, ETDRK4, Tsit5])
def test_single_precision_stays_single(scheme):
    for name in ("numpy", "torch"):
        backend = Backend(name, precision="float32", threads=1)
        rhs = OdeRhs(rotating_cubic(), backend)
        rhs.start = backend.asarray(rhs.start, "complex")
        rhs.linear = {"y": backend.asarray(rhs.linear["y"], "complex")}
        final = backend.to_numpy(drive(build(scheme), rhs, 1.0, 50))
        assert final.dtype == np.complex64
        np.testing.assert_allclose(final, rhs.problem.exact(1.0), rtol=1e-5)
