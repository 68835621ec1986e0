"""What happens on the nodes between particles to grid and grid to particles, and the order of particles by cell.

Arrays of nodes are (rows, width, 4): a row is all nodes of the slowest axis, z in three dimensions and y in two.
"""

from __future__ import annotations

from typing import Any

from numba import njit

__all__ = ["add_up", "cell_keys", "condition", "rows_of", "velocities"]

Array = Any


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rows_of(slow: Array, origin: float, spacing: float, rows: int, first: int, last: int) -> tuple[int, int]:
    """First and behind-last row of nodes that particles with coordinates ``slow`` touch, within the grid."""
    low, high = slow.dtype.type(rows), slow.dtype.type(0.0)
    for p in range(first, last):
        low, high = min(low, slow[p]), max(high, slow[p])
    # one row more on each side than rounding to single precision may need
    begin, end = int((low - origin) / spacing) - 1, int((high - origin) / spacing) + 6
    return max(0, min(begin, rows)), max(0, min(end, rows))


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def add_up(grids: Array, ranges: Array, out: Array, first: int, last: int) -> None:
    """Sum of what each thread scattered, into rows ``first`` to ``last``; ``ranges`` are the rows that it touched.

    Threads are summed in their order, so that the same number of them gives the same bits.
    """
    for r in range(first, last):
        target = out[r]
        fresh = True
        for thread in range(grids.shape[0]):
            if ranges[thread, 0] <= r < ranges[thread, 1]:
                source = grids[thread, r]
                for i in range(target.shape[0]):
                    for c in range(4):
                        target[i, c] = source[i, c] if fresh else target[i, c] + source[i, c]
                fresh = False
        if fresh:
            target[:] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def velocities(nodes: Array, kick: Array, first: int, last: int) -> None:
    """Momentum to velocity where there is mass, plus ``kick`` (3,), in rows ``first`` to ``last``."""
    kx, ky, kz = kick[0], kick[1], kick[2]
    for r in range(first, last):
        for i in range(nodes.shape[1]):
            m = nodes[r, i, 0]
            if m > 0:
                nodes[r, i, 1] = nodes[r, i, 1] / m + kx
                nodes[r, i, 2] = nodes[r, i, 2] / m + ky
                nodes[r, i, 3] = nodes[r, i, 3] / m + kz


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def condition(nodes: Array, index: Array, normal: Array, wall: Array, kind: int, friction: float) -> None:
    """`condition_reference` on the nodes ``index`` of ``nodes`` (count, 4); normals (m, 3), wall velocity (3,)."""
    for n in range(index.shape[0]):
        at = index[n]
        u, v, w = nodes[at, 1] - wall[0], nodes[at, 2] - wall[1], nodes[at, 3] - wall[2]
        if kind == 0:
            nodes[at, 1], nodes[at, 2], nodes[at, 3] = wall[0], wall[1], wall[2]
            continue
        along = u * normal[n, 0] + v * normal[n, 1] + w * normal[n, 2]
        if kind > 1 and not along < 0:
            continue
        u, v, w = u - along * normal[n, 0], v - along * normal[n, 1], w - along * normal[n, 2]
        if kind == 3:
            speed = (u * u + v * v + w * w) ** 0.5
            kept = max(0.0, 1.0 + friction * along / speed) if speed > 0 else 0.0
            u, v, w = kept * u, kept * v, kept * w
        nodes[at, 1], nodes[at, 2], nodes[at, 3] = wall[0] + u, wall[1] + v, wall[2] + w


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def cell_keys(position: Array, origin: Array, spacing: float, shape: Array, keys: Array) -> None:
    """Number of the node block that each particle writes to, x running fastest; ``shape`` is ordered (x, y, z)."""
    for p in range(position.shape[0]):
        key = 0
        for a in range(position.shape[1] - 1, -1, -1):
            key = key * shape[a] + min(max(int((position[p, a] - origin[a]) / spacing + 1.5), 0), shape[a] - 1)
        keys[p] = key
