"""Constant-coefficient diffusion, second order: ``keep u + scale (sum_a c_a (u_-1 - 2 u + u_+1) + source)``.

With ``keep = 0`` and ``scale = 1`` this is a tendency, with ``keep = 1`` and ``scale = dt`` a whole forward Euler step
in one sweep. Arrays are (nz, ny, nx); ``source`` may have one row only, (1, 1, nx), that stands for all.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours, row_along_y, row_along_z

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
def diffuse(
    u: Array, ghosts: Ghosts, coefficients: Any, source: Array, keep: Any, scale: Any, out: Array, first: int, last: int
) -> None:
    """`diffuse_reference` into rows ``first`` to ``last`` of ``out``, counted over z and y."""
    cz, cy, cx = coefficients
    z_low, z_high, y_low, y_high, x_low, x_high = ghosts
    above = 1 if z_low.shape[0] > 0 else 0
    beside = 1 if y_low.shape[1] > 0 else 0
    each = 1 if source.shape[0] * source.shape[1] == u.shape[0] * u.shape[1] else 0
    ny, nx = u.shape[1], u.shape[2]
    for r in range(first, last):
        k = r // ny
        j = r - k * ny
        row, result = borrowed_row(u, k, j), borrowed_row(out, k, j)
        extra = borrowed_row(source, each * k, each * j)
        low = row_along_y(u, y_low, y_high, k, j - beside)
        high = row_along_y(u, y_low, y_high, k, j + beside)
        back = row_along_z(u, z_low, z_high, k - above, j)
        front = row_along_z(u, z_low, z_high, k + above, j)
        rate = _rate(row[0], x_low[k, j, 0], row[1], low[0], high[0], back[0], front[0], cz, cy, cx)
        result[0] = keep * row[0] + scale * (rate + extra[0])
        for i in range(1, nx - 1):
            rate = _rate(row[i], row[i - 1], row[i + 1], low[i], high[i], back[i], front[i], cz, cy, cx)
            result[i] = keep * row[i] + scale * (rate + extra[i])
        i = nx - 1
        rate = _rate(row[i], row[i - 1], x_high[k, j, 0], low[i], high[i], back[i], front[i], cz, cy, cx)
        result[i] = keep * row[i] + scale * (rate + extra[i])
