"""Algebraic multigrid by PyAMG."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
from scipy import sparse

from subgrid.api import Array, Fields, PluginError, Setup, Solution, Streams
from subgrid_linsolve.config import AmgConfig
from subgrid_linsolve.systems import Attempt, IterativeSolver, Latest, matrix_of, norm, refuse_singular


def hierarchy(matrix: sparse.csr_array, coarsening: str) -> Any:
    """PyAMG's multilevel solver: Ruge and Stuben 1987, or smoothed aggregation (Vanek, Mandel and Brezina 1996).

    Raises PluginError when PyAMG is not installed.
    """
    try:
        pyamg = import_module("pyamg")
    except ModuleNotFoundError as error:
        raise PluginError("linear_solver: 'amg' needs pyamg: pip install 'subgrid[amg]'") from error
    with _own_random_numbers():
        return getattr(pyamg, f"{coarsening}_solver")(sparse.csr_matrix(matrix))


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    # PyAMG draws from NumPy's global generator, but runs must repeat and leave that generator alone
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


class Amg(IterativeSolver):
    """V(1,1)-cycles of algebraic multigrid; the hierarchy is kept while the operator keeps its values.

    ``setup`` raises ScenarioError for an operator that leaves constants undetermined.
    """

    def __init__(self, config: AmgConfig) -> None:
        super().__init__(config)
        self.options = config
        self._levels = Latest(lambda operator: hierarchy(matrix_of(operator), config.coarsening))

    def __repr__(self) -> str:
        return f"Amg(coarsening={self.options.coarsening!r}, rtol={self.config.rtol:g})"

    def check(self, operator: Any, setup: Setup) -> None:
        refuse_singular(operator, setup, "amg")

    def iterate(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Cycle until the true residual is below the tolerance."""
        attempt = Attempt(self.config, operator, rhs)
        cycle = self._levels(operator).aspreconditioner(cycle="V")
        x, iterations = np.array(guess, dtype=np.float64), 0
        residual = attempt.residual(x)
        while norm(residual) > attempt.tolerance and iterations < self.config.max_iterations:
            x += (cycle @ residual.ravel()).reshape(rhs.shape)
            residual = attempt.residual(x)
            iterations += 1
        return attempt.report(x, iterations)
