"""Lennard-Jones forces, compiled: the twins of `subgrid_md.reference`.

``position`` (n, 4) ends with zeros; ``begin``, ``end`` and ``indices`` are rows of neighbours within the cutoff.
``periods`` (3,) are zero along open axes. Sums may be reassociated, in an order that depends on the row alone. Atoms
``first`` to ``last`` belong to the caller.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["drift", "forces", "measures"]

Array = Any

U = np.uint64
X, Y, Z = U(0), U(1), U(2)
FAST = {"reassoc", "contract", "nsz", "arcp"}


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def _box(position, periods):  # type: ignore[no-untyped-def]
    """Periods and one over them, zero along open axes, in the precision of the positions."""
    real = position.dtype.type
    lx, ly, lz = real(periods[0]), real(periods[1]), real(periods[2])
    px = real(1.0) / lx if lx > 0 else real(0.0)
    py = real(1.0) / ly if ly > 0 else real(0.0)
    pz = real(1.0) / lz if lz > 0 else real(0.0)
    return lx, ly, lz, px, py, pz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def _apart(position, x, y, z, j, box):  # type: ignore[no-untyped-def]
    """(x, y, z) minus the position of the nearest image of atom j."""
    half = position.dtype.type(0.5)
    lx, ly, lz, px, py, pz = box
    dx, dy, dz = x - position[j, X], y - position[j, Y], z - position[j, Z]
    dx -= lx * math.floor(dx * px + half)
    dy -= ly * math.floor(dy * py + half)
    dz -= lz * math.floor(dz * pz + half)
    return dx, dy, dz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def forces(
    position: Array, begin: Array, end: Array, indices: Array, periods: Array, epsilon: float, sigma: float,
    slope: float, out: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Forces (n, d) of all pairs into ``out``; ``slope`` is the second of the truncation terms."""
    real = position.dtype.type
    box = _box(position, periods)
    one, two, none = real(1.0), real(2.0), real(0.0)
    depth, size, push_off = real(24.0 * epsilon), real(sigma * sigma), real(slope)
    for i in range(U(first), U(last)):
        x, y, z = position[i, X], position[i, Y], position[i, Z]
        fx, fy, fz = none, none, none
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(position, x, y, z, j, box)
            inverse = one / (dx * dx + dy * dy + dz * dz)
            s2 = size * inverse
            s6 = s2 * s2 * s2
            push = depth * (two * s6 - one) * s6 * inverse - push_off * math.sqrt(inverse)
            fx += push * dx
            fy += push * dy
            fz += push * dz
        out[i, 0], out[i, 1] = fx, fy
        if out.shape[1] == 3:
            out[i, 2] = fz


@njit(cache=True, nogil=True, fastmath=FAST, error_model="numpy")  # type: ignore[untyped-decorator]
def measures(
    position: Array, begin: Array, end: Array, indices: Array, periods: Array, epsilon: float, sigma: float,
    shift: float, slope: float, dimensions: int, energy: Array, virial: Array, laplacian: Array, first: int, last: int,
) -> None:  # fmt: skip
    """Half the energy and virial of the pairs of each atom, and the Laplacian of the energy, all (n,)."""
    real = position.dtype.type
    box = _box(position, periods)
    half, one, two, none = real(0.5), real(1.0), real(2.0), real(0.0)
    depth, size, per_distance, at_zero = real(24.0 * epsilon), real(sigma * sigma), real(slope), real(shift)
    across = real(dimensions - 1)
    for i in range(U(first), U(last)):
        x, y, z = position[i, X], position[i, Y], position[i, Z]
        u, w, lap = none, none, none
        for e in range(U(begin[i]), U(end[i])):
            j = U(indices[e])
            dx, dy, dz = _apart(position, x, y, z, j, box)
            square = dx * dx + dy * dy + dz * dz
            inverse = one / square
            distance = math.sqrt(square)
            s2 = size * inverse
            s6 = s2 * s2 * s2
            push = depth * (two * s6 - one) * s6 * inverse - per_distance / distance
            u += depth / real(6.0) * (s6 - one) * s6 + at_zero + per_distance * distance
            w += push * square
            lap += depth * (real(26.0) * s6 - real(7.0)) * s6 * inverse - across * push
        energy[i], virial[i], laplacian[i] = half * u, half * w, lap


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def drift(position: Array, velocity: Array, dt: float, low: Array, periods: Array, first: int, last: int) -> None:
    """``x += dt v``, columns (n, d), brought back into the box along periodic axes; ``low`` (d,), ``periods`` (3,)."""
    real = position.dtype.type
    for a in range(position.shape[1]):
        start, length, step = real(low[a]), real(periods[a]), real(dt)
        for i in range(first, last):
            x = position[i, a] + step * velocity[i, a]
            if length > 0:
                if x < start:
                    x += length
                if x >= start + length:
                    x -= length
                x = max(x, start)
            position[i, a] = x
