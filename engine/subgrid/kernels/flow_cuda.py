"""Numba-CUDA twins of the kernels of flow, one thread for each cell or face: ``kernel[blocks, 128](..., out)``.

Arguments are those of the CPU kernels without the band of rows, tuples passed entry by entry.
"""

from __future__ import annotations

from numba import cuda

from subgrid.kernels import shallow_water
from subgrid.kernels.device import on_device

__all__ = ["momentum", "rates"]


_limited_slope = on_device(shallow_water.limited_slope)
_face_flux = on_device(shallow_water.face_flux, limited_slope=_limited_slope)
_bed_push = on_device(shallow_water.bed_push, limited_slope=_limited_slope)


@cuda.jit  # type: ignore[untyped-decorator]
def momentum(own, second, third, s1, s2, s3, base, step_z, step_y, h1, h2, h3, viscosity, quarter, out):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.staggered.momentum`."""
    face = cuda.grid(1)
    if face < out.size:
        i = face % out.shape[2]
        j = (face // out.shape[2]) % out.shape[1]
        k = face // (out.shape[2] * out.shape[1])
        p = base + k * step_z + j * step_y + i
        c = own[p]
        low, high = own[p - s1], own[p + s1]
        rate = viscosity * h1 * h1 * ((low - c) + (high - c))
        rate -= quarter * h1 * ((c + high) * (c + high) - (low + c) * (low + c))
        low, high = own[p - s2], own[p + s2]
        rate += viscosity * h2 * h2 * ((low - c) + (high - c))
        upper, lower = second[p + s2] + second[p + s2 - s1], second[p] + second[p - s1]
        rate -= quarter * h2 * ((c + high) * upper - (low + c) * lower)
        low, high = own[p - s3], own[p + s3]
        rate += viscosity * h3 * h3 * ((low - c) + (high - c))
        upper, lower = third[p + s3] + third[p + s3 - s1], third[p] + third[p - s1]
        rate -= quarter * h3 * ((c + high) * upper - (low + c) * lower)
        out[k, j, i] = rate


@cuda.jit  # type: ignore[untyped-decorator]
def rates(h, u, v, bed, gravity, dx, dy, limiter, half, out_h, out_u, out_v):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.shallow_water.rates`."""
    cell = cuda.grid(1)
    if cell < out_h.size:
        nx = out_h.shape[2]
        i, j = cell % nx, cell // nx
        step = nx + 4
        plane = h.shape[0] > step
        p = (j + 2) * step + 2 + i if plane else 2 + i
        m0, _, out_of, t0 = _face_flux(h, u, v, bed, p, 1, gravity, limiter, half)
        m1, into, _, t1 = _face_flux(h, u, v, bed, p + 1, 1, gravity, limiter, half)
        rate_h = -dx * (m1 - m0)
        rate_u = -dx * (into - out_of - _bed_push(h, bed, p, 1, gravity, limiter, half))
        rate_v = -dx * (t1 - t0)
        if plane:
            m0, _, out_of, t0 = _face_flux(h, v, u, bed, p, step, gravity, limiter, half)
            m1, into, _, t1 = _face_flux(h, v, u, bed, p + step, step, gravity, limiter, half)
            rate_h -= dy * (m1 - m0)
            rate_v -= dy * (into - out_of - _bed_push(h, bed, p, step, gravity, limiter, half))
            rate_u -= dy * (t1 - t0)
        out_h[0, j, i] = rate_h
        out_u[0, j, i] = rate_u
        out_v[0, j, i] = rate_v
