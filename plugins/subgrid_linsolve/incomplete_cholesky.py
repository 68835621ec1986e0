"""Incomplete Cholesky factors without fill-in, IC(0)."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from scipy import sparse

from subgrid.api import ScenarioError
from subgrid_linsolve.systems import Real


class IncompleteCholesky:
    """``L L^T ~ A`` with L on the lower pattern of A (Meijerink and van der Vorst, Math. Comp. 31, 148, 1977).

    Exists for M-matrices. Raises ScenarioError when a pivot is not positive.
    """

    def __init__(self, matrix: sparse.csr_array) -> None:
        lower = sparse.csr_array(sparse.tril(matrix, format="csr"))
        lower.sort_indices()
        self._indptr, self._indices = lower.indptr, lower.indices
        self._values = lower.data.astype(np.float64)
        row = _factor(self._indptr, self._indices, self._values)
        if row >= 0:
            raise ScenarioError(
                f"linear_solver: 'ic0' meets a pivot that is not positive in row {row}; use 'jacobi', 'ssor' or 'amg'"
            )

    def solve(self, rhs: Real) -> Real:
        """(L L^T)^-1 rhs."""
        x: Real = _solve(self._indptr, self._indices, self._values, np.ravel(rhs))
        return x


@numba.njit(cache=True)
def _factor(indptr: Any, indices: Any, values: Any) -> int:
    """Overwrite the lower triangle by its factor, row by row; the row of a bad pivot, or -1."""
    for row in range(indptr.size - 1):
        last = indptr[row + 1] - 1
        for entry in range(indptr[row], last):
            column = indices[entry]
            total = values[entry]
            mine, other = indptr[row], indptr[column]
            while mine < entry and other < indptr[column + 1] - 1:
                if indices[mine] == indices[other]:
                    total -= values[mine] * values[other]
                    mine += 1
                    other += 1
                elif indices[mine] < indices[other]:
                    mine += 1
                else:
                    other += 1
            values[entry] = total / values[indptr[column + 1] - 1]
        pivot = values[last]
        for entry in range(indptr[row], last):
            pivot -= values[entry] ** 2
        if not pivot > 0.0:
            return row
        values[last] = np.sqrt(pivot)
    return -1


@numba.njit(cache=True)
def _solve(indptr: Any, indices: Any, values: Any, rhs: Any) -> Any:
    n = indptr.size - 1
    x = rhs.copy()
    for row in range(n):
        for entry in range(indptr[row], indptr[row + 1] - 1):
            x[row] -= values[entry] * x[indices[entry]]
        x[row] /= values[indptr[row + 1] - 1]
    for row in range(n - 1, -1, -1):
        x[row] /= values[indptr[row + 1] - 1]
        for entry in range(indptr[row], indptr[row + 1] - 1):
            x[indices[entry]] -= values[entry] * x[row]
    return x
