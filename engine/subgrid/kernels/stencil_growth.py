"""Logistic growth with diffusion through faces: ``keep u + scale (div(D grad u) + rate u (1 - u))``.

Fluxes are differences times a coefficient of the face, so that what leaves a cell enters its neighbour. Arrays are (nz,
ny, nx), ghosts one layer wide. ``faces`` holds D / spacing^2 on the faces across z, y and x: (nz + 1, ny, nx), (nz, ny
+ 1, nx), (nz, ny, nx + 1), and one row of zeros, (1, 1, nx), across an axis that the mesh does not have.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours, row_along_y, row_along_z

__all__ = ["grow", "grow_reference"]

Array = Any


def grow_reference(
    u: Array, ghosts: Ghosts, faces: tuple[Array, ...], rate: Any, keep: Any, scale: Any, xp: Any
) -> Array:
    """The definition. ``rate`` [1/s] is that of growth at small u."""
    tendency = rate * u * (1 - u)
    for axis in range(3):
        if ghosts[2 * axis].shape[axis] == 0:
            continue
        near, n = neighbours(u, ghosts, axis, 1, xp), u.shape[axis]
        lower = [slice(None)] * 3
        upper = [slice(None)] * 3
        lower[axis], upper[axis] = slice(0, n), slice(1, n + 1)
        face = faces[axis]
        tendency = tendency + face[tuple(upper)] * (near[1] - u) + face[tuple(lower)] * (near[-1] - u)
    return keep * u + scale * tendency


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def grow(
    u: Array, ghosts: Ghosts, faces: Any, rate: Any, keep: Any, scale: Any, out: Array, first: int, last: int
) -> None:
    """`grow_reference` into rows ``first`` to ``last`` of ``out``, counted over z and y."""
    z_low, z_high, y_low, y_high, x_low, x_high = ghosts
    across_z, across_y, across_x = faces
    above = 1 if z_low.shape[0] > 0 else 0
    beside = 1 if y_low.shape[1] > 0 else 0
    ny, nx = u.shape[1], u.shape[2]
    for r in range(first, last):
        k = r // ny
        j = r - k * ny
        row, result, fx = borrowed_row(u, k, j), borrowed_row(out, k, j), borrowed_row(across_x, k, j)
        low = row_along_y(u, y_low, y_high, k, j - beside)
        high = row_along_y(u, y_low, y_high, k, j + beside)
        back = row_along_z(u, z_low, z_high, k - above, j)
        front = row_along_z(u, z_low, z_high, k + above, j)
        f_low = borrowed_row(across_y, beside * k, beside * j)
        f_high = borrowed_row(across_y, beside * k, beside * (j + 1))
        f_back = borrowed_row(across_z, above * k, above * j)
        f_front = borrowed_row(across_z, above * (k + 1), above * j)
        for i in range(1, nx - 1):
            c = row[i]
            t = fx[i] * (row[i - 1] - c) + fx[i + 1] * (row[i + 1] - c)
            t += f_low[i] * (low[i] - c) + f_high[i] * (high[i] - c)
            t += f_back[i] * (back[i] - c) + f_front[i] * (front[i] - c)
            result[i] = keep * c + scale * (t + (rate * c - rate * c * c))
        for i in (0, nx - 1):
            c = row[i]
            left = row[i - 1] if i > 0 else x_low[k, j, 0]
            right = row[i + 1] if i < nx - 1 else x_high[k, j, 0]
            t = fx[i] * (left - c) + fx[i + 1] * (right - c)
            t += f_low[i] * (low[i] - c) + f_high[i] * (high[i] - c)
            t += f_back[i] * (back[i] - c) + f_front[i] * (front[i] - c)
            result[i] = keep * c + scale * (t + (rate * c - rate * c * c))
