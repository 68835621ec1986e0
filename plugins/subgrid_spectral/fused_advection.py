"""The Basdevant form of advection on NumPy arrays: four transforms in buffers allocated once, the rest fused.

Its definition is `subgrid_spectral.advection_2d.basdevant`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from subgrid.api import Array
from subgrid.kernels.basdevant import BasdevantFFTW, joined_rows, pair_products, split_rows
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.spectral_products import Columns, PocketPlans, blocks, threads_for
from subgrid.kernels.vorticity import advection_spectrum, velocity_spectra
from subgrid.kernels.workers import Workers

__all__ = ["FusedBasdevant", "fused_basdevant"]


def fused_basdevant(basis: FourierBasis, keep: Array) -> FusedBasdevant | BasdevantFFTW:
    """A function that writes -u . grad w of its first argument, a spectrum, into its second.

    ``keep``, bool (ny, nx // 2 + 1), is True for the kept modes: whole rows and columns, but for the mean, whose
    rate is zero.
    """
    rows, columns = keep.any(axis=1), int(np.flatnonzero(keep.any(axis=0)).max(initial=0)) + 1
    if basis.backend.fft == "fftw":
        return BasdevantFFTW(basis, rows, columns)
    return FusedBasdevant(basis, rows, columns)


class FusedBasdevant:
    """With the transforms of SciPy and NumPy, and the kernels of `BasdevantFFTW` between them.

    The buffers' content never outlives a call, and results do not depend on the number of threads.
    """

    def __init__(self, basis: FourierBasis, rows: Array, columns: int) -> None:
        (ny, nx), zeros = basis.grid.shape, basis.backend.zeros
        self.threads = threads_for(basis)
        self.workers = Workers(self.threads)
        self.spectrum = zeros((2, ny, columns), "complex")
        item = self.spectrum.itemsize
        self.column_blocks, self.row_blocks = blocks(columns, 2 * ny * item), blocks(ny, nx * item)
        columns_of = [self.spectrum[:, :, first:last] for first, last in self.column_blocks]
        self.along_y = [(PocketPlans.back_along_y(block), PocketPlans.forth_along_y(block)) for block in columns_of]
        self.buffers = zeros((self.threads, self.row_blocks[0][1], nx), "complex")
        self.ky, self.kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        self.rows, self.inverse_k_sq = rows, basis.inverse_k_sq
        # the transforms leave out their normalisation, which costs nothing here
        self.scaled = self.kx / basis.points, self.ky / basis.points

    def __call__(self, vorticity: Array, out: Array) -> None:
        """Write the rate of change of the spectrum of ``vorticity`` into ``out``, both (ny, nx // 2 + 1)."""
        spectrum = self.spectrum

        def fill(first: int, last: int) -> None:
            velocity_spectra(vorticity, self.inverse_k_sq, *self.scaled, self.rows, first, last, spectrum)

        def collect(first: int, last: int) -> None:
            advection_spectrum(spectrum[0], spectrum[1], self.kx, self.ky, self.rows, first, last, out)

        self._go_through(fill, pair_products, collect)
        out[:, spectrum.shape[2] :] = 0.0

    def transforms(self) -> None:
        """The four transforms of an evaluation and nothing else, for benchmarks."""

        def nothing(*_: Any) -> None:
            return

        self._go_through(nothing, nothing, nothing)

    def _go_through(self, fill: Columns, multiply: Callable[[Array], None], collect: Columns) -> None:
        def to_rows(block: int) -> None:
            fill(*self.column_blocks[block])
            self.along_y[block][0]()

        def rows(block: int) -> None:
            first, last = self.row_blocks[block]
            values = self.buffers[block % self.threads, : last - first]
            joined_rows(self.spectrum, first, values)
            np.fft.ifft(values, axis=1, norm="forward", out=values)
            multiply(values)
            np.fft.fft(values, axis=1, out=values)
            split_rows(values, first, self.spectrum)

        def to_columns(block: int) -> None:
            self.along_y[block][1]()
            collect(*self.column_blocks[block])

        self.workers.each(to_rows, len(self.column_blocks))
        self.workers.each(rows, len(self.row_blocks))
        self.workers.each(to_columns, len(self.column_blocks))
