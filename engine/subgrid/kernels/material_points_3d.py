"""Material points in three dimensions, compiled: the twins of `subgrid.kernels.material_points`.

``grid`` is flat, four values for each node: mass and three of momentum or velocity; see `material_points_2d`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["gather", "scatter"]

Array = Any

U = np.uint64


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _add(grid, at, w, m, px, py, pz):  # type: ignore[no-untyped-def]
    grid[at] += w * m
    grid[at + U(1)] += w * px
    grid[at + U(2)] += w * py
    grid[at + U(3)] += w * pz


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _add_row(grid, at, w, w0, w1, w2, m, px, py, pz, ax, ay, az):  # type: ignore[no-untyped-def]
    _add(grid, at, w * w0, m, px, py, pz)
    _add(grid, at + U(4), w * w1, m, px + ax, py + ay, pz + az)
    _add(grid, at + U(8), w * w2, m, px + ax + ax, py + ay + ay, pz + az + az)


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def scatter(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, nz: int, grid: Array, first: int, last: int,
) -> int:  # fmt: skip
    """`scatter_reference`; return how many particles were left out because their nodes are not on the grid."""
    real = position.dtype.type
    half, three_quarters, three_halves, pad, one = real(0.5), real(0.75), real(1.5), real(2.0), real(1.0)
    h, per_h = real(spacing), real(1.0 / spacing)
    pull = real(4.0 * dt / spacing**2)
    x0, y0, z0 = real(origin[0]), real(origin[1]), real(origin[2])
    x_end, y_end, z_end = real(nx) - three_halves, real(ny) - three_halves, real(nz) - three_halves
    row, layer = U(4 * nx), U(4 * nx * ny)
    lost = 0
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        z = (position[p, 2] - z0) * per_h + pad
        if not (x >= half and y >= half and z >= half and x < x_end and y < y_end and z < z_end):
            lost += 1
            continue
        i, j, k = int(x - half), int(y - half), int(z - half)
        fx, fy, fz = x - real(i), y - real(j), z - real(k)
        wx0, wx1, wx2 = half * (three_halves - fx) ** 2, three_quarters - (fx - one) ** 2, half * (fx - half) ** 2
        wy0, wy1, wy2 = half * (three_halves - fy) ** 2, three_quarters - (fy - one) ** 2, half * (fy - half) ** 2
        wz0, wz1, wz2 = half * (three_halves - fz) ** 2, three_quarters - (fz - one) ** 2, half * (fz - half) ** 2
        m, s = mass[p], pull * volume[p]
        axx, axy = h * (m * affine[p, 0, 0] - s * stress[p, 0, 0]), h * (m * affine[p, 0, 1] - s * stress[p, 0, 1])
        ayx, ayy = h * (m * affine[p, 1, 0] - s * stress[p, 1, 0]), h * (m * affine[p, 1, 1] - s * stress[p, 1, 1])
        azx, azy = h * (m * affine[p, 2, 0] - s * stress[p, 2, 0]), h * (m * affine[p, 2, 1] - s * stress[p, 2, 1])
        axz, ayz = h * (m * affine[p, 0, 2] - s * stress[p, 0, 2]), h * (m * affine[p, 1, 2] - s * stress[p, 1, 2])
        azz = h * (m * affine[p, 2, 2] - s * stress[p, 2, 2])
        px = m * velocity[p, 0] - axx * fx - axy * fy - axz * fz
        py = m * velocity[p, 1] - ayx * fx - ayy * fy - ayz * fz
        pz = m * velocity[p, 2] - azx * fx - azy * fy - azz * fz
        at = U(4 * ((k * ny + j) * nx + i))
        for c in range(3):
            wz = wz0 if c == 0 else (wz1 if c == 1 else wz2)
            _add_row(grid, at, wz * wy0, wx0, wx1, wx2, m, px, py, pz, axx, ayx, azx)
            qx, qy, qz = px + axy, py + ayy, pz + azy
            _add_row(grid, at + row, wz * wy1, wx0, wx1, wx2, m, qx, qy, qz, axx, ayx, azx)
            qx, qy, qz = qx + axy, qy + ayy, qz + azy
            _add_row(grid, at + row + row, wz * wy2, wx0, wx1, wx2, m, qx, qy, qz, axx, ayx, azx)
            px, py, pz = px + axz, py + ayz, pz + azz
            at += layer
    return lost


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def _row_of(grid, at, w0, w1, w2, fx):  # type: ignore[no-untyped-def]
    """Weighted velocity along a row of nodes, and its first moment about the particle."""
    u0, u1, u2 = w0 * grid[at + U(1)], w1 * grid[at + U(5)], w2 * grid[at + U(9)]
    v0, v1, v2 = w0 * grid[at + U(2)], w1 * grid[at + U(6)], w2 * grid[at + U(10)]
    s0, s1, s2 = w0 * grid[at + U(3)], w1 * grid[at + U(7)], w2 * grid[at + U(11)]
    u, v, s = u0 + u1 + u2, v0 + v1 + v2, s0 + s1 + s2
    return u, v, s, u1 + u2 + u2 - fx * u, v1 + v2 + v2 - fx * v, s1 + s2 + s2 - fx * s


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def gather(
    position: Array, velocity: Array, affine: Array, deformation: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, nz: int, grid: Array, first: int, last: int,
) -> None:  # fmt: skip
    """`gather_reference` for particles that `scatter` found on the grid."""
    real = position.dtype.type
    half, three_quarters, three_halves, pad, one = real(0.5), real(0.75), real(1.5), real(2.0), real(1.0)
    zero = real(0.0)
    per_h, slope, step = real(1.0 / spacing), real(4.0 / spacing), real(dt)
    x0, y0, z0 = real(origin[0]), real(origin[1]), real(origin[2])
    row, layer = U(4 * nx), U(4 * nx * ny)
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        z = (position[p, 2] - z0) * per_h + pad
        i, j, k = int(x - half), int(y - half), int(z - half)
        fx, fy, fz = x - real(i), y - real(j), z - real(k)
        wx0, wx1, wx2 = half * (three_halves - fx) ** 2, three_quarters - (fx - one) ** 2, half * (fx - half) ** 2
        wy0, wy1, wy2 = half * (three_halves - fy) ** 2, three_quarters - (fy - one) ** 2, half * (fy - half) ** 2
        wz0, wz1, wz2 = half * (three_halves - fz) ** 2, three_quarters - (fz - one) ** 2, half * (fz - half) ** 2
        at = U(4 * ((k * ny + j) * nx + i))
        u, v, s, ux, vx, sx, uy, vy, sy, uz, vz, sz = (
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
            zero,
        )
        for c in range(3):
            w = wz0 if c == 0 else (wz1 if c == 1 else wz2)
            distance = real(c) - fz
            u0, v0, s0, ux0, vx0, sx0 = _row_of(grid, at, wx0, wx1, wx2, fx)
            u1, v1, s1, ux1, vx1, sx1 = _row_of(grid, at + row, wx0, wx1, wx2, fx)
            u2, v2, s2, ux2, vx2, sx2 = _row_of(grid, at + row + row, wx0, wx1, wx2, fx)
            ul, vl, sl = wy0 * u0 + wy1 * u1 + wy2 * u2, wy0 * v0 + wy1 * v1 + wy2 * v2, wy0 * s0 + wy1 * s1 + wy2 * s2
            u, v, s = u + w * ul, v + w * vl, s + w * sl
            ux += w * (wy0 * ux0 + wy1 * ux1 + wy2 * ux2)
            vx += w * (wy0 * vx0 + wy1 * vx1 + wy2 * vx2)
            sx += w * (wy0 * sx0 + wy1 * sx1 + wy2 * sx2)
            uy += w * (wy1 * u1 + (wy2 + wy2) * u2 - fy * ul)
            vy += w * (wy1 * v1 + (wy2 + wy2) * v2 - fy * vl)
            sy += w * (wy1 * s1 + (wy2 + wy2) * s2 - fy * sl)
            uz += w * distance * ul
            vz += w * distance * vl
            sz += w * distance * sl
            at += layer
        ux, uy, uz = slope * ux, slope * uy, slope * uz
        vx, vy, vz = slope * vx, slope * vy, slope * vz
        sx, sy, sz = slope * sx, slope * sy, slope * sz
        velocity[p, 0], velocity[p, 1], velocity[p, 2] = u, v, s
        affine[p, 0, 0], affine[p, 0, 1], affine[p, 0, 2] = ux, uy, uz
        affine[p, 1, 0], affine[p, 1, 1], affine[p, 1, 2] = vx, vy, vz
        affine[p, 2, 0], affine[p, 2, 1], affine[p, 2, 2] = sx, sy, sz
        position[p, 0] += step * u
        position[p, 1] += step * v
        position[p, 2] += step * s
        for b in range(3):
            f0, f1, f2 = deformation[p, 0, b], deformation[p, 1, b], deformation[p, 2, b]
            deformation[p, 0, b] = f0 + step * (ux * f0 + uy * f1 + uz * f2)
            deformation[p, 1, b] = f1 + step * (vx * f0 + vy * f1 + vz * f2)
            deformation[p, 2, b] = f2 + step * (sx * f0 + sy * f1 + sz * f2)
