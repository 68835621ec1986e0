"""What all linear solvers share: matrices of operators, keys of their values, tolerances and reports."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from subgrid.api import Array, ArraySpec, Fields, GridOperator, ScenarioError, Setup, Solution, StateSpec, Streams
from subgrid_linsolve.config import IterativeOptions, ToleranceOptions

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


class IterativeSolver(ABC):
    """A solver that starts from a guess, made better where ``recycle`` asks for it.

    Of the span of the latest solutions, and the guess, that vector is taken which has the least residual (P. F.
    Fischer, Comput. Methods Appl. Mech. Eng. 163, 193, 1998, in the norm of the residual, so that symmetry is not
    needed). Two solutions contain the linear extrapolation. Memory: ``solutions`` as rows, the latest last, and
    how many are ``kept``.
    """

    parameters: tuple[str, ...] = ()

    def __init__(self, config: IterativeOptions) -> None:
        self.config = config

    @abstractmethod
    def check(self, operator: Any, setup: Setup) -> None:
        """Raise ScenarioError for an operator that the solver cannot take."""

    @abstractmethod
    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Iterate until the true residual is below the tolerance."""

    def memory(self) -> dict[str, ArraySpec]:
        """What the solver remembers besides solutions."""
        return {}

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        """Raises ScenarioError for an operator that the solver cannot take."""
        self.check(operator, setup)
        memory = self.memory()
        if self.config.recycle:
            size = int(np.prod(operator.shape)) if isinstance(operator, GridOperator) else operator.shape[0]
            memory |= {"solutions": ArraySpec((self.config.recycle, size)), "kept": ArraySpec((), "int")}
        return StateSpec(memory=memory)

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """`iterate` from the best guess at hand."""
        if not self.config.recycle:
            return self.iterate(operator, rhs, guess, memory, rng)
        kept = int(memory["kept"])
        older = np.asarray(memory["solutions"][self.config.recycle - kept :], np.float64)
        solution = self.iterate(operator, rhs, _best_of_span(operator, rhs, guess, older), memory, rng)
        latest = np.concatenate([memory["solutions"][1:], solution.x.reshape(1, -1)])
        recycled = {"solutions": latest, "kept": np.asarray(min(kept + 1, self.config.recycle))}
        return replace(solution, memory={**solution.memory, **recycled})


def _best_of_span(operator: Any, rhs: Array, guess: Array, solutions: Real) -> Array:
    if not len(solutions):
        return guess
    rows = [one.reshape(rhs.shape) for one in solutions]
    images = np.stack([apply(operator, one).ravel() for one in rows], axis=1)
    residual = (rhs - apply(operator, guess)).ravel()
    # solutions of neighbouring steps are nearly parallel: directions below the noise of the solves are left out
    factors = np.linalg.lstsq(images, residual, rcond=1e-9)[0]
    better = guess + np.tensordot(factors, np.stack(rows), axes=1)
    return better if norm(rhs - apply(operator, better)) < norm(residual) else guess


def refuse_singular(operator: Any, setup: Setup, name: str) -> None:
    """Raise ScenarioError for an operator that leaves constants undetermined."""
    if isinstance(operator, GridOperator) and operator.singular:
        raise ScenarioError(
            f"linear_solver ({setup.label}): {name!r} needs a shift or a wall with a value; "
            "for pure Neumann or periodic problems use 'fft_poisson', 'cg' or 'multigrid'"
        )


def refuse_unsymmetric(operator: Any, setup: Setup, name: str) -> None:
    """Raise ScenarioError for a matrix that differs from its transpose by more than round-off."""
    if not isinstance(operator, GridOperator):
        matrix = matrix_of(operator)
        if abs(matrix - matrix.T).max() > 1e-12 * abs(matrix).max():
            raise ScenarioError(
                f"linear_solver ({setup.label}): {name!r} needs a symmetric matrix; "
                "for others, as advection makes them, use 'gmres', 'sparse_lu' or 'sor'"
            )
