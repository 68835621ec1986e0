"""Constant-coefficient diffusion, second order: ``keep u + scale (sum_a c_a (u_-1 - 2 u + u_+1) + source)``.

With ``keep = 0`` and ``scale = 1`` this is a tendency, with ``keep = 1`` and ``scale = dt`` a whole forward Euler step
in one sweep. Arrays are (nz, ny, nx); ``source`` may have one row only, (1, 1, nx), that stands for all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_ghosts import Ghosts, block_height, neighbours, row_along_y, row_along_z

__all__ = ["diffuse", "diffuse_reference"]

Array = Any


def diffuse_reference(
    u: Array, ghosts: Ghosts, coefficients: tuple[Any, ...], source: Array, keep: Any, scale: Any, xp: Any
) -> Array:
    """The definition. ``coefficients`` are (c_z, c_y, c_x) = diffusivity / spacing^2 [1/s]."""
    rate = 0.0 * u + source
    for axis in range(3):
        near = neighbours(u, ghosts, axis, 1, xp)
        rate = rate + coefficients[axis] * ((near[-1] - u) + (near[1] - u))
    return keep * u + scale * rate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _rate(c, left, right, low, high, back, front, cz, cy, cx):  # type: ignore[no-untyped-def]
    return cx * ((left - c) + (right - c)) + cy * ((low - c) + (high - c)) + cz * ((back - c) + (front - c))


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_2d(u, source, p, q, count, sy, cy, cx, keep, scale, out):  # type: ignore[no-untyped-def]
    """``count`` cells from the flat index ``p``. Unsigned indices spare the wrap-around of negative ones."""
    one = np.uint64(1)
    for i in range(count):
        a = p + np.uint64(i)
        c = u[a]
        rate = cx * ((u[a - one] - c) + (u[a + one] - c)) + cy * ((u[a - sy] - c) + (u[a + sy] - c))
        out[a] = keep * c + scale * (rate + source[q + np.uint64(i)])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_3d(u, source, p, q, count, sz, sy, cz, cy, cx, keep, scale, out):  # type: ignore[no-untyped-def]
    one = np.uint64(1)
    for i in range(count):
        a = p + np.uint64(i)
        c = u[a]
        rate = cx * ((u[a - one] - c) + (u[a + one] - c)) + cy * ((u[a - sy] - c) + (u[a + sy] - c))
        rate += cz * ((u[a - sz] - c) + (u[a + sz] - c))
        out[a] = keep * c + scale * (rate + source[q + np.uint64(i)])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def diffuse(
    u: Array, ghosts: Ghosts, coefficients: Any, source: Array, keep: Any, scale: Any, out: Array, first: int, last: int
) -> None:
    """`diffuse_reference` into rows ``first`` to ``last`` of ``out``, counted over z and y; all contiguous."""
    cz, cy, cx = coefficients
    x_low, x_high = ghosts[4], ghosts[5]
    above = ghosts[0].shape[0] > 0
    each = source.shape[0] * source.shape[1] == u.shape[0] * u.shape[1]
    nz, ny, nx = u.shape
    flat, flat_source, result = u.reshape(-1), source.reshape(-1), out.reshape(-1)
    sy, sz, one, end = np.uint64(nx), np.uint64(ny * nx if above else 0), np.uint64(1), np.uint64(nx - 1)
    height = block_height(u)
    for block in range(0, ny, height):
        for k in range(first // ny, (last - 1) // ny + 1):
            for j in range(max(block, first - k * ny), min(block + height, ny, last - k * ny)):
                if not (0 < j < ny - 1 and (not above or 0 < k < nz - 1)):
                    _border_row(u, ghosts, coefficients, source, keep, scale, out, k, j)
                    continue
                p = np.uint64((k * ny + j) * nx)
                q = p if each else np.uint64(0)
                if above:
                    _line_3d(flat, flat_source, p + one, q + one, nx - 2, sz, sy, cz, cy, cx, keep, scale, result)
                else:
                    _line_2d(flat, flat_source, p + one, q + one, nx - 2, sy, cy, cx, keep, scale, result)
                c, a = flat[p], p
                rate = _rate(
                    c, x_low[k, j, 0], flat[a + one], flat[a - sy], flat[a + sy], flat[a - sz], flat[a + sz], cz, cy, cx
                )
                result[a] = keep * c + scale * (rate + flat_source[q])
                a = p + end
                c = flat[a]
                rate = _rate(
                    c,
                    flat[a - one],
                    x_high[k, j, 0],
                    flat[a - sy],
                    flat[a + sy],
                    flat[a - sz],
                    flat[a + sz],
                    cz,
                    cy,
                    cx,
                )
                result[a] = keep * c + scale * (rate + flat_source[q + end])


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _border_row(u, ghosts, coefficients, source, keep, scale, out, k, j):  # type: ignore[no-untyped-def]
    """A row beside a side of the domain, whose neighbours may be ghosts."""
    cz, cy, cx = coefficients
    z_low, z_high, y_low, y_high, x_low, x_high = ghosts
    above = 1 if z_low.shape[0] > 0 else 0
    beside = 1 if y_low.shape[1] > 0 else 0
    each = 1 if source.shape[0] * source.shape[1] == u.shape[0] * u.shape[1] else 0
    row, result = borrowed_row(u, k, j), borrowed_row(out, k, j)
    extra = borrowed_row(source, each * k, each * j)
    low = row_along_y(u, y_low, y_high, k, j - beside)
    high = row_along_y(u, y_low, y_high, k, j + beside)
    back = row_along_z(u, z_low, z_high, k - above, j)
    front = row_along_z(u, z_low, z_high, k + above, j)
    rate = _rate(row[0], x_low[k, j, 0], row[1], low[0], high[0], back[0], front[0], cz, cy, cx)
    result[0] = keep * row[0] + scale * (rate + extra[0])
    i = u.shape[2] - 1
    rate = _rate(row[i], row[i - 1], x_high[k, j, 0], low[i], high[i], back[i], front[i], cz, cy, cx)
    result[i] = keep * row[i] + scale * (rate + extra[i])
    for i in range(1, u.shape[2] - 1):
        rate = _rate(row[i], row[i - 1], row[i + 1], low[i], high[i], back[i], front[i], cz, cy, cx)
        result[i] = keep * row[i] + scale * (rate + extra[i])
