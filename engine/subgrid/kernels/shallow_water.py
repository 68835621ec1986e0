"""Finite volumes for the shallow water equations over a bed: HLL fluxes, hydrostatic reconstruction, limited slopes.

Depth stays non-negative and a lake at rest stays at rest, wet or dry (Audusse et al., SIAM J. Sci. Comput. 25, 2050,
2004). Wave speeds are those of two rarefactions (Toro 2001). Padded arrays have two more cells on each side of every
axis of the mesh.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

__all__ = ["LIMITERS", "bed_push", "face_flux", "limited_slope", "rates", "rates_reference"]

Array = Any

LIMITERS = {"none": 0, "minmod": 1, "mc": 2}
"""Slopes: none (first order), the smaller of both differences, or monotonised central."""


def _slope_reference(values: Array, axis: int, limiter: int) -> Array:
    """Limited slopes of all cells but the outer two along an axis."""
    steps = np.diff(values, axis=axis)
    n = steps.shape[axis]
    low, high = np.take(steps, range(n - 1), axis), np.take(steps, range(1, n), axis)
    if limiter == 0:
        return np.zeros_like(low)
    least = np.minimum(np.abs(low), np.abs(high))
    if limiter == 2:
        least = np.minimum(2.0 * least, 0.5 * np.abs(low + high))
    return np.where(low * high > 0.0, np.sign(low) * least, 0.0)


def _hll_reference(left: Sequence[Array], right: Sequence[Array], gravity: Any) -> tuple[Array, Array, Array]:
    """Flux of mass, momentum across and momentum along the face from (h, u, v) on both sides."""
    (hl, ul, vl), (hr, ur, vr) = left, right
    cl, cr = np.sqrt(gravity * hl), np.sqrt(gravity * hr)
    star_u, star_c = 0.5 * (ul + ur) + cl - cr, np.maximum(0.5 * (cl + cr) + 0.25 * (ul - ur), 0.0)
    sl = np.where(hl > 0.0, np.minimum(ul - cl, star_u - star_c), ur - 2.0 * cr)
    sr = np.where(hr > 0.0, np.maximum(ur + cr, star_u + star_c), ul + 2.0 * cl)
    sl = np.where((hl > 0.0) & (hr <= 0.0), ul - cl, sl)
    sr = np.where((hr > 0.0) & (hl <= 0.0), ur + cr, sr)
    mass_l, mass_r = hl * ul, hr * ur
    momentum_l = mass_l * ul + 0.5 * gravity * hl * hl
    momentum_r = mass_r * ur + 0.5 * gravity * hr * hr
    width = np.where(sr > sl, sr - sl, 1.0)
    mass = (sr * mass_l - sl * mass_r + sl * sr * (hr - hl)) / width
    momentum = (sr * momentum_l - sl * momentum_r + sl * sr * (mass_r - mass_l)) / width
    dry = (hl <= 0.0) & (hr <= 0.0)
    mass = np.where(dry, 0.0, np.where(sl >= 0.0, mass_l, np.where(sr <= 0.0, mass_r, mass)))
    momentum = np.where(dry, 0.0, np.where(sl >= 0.0, momentum_l, np.where(sr <= 0.0, momentum_r, momentum)))
    return mass, momentum, mass * np.where(mass > 0.0, vl, vr)


def rates_reference(
    h: Array, velocity: Sequence[Array], bed: Array, gravity: Any, inverse: Sequence[Any], limiter: int
) -> tuple[Array, ...]:
    """The definition: rates of change of depth and of discharge (x[, y]) from padded arrays ([y,] x).

    ``velocity`` are the components (u[, v]), ``inverse`` is 1 / spacing along (x[, y]).
    """
    axes, ndim = len(velocity), h.ndim
    total = [0.0] * (1 + axes)
    for number in range(axes):
        axis = ndim - 1 - number
        others = [slice(None) if a == axis else slice(2, -2) for a in range(ndim)]
        depth, ground = h[tuple(others)], bed[tuple(others)]
        across = velocity[number][tuple(others)]
        along = velocity[1 - number][tuple(others)] if axes == 2 else np.zeros_like(across)
        states = [depth, across, along, depth + ground]
        slopes = [_slope_reference(values, axis, limiter) for values in states]
        n = depth.shape[axis]

        def cells(values: Array, first: int, last: int, axis: int = axis) -> Array:
            return np.take(values, range(first, last), axis)

        inner = [cells(values, 1, n - 1) for values in states]
        left = [cells(v + 0.5 * s, 0, n - 3) for v, s in zip(inner, slopes, strict=True)]
        right = [cells(v - 0.5 * s, 1, n - 2) for v, s in zip(inner, slopes, strict=True)]
        bed_l, bed_r = left[3] - left[0], right[3] - right[0]
        level = np.maximum(bed_l, bed_r)
        hl, hr = np.maximum(left[0] + bed_l - level, 0.0), np.maximum(right[0] + bed_r - level, 0.0)
        mass, momentum, tangential = _hll_reference((hl, left[1], left[2]), (hr, right[1], right[2]), gravity)
        into_left = momentum + 0.5 * gravity * (left[0] ** 2 - hl**2)
        into_right = momentum + 0.5 * gravity * (right[0] ** 2 - hr**2)
        centred = -gravity * cells(inner[0] * (slopes[3] - slopes[0]), 1, n - 3)
        faces = n - 3
        scale = inverse[number]
        total[0] = total[0] - scale * (cells(mass, 1, faces) - cells(mass, 0, faces - 1))
        total[1 + number] = total[1 + number] - scale * (
            cells(into_left, 1, faces) - cells(into_right, 0, faces - 1) - centred
        )
        if axes == 2:
            total[2 - number] = total[2 - number] - scale * (
                cells(tangential, 1, faces) - cells(tangential, 0, faces - 1)
            )
    return tuple(total)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def limited_slope(low, high, limiter, half):  # type: ignore[no-untyped-def]
    """Slope from the differences to both neighbours; ``half`` is 1/2 in the precision of the arrays."""
    zero = half - half
    if limiter == 0 or low * high <= zero:
        return zero
    least = min(abs(low), abs(high))
    if limiter == 2:
        least = min(least + least, half * abs(low + high))
    return least if low > zero else -least


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def face_flux(h, u, v, b, p, s, gravity, limiter, half):  # type: ignore[no-untyped-def]
    """Fluxes through the face between the cells at ``p - s`` and ``p`` of flat arrays: mass, momentum across as the
    lower and as the upper cell see it, momentum along. ``u`` is the component across the face."""
    zero = half - half
    a, c = p - s, p + s
    f = a - s
    low, mid, top = h[a] - h[f], h[p] - h[a], h[c] - h[p]
    sh0, sh1 = limited_slope(low, mid, limiter, half), limited_slope(mid, top, limiter, half)
    dl, dm, dt = b[a] - b[f], b[p] - b[a], b[c] - b[p]
    se0 = limited_slope(low + dl, mid + dm, limiter, half)
    se1 = limited_slope(mid + dm, top + dt, limiter, half)
    wl = h[a] + half * sh0
    wr = h[p] - half * sh1
    bl = b[a] + half * (se0 - sh0)
    br = b[p] - half * (se1 - sh1)
    level = max(bl, br)
    hl, hr = max(wl + bl - level, zero), max(wr + br - level, zero)
    left, right = half * gravity * (wl * wl - hl * hl), half * gravity * (wr * wr - hr * hr)
    if hl <= zero and hr <= zero:
        return zero, left, right, zero
    low, mid, top = u[a] - u[f], u[p] - u[a], u[c] - u[p]
    ul = u[a] + half * limited_slope(low, mid, limiter, half)
    ur = u[p] - half * limited_slope(mid, top, limiter, half)
    low, mid, top = v[a] - v[f], v[p] - v[a], v[c] - v[p]
    vl = v[a] + half * limited_slope(low, mid, limiter, half)
    vr = v[p] - half * limited_slope(mid, top, limiter, half)
    cl, cr = math.sqrt(gravity * hl), math.sqrt(gravity * hr)
    star_u = half * (ul + ur) + cl - cr
    star_c = max(half * (cl + cr) + half * half * (ul - ur), zero)
    if hl <= zero:
        sl, sr = ur - cr - cr, ur + cr
    elif hr <= zero:
        sl, sr = ul - cl, ul + cl + cl
    else:
        sl, sr = min(ul - cl, star_u - star_c), max(ur + cr, star_u + star_c)
    mass_l, mass_r = hl * ul, hr * ur
    momentum_l = mass_l * ul + half * gravity * hl * hl
    momentum_r = mass_r * ur + half * gravity * hr * hr
    if sl >= zero:
        mass, momentum = mass_l, momentum_l
    elif sr <= zero:
        mass, momentum = mass_r, momentum_r
    else:
        width = sr - sl
        mass = (sr * mass_l - sl * mass_r + sl * sr * (hr - hl)) / width
        momentum = (sr * momentum_l - sl * momentum_r + sl * sr * (mass_r - mass_l)) / width
    return mass, momentum + left, momentum + right, mass * (vl if mass > zero else vr)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def bed_push(h, b, p, s, gravity, limiter, half):  # type: ignore[no-untyped-def]
    """Centred part of the force of the bed on the cell at ``p``, times the spacing."""
    low, high = h[p] - h[p - s], h[p + s] - h[p]
    rise_low, rise_high = b[p] - b[p - s], b[p + s] - b[p]
    slope = limited_slope(low + rise_low, high + rise_high, limiter, half) - limited_slope(low, high, limiter, half)
    return -gravity * h[p] * slope


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rates(
    h: Array,
    u: Array,
    v: Array,
    bed: Array,
    gravity: Any,
    inverse: Any,
    limiter: int,
    half: Any,
    out_h: Array,
    out_u: Array,
    out_v: Array,
    first: int,
    last: int,
) -> None:
    """`rates_reference` into rows ``first`` to ``last`` of the outputs (1, ny, nx).

    Padded arrays are flat, with rows of nx + 4; ``inverse`` is (1/dx, 1/dy). A mesh of one axis has one row, no rows
    above or below it, and 1/dy = 0.
    """
    dx, dy = inverse
    nx = out_h.shape[2]
    step = nx + 4
    plane = h.shape[0] > step
    for j in range(first, last):
        start = (j + 2) * step + 2 if plane else 2
        mass, _, momentum, tangential = face_flux(h, u, v, bed, start, 1, gravity, limiter, half)
        for i in range(nx):
            p = start + i
            upper_mass, into, out_of, upper_tangential = face_flux(h, u, v, bed, p + 1, 1, gravity, limiter, half)
            push = bed_push(h, bed, p, 1, gravity, limiter, half)
            rate_h = -dx * (upper_mass - mass)
            rate_u = -dx * (into - momentum - push)
            rate_v = -dx * (upper_tangential - tangential)
            mass, momentum, tangential = upper_mass, out_of, upper_tangential
            if plane:
                m0, _, across0, along0 = face_flux(h, v, u, bed, p, step, gravity, limiter, half)
                m1, across1, _, along1 = face_flux(h, v, u, bed, p + step, step, gravity, limiter, half)
                push = bed_push(h, bed, p, step, gravity, limiter, half)
                rate_h -= dy * (m1 - m0)
                rate_v -= dy * (across1 - across0 - push)
                rate_u -= dy * (along1 - along0)
            out_h[0, j, i] = rate_h
            out_u[0, j, i] = rate_u
            out_v[0, j, i] = rate_v
