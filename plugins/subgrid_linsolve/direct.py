"""Direct solvers: transforms for constant coefficients, and a sparse LU factorisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import fft
from scipy.sparse.linalg import splu

from subgrid.api import (
    Array,
    Fields,
    GridOperator,
    ScenarioError,
    Setup,
    Solution,
    StateSpec,
    Streams,
    Wall,
    walls_of,
)
from subgrid_linsolve.config import FftPoissonConfig, SparseLuConfig
from subgrid_linsolve.systems import Attempt, Latest, Real, matrix_of, refuse_singular

_WAVES: dict[Any, tuple[str, int, Callable[[Any, int], Any]]] = {
    # by boundary type, or whether both walls hold a value: the transform's kind and type, and the argument of sin^2 in
    # the eigenvalue, for mode j of n
    "dirichlet_node": ("dst", 1, lambda j, n: np.pi * (j + 1) / (2 * (n + 1))),
    "periodic": ("fft", 0, lambda j, n: np.pi * j / n),
    (True, True): ("dst", 2, lambda j, n: np.pi * (j + 1) / (2 * n)),
    (False, False): ("dct", 2, lambda j, n: np.pi * j / (2 * n)),
    (True, False): ("dst", 4, lambda j, n: np.pi * (j + 0.5) / (2 * n)),
    (False, True): ("dct", 4, lambda j, n: np.pi * (j + 0.5) / (2 * n)),
}


class FftPoisson:
    """Fast diagonalisation of ``shift u - diffusivity lap_h u`` with constant coefficients on a box.

    Each pair of ends has its transform along an axis: DST-I (zero at nodes), DST-II (zero at walls between cells),
    DCT-II (no flux), DST-IV and DCT-IV (one of each), FFT (periodic); the eigenvalues are ``shift + 4 diffusivity/h^2
    sin^2``. Without a shift and a held value the mean of the right-hand side is dropped, and that of x is zero
    (Schumann and Sweet, J. Comput. Phys. 75, 123, 1988). ``solve`` raises ScenarioError for other operators.
    """

    parameters = ()

    def __init__(self, config: FftPoissonConfig) -> None:
        self.config = config
        self._eigenvalues = Latest(_eigenvalues)

    def __repr__(self) -> str:
        return "FftPoisson()"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        _check_constant(operator)
        return StateSpec()

    def solve(self, operator: GridOperator, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """One forward and one inverse transform; the guess is not needed."""
        _check_constant(operator)
        solvable = rhs - np.mean(rhs) if operator.singular else rhs
        attempt = Attempt(self.config, operator, solvable)
        amplitudes = _transform(operator, solvable, inverse=False) / self._eigenvalues(operator)
        return attempt.report(_transform(operator, amplitudes, inverse=True), 1)


def _check_constant(operator: Any) -> None:
    if not (isinstance(operator, GridOperator) and operator.constant):
        raise ScenarioError(
            "linear_solver: 'fft_poisson' needs constant coefficients on a grid; "
            "for others use 'multigrid', 'pcg', 'amg' or 'sparse_lu'"
        )
    if any(wall.alpha and wall.beta for pair in _pairs(operator) for wall in pair):
        raise ScenarioError(
            "linear_solver: 'fft_poisson' has no transform for walls of type 'robin'; "
            "use 'multigrid', 'pcg', 'amg' or 'sparse_lu'"
        )


def _pairs(operator: GridOperator) -> list[tuple[Wall, Wall]]:
    return [walls_of(entry) for entry in operator.boundaries if entry not in ("periodic", "dirichlet_node")]


def _waves(boundary: str | tuple[Wall, Wall]) -> tuple[str, int, Callable[[Any, int], Any]]:
    if boundary in ("periodic", "dirichlet_node"):
        return _WAVES[boundary]
    low, high = walls_of(boundary)
    return _WAVES[low.alpha != 0.0, high.alpha != 0.0]


def _eigenvalues(operator: GridOperator) -> Real:
    total = np.full(operator.shape, operator.shift, dtype=np.float64)
    for axis, name in enumerate(operator.boundaries):
        n = operator.shape[axis]
        angle = _waves(name)[2](np.arange(n), n)
        along = [1] * len(operator.shape)
        along[axis] = n
        assert not isinstance(operator.diffusivity, tuple)
        total += (4.0 * operator.diffusivity / operator.spacing[axis] ** 2 * np.sin(angle) ** 2).reshape(along)
    if operator.singular:
        total[(0,) * total.ndim] = np.inf
    return total


def _transform(operator: GridOperator, values: Any, inverse: bool) -> Any:
    # complex transforms come last on the way there and first on the way back
    axes = sorted(range(len(operator.shape)), key=lambda axis: operator.boundaries[axis] == "periodic")
    for axis in reversed(axes) if inverse else axes:
        family, kind, _ = _waves(operator.boundaries[axis])
        if family == "fft":
            values = (fft.ifft if inverse else fft.fft)(values, axis=axis)
        else:
            function = getattr(fft, f"i{family}" if inverse else family)
            if np.iscomplexobj(values):
                values = function(values.real, kind, axis=axis) + 1j * function(values.imag, kind, axis=axis)
            else:
                values = function(values, kind, axis=axis)
    return np.ascontiguousarray(values.real) if inverse else values


class SparseLu:
    """LU factors of the matrix (SuperLU), kept while the operator keeps its values.

    ``setup`` raises ScenarioError for an operator that leaves constants undetermined.
    """

    parameters = ()

    def __init__(self, config: SparseLuConfig) -> None:
        self.config = config
        self._factors = Latest(lambda operator: splu(matrix_of(operator).tocsc()))

    def __repr__(self) -> str:
        return "SparseLu()"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        refuse_singular(operator, setup, "sparse_lu")
        return StateSpec()

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Two triangular solves; the guess is not needed."""
        attempt = Attempt(self.config, operator, rhs)
        x = self._factors(operator).solve(np.ravel(rhs))
        return attempt.report(x.reshape(rhs.shape), 1)
