"""A diffusion operator on a grid, described by its coefficients: what implicit solvers hand to linear solvers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

BOUNDARY_TYPES = ("periodic", "neumann", "dirichlet", "dirichlet_node")

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Wall:
    """``alpha u + beta u_n = 0`` on a wall half a spacing beyond the outermost cell centres, u_n pointing outwards.

    (1, 0) holds the value at zero, (0, 1) lets nothing through, both positive are Robin's condition.
    """

    alpha: float
    beta: float

    def mirror(self, spacing: float) -> float:
        """Ghost value over inner value, to second order: from -1 (held) to 1 (closed)."""
        half, slope = 0.5 * self.alpha, self.beta / spacing
        return (slope - half) / (slope + half)


HELD, CLOSED = Wall(1.0, 0.0), Wall(0.0, 1.0)

Boundary = str | tuple[Wall, Wall]


def walls_of(boundary: Boundary) -> tuple[Wall, Wall]:
    """Conditions at both ends of an axis that has walls between cells. Raises KeyError for other names."""
    return {"neumann": (CLOSED, CLOSED), "dirichlet": (HELD, HELD)}[boundary] if isinstance(boundary, str) else boundary


@dataclass(frozen=True)
class GridOperator:
    """``A u = shift u - div(diffusivity grad u)`` by the second-order 3, 5 or 7-point formula; symmetric.

    Parameters
    ----------
    shape, spacing
        Cells along each axis and their size, x last.
    boundaries
        One for each axis: ``periodic``; a pair of `Wall`, low and high; ``neumann`` and ``dirichlet``, short for
        two closed walls and for two that hold zero; ``dirichlet_node``, zero at nodes one spacing beyond the outermost
        values, which are then the inner nodes of a grid of ``n + 1`` spacings.
    diffusivity
        A number, or one array for each axis with the values on the faces across it, one longer than ``shape`` there.
        On a periodic axis the first and last faces are the same.
    shift
        A number, or an array of ``shape``.

    Raises ValueError when these do not fit each other.
    """

    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    boundaries: tuple[Boundary, ...]
    diffusivity: float | tuple[Real, ...] = 1.0
    shift: float | Real = 0.0

    def __post_init__(self) -> None:
        if not len(self.shape) == len(self.spacing) == len(self.boundaries):
            raise ValueError(
                f"shape {self.shape}, spacing {self.spacing}, boundaries {self.boundaries}: lengths differ"
            )
        unknown = [name for name in self.boundaries if isinstance(name, str) and name not in BOUNDARY_TYPES]
        if unknown:
            raise ValueError(f"boundary {unknown[0]!r} is not one of {', '.join(BOUNDARY_TYPES)}")
        if min(self.shape) < 2:
            raise ValueError(f"shape {self.shape}: two cells along each axis are the least")
        if isinstance(self.diffusivity, tuple):
            expected = [_longer(self.shape, axis) for axis in range(len(self.shape))]
            given = [values.shape for values in self.diffusivity]
            if given != expected:
                raise ValueError(f"diffusivity on faces has shapes {given}, expected {expected}")

    @property
    def constant(self) -> bool:
        """Whether neither coefficient varies in space."""
        return not isinstance(self.diffusivity, tuple) and np.ndim(self.shift) == 0

    @property
    def singular(self) -> bool:
        """Whether constants are in the null space: no shift, and no wall that holds a value."""
        return not np.any(self.shift) and all(
            name == "periodic" or (name != "dirichlet_node" and all(wall.alpha == 0.0 for wall in walls_of(name)))
            for name in self.boundaries
        )

    def faces(self, axis: int) -> Real:
        """Diffusivity over squared spacing on the faces across an axis, times what the walls add to the diagonal: 2
        where they hold a value half a spacing away, 0 where nothing passes."""
        if isinstance(self.diffusivity, tuple):
            faces = self.diffusivity[axis] / self.spacing[axis] ** 2
        else:
            faces = np.full(_longer(self.shape, axis), self.diffusivity / self.spacing[axis] ** 2)
        boundary = self.boundaries[axis]
        if boundary not in ("periodic", "dirichlet_node"):
            low, high = walls_of(boundary)
            faces[_at(axis, 0)] *= 1.0 - low.mirror(self.spacing[axis])
            faces[_at(axis, -1)] *= 1.0 - high.mirror(self.spacing[axis])
        return faces

    def diagonal(self) -> Real:
        """Diagonal of A, of ``shape``."""
        diagonal = np.zeros(self.shape) + self.shift
        for axis in range(len(self.shape)):
            faces = self.faces(axis)
            diagonal += faces[_at(axis, slice(None, -1))] + faces[_at(axis, slice(1, None))]
        return diagonal

    def apply(self, values: Real) -> Real:
        """A times values of ``shape``, without a matrix."""
        result = self.diagonal() * values
        for axis, name in enumerate(self.boundaries):
            faces = self.faces(axis)
            lower, upper = _at(axis, slice(None, -1)), _at(axis, slice(1, None))
            inner = faces[_at(axis, slice(1, -1))]
            result[lower] -= inner * values[upper]
            result[upper] -= inner * values[lower]
            if name == "periodic":
                first, last = _at(axis, slice(0, 1)), _at(axis, slice(-1, None))
                result[first] -= faces[first] * values[last]
                result[last] -= faces[last] * values[first]
        return result

    def to_sparse(self) -> csr_array:
        """The same operator as a matrix in CSR form, unknowns in the order of the array."""
        from scipy.sparse import coo_array

        index = np.arange(np.prod(self.shape)).reshape(self.shape)
        rows, columns, values = [index.ravel()], [index.ravel()], [self.diagonal().ravel()]

        def couple(one: NDArray[Any], other: NDArray[Any], weight: Real) -> None:
            rows.extend([one.ravel(), other.ravel()])
            columns.extend([other.ravel(), one.ravel()])
            values.extend([-weight.ravel(), -weight.ravel()])

        for axis, name in enumerate(self.boundaries):
            faces = self.faces(axis)
            inner = faces[_at(axis, slice(1, -1))]
            couple(index[_at(axis, slice(None, -1))], index[_at(axis, slice(1, None))], inner)
            if name == "periodic":
                first, last = _at(axis, slice(0, 1)), _at(axis, slice(-1, None))
                couple(index[first], index[last], faces[first])
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        matrix = coo_array(entries, shape=(index.size, index.size)).tocsr()
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        matrix.sort_indices()
        return matrix


def _longer(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], shape[axis] + 1, *shape[axis + 1 :])


def _at(axis: int, where: int | slice) -> tuple[Any, ...]:
    return (*([slice(None)] * axis), where)
