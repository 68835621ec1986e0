"""Numba-CUDA twins of the stencil kernels, one thread for each cell: ``kernel[blocks, 128](..., out)``.

Arguments are those of the CPU kernels without the band of rows; the layers of `Ghosts` are passed as six arrays.
"""

from __future__ import annotations

from numba import cuda

__all__ = ["BLOCK", "blocks", "diffuse", "drift", "grow", "kick", "react", "transport"]

BLOCK = 128
"""Threads of a block."""


def blocks(cells: int) -> int:
    """Blocks of `BLOCK` threads that cover so many cells."""
    return -(-cells // BLOCK)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _beside(u, low, high, k, j, i, axis, step):  # type: ignore[no-untyped-def]
    """Value ``step`` cells along an axis; an axis without layers has no neighbours, the cell itself stands for them."""
    if low.shape[axis] == 0:
        return u[k, j, i]
    at = (k if axis == 0 else (j if axis == 1 else i)) + step
    n = u.shape[axis]
    if axis == 0:
        return low[-at - 1, j, i] if at < 0 else (high[at - n, j, i] if at >= n else u[at, j, i])
    if axis == 1:
        return low[k, -at - 1, i] if at < 0 else (high[k, at - n, i] if at >= n else u[k, at, i])
    return low[k, j, -at - 1] if at < 0 else (high[k, j, at - n] if at >= n else u[k, j, at])


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _lap(u, zl, zh, yl, yh, xl, xh, cz, cy, cx, k, j, i):  # type: ignore[no-untyped-def]
    c = u[k, j, i]
    across_x = (_beside(u, xl, xh, k, j, i, 2, -1) - c) + (_beside(u, xl, xh, k, j, i, 2, 1) - c)
    across_y = (_beside(u, yl, yh, k, j, i, 1, -1) - c) + (_beside(u, yl, yh, k, j, i, 1, 1) - c)
    across_z = (_beside(u, zl, zh, k, j, i, 0, -1) - c) + (_beside(u, zl, zh, k, j, i, 0, 1) - c)
    return cx * across_x + cy * across_y + cz * across_z


@cuda.jit  # type: ignore[untyped-decorator]
def diffuse(u, zl, zh, yl, yh, xl, xh, cz, cy, cx, source, keep, scale, out):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.stencil_diffusion.diffuse`."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        extra = source[k, j, i] if source.size == u.size else source[0, 0, i]
        rate = _lap(u, zl, zh, yl, yh, xl, xh, cz, cy, cx, k, j, i)
        out[k, j, i] = keep * u[k, j, i] + scale * (rate + extra)


@cuda.jit  # type: ignore[untyped-decorator]
def transport(u, zl, zh, yl, yh, xl, xh, weights, keep, scale, out):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.stencil_transport.transport`."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        c = u[k, j, i]
        rate = c - c
        for m in range(-2, 3):
            rate += weights[0, m + 2] * (_beside(u, zl, zh, k, j, i, 0, m) - c)
            rate += weights[1, m + 2] * (_beside(u, yl, yh, k, j, i, 1, m) - c)
            rate += weights[2, m + 2] * (_beside(u, xl, xh, k, j, i, 2, m) - c)
        out[k, j, i] = keep * c + scale * rate


@cuda.jit  # type: ignore[untyped-decorator]
def react(  # type: ignore[no-untyped-def]
    u, v, uzl, uzh, uyl, uyh, uxl, uxh, vzl, vzh, vyl, vyh, vxl, vxh,
    hz, hy, hx, Du, Dv, feed, removal, keep, scale, out_u, out_v,
):  # fmt: skip
    """Twin of `subgrid.kernels.stencil_gray_scott.react`."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        a, b = u[k, j, i], v[k, j, i]
        lap_u = _lap(u, uzl, uzh, uyl, uyh, uxl, uxh, hz, hy, hx, k, j, i)
        lap_v = _lap(v, vzl, vzh, vyl, vyh, vxl, vxh, hz, hy, hx, k, j, i)
        reaction = a * b * b
        out_u[k, j, i] = keep * a + scale * (Du * lap_u - reaction + (feed - feed * a))
        out_v[k, j, i] = keep * b + scale * (Dv * lap_v + reaction - removal * b)


@cuda.jit  # type: ignore[untyped-decorator]
def grow(u, zl, zh, yl, yh, xl, xh, fz, fy, fx, rate, keep, scale, out):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.stencil_growth.grow`."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        c = u[k, j, i]
        t = fx[k, j, i] * (_beside(u, xl, xh, k, j, i, 2, -1) - c)
        t += fx[k, j, i + 1] * (_beside(u, xl, xh, k, j, i, 2, 1) - c)
        if yl.shape[1] > 0:
            t += fy[k, j, i] * (_beside(u, yl, yh, k, j, i, 1, -1) - c)
            t += fy[k, j + 1, i] * (_beside(u, yl, yh, k, j, i, 1, 1) - c)
        if zl.shape[0] > 0:
            t += fz[k, j, i] * (_beside(u, zl, zh, k, j, i, 0, -1) - c)
            t += fz[k + 1, j, i] * (_beside(u, zl, zh, k, j, i, 0, 1) - c)
        out[k, j, i] = keep * c + scale * (t + (rate * c - rate * c * c))


@cuda.jit  # type: ignore[untyped-decorator]
def drift(u, v, zl, zh, yl, yh, xl, xh, cz, cy, cx, half, dt, next_u, next_v):  # type: ignore[no-untyped-def]
    """Twin of the first part of `subgrid.kernels.stencil_leapfrog.leapfrog`: half a kick of v, and the new u."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        kicked = v[k, j, i] + half * _lap(u, zl, zh, yl, yh, xl, xh, cz, cy, cx, k, j, i)
        next_v[k, j, i] = kicked
        next_u[k, j, i] = u[k, j, i] + dt * kicked


@cuda.jit  # type: ignore[untyped-decorator]
def kick(u, v, zl, zh, yl, yh, xl, xh, cz, cy, cx, half, next_v):  # type: ignore[no-untyped-def]
    """Twin of the second part: half a kick of v by the new u, with the ghost layers of that. ``next_v`` may be v."""
    cell = cuda.grid(1)
    if cell < u.size:
        i = cell % u.shape[2]
        j = (cell // u.shape[2]) % u.shape[1]
        k = cell // (u.shape[2] * u.shape[1])
        next_v[k, j, i] = v[k, j, i] + half * _lap(u, zl, zh, yl, yh, xl, xh, cz, cy, cx, k, j, i)
