"""Pseudo-spectral products in two dimensions: to physical space, multiply, and back, without allocating anything.

What makes it fast beside plain transforms: passes along y skip the columns that the 2/3 rule sets to zero; passes
along x and the products between them go through memory together, a block of rows after the other, so that physical
fields never leave the cache; and blocks of rows and columns are shared among threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from subgrid.backend import Array
from subgrid.errors import ScenarioError
from subgrid.kernels.fourier import FourierBasis

__all__ = ["SpectralProducts", "Workers"]

SMALLEST_THREADED = 256 * 256
"""Points from which a second thread gains more than the tens of microseconds that handing work over costs."""

BLOCK_BYTES = 512 * 1024
"""Memory that one block of rows or columns takes: half of a usual second-level cache."""

Fill = Callable[[int, int, int], None]
Multiply = Callable[[Array], None]


class Workers:
    """Does the same work for several indices on a fixed number of threads: index i on thread i modulo ``threads``."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads - 1) if threads > 1 else None

    def each(self, work: Callable[[int], None], count: int) -> None:
        """Call ``work(i)`` for i = 0 .. count - 1 and wait for all of them."""
        if self._pool is None:
            _do(work, range(count))
            return
        futures = [self._pool.submit(_do, work, range(t, count, self.threads)) for t in range(1, self.threads)]
        _do(work, range(0, count, self.threads))
        for future in futures:
            future.result()


def _do(work: Callable[[int], None], indices: Iterable[int]) -> None:
    for index in indices:
        work(index)


class SpectralProducts:
    """``outputs`` products of ``inputs`` fields, all given and returned by their spectra (NumPy only).

    The blocks are the same for any number of threads, so results do not depend on it.

    Attributes
    ----------
    spectrum
        Complex (max(inputs, outputs), ny, nx // 2 + 1): first of the inputs, afterwards of the outputs.
    columns
        Columns along kx that hold modes of ``keep``; others are neither read nor computed.
    """

    def __init__(self, basis: FourierBasis, inputs: int, outputs: int, keep: Array) -> None:
        if basis.grid.ndim != 2 or basis.backend.name != "numpy":
            raise ScenarioError("spectral products need a two-dimensional grid and NumPy arrays")
        backend, (ny, nx), count = basis.backend, basis.grid.shape, max(inputs, outputs)
        self.columns = int(np.flatnonzero(keep.any(axis=0)).max(initial=0)) + 1
        self.workers = Workers(backend.threads if basis.points >= SMALLEST_THREADED else 1)
        item = np.dtype(backend.dtype("real")).itemsize
        rows = _blocks(ny, BLOCK_BYTES // (2 * count * nx * item))
        columns = _blocks(self.columns, BLOCK_BYTES // (2 * ny * item))
        self._inputs = [(field, *block) for field in range(inputs) for block in columns]
        self._outputs = [(field, *block) for field in range(outputs) for block in columns]
        shape, height = (count, *basis.spectral_shape), rows[0][1]
        if backend.fft == "fftw":
            import pyfftw

            self.spectrum = pyfftw.zeros_aligned(shape, backend.dtype("complex"))
            buffers = [pyfftw.zeros_aligned((count, height, nx), backend.dtype("real")) for _ in self._threads]
            plan: Any = _FFTWPlans
        else:
            self.spectrum = backend.zeros(shape, "complex")
            buffers = [backend.zeros((count, height, nx)) for _ in self._threads]
            plan = _PocketPlans
        columns_of = {block: self.spectrum[block[0], :, block[1] : block[2]] for block in self._inputs + self._outputs}
        self._along_y = {block: plan.along_y(view) for block, view in columns_of.items()}
        self._along_x = []
        for index, (first, last) in enumerate(rows):
            values = buffers[index % self.workers.threads][:, : last - first]
            spectrum = self.spectrum[:, first:last]
            back, forth = plan.along_x(spectrum[:inputs], values[:inputs], spectrum[:outputs], values[:outputs])
            self._along_x.append((spectrum[:inputs, :, self.columns :], back, values, forth))

    @property
    def _threads(self) -> range:
        return range(self.workers.threads)

    def __call__(self, fill: Fill, multiply: Multiply) -> Array:
        """Spectra (outputs, ny, nx // 2 + 1) of the products; meaningless beyond the first `columns` columns.

        ``fill(field, first, last)`` writes those columns of an input, divided by the number of points, into
        `spectrum`. ``multiply(values)`` replaces the inputs by the outputs in an array (fields, rows, nx). Both may be
        called from several threads, for different blocks.
        """

        def to_rows(index: int) -> None:
            block = self._inputs[index]
            fill(*block)
            self._along_y[block][0]()

        def rows(index: int) -> None:
            dropped, back, values, forth = self._along_x[index]
            dropped[...] = 0.0
            back()
            multiply(values)
            forth()

        def to_columns(index: int) -> None:
            self._along_y[self._outputs[index]][1]()

        self.workers.each(to_rows, len(self._inputs))
        self.workers.each(rows, len(self._along_x))
        self.workers.each(to_columns, len(self._outputs))
        return self.spectrum


def _blocks(size: int, most: int) -> list[tuple[int, int]]:
    """Ranges of at most ``most`` indices (at least one) that cover ``size`` of them, of nearly equal length."""
    count = -(-size // max(most, 1))
    height = -(-size // count)
    return [(first, min(first + height, size)) for first in range(0, size, height)]


class _PocketPlans:
    """SciPy along y, which works in place and on several columns at once; NumPy along x, which writes into ``out``."""

    @staticmethod
    def along_y(view: Array) -> tuple[Callable[[], None], Callable[[], None]]:
        import scipy.fft

        def transform(function: Callable[..., Array], norm: str) -> None:
            result = function(view, axis=0, norm=norm, overwrite_x=True, workers=1)
            if not np.may_share_memory(result, view):
                view[...] = result

        return lambda: transform(scipy.fft.ifft, "forward"), lambda: transform(scipy.fft.fft, "backward")

    @staticmethod
    def along_x(
        spectrum_in: Array, values_in: Array, spectrum_out: Array, values_out: Array
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        def back() -> None:
            np.fft.irfft(spectrum_in, n=values_in.shape[-1], axis=-1, norm="forward", out=values_in)

        def forth() -> None:
            np.fft.rfft(values_out, axis=-1, out=spectrum_out)

        return back, forth


class _FFTWPlans:
    """FFTW in place along y and between buffers along x.

    Plans are estimated, not measured: measured plans differ from run to run in the last bits.
    """

    flags = ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")

    @classmethod
    def along_y(cls, view: Array) -> tuple[Callable[[], None], Callable[[], None]]:
        from pyfftw import FFTW

        back = FFTW(view, view, axes=(0,), direction="FFTW_BACKWARD", flags=cls.flags)
        return back.execute, FFTW(view, view, axes=(0,), flags=cls.flags).execute

    @classmethod
    def along_x(
        cls, spectrum_in: Array, values_in: Array, spectrum_out: Array, values_out: Array
    ) -> tuple[Callable[[], None], Callable[[], None]]:
        from pyfftw import FFTW

        back = FFTW(spectrum_in, values_in, axes=(2,), direction="FFTW_BACKWARD", flags=cls.flags)
        return back.execute, FFTW(values_out, spectrum_out, axes=(2,), flags=cls.flags).execute
