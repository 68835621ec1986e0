"""Arrays as VTK wants them: tuples of one, three or nine numbers, points in the order x fastest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Grid, Quantity
from subgrid_io.selection import Selection

VECTOR, TENSOR = ("component",), ("row", "column")


def field_tuples(
    name: str, quantity: Quantity, values: NDArray[np.generic], axes: Sequence[str]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Arrays (z, y, x, numbers) of a field on the mesh, by name.

    Vectors and tensors are filled up with zeros to three dimensions. Other leading dims become arrays of their own:
    ``velocity_layer0``.
    """
    leading = quantity.dims[: values.ndim - len(axes)]
    shape = (1,) * (3 - len(axes)) + values.shape[len(leading) :]
    yield from _tuples(name, leading, values.reshape(*values.shape[: len(leading)], *shape))


def particle_tuples(
    name: str, quantity: Quantity, values: NDArray[np.generic]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Arrays (particles, numbers) of a column, by name."""
    leading = quantity.dims[1:]
    yield from _tuples(name, leading, np.moveaxis(values, 0, -1))


def _tuples(
    name: str, leading: tuple[str, ...], values: NDArray[np.generic]
) -> Iterator[tuple[str, NDArray[np.generic]]]:
    inner = next((dims for dims in (TENSOR, VECTOR) if all(dim in leading for dim in dims)), ())
    if any(values.shape[leading.index(dim)] > 3 for dim in inner):
        inner = ()
    outer = [dim for dim in leading if dim not in inner]
    order = [leading.index(dim) for dim in (*outer, *inner)]
    arranged = values.transpose(*order, *range(len(leading), values.ndim))
    for index in product(*(range(n) for n in arranged.shape[: len(outer)])):
        suffix = "".join(f"_{dim}{number}" for dim, number in zip(outer, index, strict=True))
        yield name + suffix, _three(arranged[index], len(inner))


def _three(values: NDArray[np.generic], order: int) -> NDArray[np.generic]:
    """Fill up the ``order`` leading axes to length three and put them last, as one."""
    filled = np.zeros((3,) * order + values.shape[order:], dtype=values.dtype)
    filled[tuple(slice(0, n) for n in values.shape[:order])] = values
    rows = filled.reshape(3**order, *values.shape[order:])
    return np.ascontiguousarray(np.moveaxis(rows, 0, -1))


def on_cells(mesh: Grid) -> bool:
    """Whether values are those of cells (else of the nodes at their lower corners)."""
    return mesh.offset == 0.5


def extent(mesh: Grid) -> tuple[int, ...]:
    """VTK's extent of the mesh: first and last node along x, y, z."""
    last = [(n if on_cells(mesh) else n - 1) for n in reversed(mesh.shape)] + [0] * (3 - mesh.ndim)
    return tuple(number for end in last for number in (0, end))


def origin(mesh: Grid) -> tuple[float, ...]:
    """The first node (x, y, z)."""
    return (*map(float, reversed(mesh.origin)), *(0.0,) * (3 - mesh.ndim))


def spacing(mesh: Grid) -> tuple[float, ...]:
    """Distance of nodes (x, y, z); 1 along axes that the mesh does not have."""
    return (*map(float, reversed(mesh.spacing)), *(1.0,) * (3 - mesh.ndim))


def points(positions: NDArray[np.generic]) -> NDArray[np.generic]:
    """Positions (n, dims) in three dimensions."""
    filled = np.zeros((len(positions), 3), dtype=positions.dtype)
    filled[:, : positions.shape[1]] = positions
    return filled


def left_out(selection: Selection) -> Iterator[str]:
    """A line for each quantity that VTK has no place for."""
    for name, quantity in selection.others.items():
        reason = "positions are not stored" if quantity.location == "particle" else "it is no field on the mesh"
        yield f"left out: {name} ({reason})"
