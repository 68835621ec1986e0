"""Five-point stencils along each axis: advection by a uniform flow with diffusion, up to fourth order.

``keep u + scale sum_a sum_m w_am (u_m - u)``, m = -2 ... 2. Differences of face fluxes have weights that sum to zero,
which keeps the sum over a periodic grid. Arrays are (nz, ny, nx), ghosts two layers wide.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours, row_along_y, row_along_z

__all__ = ["transport", "transport_reference"]

Array = Any


def transport_reference(u: Array, ghosts: Ghosts, weights: Array, keep: Any, scale: Any, xp: Any) -> Array:
    """The definition. ``weights`` [1/s] is (3, 5): axes (z, y, x), neighbours -2 to 2."""
    rate = 0.0 * u
    for axis in range(3):
        near = neighbours(u, ghosts, axis, 2, xp)
        for m in (-2, -1, 1, 2):
            rate = rate + weights[axis, m + 2] * (near[m] - u)
    return keep * u + scale * rate


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _line(c, w, far_low, low, high, far_high):  # type: ignore[no-untyped-def]
    return w[0] * (far_low - c) + w[1] * (low - c) + w[3] * (high - c) + w[4] * (far_high - c)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _along_x(row, low, high, i):  # type: ignore[no-untyped-def]
    if i < 0:
        return low[-i - 1]
    if i >= row.shape[0]:
        return high[i - row.shape[0]]
    return row[i]


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def transport(
    u: Array, ghosts: Ghosts, weights: Array, keep: Any, scale: Any, out: Array, first: int, last: int
) -> None:
    """`transport_reference` into rows ``first`` to ``last`` of ``out``, counted over z and y."""
    z_low, z_high, y_low, y_high, x_low, x_high = ghosts
    above = 1 if z_low.shape[0] > 0 else 0
    beside = 1 if y_low.shape[1] > 0 else 0
    ny, nx = u.shape[1], u.shape[2]
    wz = (weights[0, 0], weights[0, 1], weights[0, 2], weights[0, 3], weights[0, 4])
    wy = (weights[1, 0], weights[1, 1], weights[1, 2], weights[1, 3], weights[1, 4])
    wx = (weights[2, 0], weights[2, 1], weights[2, 2], weights[2, 3], weights[2, 4])
    for r in range(first, last):
        k = r // ny
        j = r - k * ny
        row, result = borrowed_row(u, k, j), borrowed_row(out, k, j)
        y0 = row_along_y(u, y_low, y_high, k, j - 2 * beside)
        y1 = row_along_y(u, y_low, y_high, k, j - beside)
        y3 = row_along_y(u, y_low, y_high, k, j + beside)
        y4 = row_along_y(u, y_low, y_high, k, j + 2 * beside)
        z0 = row_along_z(u, z_low, z_high, k - 2 * above, j)
        z1 = row_along_z(u, z_low, z_high, k - above, j)
        z3 = row_along_z(u, z_low, z_high, k + above, j)
        z4 = row_along_z(u, z_low, z_high, k + 2 * above, j)
        for i in range(2, nx - 2):
            c = row[i]
            rate = _line(c, wx, row[i - 2], row[i - 1], row[i + 1], row[i + 2])
            rate += _line(c, wy, y0[i], y1[i], y3[i], y4[i]) + _line(c, wz, z0[i], z1[i], z3[i], z4[i])
            result[i] = keep * c + scale * rate
        left, right = x_low[k, j], x_high[k, j]
        for i in (0, 1, nx - 2, nx - 1):
            c = row[i]
            rate = _line(
                c,
                wx,
                _along_x(row, left, right, i - 2),
                _along_x(row, left, right, i - 1),
                _along_x(row, left, right, i + 1),
                _along_x(row, left, right, i + 2),
            )
            rate += _line(c, wy, y0[i], y1[i], y3[i], y4[i]) + _line(c, wz, z0[i], z1[i], z3[i], z4[i])
            result[i] = keep * c + scale * rate
