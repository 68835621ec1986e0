"""Conjugate gradients, plain and preconditioned, for symmetric positive definite systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg, gmres, spilu

from subgrid.api import Array, Fields, GridOperator, Setup, Solution, Streams
from subgrid_linsolve.amg import hierarchy
from subgrid_linsolve.config import CgConfig, GmresConfig, IterativeOptions, PcgConfig
from subgrid_linsolve.incomplete_cholesky import IncompleteCholesky
from subgrid_linsolve.relaxation import symmetric_sweep
from subgrid_linsolve.systems import (
    Attempt,
    IterativeSolver,
    Latest,
    Real,
    apply,
    matrix_of,
    norm,
    refuse_singular,
    refuse_unsymmetric,
)

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


class Cg(IterativeSolver):
    """Conjugate gradients without a matrix (Hestenes and Stiefel 1952).

    ``setup`` raises ScenarioError for an operator that is not symmetric.
    """

    def __init__(self, config: CgConfig) -> None:
        super().__init__(config)

    def __repr__(self) -> str:
        return f"Cg(rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        refuse_unsymmetric(operator, setup, "cg")

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""
        return conjugate_gradients(self.config, operator, rhs, guess, None)


class Pcg(IterativeSolver):
    """Conjugate gradients with a preconditioner M ~ A.

    ::

        jacobi   M = D
        ssor     M = (D/omega + L) (D/omega)^-1 (D/omega + L)^T, up to a factor
        ic0      M = L L^T on the pattern of A (Meijerink and van der Vorst, Math. Comp. 31, 148, 1977)
        amg      one V-cycle of PyAMG

    ``setup`` raises ScenarioError for an operator that is not symmetric or leaves constants undetermined.
    """

    def __init__(self, config: PcgConfig) -> None:
        super().__init__(config)
        self.options = config
        self._preconditioner = Latest(self._build)

    def __repr__(self) -> str:
        return f"Pcg(preconditioner={self.options.preconditioner!r}, rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        refuse_singular(operator, setup, "pcg")
        refuse_unsymmetric(operator, setup, "pcg")

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""
        return conjugate_gradients(self.config, operator, rhs, guess, self._preconditioner(operator))

    def _build(self, operator: Any) -> Preconditioner:
        matrix = matrix_of(operator)
        if self.options.preconditioner == "jacobi":
            inverse = 1.0 / matrix.diagonal()
            return lambda residual: inverse * residual
        if self.options.preconditioner == "ssor":
            omega = self.options.omega
            return lambda residual: symmetric_sweep(matrix, residual, omega)
        if self.options.preconditioner == "ic0":
            return IncompleteCholesky(matrix).solve
        cycle = hierarchy(matrix, self.options.coarsening).aspreconditioner(cycle="V")
        return lambda residual: cycle @ residual


class Gmres(IterativeSolver):
    """Generalised minimal residuals with restarts, for matrices that need not be symmetric (Saad and Schultz 1986).

    An iteration is one product with the matrix. The preconditioner M stands on the right, ``A M y = b, x = M y``, so
    that what is made least is the true residual, on which the solve stops. ``setup`` raises ScenarioError for an
    operator that leaves constants undetermined.
    """

    def __init__(self, config: GmresConfig) -> None:
        super().__init__(config)
        self.options = config
        self._preconditioner = Latest(self._build)

    def __repr__(self) -> str:
        return f"Gmres(preconditioner={self.options.preconditioner!r}, rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        refuse_singular(operator, setup, "gmres")

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""
        attempt, precondition = Attempt(self.config, operator, rhs), self._preconditioner(operator)
        n, x, iterations = rhs.size, np.array(guess, dtype=np.float64), 0

        def product(v: Real) -> Real:
            return apply(operator, precondition(np.ravel(v)).reshape(rhs.shape)).ravel()

        def count(_: float) -> None:
            nonlocal iterations
            iterations += 1

        residual = attempt.residual(x)
        while norm(residual) > attempt.tolerance and iterations < self.config.max_iterations:
            moved, _ = gmres(
                LinearOperator((n, n), product, dtype=np.float64), residual.ravel(), rtol=0.0, atol=attempt.tolerance,
                maxiter=1, restart=min(self.options.restart, self.config.max_iterations - iterations),
                callback=count, callback_type="pr_norm",
            )  # fmt: skip
            x, before = x + precondition(moved).reshape(rhs.shape), norm(residual)
            residual = attempt.residual(x)
            if norm(residual) > 0.999999 * before:
                break
        return attempt.report(x, iterations)

    def _build(self, operator: Any) -> Preconditioner:
        if self.options.preconditioner == "none":
            return lambda residual: residual
        matrix = matrix_of(operator)
        if self.options.preconditioner == "jacobi":
            inverse = 1.0 / matrix.diagonal()
            return lambda residual: inverse * residual
        # matrices of grids have a symmetric pattern: SuperLU's default ordering, which does not look for one, makes ten
        # times the iterations
        factors = spilu(matrix.tocsc(), drop_tol=1e-4, fill_factor=10.0, permc_spec="MMD_AT_PLUS_A")
        return lambda residual: factors.solve(residual)
