"""Material points in two dimensions, compiled: the twins of `subgrid.kernels.material_points`.

``grid`` is flat, four values for each node: mass, two of momentum or velocity, and one that stays zero so that a node
is one vector register. Indices are unsigned, which spares the check for negative ones. Particles ``first`` to ``last``
belong to the caller, who owns ``grid`` alone while it scatters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["gather", "scatter"]

Array = Any

U = np.uint64


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _add(grid, at, w, m, px, py):  # type: ignore[no-untyped-def]
    grid[at] += w * m
    grid[at + U(1)] += w * px
    grid[at + U(2)] += w * py
    grid[at + U(3)] += w * (m - m)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _add_row(grid, at, w, w0, w1, w2, m, px, py, ax, ay):  # type: ignore[no-untyped-def]
    _add(grid, at, w * w0, m, px, py)
    _add(grid, at + U(4), w * w1, m, px + ax, py + ay)
    _add(grid, at + U(8), w * w2, m, px + ax + ax, py + ay + ay)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def scatter(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, grid: Array, first: int, last: int,
) -> int:  # fmt: skip
    """`scatter_reference`; return how many particles were left out because their nodes are not on the grid."""
    real = position.dtype.type
    half, three_quarters, three_halves, pad, one = real(0.5), real(0.75), real(1.5), real(2.0), real(1.0)
    h, per_h = real(spacing), real(1.0 / spacing)
    pull = real(4.0 * dt / spacing**2)
    x0, y0 = real(origin[0]), real(origin[1])
    row = U(4 * nx)
    lost = 0
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        if not (x >= half and y >= half and x < real(nx) - three_halves and y < real(ny) - three_halves):
            lost += 1
            continue
        i, j = int(x - half), int(y - half)
        fx, fy = x - real(i), y - real(j)
        wx0, wx1, wx2 = half * (three_halves - fx) ** 2, three_quarters - (fx - one) ** 2, half * (fx - half) ** 2
        wy0, wy1, wy2 = half * (three_halves - fy) ** 2, three_quarters - (fy - one) ** 2, half * (fy - half) ** 2
        m, s = mass[p], pull * volume[p]
        axx, axy = h * (m * affine[p, 0, 0] - s * stress[p, 0, 0]), h * (m * affine[p, 0, 1] - s * stress[p, 0, 1])
        ayx, ayy = h * (m * affine[p, 1, 0] - s * stress[p, 1, 0]), h * (m * affine[p, 1, 1] - s * stress[p, 1, 1])
        px = m * velocity[p, 0] - axx * fx - axy * fy
        py = m * velocity[p, 1] - ayx * fx - ayy * fy
        at = U(4 * (j * nx + i))
        _add_row(grid, at, wy0, wx0, wx1, wx2, m, px, py, axx, ayx)
        _add_row(grid, at + row, wy1, wx0, wx1, wx2, m, px + axy, py + ayy, axx, ayx)
        _add_row(grid, at + row + row, wy2, wx0, wx1, wx2, m, px + axy + axy, py + ayy + ayy, axx, ayx)
    return lost


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _row_of(grid, at, w0, w1, w2, fx, one):  # type: ignore[no-untyped-def]
    """Weighted velocity along a row of nodes, and its first moment about the particle."""
    u0, u1, u2 = w0 * grid[at + U(1)], w1 * grid[at + U(5)], w2 * grid[at + U(9)]
    v0, v1, v2 = w0 * grid[at + U(2)], w1 * grid[at + U(6)], w2 * grid[at + U(10)]
    u, v = u0 + u1 + u2, v0 + v1 + v2
    return u, v, u1 + u2 + u2 - fx * u, v1 + v2 + v2 - fx * v


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def gather(
    position: Array, velocity: Array, affine: Array, deformation: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, grid: Array, first: int, last: int,
) -> None:  # fmt: skip
    """`gather_reference` for particles that `scatter` found on the grid."""
    real = position.dtype.type
    half, three_quarters, three_halves, pad, one = real(0.5), real(0.75), real(1.5), real(2.0), real(1.0)
    per_h, slope, step = real(1.0 / spacing), real(4.0 / spacing), real(dt)
    x0, y0 = real(origin[0]), real(origin[1])
    row = U(4 * nx)
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        i, j = int(x - half), int(y - half)
        fx, fy = x - real(i), y - real(j)
        wx0, wx1, wx2 = half * (three_halves - fx) ** 2, three_quarters - (fx - one) ** 2, half * (fx - half) ** 2
        wy0, wy1, wy2 = half * (three_halves - fy) ** 2, three_quarters - (fy - one) ** 2, half * (fy - half) ** 2
        at = U(4 * (j * nx + i))
        u0, v0, ux0, vx0 = _row_of(grid, at, wx0, wx1, wx2, fx, one)
        u1, v1, ux1, vx1 = _row_of(grid, at + row, wx0, wx1, wx2, fx, one)
        u2, v2, ux2, vx2 = _row_of(grid, at + row + row, wx0, wx1, wx2, fx, one)
        u, v = wy0 * u0 + wy1 * u1 + wy2 * u2, wy0 * v0 + wy1 * v1 + wy2 * v2
        cxx, cyx = slope * (wy0 * ux0 + wy1 * ux1 + wy2 * ux2), slope * (wy0 * vx0 + wy1 * vx1 + wy2 * vx2)
        cxy = slope * (wy1 * u1 + (wy2 + wy2) * u2 - fy * u)
        cyy = slope * (wy1 * v1 + (wy2 + wy2) * v2 - fy * v)
        velocity[p, 0], velocity[p, 1] = u, v
        affine[p, 0, 0], affine[p, 0, 1], affine[p, 1, 0], affine[p, 1, 1] = cxx, cxy, cyx, cyy
        position[p, 0] += step * u
        position[p, 1] += step * v
        a, b, c, d = deformation[p, 0, 0], deformation[p, 0, 1], deformation[p, 1, 0], deformation[p, 1, 1]
        deformation[p, 0, 0] = a + step * (cxx * a + cxy * c)
        deformation[p, 0, 1] = b + step * (cxx * b + cxy * d)
        deformation[p, 1, 0] = c + step * (cyx * a + cyy * c)
        deformation[p, 1, 1] = d + step * (cyx * b + cyy * d)
