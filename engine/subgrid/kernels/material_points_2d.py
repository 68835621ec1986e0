"""Material points in two dimensions, compiled: the twins of `subgrid.kernels.material_points`.

``grid`` is flat, four values for each node: mass, two of momentum or velocity, and one that stays zero so that a node
is one vector register. Indices are unsigned, which spares the check for negative ones. Particles ``first`` to ``last``
belong to the caller, who owns ``grid`` alone while it scatters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.lanes import add_to, every, four, lane, look, plus, scaled, times

__all__ = ["add_row", "gather", "row_of", "scatter"]

Array = Any

U = np.uint64


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def add_row(grid: Array, at: Any, w: Any, w0: Any, w1: Any, w2: Any, here: Any, ax: Any) -> None:
    """Three nodes in a row; what is scattered grows by ``ax`` from one to the next."""
    add_to(grid, at, times(w, w0), here)
    here = plus(here, ax)
    add_to(grid, at + U(4), times(w, w1), here)
    add_to(grid, at + U(8), times(w, w2), plus(here, ax))


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def scatter(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array,
    origin: Array, spacing: float, dt: float, nx: int, ny: int, grid: Array, first: int, last: int, touched: Array,
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
    x0, y0 = real(origin[0]), real(origin[1])
    row = U(4 * nx)
    lost, low, high = 0, ny, 0
    for p in range(first, last):
        x, y = (position[p, 0] - x0) * per_h + pad, (position[p, 1] - y0) * per_h + pad
        if not (x >= half and y >= half and x < real(nx) - three_halves and y < real(ny) - three_halves):
            lost += 1
            continue
        i, j = int(x - half), int(y - half)
        low, high = min(low, j), max(high, j + 3)
        fx, fy = x - real(i), y - real(j)
        wx0, wx1, wx2 = half * (three_halves - fx) ** 2, three_quarters - (fx - one) ** 2, half * (fx - half) ** 2
        wy0, wy1, wy2 = half * (three_halves - fy) ** 2, three_quarters - (fy - one) ** 2, half * (fy - half) ** 2
        m, s = mass[p], pull * volume[p]
        axx, axy = h * (m * affine[p, 0, 0] - s * stress[p, 0, 0]), h * (m * affine[p, 0, 1] - s * stress[p, 0, 1])
        ayx, ayy = h * (m * affine[p, 1, 0] - s * stress[p, 1, 0]), h * (m * affine[p, 1, 1] - s * stress[p, 1, 1])
        px = m * velocity[p, 0] - axx * fx - axy * fy
        py = m * velocity[p, 1] - ayx * fx - ayy * fy
        at = U(4 * (j * nx + i))
        here, ax, ay = four(m, px, py, zero), four(zero, axx, ayx, zero), four(zero, axy, ayy, zero)
        w0, w1, w2 = every(wx0), every(wx1), every(wx2)
        add_row(grid, at, every(wy0), w0, w1, w2, here, ax)
        here = plus(here, ay)
        add_row(grid, at + row, every(wy1), w0, w1, w2, here, ax)
        add_row(grid, at + row + row, every(wy2), w0, w1, w2, plus(here, ay), ax)
    touched[0], touched[1], touched[2] = low, high, lost


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")  # type: ignore[untyped-decorator]
def row_of(grid: Array, at: Any, w0: Any, w1: Any, w2: Any) -> tuple[Any, Any]:
    """Weighted sum along a row of nodes, and its first moment about the first of them."""
    middle, end = times(w1, look(grid, at + U(4))), times(w2, look(grid, at + U(8)))
    both = plus(middle, end)
    return scaled(w0, look(grid, at), both), plus(both, end)


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
        w0, w1, w2, v1, v2 = every(wx0), every(wx1), every(wx2), every(wy1), every(wy2)
        r0, m0 = row_of(grid, at, w0, w1, w2)
        r1, m1 = row_of(grid, at + row, w0, w1, w2)
        r2, m2 = row_of(grid, at + row + row, w0, w1, w2)
        v0 = every(wy0)
        end = times(v2, r2)
        both = scaled(v1, r1, end)
        total, along_y = scaled(v0, r0, both), plus(both, end)
        along_x = scaled(v0, m0, scaled(v1, m1, times(v2, m2)))
        u, v = lane(total, 1), lane(total, 2)
        # moments about the particle
        along_x = times(every(slope), scaled(every(-fx), total, along_x))
        along_y = times(every(slope), scaled(every(-fy), total, along_y))
        cxx, cyx, cxy, cyy = lane(along_x, 1), lane(along_x, 2), lane(along_y, 1), lane(along_y, 2)
        velocity[p, 0], velocity[p, 1] = u, v
        affine[p, 0, 0], affine[p, 0, 1], affine[p, 1, 0], affine[p, 1, 1] = cxx, cxy, cyx, cyy
        position[p, 0] += step * u
        position[p, 1] += step * v
        a, b, c, d = deformation[p, 0, 0], deformation[p, 0, 1], deformation[p, 1, 0], deformation[p, 1, 1]
        deformation[p, 0, 0] = a + step * (cxx * a + cxy * c)
        deformation[p, 0, 1] = b + step * (cxx * b + cxy * d)
        deformation[p, 1, 0] = c + step * (cyx * a + cyy * c)
        deformation[p, 1, 1] = d + step * (cyx * b + cyy * d)
