"""Successive over-relaxation in lexicographic order, one-way (SOR) and symmetric (SSOR)."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import Any

import numba
import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigsh

from subgrid.api import Array, Fields, Setup, Solution, Streams
from subgrid_linsolve.config import IterativeOptions, RelaxationConfig
from subgrid_linsolve.systems import (
    IterativeSolver,
    Latest,
    Real,
    matrix_of,
    norm,
    refuse_singular,
    refuse_unsymmetric,
)


@numba.njit(cache=True)
def _sweep(indptr: Any, indices: Any, values: Any, rhs: Any, x: Any, omega: float, backward: bool) -> None:
    n = rhs.size
    for step in range(n):
        row = n - 1 - step if backward else step
        total, diagonal = rhs[row], 1.0
        for entry in range(indptr[row], indptr[row + 1]):
            if indices[entry] == row:
                diagonal = values[entry]
            else:
                total -= values[entry] * x[indices[entry]]
        x[row] += omega * (total / diagonal - x[row])


@numba.njit(cache=True)
def _residual_norm(indptr: Any, indices: Any, values: Any, rhs: Any, x: Any) -> float:
    total = 0.0
    for row in range(rhs.size):
        difference = rhs[row]
        for entry in range(indptr[row], indptr[row + 1]):
            difference -= values[entry] * x[indices[entry]]
        total += difference * difference
    return np.sqrt(total)


@numba.njit(cache=True)
def _relax(
    indptr: Any, indices: Any, values: Any, rhs: Any, x: Any, omega: float, symmetric: bool, tolerance: float, most: int
) -> tuple[int, float]:
    """Sweep x in place until the residual is below the tolerance, or not finite; iterations and residual."""
    iterations = 0
    residual = _residual_norm(indptr, indices, values, rhs, x)
    while residual > tolerance and iterations < most and np.isfinite(residual):
        _sweep(indptr, indices, values, rhs, x, omega, False)
        if symmetric:
            _sweep(indptr, indices, values, rhs, x, omega, True)
        iterations += 1
        residual = _residual_norm(indptr, indices, values, rhs, x)
    return iterations, residual


def relax(
    options: IterativeOptions, matrix: sparse.csr_array, rhs: Real, guess: Real, omega: float, symmetric: bool
) -> Solution:
    """Iterate ``x_i += omega ((b_i - sum_j!=i a_ij x_j)/a_ii - x_i)`` over i upwards (and, symmetric, downwards again).

    An iteration of the symmetric form is one sweep each way.
    """
    start = perf_counter()
    flat, x = np.ravel(rhs), np.array(np.ravel(guess), dtype=np.float64)
    tolerance = max(options.rtol * norm(rhs), options.atol)
    iterations, residual = _relax(
        matrix.indptr, matrix.indices, matrix.data, flat, x, omega, symmetric, tolerance, options.max_iterations
    )
    x, seconds = x.reshape(rhs.shape), perf_counter() - start
    return Solution(x, iterations, residual, tolerance, seconds, parameters={"omega": omega})


def symmetric_sweep(matrix: sparse.csr_array, rhs: Real, omega: float) -> Real:
    """One SSOR iteration from zero: a symmetric positive definite approximation of the inverse."""
    flat = np.ravel(rhs)
    x = np.zeros_like(flat)
    _sweep(matrix.indptr, matrix.indices, matrix.data, flat, x, omega, False)
    _sweep(matrix.indptr, matrix.indices, matrix.data, flat, x, omega, True)
    return x


def optimal_omega(matrix: sparse.csr_array) -> float:
    """Young's ``omega = 1 + (beta/(1 + sqrt(1 - beta^2)))^2`` for consistently ordered positive definite matrices.

    beta is the spectral radius of Jacobi's iteration (D. Young, Iterative Solution of Large Linear Systems, 1971).
    """
    root = 1.0 / np.sqrt(matrix.diagonal())
    scaled = sparse.diags_array(root) @ matrix @ sparse.diags_array(root)
    start = np.ones(matrix.shape[0])
    # the lowest eigenvalue of the scaled matrix, 1 - beta, by shift and invert: beta itself is known too well by then
    lowest = float(eigsh(scaled.tocsc(), k=1, sigma=0.0, v0=start, return_eigenvectors=False)[0])
    beta = 1.0 - lowest
    return 1.0 + (beta / (1.0 + float(np.sqrt(1.0 - beta**2)))) ** 2


class Sor(IterativeSolver):
    """Successive over-relaxation; omega = 1 is Gauss-Seidel.

    ``setup`` raises ScenarioError for an operator that leaves constants undetermined, and, with ``optimal``, for one
    that is not symmetric.
    """

    parameters = ("omega",)
    symmetric = False

    def __init__(self, config: RelaxationConfig) -> None:
        super().__init__(config)
        self.omega = config.omega
        self._matrix = Latest(matrix_of)
        self._optimal = Latest(lambda operator: optimal_omega(self._matrix(operator)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(omega={self.omega}, rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        name = type(self).__name__.lower()
        refuse_singular(operator, setup, name)
        if self.omega == "optimal":
            refuse_unsymmetric(operator, setup, f"{name} with omega = optimal")

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Sweep until the true residual is below the tolerance."""
        omega = self.omega if not isinstance(self.omega, str) else self._optimal(operator)
        solution = relax(self.config, self._matrix(operator), rhs, guess, omega, self.symmetric)
        return solution if solution.converged else replace(solution, advice=_advice(omega))


def _advice(omega: float) -> str:
    """What to try where an omega did not do."""
    other = "an omega above 1, such as 1.9" if omega == 1.0 else f"another omega than {omega:g}"
    return f"{other}, type 'sor_bandit', which learns it"


class Ssor(Sor):
    """Symmetric successive over-relaxation: a sweep upwards and one downwards."""

    symmetric = True
