"""Which points are near which, by comparing all with all, in NumPy: the definition.

``lengths`` (d,) are the periods of the axes, infinite for open ones. The displacement from point i to point j is
``x_j - x_i``, on periodic axes that of the nearest image, which lies in (-L/2, L/2].
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["displacement_reference", "nearest_reference", "within_reference"]

Array = Any


def displacement_reference(x: Array, y: Array, lengths: Array) -> Array:
    """Displacements from x (..., d) to y (..., d), in their precision."""
    d = y - x
    for axis in np.flatnonzero(np.isfinite(lengths)):
        length = d.dtype.type(lengths[axis])
        half = d.dtype.type(0.5) * length
        along = d[..., axis]
        d[..., axis] = np.where(along > half, along - length, np.where(along <= -half, along + length, along))
    return d


def _squares(points: Array, lengths: Array, queries: Array | None) -> Array:
    start = points if queries is None else queries
    d = displacement_reference(start[:, None, :], points[None, :, :], lengths)
    square = d[..., 0] * d[..., 0]
    for axis in range(1, d.shape[-1]):
        square = square + d[..., axis] * d[..., axis]
    return square


def within_reference(points: Array, radius: float, lengths: Array, queries: Array | None = None) -> tuple[Array, Array]:
    """Offsets (m + 1,) and indices: ``indices[offsets[i] : offsets[i + 1]]`` are all j with |x_j - y_i|^2 <= r^2.

    Without ``queries`` (m, d) the points are asked about themselves, and i is no neighbour of its own.
    """
    near = _squares(points, lengths, queries) <= points.dtype.type(radius) * points.dtype.type(radius)
    if queries is None:
        np.fill_diagonal(near, False)
    offsets = np.concatenate([[0], np.cumsum(near.sum(axis=1))]).astype(np.int64)
    return offsets, np.nonzero(near)[1].astype(np.int32)


def nearest_reference(points: Array, count: int, lengths: Array, queries: Array | None = None) -> Array:
    """The ``count`` nearest points of each, nearest first and of equal ones the lower index first: (m, count)."""
    squares = _squares(points, lengths, queries)
    if queries is None:
        np.fill_diagonal(squares, np.inf)
    index = np.broadcast_to(np.arange(len(points)), squares.shape)
    return np.lexsort((index, squares))[:, :count].astype(np.int32)
