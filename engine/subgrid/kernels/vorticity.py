"""Fused pointwise kernels of two-dimensional spectral advection, each beside its NumPy definition.

Spectra are (ny, nx // 2 + 1) with x fastest in memory, so inner loops run along kx. ``symbol`` is zero on the modes
that a solver drops. Kernels go through a range of columns, so that those without kept modes can be left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "advection_spectrum",
    "advection_spectrum_reference",
    "products",
    "products_reference",
    "rotated_spectrum",
    "rotated_spectrum_reference",
]

Array = Any


def rotated_spectrum_reference(spectrum: Array, symbol: Array, kx: Array, ky: Array, component: int) -> Array:
    """Spectrum of a velocity component: i ky symbol spectrum for u (0), -i kx symbol spectrum for v (1).

    With ``symbol = 1/k^2`` and the spectrum of vorticity this is the flow that carries it.
    """
    return 1j * ky[:, None] * symbol * spectrum if component == 0 else -1j * kx[None, :] * symbol * spectrum


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def rotated_spectrum(
    spectrum: Array, symbol: Array, kx: Array, ky: Array, component: int, first: int, last: int, out: Array
) -> None:
    """`rotated_spectrum_reference` into columns ``first`` to ``last`` of ``out``."""
    for j in range(spectrum.shape[0]):
        along_y = ky[j] if component == 0 else symbol.dtype.type(0)
        along_x = symbol.dtype.type(1) if component == 1 else symbol.dtype.type(0)
        for i in range(first, last):
            factor = symbol[j, i] * (along_y - along_x * kx[i])
            value = spectrum[j, i]
            out[j, i] = complex(-factor * value.imag, factor * value.real)


def products_reference(values: Array) -> Array:
    """u v and v^2 - u^2, the two products of the Basdevant form, from (u, v) along the first axis."""
    u, v = values
    return np.stack([u * v, (v - u) * (v + u)])


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def products(values: Array) -> None:
    """`products_reference` in place."""
    for j in range(values.shape[1]):
        for i in range(values.shape[2]):
            u, v = values[0, j, i], values[1, j, i]
            values[0, j, i] = u * v
            values[1, j, i] = (v - u) * (v + u)


def advection_spectrum_reference(uv: Array, difference: Array, kx: Array, ky: Array, keep: Array) -> Array:
    """-u . grad w = (kx^2 - ky^2) F[u v] + kx ky F[v^2 - u^2] on the kept modes, zero elsewhere."""
    rate = (kx[None, :] ** 2 - ky[:, None] ** 2) * uv + kx[None, :] * ky[:, None] * difference
    return np.where(keep, rate, 0.0)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def advection_spectrum(
    uv: Array, difference: Array, kx: Array, ky: Array, keep: Array, first: int, last: int, out: Array
) -> None:
    """`advection_spectrum_reference` into columns ``first`` to ``last`` of ``out``."""
    for j in range(uv.shape[0]):
        for i in range(first, last):
            if keep[j, i]:
                out[j, i] = (kx[i] * kx[i] - ky[j] * ky[j]) * uv[j, i] + (kx[i] * ky[j]) * difference[j, i]
            else:
                out[j, i] = 0.0
