"""Conjugate gradients, plain and preconditioned, for symmetric positive definite systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from subgrid.api import Array, Fields, GridOperator, Setup, Solution, StateSpec, Streams
from subgrid_linsolve.amg import hierarchy
from subgrid_linsolve.config import CgConfig, IterativeOptions, PcgConfig
from subgrid_linsolve.incomplete_cholesky import IncompleteCholesky
from subgrid_linsolve.relaxation import symmetric_sweep
from subgrid_linsolve.systems import Attempt, Latest, Real, apply, matrix_of, norm, refuse_singular

Preconditioner = Callable[[Real], Real]


def conjugate_gradients(
    options: IterativeOptions, operator: Any, rhs: Real, guess: Real, preconditioner: Preconditioner | None
) -> Solution:
    """SciPy's conjugate gradients, started anew from where they are while the true residual is above the tolerance.

    Iterations needed by theory: ``sqrt(kappa)/2 ln(2/eps)`` with the condition number kappa of the preconditioned
    matrix. Of a system that leaves constants undetermined, right-hand side and solution are taken without their mean.
    """
    if isinstance(operator, GridOperator) and operator.singular:
        rhs, guess = rhs - np.mean(rhs), guess - np.mean(guess)
    attempt = Attempt(options, operator, rhs)
    n, x, iterations = rhs.size, np.array(guess, dtype=np.float64), 0
    product = LinearOperator((n, n), lambda v: apply(operator, v.reshape(rhs.shape)).ravel(), dtype=np.float64)
    inverse = None if preconditioner is None else LinearOperator((n, n), preconditioner, dtype=np.float64)

    def count(_: Real) -> None:
        nonlocal iterations
        iterations += 1

    while norm(attempt.residual(x)) > attempt.tolerance and iterations < options.max_iterations:
        before = iterations
        flat, _ = cg(
            product, rhs.ravel(), x.ravel(), rtol=0.0, atol=attempt.tolerance,
            maxiter=options.max_iterations - iterations, M=inverse, callback=count,
        )  # fmt: skip
        x = flat.reshape(rhs.shape)
        if iterations == before:
            break
    return attempt.report(x, iterations)


class Cg:
    """Conjugate gradients without a matrix (Hestenes and Stiefel 1952)."""

    parameters = ()

    def __init__(self, config: CgConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Cg(rtol={self.config.rtol:g})"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        return StateSpec()

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""
        return conjugate_gradients(self.config, operator, rhs, guess, None)


class Pcg:
    """Conjugate gradients with a preconditioner M ~ A.

    ::

        jacobi   M = D
        ssor     M = (D/omega + L) (D/omega)^-1 (D/omega + L)^T, up to a factor
        ic0      M = L L^T on the pattern of A (Meijerink and van der Vorst, Math. Comp. 31, 148, 1977)
        amg      one V-cycle of PyAMG

    ``setup`` raises ScenarioError for an operator that leaves constants undetermined.
    """

    parameters = ()

    def __init__(self, config: PcgConfig) -> None:
        self.config = config
        self._preconditioner = Latest(self._build)

    def __repr__(self) -> str:
        return f"Pcg(preconditioner={self.config.preconditioner!r}, rtol={self.config.rtol:g})"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        refuse_singular(operator, setup, "pcg")
        return StateSpec()

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""
        return conjugate_gradients(self.config, operator, rhs, guess, self._preconditioner(operator))

    def _build(self, operator: Any) -> Preconditioner:
        matrix = matrix_of(operator)
        if self.config.preconditioner == "jacobi":
            inverse = 1.0 / matrix.diagonal()
            return lambda residual: inverse * residual
        if self.config.preconditioner == "ssor":
            omega = self.config.omega
            return lambda residual: symmetric_sweep(matrix, residual, omega)
        if self.config.preconditioner == "ic0":
            return IncompleteCholesky(matrix).solve
        cycle = hierarchy(matrix, self.config.coarsening).aspreconditioner(cycle="V")
        return lambda residual: cycle @ residual
