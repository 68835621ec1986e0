"""Compiled pointwise work of the active-fluid solvers on NumPy arrays.

Definitions: `AngularMoments.reference_rate` and `StokesSolver`. Pairs stand for complex numbers, real part first; the
innermost loops run over points, which lie next to each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = ["chebyshev_fourth_moment", "collected", "products", "strain_spectra", "stress", "summed_along_x"]

Array = Any

BLOCK = 512
"""Points that go through all moments together, so that the flow at them stays in the first-level cache."""


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def products(moments: Array, top: Array, flow: Array, strain: Array, zeta: float, out: Array) -> None:
    """u m, v m and what turns the moments, at every point.

    ``moments`` (2K + 1, points); ``top`` (2, points) is a_{2K+2}; ``flow`` (3, points) is u, v, omega; ``strain`` (2,
    points); ``out`` (3 (2K + 1) - 1, points).
    """
    count, points = moments.shape
    t = np.empty((2, BLOCK), moments.dtype)
    for first in range(0, points, BLOCK):
        size = min(BLOCK, points - first)
        u, v, w = flow[0, first:], flow[1, first:], flow[2, first:]
        for i in range(size):
            t[0, i] = strain[0, first + i] + zeta * moments[1, first + i]
            t[1, i] = strain[1, first + i] + zeta * moments[2, first + i]
        for m in range(count):
            a, along_x, along_y = moments[m, first:], out[m, first:], out[count + m, first:]
            for i in range(size):
                along_x[i] = u[i] * a[i]
                along_y[i] = v[i] * a[i]
        for j in range(1, (count + 1) // 2):
            half = moments.dtype.type(j)
            p, q = moments[2 * j - 1, first:], moments[2 * j, first:]
            turned_p, turned_q = out[2 * count + 2 * j - 2, first:], out[2 * count + 2 * j - 1, first:]
            if j == count // 2:
                high_p, high_q = top[0, first:], top[1, first:]
            else:
                high_p, high_q = moments[2 * j + 1, first:], moments[2 * j + 2, first:]
            if j == 1:
                c = moments[0, first:]
                for i in range(size):
                    turned_p[i] = t[0, i] * (c[i] - high_p[i]) - t[1, i] * high_q[i] - w[i] * q[i]
                    turned_q[i] = t[1, i] * (c[i] + high_p[i]) - t[0, i] * high_q[i] + w[i] * p[i]
            else:
                low_p, low_q = moments[2 * j - 3, first:], moments[2 * j - 2, first:]
                for i in range(size):
                    real = t[0, i] * (low_p[i] - high_p[i]) - t[1, i] * (low_q[i] + high_q[i]) - w[i] * q[i]
                    imag = t[0, i] * (low_q[i] - high_q[i]) + t[1, i] * (low_p[i] + high_p[i]) + w[i] * p[i]
                    turned_p[i] = half * real
                    turned_q[i] = half * imag


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def summed_along_x(modes: Array, kx: Array, out: Array) -> None:
    """-d/dx of the first third plus the last, and the second third, in the columns that are kept.

    ``modes`` (3 count - 1, ny, nx // 2 + 1) transformed along x only; ``out`` (2 count, ny, columns).
    """
    count, rows, columns = out.shape[0] // 2, out.shape[1], out.shape[2]
    for m in range(count):
        for y in range(rows):
            carried, across = modes[m, y], modes[count + m, y]
            for x in range(columns):
                value = carried[x]
                out[m, y, x] = complex(kx[x] * value.imag, -kx[x] * value.real)
                out[count + m, y, x] = across[x]
            if m > 0:
                turned = modes[2 * count + m - 1, y]
                for x in range(columns):
                    out[m, y, x] += turned[x]


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def collected(spectrum: Array, ky: Array, rows: Array, out: Array) -> None:
    """First half of ``spectrum`` (2 count, ny, columns) minus d/dy of the second, on the kept ``rows`` bool (ny,); zero
    elsewhere in ``out`` (count, ny, nx // 2 + 1). ``ky`` (ny,) [1/m]."""
    count, ny, width = out.shape
    columns = spectrum.shape[2]
    for m in range(count):
        for y in range(ny):
            if not rows[y]:
                out[m, y, :] = 0.0
                continue
            first, second = spectrum[m, y], spectrum[count + m, y]
            for x in range(columns):
                value = second[x]
                out[m, y, x] = first[x] + complex(ky[y] * value.imag, -ky[y] * value.real)
            for x in range(columns, width):
                out[m, y, x] = 0.0


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def stress(
    c: Array, mean_c: float, a2: Array, a4: Array, strain: Array, alpha: float, beta: float, zeta: float, out: Array
) -> None:
    """`StokesSolver.stress` over points: ``c`` (points,), pairs (2, points)."""
    quarter = 0.25 * beta
    for i in range(c.size):
        e, f = strain[0, i], strain[1, i]
        t, s = e + zeta * a2[0, i], f + zeta * a2[1, i]
        driven, excess = 0.5 * alpha - quarter * zeta * c[i], c[i] - mean_c
        out[0, i] = driven * a2[0, i] + quarter * (excess * e + a4[0, i] * t + a4[1, i] * s)
        out[1, i] = driven * a2[1, i] + quarter * (excess * f + a4[1, i] * t - a4[0, i] * s)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def strain_spectra(stress: Array, along: Array, across: Array, thinner: float, vorticity: Array, out: Array) -> None:
    """The vorticity (ny, nx // 2 + 1) that a stress (2, ny, nx // 2 + 1) drives, and in ``out`` the strain rate of
    that, shaped like the stress; all are spectra, and ``along`` and ``across`` symbols over the modes."""
    s11, s12 = stress[0], stress[1]
    for y in range(s11.shape[0]):
        for x in range(s11.shape[1]):
            w = thinner * (along[y, x] * s11[y, x] - across[y, x] * s12[y, x])
            vorticity[y, x] = w
            out[0, y, x] = -0.5 * along[y, x] * w
            out[1, y, x] = 0.5 * across[y, x] * w


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def largest_change(after: Array, before: Array) -> tuple[float, float]:
    """Largest |after - before| and largest |after|, both arrays (n,)."""
    change, size = 0.0, 0.0
    for i in range(after.size):
        change = max(change, abs(after[i] - before[i]))
        size = max(size, abs(after[i]))
    return change, size


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def chebyshev_fourth_moment(c: Array, a2: Array, coefficients: Array, tiny: float, out: Array) -> None:
    """`subgrid_active.bingham.Bingham` over points: ``c`` (points,), pairs (2, points)."""
    points, degree = c.size, coefficients.size - 1
    twice, latest, earlier = np.empty((3, BLOCK), c.dtype)
    for first in range(0, points, BLOCK):
        size = min(BLOCK, points - first)
        for i in range(size):
            scale = 1.0 / max(c[first + i], tiny)
            p, q = a2[0, first + i] * scale, a2[1, first + i] * scale
            twice[i] = 4.0 * min(p * p + q * q, 1.0) - 2.0
            latest[i] = coefficients[degree]
            earlier[i] = 0.0
        for n in range(degree - 1, 0, -1):
            coefficient = coefficients[n]
            for i in range(size):
                new = coefficient + twice[i] * latest[i] - earlier[i]
                earlier[i] = latest[i]
                latest[i] = new
        for i in range(size):
            scale = 1.0 / max(c[first + i], tiny)
            p, q = a2[0, first + i] * scale, a2[1, first + i] * scale
            factor = max(c[first + i], tiny) * (coefficients[0] + 0.5 * twice[i] * latest[i] - earlier[i])
            out[0, first + i] = factor * (p * p - q * q)
            out[1, first + i] = factor * (2.0 * p * q)
