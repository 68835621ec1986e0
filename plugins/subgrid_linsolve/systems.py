"""What all linear solvers share: matrices of operators, keys of their values, tolerances and reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from subgrid.api import Fields, GridOperator, ScenarioError, Setup, Solution
from subgrid_linsolve.config import ToleranceOptions

Real = NDArray[np.float64]
Kept = TypeVar("Kept")


def fingerprint(operator: Any) -> bytes:
    """Digest of everything that an operator's values depend on."""
    digest = hashlib.blake2b(repr(operator.shape).encode(), digest_size=16)
    if isinstance(operator, GridOperator):
        digest.update(repr((operator.spacing, operator.boundaries)).encode())
        faces = operator.diffusivity if isinstance(operator.diffusivity, tuple) else (operator.diffusivity,)
        arrays = [np.asarray(values, np.float64) for values in (*faces, operator.shift)]
    else:
        arrays = [operator.indptr, operator.indices, operator.data]
    for values in arrays:
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.digest()


class Latest(Generic[Kept]):
    """What was built for the latest operator, kept as long as operators have the same values.

    A pure function of the operator, so that nothing depends on what was solved before.
    """

    def __init__(self, build: Callable[[Any], Kept]) -> None:
        self._build = build
        self._key = b""

    def __call__(self, operator: Any) -> Kept:
        key = fingerprint(operator)
        if key != self._key:
            self._kept = self._build(operator)
            self._key = key
        return self._kept


def matrix_of(operator: Any) -> sparse.csr_array:
    """An operator as a CSR matrix with sorted indices."""
    if isinstance(operator, GridOperator):
        return operator.to_sparse()
    matrix = sparse.csr_array(operator)
    if matrix.shape[0] != matrix.shape[1]:
        raise ScenarioError(f"linear_solver: the matrix has shape {matrix.shape}; a square one is needed")
    if not matrix.has_sorted_indices:
        matrix = matrix.sorted_indices()
    return matrix


def apply(operator: Any, values: Real) -> Real:
    """A times a vector shaped like the right-hand side."""
    if isinstance(operator, GridOperator):
        return operator.apply(values)
    product: Real = operator @ values
    return product


def norm(values: Real) -> float:
    return float(np.linalg.norm(values))


class Attempt:
    """One solve: its tolerance and clock; makes the report."""

    def __init__(self, options: ToleranceOptions, operator: Any, rhs: Real) -> None:
        self.operator = operator
        self.rhs = rhs
        self.tolerance = max(options.rtol * norm(rhs), options.atol)
        self._start = perf_counter()

    def residual(self, x: Real) -> Real:
        """b - A x."""
        return self.rhs - apply(self.operator, x)

    def report(
        self, x: Real, iterations: int, memory: Fields | None = None, parameters: dict[str, float] | None = None
    ) -> Solution:
        """The solution with its true residual."""
        residual, seconds = norm(self.residual(x)), perf_counter() - self._start
        return Solution(x, iterations, residual, self.tolerance, seconds, memory or {}, parameters or {})


def refuse_singular(operator: Any, setup: Setup, name: str) -> None:
    """Raise ScenarioError for an operator that leaves constants undetermined."""
    if isinstance(operator, GridOperator) and operator.singular:
        raise ScenarioError(
            f"linear_solver ({setup.label}): {name!r} needs a shift or a wall with a value; "
            "for pure Neumann or periodic problems use 'fft_poisson', 'cg' or 'multigrid'"
        )
