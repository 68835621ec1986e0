"""Advection of vorticity in the Basdevant form as one compiled call: FFTW and everything between its transforms.

The two velocity components make one complex field, and so do the two products, so that complex transforms along x,
which FFTW does faster, carry two real fields at once. Columns that the 2/3 rule sets to zero are neither stored nor
transformed along y; rows go to physical space and back while they are in the cache; blocks of both are shared among
threads that do not meet the interpreter lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numba import carray, njit

from subgrid.backend import Array
from subgrid.kernels.crew import Crew, begin, meet
from subgrid.kernels.fftw import BACKWARD, FORWARD, Plan, zeros
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.native import call, pointer
from subgrid.kernels.spectral_products import blocks, threads_for
from subgrid.kernels.vorticity import advection_spectrum, velocity_spectra

__all__ = [
    "BasdevantFFTW",
    "joined_rows",
    "joined_rows_reference",
    "pair_products",
    "pair_products_reference",
    "split_rows",
    "split_rows_reference",
]


def joined_rows_reference(pair: Array, points: int) -> Array:
    """Full spectra (rows, points) along x of a + i b, from half spectra (2, rows, columns) of two real fields.

    Columns that are missing in ``pair`` stand for zeros.
    """
    half = np.zeros((*pair.shape[:2], points // 2 + 1), dtype=pair.dtype)
    half[..., : pair.shape[-1]] = pair
    a, b = np.fft.irfft(half, points, axis=-1)
    return np.fft.fft(a + 1j * b, axis=-1)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def joined_rows(pair: Array, first: int, out: Array) -> None:
    """`joined_rows_reference` of the rows of ``pair`` from ``first`` on, as many as ``out`` has."""
    points, columns = out.shape[1], pair.shape[2]
    for row in range(out.shape[0]):
        j = first + row
        out[row, 0] = complex(pair[0, j, 0].real, pair[1, j, 0].real)
        for i in range(1, columns):
            a, b = pair[0, j, i], pair[1, j, i]
            out[row, i] = complex(a.real - b.imag, a.imag + b.real)
        for i in range(columns, points - columns + 1):
            out[row, i] = 0.0
        for i in range(1, min(columns, (points + 1) // 2)):
            a, b = pair[0, j, i], pair[1, j, i]
            out[row, points - i] = complex(a.real + b.imag, b.real - a.imag)
        if 2 * (columns - 1) == points:  # the Nyquist wavenumber stands once, and is real
            out[row, columns - 1] = complex(pair[0, j, columns - 1].real, pair[1, j, columns - 1].real)


def pair_products_reference(values: Array) -> Array:
    """u v + i (v^2 - u^2) of values u + i v: the two products of the Basdevant form."""
    u, v = values.real, values.imag
    return u * v + 1j * (v - u) * (v + u)


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def pair_products(values: Array) -> None:
    """`pair_products_reference` in place."""
    for j in range(values.shape[0]):
        for i in range(values.shape[1]):
            u, v = values[j, i].real, values[j, i].imag
            values[j, i] = complex(u * v, (v - u) * (v + u))


def split_rows_reference(rows: Array, columns: int) -> Array:
    """Half spectra (2, rows, columns) along x of the real and the imaginary part: the inverse of `joined_rows`."""
    values = np.fft.ifft(rows, axis=-1)
    return np.fft.rfft(np.stack([values.real, values.imag]), axis=-1)[..., :columns]


@njit(cache=True, nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
def split_rows(rows: Array, first: int, pair: Array) -> None:
    """`split_rows_reference` into the rows of ``pair`` from ``first`` on."""
    points, half = rows.shape[1], rows.real.dtype.type(0.5)
    for row in range(rows.shape[0]):
        j = first + row
        pair[0, j, 0] = rows[row, 0].real
        pair[1, j, 0] = rows[row, 0].imag
        for i in range(1, pair.shape[2]):
            a, b = rows[row, i], rows[row, points - i]
            pair[0, j, i] = complex(half * (a.real + b.real), half * (a.imag - b.imag))
            pair[1, j, i] = complex(half * (a.imag + b.imag), half * (b.real - a.real))


class BasdevantFFTW:
    """Computes -u . grad w of a vorticity spectrum on the kept rows and columns, zero on the others.

    The blocks are the same for any number of threads, so results do not depend on it.

    Parameters
    ----------
    basis
        Of a two-dimensional grid, on NumPy.
    rows, columns
        Which rows along y hold kept modes (bool), and how many columns along kx.
    """

    def __init__(self, basis: FourierBasis, rows: Array, columns: int) -> None:
        ny, nx = basis.grid.shape
        kind, threads = np.dtype(basis.backend.dtype("complex")), threads_for(basis)
        spectrum = zeros((2, ny, columns), kind)
        of_columns, of_rows = blocks(columns, 2 * ny * kind.itemsize), blocks(ny, nx * kind.itemsize)
        buffers = zeros((threads, of_rows[0][1], nx), kind)
        self._column_plans = [_there_and_back(spectrum[:, :, first:last]) for first, last in of_columns]
        self._row_plans = [
            _there_and_back(buffers[index % threads, : last - first]) for index, (first, last) in enumerate(of_rows)
        ]
        self._blocks = (
            np.array(of_columns),
            _calls(self._column_plans),
            np.array(of_rows),
            _calls(self._row_plans),
            buffers,
            spectrum,
        )
        self._threads = threads
        ky, kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        # the transforms leave out their normalisation, which costs nothing here
        factors = (basis.inverse_k_sq, kx / basis.points, ky / basis.points, kx, ky, rows)
        self._shape, self._kind = basis.spectral_shape, kind
        self._addresses = np.zeros(2, dtype=np.int64)
        self._advect = Crew(threads, advect, (self._addresses, *factors, *self._blocks))

    def __call__(self, vorticity: Array, out: Array) -> None:
        """Write the rate of change of ``vorticity`` into ``out``, contiguous spectra (ny, nx // 2 + 1)."""
        for index, array in enumerate((vorticity, out)):
            if array.shape != self._shape or array.dtype != self._kind or not array.flags.c_contiguous:
                raise ValueError(f"need contiguous {self._kind} {self._shape}, got {array.dtype} {array.shape}")
            self._addresses[index] = array.__array_interface__["data"][0]
        self._advect()

    def transforms(self) -> None:
        """The four transforms of an evaluation and nothing else, for benchmarks."""
        self._transform()

    @cached_property
    def _transform(self) -> Crew:
        return Crew(self._threads, transform, self._blocks)


def _there_and_back(values: Array) -> tuple[Plan, Plan]:
    return Plan(values, 1, BACKWARD), Plan(values, 1, FORWARD)


def _calls(plans: Sequence[tuple[Plan, Plan]]) -> Array:
    return np.array([[*back.address, *forth.address] for back, forth in plans], dtype=np.int64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def advect(
    thread: int,
    threads: int,
    signals: Any,
    addresses: Array,
    symbol: Array,
    scaled_kx: Array,
    scaled_ky: Array,
    kx: Array,
    ky: Array,
    kept_rows: Array,
    columns: Array,
    column_calls: Array,
    rows: Array,
    row_calls: Array,
    buffers: Array,
    spectrum: Array,
) -> None:
    """The evaluation of `BasdevantFFTW`: a kernel of a `Crew`. ``addresses`` are those of vorticity and result."""
    while begin(thread, signals):
        vorticity = carray(pointer(addresses[0]), symbol.shape, spectrum.dtype)
        out = carray(pointer(addresses[1]), symbol.shape, spectrum.dtype)
        for block in range(thread, len(columns), threads):
            first, last = columns[block]
            velocity_spectra(vorticity, symbol, scaled_kx, scaled_ky, kept_rows, first, last, spectrum)
            call(column_calls[block, 0], column_calls[block, 1])
        meet(thread, threads, signals)
        for block in range(thread, len(rows), threads):
            first, last = rows[block]
            values = buffers[block % threads, : last - first]
            joined_rows(spectrum, first, values)
            call(row_calls[block, 0], row_calls[block, 1])
            pair_products(values)
            call(row_calls[block, 2], row_calls[block, 3])
            split_rows(values, first, spectrum)
        meet(thread, threads, signals)
        for block in range(thread, len(columns), threads):
            first, last = columns[block]
            call(column_calls[block, 2], column_calls[block, 3])
            advection_spectrum(spectrum[0], spectrum[1], kx, ky, kept_rows, first, last, out)
        for j in range(thread * out.shape[0] // threads, (thread + 1) * out.shape[0] // threads):
            out[j, spectrum.shape[2] :] = 0.0
        meet(thread, threads, signals)
        if thread == 0:
            return


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def transform(
    thread: int,
    threads: int,
    signals: Any,
    columns: Array,
    column_calls: Array,
    rows: Array,
    row_calls: Array,
    buffers: Array,
    spectrum: Array,
) -> None:
    """`advect` without what it does between the transforms."""
    while begin(thread, signals):
        for block in range(thread, len(columns), threads):
            call(column_calls[block, 0], column_calls[block, 1])
        meet(thread, threads, signals)
        for block in range(thread, len(rows), threads):
            first, last = rows[block]
            values = buffers[block % threads, : last - first]
            joined_rows(spectrum, first, values)
            call(row_calls[block, 0], row_calls[block, 1])
            call(row_calls[block, 2], row_calls[block, 3])
            split_rows(values, first, spectrum)
        meet(thread, threads, signals)
        for block in range(thread, len(columns), threads):
            call(column_calls[block, 2], column_calls[block, 3])
        meet(thread, threads, signals)
        if thread == 0:
            return
