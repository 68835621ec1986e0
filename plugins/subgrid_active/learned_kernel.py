"""Learned closures with one hidden layer, compiled: everything about a point in one pass over blocks.

`subgrid_active.learned.LearnedFourthMoment.reference` is the definition.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = ["learned_fourth_moment"]

Array = Any

BLOCK = 256
"""Points that go through together, so that all that is known about them stays in the first-level cache."""


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def learned_fourth_moment(
    c: Array, a2: Array, e: Array, zeta: Array, first: Array, last: Array, series: Array, tiny: float, out: Array
) -> None:
    """a_4 (2, points) of ``c`` and ``zeta`` (points,), ``a2`` and ``e`` (2, points).

    ``first`` (units, 5) holds the weights and, last, the bias of each hidden unit, ``last`` (3, units + 1) those of the
    outputs; the activation is x / sqrt(1 + x^2). ``series`` are Chebyshev coefficients.
    """
    kind = c.dtype.type
    one, two = kind(1.0), kind(2.0)
    points, units = c.size, first.shape[0]
    zr, zi, qr, qi, s, flow, along = np.empty((7, BLOCK), c.dtype)
    latest, earlier, h0, h1, h2 = np.empty((5, BLOCK), c.dtype)
    for start in range(0, points, BLOCK):
        size = min(BLOCK, points - start)
        cs, zs = c[start : start + size], zeta[start : start + size]
        ar, ai, er, ei = a2[0, start:], a2[1, start:], e[0, start:], e[1, start:]
        for p in range(size):
            scale = one / max(cs[p], tiny)
            zr[p], zi[p] = scale * ar[p], scale * ai[p]
            bound = one / math.sqrt(one + er[p] * er[p] + ei[p] * ei[p])
            qr[p], qi[p] = bound * er[p], bound * ei[p]
            s[p] = min(zr[p] * zr[p] + zi[p] * zi[p], one)
            flow[p] = qr[p] * qr[p] + qi[p] * qi[p]
            along[p] = zr[p] * qr[p] + zi[p] * qi[p]
            h0[p], h1[p], h2[p] = last[0, units], last[1, units], last[2, units]
            latest[p], earlier[p] = kind(0.0), kind(0.0)
        for j in range(units):
            w0, w1, w2, w3, b = first[j, 0], first[j, 1], first[j, 2], first[j, 3], first[j, 4]
            v0, v1, v2 = last[0, j], last[1, j], last[2, j]
            for p in range(size):
                x = b + w0 * s[p] + w1 * flow[p] + w2 * along[p] + w3 * zs[p]
                y = x / math.sqrt(one + x * x)
                h0[p] += v0 * y
                h1[p] += v1 * y
                h2[p] += v2 * y
        # Clenshaw's sum at 2 s - 1, two terms in a sweep; the constant term comes at the end
        for n in range(series.size - 1, 1, -2):
            upper, lower = series[n], series[n - 1]
            for p in range(size):
                twice = two * (two * s[p] - one)
                earlier[p] = upper + twice * latest[p] - earlier[p]
                latest[p] = lower + twice * earlier[p] - latest[p]
        odd = series.size % 2 == 0
        for p in range(size):
            x = two * s[p] - one
            if odd:
                new = series[1] + two * x * latest[p] - earlier[p]
                low = series[0] - one + x * new - latest[p]
            else:
                low = series[0] - one + x * latest[p] - earlier[p]
            z2r, z2i = zr[p] * zr[p] - zi[p] * zi[p], two * zr[p] * zi[p]
            zqr, zqi = zr[p] * qr[p] - zi[p] * qi[p], zr[p] * qi[p] + zi[p] * qr[p]
            q2r, q2i = qr[p] * qr[p] - qi[p] * qi[p], two * qr[p] * qi[p]
            room = one - s[p]
            dr = low * z2r + room * (h0[p] * z2r + h1[p] * zqr + h2[p] * q2r)
            di = low * z2i + room * (h0[p] * z2i + h1[p] * zqi + h2[p] * q2i)
            factor = min(room / math.sqrt(dr * dr + di * di + tiny), one)
            scale = max(cs[p], tiny)
            out[0, start + p] = scale * (z2r + factor * dr)
            out[1, start + p] = scale * (z2i + factor * di)
