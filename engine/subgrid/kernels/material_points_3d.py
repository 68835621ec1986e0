"""Material points in three dimensions, compiled: the twins of `subgrid.kernels.material_points`.

``grid`` is flat, four values for each node: mass and three of momentum or velocity; see `material_points_2d`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.lanes import every, four, lane, plus, scaled, times
from subgrid.kernels.material_points_2d import add_row, row_of

__all__ = ["gather", "scatter"]

Array = Any

U = np.uint64


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def scatter(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, nz: int, grid: Array, first: int, last: int,
    touched: Array,
) -> None:  # fmt: skip
    """`scatter_reference`.

    ``touched`` (3,) becomes the first row of nodes that was written to, the one behind the last, and the number of
    particles that were left out because their nodes are not on the grid.
    """
    real = position.dtype.type
    half, three_quarters, three_halves, pad, one = real(0.5), real(0.75), real(1.5), real(2.0), real(1.0)
    zero = real(0.0)
    h, per_h = real(spacing), real(1.0 / spacing)
    pull = real(4.0 * dt / spacing**2)
    x0, y0, z0 = real(origin[0]), real(origin[1]), real(origin[2])
    x_end, y_end, z_end = real(nx) - three_halves, real(ny) - three_halves, real(nz) - three_halves
    row, layer = U(4 * nx), U(4 * nx * ny)
    lost, low, high = 0, nz, 0
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        z = (position[p, 2] - z0) * per_h + pad
        if not (x >= half and y >= half and z >= half and x < x_end and y < y_end and z < z_end):
            lost += 1
            continue
        i, j, k = int(x - half), int(y - half), int(z - half)
        low, high = min(low, k), max(high, k + 3)
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
        ax, ay, az = four(zero, axx, ayx, azx), four(zero, axy, ayy, azy), four(zero, axz, ayz, azz)
        here, w0, w1, w2 = four(m, px, py, pz), every(wx0), every(wx1), every(wx2)
        for c in range(3):
            wz = wz0 if c == 0 else (wz1 if c == 1 else wz2)
            there = plus(here, ay)
            add_row(grid, at, every(wz * wy0), w0, w1, w2, here, ax)
            add_row(grid, at + row, every(wz * wy1), w0, w1, w2, there, ax)
            add_row(grid, at + row + row, every(wz * wy2), w0, w1, w2, plus(there, ay), ax)
            here = plus(here, az)
            at += layer
    touched[0], touched[1], touched[2] = low, high, lost


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
        w0, w1, w2, v0, v1, v2 = every(wx0), every(wx1), every(wx2), every(wy0), every(wy1), every(wy2)
        total = along_x = along_y = along_z = every(zero)
        for c in range(3):
            w = every(wz0 if c == 0 else (wz1 if c == 1 else wz2))
            r0, m0 = row_of(grid, at, w0, w1, w2)
            r1, m1 = row_of(grid, at + row, w0, w1, w2)
            r2, m2 = row_of(grid, at + row + row, w0, w1, w2)
            end = times(v2, r2)
            both = scaled(v1, r1, end)
            layer_total = times(w, scaled(v0, r0, both))
            total = plus(total, layer_total)
            along_x = scaled(w, scaled(v0, m0, scaled(v1, m1, times(v2, m2))), along_x)
            along_y = scaled(w, plus(both, end), along_y)
            along_z = scaled(every(real(c)), layer_total, along_z)
            at += layer
        # moments about the particle
        along_x = times(every(slope), scaled(every(-fx), total, along_x))
        along_y = times(every(slope), scaled(every(-fy), total, along_y))
        along_z = times(every(slope), scaled(every(-fz), total, along_z))
        u, v, s = lane(total, 1), lane(total, 2), lane(total, 3)
        ux, vx, sx = lane(along_x, 1), lane(along_x, 2), lane(along_x, 3)
        uy, vy, sy = lane(along_y, 1), lane(along_y, 2), lane(along_y, 3)
        uz, vz, sz = lane(along_z, 1), lane(along_z, 2), lane(along_z, 3)
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
