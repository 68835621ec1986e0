"""A whole step of the leapfrog for u_t = v, v_t = sum_a c_a (u_-1 - 2 u + u_+1), second order, in one sweep.

The form that knows u and v at the same time (Stoermer; Verlet, Phys. Rev. 159, 98 (1967)): half a kick of v by the old
u, a drift of u, half a kick by the new u. The compiled kernel kicks a plane for the second time as soon as the new u of
the plane after it stands, while all of it is still in the cache, so that each array passes through memory once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import fma, view
from subgrid.kernels.stencil_diffusion import ONE, TWO, diffuse_reference, rate_2d, rate_3d
from subgrid.kernels.stencil_ghosts import GhostLayers
from subgrid.kernels.stencil_window import (
    ABSENT,
    BEYOND,
    SKEW,
    STRIP,
    WRAP,
    Rules,
    ahead,
    request,
    wanted,
    whole,
)

__all__ = ["leapfrog", "leapfrog_reference"]

Array = Any


def leapfrog_reference(
    u: Array, v: Array, layers: GhostLayers, coefficients: tuple[Any, ...], t: float, half: Any, dt: Any, xp: Any
) -> tuple[Array, Array]:
    """The definition: u and v at ``t + dt``, over (nz, ny, nx). ``coefficients`` are (c_z, c_y, c_x) = speed^2 /
    spacing^2 [1/s2], and ``half`` is dt / 2."""
    nothing = xp.zeros_like(u[:1, :1, :1])
    between = v + half * diffuse_reference(u, layers.fill(u, t), coefficients, nothing, 0.0, 1.0, xp)
    after = u + dt * between
    ghosts = layers.fill(after, t + float(dt))
    return after, between + half * diffuse_reference(after, ghosts, coefficients, nothing, 0.0, 1.0, xp)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def leapfrog(
    u: Array,
    v: Array,
    rules: Rules,
    coefficients: Any,
    half: Any,
    dt: Any,
    next_u: Array,
    next_v: Array,
    first: int,
    last: int,
) -> None:
    """`leapfrog_reference` into planes ``first`` to ``last`` of ``next_u`` and ``next_v``, which are not those of u, v.

    Arrays are (planes, rows, nx) and coefficients follow that order; ``rules`` hold the ghost cells at both times. The
    new u of the planes beside a band is computed by both of its neighbours, to the same bits.
    """
    size, nx = u.shape[1] * u.shape[2], u.shape[2]
    # allocated here, so that they outlive the uncounted views of them
    outside = np.empty(2 * size, u.dtype)
    between = np.empty(2 * (size + SKEW), u.dtype)
    beyond = np.empty(4 * nx, u.dtype)
    _march(u, v, rules, coefficients, half, dt, (outside, between, beyond), next_u, next_v, first, last)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _march(u, v, rules, coefficients, half, dt, buffers, next_u, next_v, first, last):  # type: ignore[no-untyped-def]
    """All planes of a band. ``buffers`` are the new u of the plane before the band and of the one after it, v between
    its kicks on two planes, and rows beyond walls."""
    planes, rows, nx = u.shape
    size, kind = rows * nx, rules.kinds[0]
    pitch = size + SKEW
    old_u, old_v = view(u, 0, u.size), view(v, 0, u.size)
    new_u, new_v = view(next_u, 0, u.size), view(next_v, 0, u.size)
    edges, between, ghosts = view(buffers[0], 0, 2 * size), view(buffers[1], 0, 2 * pitch), view(buffers[2], 0, 4 * nx)
    for q in range(first - 1, last + 1):
        plane, inner = wanted(q, first, last, 1, planes, kind), first <= q < last
        if plane >= 0:
            at = plane * size
            _drift(
                old_u,
                at,
                _beside(plane, -1, planes, size, kind),
                _beside(plane, 1, planes, size, kind),
                view(old_v, at, size),
                (rows, nx),
                rules,
                coefficients,
                half,
                dt,
                ghosts,
                view(new_u, at, size) if inner else view(edges, 0 if q < first else size, size),
                view(between, q % 2 * pitch, size),
            )
        p = q - 1
        if p >= first:
            back, front = _beside(p, -1, planes, size, kind), _beside(p, 1, planes, size, kind)
            behind, before = new_u, new_u
            if p == first and back >= 0 and kind != ABSENT:
                behind, back = edges, 0
            if p == last - 1 and front >= 0 and kind != ABSENT:
                before, front = edges, size
            _kick(
                new_u,
                p * size,
                (behind, before),
                (back, front),
                (rows, nx),
                rules,
                coefficients,
                half,
                ghosts,
                view(between, p % 2 * pitch, size),
                view(new_v, p * size, size),
            )


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _beside(index: int, step: int, count: int, stride: int, kind: int) -> int:
    """Where the plane or row beside another begins: `BEYOND` a wall, and where there is no such axis it is itself."""
    if kind == ABSENT:
        return index * stride
    if 0 <= index + step < count:
        return (index + step) * stride
    return (index + step) % count * stride if kind == WRAP else BEYOND


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _around(u, at, planes, starts, r, shape, rules, step, ghosts):  # type: ignore[no-untyped-def]
    """Row r of the plane that begins at ``at``, from the cell before it to the one after it in memory, the rows below,
    above, behind and before it, and the values beyond its ends. ``planes`` and ``starts`` are the planes beside."""
    rows, nx = shape
    kinds, factors, shift = rules.kinds, rules.factors, rules.shifts[step]
    here, row = at + r * nx, view(u, at + r * nx, nx)
    below, above = _beside(r, -1, rows, nx, kinds[1]), _beside(r, 1, rows, nx, kinds[1])
    low = _row(u, below if below < 0 else at + below, row, factors[2], shift[2], view(ghosts, 0, nx))
    high = _row(u, above if above < 0 else at + above, row, factors[3], shift[3], view(ghosts, nx, nx))
    behind = starts[0] if starts[0] < 0 else starts[0] + r * nx
    before = starts[1] if starts[1] < 0 else starts[1] + r * nx
    back = _row(planes[0], behind, row, factors[0], shift[0], view(ghosts, 2 * nx, nx))
    front = _row(planes[1], before, row, factors[1], shift[1], view(ghosts, 3 * nx, nx))
    left = row[nx - 1] if kinds[2] == WRAP else factors[4] * row[0] + shift[4]
    right = row[0] if kinds[2] == WRAP else factors[5] * row[nx - 1] + shift[5]
    return view(u, here - 1, nx + 2), low, high, back, front, left, right


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _row(values, start, row, factor, shift, spare):  # type: ignore[no-untyped-def]
    """A row beside ``row``; beyond a wall it is made in ``spare``."""
    if start >= 0:
        return view(values, start, row.shape[0])
    for i in range(row.shape[0]):
        spare[i] = factor * row[i] + shift
    return view(spare, 0, row.shape[0])


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _end_rates(around, coefficients):  # type: ignore[no-untyped-def]
    """The acceleration of the first and of the last cell of a row."""
    near, low, high, back, front, left, right = around
    cz, cy, cx = coefficients
    n = low.shape[0] - 1
    return (
        rate_3d(near[1], left, near[2], low[0], high[0], back[0], front[0], cz, cy, cx),
        rate_3d(near[n + 1], near[n], right, low[n], high[n], back[n], front[n], cz, cy, cx),
    )


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _drift(u, at, back, front, v, shape, rules, coefficients, half, dt, ghosts, next_u, between):  # type: ignore[no-untyped-def]
    """First kick and drift of a plane: the new u, and v between its kicks."""
    rows, nx = shape
    cz, cy, cx = coefficients
    reach, n = ahead(nx, nx), nx - 1
    for r in range(rows):
        around = _around(u, at, (u, u), (back, front), r, shape, rules, 0, ghosts)
        near, low, high, behind, before, _, _ = around
        start, end = whole(u, at + r * nx, nx)
        old, moved = view(v, r * nx, nx), view(next_u, r * nx, nx)
        kicked = view(between, r * nx, nx)
        if rules.kinds[1] == ABSENT:
            _drift_2d(near, behind, before, old, cz, cx, half, dt, start, end, reach, kicked, moved)
        else:
            _drift_3d(near, low, high, behind, before, old, cz, cy, cx, half, dt, start, end, reach, kicked, moved)
        first, last = _end_rates(around, coefficients)
        kicked[0], kicked[n] = fma(half, first, old[0]), fma(half, last, old[n])
        moved[0], moved[n] = fma(dt, kicked[0], near[1]), fma(dt, kicked[n], near[n + 1])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _kick(u, at, planes, starts, shape, rules, coefficients, half, ghosts, between, next_v):  # type: ignore[no-untyped-def]
    """Second kick of a plane."""
    rows, nx = shape
    cz, cy, cx = coefficients
    n = nx - 1
    for r in range(rows):
        around = _around(u, at, planes, starts, r, shape, rules, 1, ghosts)
        near, low, high, behind, before, _, _ = around
        kicked = view(between, r * nx, nx)
        out = view(next_v, r * nx, nx)
        first, last = _end_rates(around, coefficients)
        first, last = fma(half, first, kicked[0]), fma(half, last, kicked[n])
        if rules.kinds[1] == ABSENT:
            _kick_2d(near, behind, before, cz, cx, half, kicked, ahead(nx, nx), out)
        else:
            _kick_3d(near, low, high, behind, before, cz, cy, cx, half, kicked, ahead(nx, nx), out)
        out[0], out[n] = first, last


# The cells of a row, for vector code: unsigned indices spare the wrap-around of negative ones, and each loop writes one
# array, so that the compiler can check that none overlap. What the second kick writes is asked for there, where memory
# stands idle otherwise.


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _drift_2d(near, back, front, v, cz, cx, half, dt, start, end, reach, kicked, moved):  # type: ignore[no-untyped-def]
    for first in range(start, end, STRIP):
        last = min(first + STRIP, end)
        request(front, moved, first, last, reach, reach)
        request(v, kicked, first, last, reach, 0)
        for n in range(first, last):
            i = np.uint64(n)
            kicked[i] = fma(half, rate_2d(near[i + ONE], near[i], near[i + TWO], back[i], front[i], cz, cx), v[i])
        for n in range(first, last):
            i = np.uint64(n)
            moved[i] = fma(dt, kicked[i], near[i + ONE])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _drift_3d(  # type: ignore[no-untyped-def]
    near, low, high, back, front, v, cz, cy, cx, half, dt, start, end, reach, kicked, moved
):
    for first in range(start, end, STRIP):
        last = min(first + STRIP, end)
        request(front, moved, first, last, reach, reach)
        request(v, kicked, first, last, reach, 0)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            rate = rate_3d(c, near[i], near[i + TWO], low[i], high[i], back[i], front[i], cz, cy, cx)
            kicked[i] = fma(half, rate, v[i])
        for n in range(first, last):
            i = np.uint64(n)
            moved[i] = fma(dt, kicked[i], near[i + ONE])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _kick_2d(near, back, front, cz, cx, half, v, reach, out):  # type: ignore[no-untyped-def]
    for first in range(1, v.shape[0] - 1, STRIP):
        last = min(first + STRIP, v.shape[0] - 1)
        request(v, out, first, last, 0, reach)
        for n in range(first, last):
            i = np.uint64(n)
            out[i] = fma(half, rate_2d(near[i + ONE], near[i], near[i + TWO], back[i], front[i], cz, cx), v[i])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _kick_3d(near, low, high, back, front, cz, cy, cx, half, v, reach, out):  # type: ignore[no-untyped-def]
    for first in range(1, v.shape[0] - 1, STRIP):
        last = min(first + STRIP, v.shape[0] - 1)
        request(v, out, first, last, 0, reach)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            out[i] = fma(half, rate_3d(c, near[i], near[i + TWO], low[i], high[i], back[i], front[i], cz, cy, cx), v[i])
