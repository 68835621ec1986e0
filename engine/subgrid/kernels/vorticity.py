"""Fused pointwise kernels of two-dimensional spectral advection, each beside its NumPy definition.

Spectra are (ny, nx // 2 + 1) with x fastest in memory, so inner loops run along kx. Modes that a solver
drops are left out as whole rows, of which ``rows`` tells the kept ones, and as whole columns, outside the range
``first`` to ``last`` that a kernel goes through.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "advection_spectrum",
    "advection_spectrum_reference",
    "velocity_spectra",
    "velocity_spectra_reference",
]

Array = Any


def velocity_spectra_reference(spectrum: Array, symbol: Array, kx: Array, ky: Array, rows: Array) -> Array:
    """i ky symbol spectrum and -i kx symbol spectrum, in front, on the rows along y where ``rows`` holds.

    With ``symbol = 1/k^2`` and the spectrum of vorticity these are the components (u, v) of the flow that carries it.
    """
    u, v = 1j * ky[:, None] * symbol * spectrum, -1j * kx[None, :] * symbol * spectrum
    return np.where(rows[:, None], np.stack([u, v]), 0.0)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def velocity_spectra(
    spectrum: Array, symbol: Array, kx: Array, ky: Array, rows: Array, first: int, last: int, out: Array
) -> None:
    """`velocity_spectra_reference` into columns ``first`` to ``last`` of ``out``."""
    for j in range(spectrum.shape[0]):
        if not rows[j]:
            for i in range(first, last):
                out[0, j, i] = 0.0
                out[1, j, i] = 0.0
            continue
        along_y = ky[j]
        for i in range(first, last):
            real, imaginary = symbol[j, i] * spectrum[j, i].real, symbol[j, i] * spectrum[j, i].imag
            out[0, j, i] = complex(-along_y * imaginary, along_y * real)
            out[1, j, i] = complex(kx[i] * imaginary, -kx[i] * real)


def advection_spectrum_reference(uv: Array, difference: Array, kx: Array, ky: Array, rows: Array) -> Array:
    """-u . grad w = (kx^2 - ky^2) F[u v] + kx ky F[v^2 - u^2] on the rows where ``rows`` holds, zero elsewhere."""
    rate = (kx[None, :] ** 2 - ky[:, None] ** 2) * uv + kx[None, :] * ky[:, None] * difference
    return np.where(rows[:, None], rate, 0.0)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def advection_spectrum(
    uv: Array, difference: Array, kx: Array, ky: Array, rows: Array, first: int, last: int, out: Array
) -> None:
    """`advection_spectrum_reference` into columns ``first`` to ``last`` of ``out``."""
    for j in range(uv.shape[0]):
        if not rows[j]:
            for i in range(first, last):
                out[j, i] = 0.0
            continue
        along_y = ky[j]
        for i in range(first, last):
            a, b = kx[i] * kx[i] - along_y * along_y, kx[i] * along_y
            p, q = uv[j, i], difference[j, i]
            out[j, i] = complex(a * p.real + b * q.real, a * p.imag + b * q.imag)
