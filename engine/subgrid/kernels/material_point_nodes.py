"""What happens on the nodes between particles to grid and grid to particles, and the order of particles by cell.

Arrays of nodes are (rows, width, 4): a row is all nodes of the slowest axis, z in three dimensions and y in two.
``grids`` (parts, rows, width, 4) has one for each part. ``numbers`` (11,), ``sizes`` (16,) and ``ranges`` (parts, 6)
are those of `subgrid.kernels.material_point_step`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.lanes import every, four, look, put, scaled
from subgrid.kernels.material_points import PAD

__all__ = ["add_up", "cell_keys", "condition", "fold", "reflect", "velocities"]

Array = Any

U = np.uint64


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def add_up(grids: Array, parts: int, ranges: Array, out: Array, first: int, last: int) -> None:
    """Move what was scattered in parts into their sum, in rows ``first`` to ``last``.

    The rows of ``grids`` become zero. ``ranges[part, :2]`` are the rows that a part touched. Parts are summed in their
    order, so that the same number of them gives the same bits.
    """
    # by flat indices: views of rows count themselves in and out, which threads would contend for
    source, target = grids.reshape(-1), out.reshape(-1)
    length = 4 * out.shape[1]
    zero = grids.dtype.type(0.0)
    for r in range(first, last):
        fresh = True
        begin = r * length
        for part in range(parts):
            if ranges[part, 0] <= r < ranges[part, 1]:
                shift = part * target.shape[0]
                if fresh:
                    for k in range(begin, begin + length):
                        target[k] = source[shift + k]
                else:
                    for k in range(begin, begin + length):
                        target[k] += source[shift + k]
                for k in range(begin, begin + length):
                    source[shift + k] = zero
                fresh = False
        if fresh:
            for k in range(begin, begin + length):
                target[k] = zero


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def velocities(nodes: Array, numbers: Array, first: int, last: int) -> None:
    """Momentum to velocity where there is mass, plus a kick ``numbers[5:8]``, in rows ``first`` to ``last``.

    The mass becomes one.
    """
    real = nodes.dtype.type
    one, zero = real(1.0), real(0.0)
    kick = four(zero, real(numbers[5]), real(numbers[6]), real(numbers[7]))
    flat, length = nodes.reshape(-1), 4 * nodes.shape[1]
    for at in range(U(first * length), U(last * length), U(4)):
        m = flat[at]
        if m > zero:
            put(flat, at, scaled(every(one / m), look(flat, at), kick))


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def fold(nodes: Array, sizes: Array, add: bool) -> None:
    """Let nodes that are the same on a periodic axis share their values: added up, or taken from the first.

    ``nodes`` (rows, width, 4); ``sizes`` are the nodes along (x, y, z) and the cells of periodic axes, 0 for others.
    """
    stride = 1
    for a in range(3):
        if sizes[3 + a] > 0:
            if add:
                _share(nodes.reshape(-1, 4), sizes[a], stride, sizes[3 + a], True)
            _share(nodes.reshape(-1, 4), sizes[a], stride, sizes[3 + a], False)
        stride *= sizes[a]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _share(flat, n, stride, cells, add):  # type: ignore[no-untyped-def]
    """One axis of `fold`."""
    for ghost in range(n):
        home = PAD + (ghost - PAD) % cells
        if home == ghost:
            continue
        for outer in range(flat.shape[0] // (n * stride)):
            for inner in range(stride):
                at, there = (outer * n + home) * stride + inner, (outer * n + ghost) * stride + inner
                for c in range(4):
                    if add:
                        flat[at, c] += flat[there, c]
                    else:
                        flat[there, c] = flat[at, c]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def reflect(nodes: Array, sizes: Array, low: int, high: int, add: bool) -> None:
    """Let the nodes next to a no-slip wall feel images of the particles beyond it, in rows ``low`` to ``high``.

    B-splines of the first inner nodes reach over the wall. Cut off there, they leave a force of the wall on those
    nodes, which makes fluids slip by some hundredths of a cell, whatever the spacing. What particles scatter beyond
    the wall is therefore added to the mirrored nodes as their images would do it, which move the other way (``add``),
    and later the nodes beyond take the mirrored velocity. ``sizes[10:16]`` is 1 for such walls, at the lower and the
    upper end of each axis.
    """
    flat, stride = nodes.reshape(-1, 4), 1
    for a in range(3):
        n = sizes[a]
        copies = flat.shape[0] // (n * stride)
        for side in range(2):
            if sizes[10 + 2 * a + side] == 0:
                continue
            ghost, home = (PAD - 1, PAD + 1) if side == 0 else (n - PAD, n - PAD - 2)
            first, last = low * copies // nodes.shape[0], high * copies // nodes.shape[0]
            if copies == 1:  # the slowest axis
                first, last = 0, 1 if low <= ghost < high else 0
            for outer in range(first, last):
                for inner in range(stride):
                    at, beyond = (outer * n + home) * stride + inner, (outer * n + ghost) * stride + inner
                    if add:
                        flat[at, 0] += flat[beyond, 0]
                    for c in range(1, 4):
                        if add:
                            flat[at, c] -= flat[beyond, c]
                        else:
                            flat[beyond, c] = -flat[at, c]
        stride *= n


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def condition(
    nodes: Array, index: Array, normal: Array, wall: Array, kind: Array, friction: Array, first: int, last: int
) -> None:
    """`condition_reference` on the nodes ``index`` of ``nodes`` (count, 4), for conditions ``first`` to ``last``.

    Normals and velocities of walls are (m, 3), kinds and frictions (m,). A node may have several, met in their order.
    """
    for n in range(first, last):
        at = index[n]
        u, v, w = nodes[at, 1] - wall[n, 0], nodes[at, 2] - wall[n, 1], nodes[at, 3] - wall[n, 2]
        if kind[n] == 0:
            nodes[at, 1], nodes[at, 2], nodes[at, 3] = wall[n, 0], wall[n, 1], wall[n, 2]
            continue
        along = u * normal[n, 0] + v * normal[n, 1] + w * normal[n, 2]
        if kind[n] > 1 and not along < 0:
            continue
        u, v, w = u - along * normal[n, 0], v - along * normal[n, 1], w - along * normal[n, 2]
        if kind[n] == 3:
            speed = (u * u + v * v + w * w) ** 0.5
            kept = max(0.0, 1.0 + friction[n] * along / speed) if speed > 0 else 0.0
            u, v, w = kept * u, kept * v, kept * w
        nodes[at, 1], nodes[at, 2], nodes[at, 3] = wall[n, 0] + u, wall[n, 1] + v, wall[n, 2] + w


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def cell_keys(position: Array, origin: Array, spacing: float, shape: Array, keys: Array) -> None:
    """Number of the node block that each particle writes to, x running fastest, into ``keys`` int64 (n,).

    ``position`` (n, d), ``origin`` (d,), ``shape`` (d,) the number of nodes, all ordered (x, y, z).
    """
    for p in range(position.shape[0]):
        key = 0
        for a in range(position.shape[1] - 1, -1, -1):
            key = key * shape[a] + min(max(int((position[p, a] - origin[a]) / spacing + 1.5), 0), shape[a] - 1)
        keys[p] = key
