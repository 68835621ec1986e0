"""Fused pointwise kernels of two-layer quasi-geostrophic flow, each beside its NumPy definition.

Spectra are (2, ny, nx // 2 + 1), layer first and kx fastest in memory. Kernels go through a range of columns, so that
those without kept modes can be left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "invert",
    "invert_reference",
    "potential_vorticity_rate",
    "potential_vorticity_rate_reference",
    "products",
    "products_reference",
]

Array = Any


def invert_reference(q: Array, k_sq: Array, inverse: Array, f1: float, f2: float) -> Array:
    """Streamfunctions of two coupled layers from their potential vorticities, per wavenumber.

    psi1 = -((k^2 + F2) q1 + F1 q2) / D, psi2 = -(F2 q1 + (k^2 + F1) q2) / D, with ``inverse`` = 1 / D and
    D = k^2 (k^2 + F1 + F2), zero for the mean.
    """
    return np.stack(
        [-((k_sq + f2) * q[0] + f1 * q[1]) * inverse, -(f2 * q[0] + (k_sq + f1) * q[1]) * inverse],
    )


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def invert(q: Array, k_sq: Array, inverse: Array, f1: float, f2: float, start: int, stop: int, out: Array) -> None:
    """`invert_reference` into columns ``start`` to ``stop`` of ``out``."""
    for j in range(q.shape[1]):
        for i in range(start, stop):
            first, second = q[0, j, i], q[1, j, i]
            out[0, j, i] = -inverse[j, i] * ((k_sq[j, i] + f2) * first + f1 * second)
            out[1, j, i] = -inverse[j, i] * (f2 * first + (k_sq[j, i] + f1) * second)


def products_reference(values: Array) -> Array:
    """u1 v1, v1^2 - u1^2, u2 v2, v2^2 - u2^2 and u1 v2 - v1 u2 from (u1, v1, u2, v2, unused) along the first axis."""
    u1, v1, u2, v2, _ = values
    return np.stack([u1 * v1, (v1 - u1) * (v1 + u1), u2 * v2, (v2 - u2) * (v2 + u2), u1 * v2 - v1 * u2])


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def products(values: Array) -> None:
    """`products_reference` in place."""
    for j in range(values.shape[1]):
        for i in range(values.shape[2]):
            u1, v1, u2, v2 = values[0, j, i], values[1, j, i], values[2, j, i], values[3, j, i]
            values[0, j, i] = u1 * v1
            values[1, j, i] = (v1 - u1) * (v1 + u1)
            values[2, j, i] = u2 * v2
            values[3, j, i] = (v2 - u2) * (v2 + u2)
            values[4, j, i] = u1 * v2 - v1 * u2


def potential_vorticity_rate_reference(
    products: Array, psi: Array, kx: Array, ky: Array, keep: Array, coupling: Array, gradient: Array, drag: float
) -> Array:
    """-J(psi_i, q_i) - gradient_i psi_i,x - delta_i2 drag lap psi_2 on the kept modes.

    ``products`` are the spectra of u1 v1, v1^2 - u1^2, u2 v2, v2^2 - u2^2 and u1 v2 - v1 u2; ``coupling`` is (F1,
    -F2), so that J(psi_i, q_i) = J(psi_i, lap psi_i) + coupling_i J(psi_1, psi_2).
    """
    kx, ky = kx[None, :], ky[:, None]
    rates = []
    for layer in range(2):
        rate = (kx**2 - ky**2) * products[2 * layer] + kx * ky * products[2 * layer + 1]
        rates.append(rate - coupling[layer] * products[4] - 1j * kx * gradient[layer] * psi[layer])
    rates[1] = rates[1] + drag * (kx**2 + ky**2) * psi[1]
    return np.where(keep, np.stack(rates), 0.0)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def potential_vorticity_rate(
    products: Array,
    psi: Array,
    kx: Array,
    ky: Array,
    keep: Array,
    coupling: Array,
    gradient: Array,
    drag: float,
    first: int,
    last: int,
    out: Array,
) -> None:
    """`potential_vorticity_rate_reference` into columns ``first`` to ``last`` of ``out``."""
    for j in range(psi.shape[1]):
        for i in range(first, last):
            kept = keep[j, i]
            a = kept * (kx[i] * kx[i] - ky[j] * ky[j])
            b = kept * kx[i] * ky[j]
            friction = kept * drag * (kx[i] * kx[i] + ky[j] * ky[j])
            shared = kept * products[4, j, i]
            for layer in range(2):
                psi_x = 1j * (kept * kx[i] * psi[layer, j, i])
                rate = a * products[2 * layer, j, i] + b * products[2 * layer + 1, j, i]
                out[layer, j, i] = rate - coupling[layer] * shared - gradient[layer] * psi_x
            out[1, j, i] += friction * psi[1, j, i]
