"""Ghost layers of cell-centred grids: the values beyond each side that a stencil reads, kept beside the array.

Stencil kernels work on (nz, ny, nx) with x contiguous; problems in fewer dimensions have leading axes of one cell.
Layers stand in six small arrays instead of around a padded copy, so that no sweep has to copy the field: a kernel picks
the rows it reads once for each row, and its inner loop knows no borders.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit

from subgrid.backend import Array, Backend
from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_window import ABSENT, WALL, WRAP, Rules
from subgrid.mesh import Grid

Ghosts = tuple[Array, ...]
"""Layers (z low, z high, y low, y high, x low, x high); entry m along its axis is the (m + 1)-th beyond the side."""

BLOCK_BYTES = 384 * 1024
"""Memory of the blocks in which sweeps go through three dimensions: within a usual second-level cache."""

LEAST_CELLS = 1 << 15
"""Fewest cells a thread must get before it pays to wake it."""


@dataclass(frozen=True)
class WallCondition:
    """``alpha u + beta u_n = value(t)`` on a wall, u_n the outward derivative: Dirichlet (1, 0), Neumann (0, 1)."""

    alpha: float
    beta: float
    value: Callable[[float], float]

    def layer(self, number: int, spacing: float) -> tuple[float, float]:
        """r and q of the mirror rule g = r u + q value, second order, for the ghost cell ``number`` (1 is nearest).

        The wall lies half-way between u and g, which are ``(2 number - 1) spacing`` apart.
        """
        slope = self.beta / ((2 * number - 1) * spacing)
        whole = 0.5 * self.alpha + slope
        return (slope - 0.5 * self.alpha) / whole, 1.0 / whole


class GhostLayers:
    """Fills the ghost layers of one field.

    ``conditions`` gives (low, high) for each axis of the mesh in axis order, ``None`` where it is periodic; ``width``
    is the number of layers. Axes that the mesh does not have get empty layers.
    """

    def __init__(
        self, mesh: Grid, conditions: Sequence[tuple[WallCondition, WallCondition] | None], width: int, backend: Backend
    ) -> None:
        missing = 3 - mesh.ndim
        self.shape = (1,) * missing + mesh.shape
        self.spacing = (1.0,) * missing + mesh.spacing
        self.conditions = (None,) * missing + tuple(conditions)
        self.active = (False,) * missing + (True,) * mesh.ndim
        self.width, self.backend = width, backend
        self.order = (0, 1, 2) if self.active[0] else (1, 0, 2)
        """Axes in the order (planes, rows, columns) in which sweeps of `subgrid.kernels.stencil_window` go."""
        self.sweep_axes = tuple(axis for axis in self.order if self.active[axis])
        """Those of them that the mesh has."""
        self.planes = tuple(self.shape[axis] for axis in self.order)
        self._kinds = np.array([self._kind(axis) for axis in self.order])
        self._factors = np.zeros(6, backend.dtype() if backend.in_place else None)
        self._walls: list[tuple[int, float, WallCondition]] = []
        for place, axis in enumerate(self.order):
            for high, wall in enumerate(self.conditions[axis] or ()):
                r, q = wall.layer(1, self.spacing[axis])
                self._factors[2 * place + high] = r
                self._walls.append((2 * place + high, q, wall))

    def fill(self, u: Array, t: float) -> Ghosts:
        """Layers of u, shape (nz, ny, nx), at time t."""
        layers: list[Array] = []
        for axis in range(3):
            layers += [self._side(u, axis, high, t) for high in (False, True)]
        return tuple(layers)

    def rules(self, times: Sequence[float]) -> Rules:
        """The nearest layers as numbers, for steps that begin at these times; NumPy only."""
        shifts = np.zeros((len(times), 6), self._factors.dtype)
        for side, q, wall in self._walls:
            shifts[:, side] = [q * wall.value(t) for t in times]
        return Rules(self._kinds, self._factors, shifts)

    def _kind(self, axis: int) -> int:
        if not self.active[axis]:
            return ABSENT
        return WRAP if self.conditions[axis] is None else WALL

    def _side(self, u: Array, axis: int, high: bool, t: float) -> Array:
        xp, n = self.backend.xp, self.shape[axis]
        if not self.active[axis]:
            return _slab(u, axis, 0, 0)
        conditions, layers = self.conditions[axis], []
        for number in range(1, self.width + 1):
            inner = n - number if high else number - 1
            if conditions is None:
                opposite = n - 1 - inner
                layers.append(_slab(u, axis, opposite, opposite + 1))
            else:
                wall = conditions[high]
                r, q = wall.layer(number, self.spacing[axis])
                layers.append(r * _slab(u, axis, inner, inner + 1) + q * wall.value(t))
        joined = layers[0] if self.width == 1 else xp.concat(layers, axis=axis)
        return np.ascontiguousarray(joined) if self.backend.in_place else joined


def _slab(u: Array, axis: int, first: int, last: int) -> Array:
    index = [slice(None)] * 3
    index[axis] = slice(first, last)
    return u[tuple(index)]


def neighbours(u: Array, ghosts: Ghosts, axis: int, reach: int, xp: Any) -> dict[int, Array]:
    """u moved along an axis by -reach to reach cells, each of u's shape: the readable way to write a stencil.

    An axis without layers has no neighbours: u itself stands for them.
    """
    low, high = ghosts[2 * axis], ghosts[2 * axis + 1]
    if low.shape[axis] == 0:
        return dict.fromkeys(range(-reach, reach + 1), u)
    whole = xp.concat([xp.flip(low, axis=axis), u, high], axis=axis)
    width, n = low.shape[axis], u.shape[axis]
    return {m: _slab(whole, axis, width + m, width + m + n) for m in range(-reach, reach + 1)}


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def row_along_y(u: Array, low: Array, high: Array, k: int, j: int) -> Array:
    """Row (k, j), also where j lies beyond the sides."""
    if j < 0:
        return borrowed_row(low, k, -j - 1)
    if j >= u.shape[1]:
        return borrowed_row(high, k, j - u.shape[1])
    return borrowed_row(u, k, j)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def row_along_z(u: Array, low: Array, high: Array, k: int, j: int) -> Array:
    """Row (k, j), also where k lies beyond the sides."""
    if k < 0:
        return borrowed_row(low, -k - 1, j)
    if k >= u.shape[0]:
        return borrowed_row(high, k - u.shape[0], j)
    return borrowed_row(u, k, j)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def block_height(u: Array) -> int:
    """Rows along y that a sweep takes through all planes before it goes on: three planes of them stay in the cache."""
    if u.shape[0] == 1:
        return int(u.shape[1])
    return int(max(1, min(u.shape[1], BLOCK_BYTES // (3 * u.shape[2] * u.itemsize))))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="stencil")


def in_bands(kernel: Callable[..., None], shape: Sequence[int], threads: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, first, last)`` for bands of the nz ny rows, one for each thread that pays.

    Every cell is computed alike whatever its band, so that the result does not depend on ``threads``.
    """
    rows = shape[0] * shape[1]
    count = max(1, min(threads, rows, rows * shape[2] // LEAST_CELLS))
    if count == 1:
        kernel(*arguments, 0, rows)
        return
    edges = [rows * band // count for band in range(count + 1)]
    pending = [_pool(count).submit(kernel, *arguments, a, b) for a, b in pairwise(edges[1:])]
    kernel(*arguments, 0, edges[1])
    for band in pending:
        band.result()
