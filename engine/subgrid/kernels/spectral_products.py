"""Pseudo-spectral products in two dimensions: to physical space, multiply, and back, without allocating anything.

What makes it fast beside plain transforms: columns that the 2/3 rule sets to zero are neither stored nor transformed
along y; what is done to a block of columns or rows between two passes is done while the block is in the cache, so that
physical fields never leave it; and blocks of rows and columns are shared among threads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from subgrid.backend import Array
from subgrid.errors import ScenarioError
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.workers import Workers

__all__ = ["Columns", "PocketPlans", "SpectralProducts", "blocks", "threads_for"]

SMALLEST_THREADED = 256 * 256
"""Points from which there is more than one block to share."""

BLOCK_BYTES = 512 * 1024
"""Memory that one block of rows or columns takes: half of a usual second-level cache."""

Columns = Callable[[int, int], None]
Multiply = Callable[[Array], None]
Plan = Callable[[], Any]


class SpectralProducts:
    """``outputs`` products of ``inputs`` fields, all given and returned by their spectra (NumPy only).

    The blocks are the same for any number of threads, so results do not depend on it.

    Attributes
    ----------
    spectrum
        Complex (max(inputs, outputs), ny, columns): first of the inputs, afterwards of the outputs.
    columns
        Columns along kx that hold modes of ``keep``; others are neither stored nor computed.
    """

    def __init__(self, basis: FourierBasis, inputs: int, outputs: int, keep: Array) -> None:
        if basis.grid.ndim != 2 or basis.backend.name != "numpy":
            raise ScenarioError("spectral products need a two-dimensional grid and NumPy arrays")
        backend, (ny, nx), count = basis.backend, basis.grid.shape, max(inputs, outputs)
        self.columns = int(np.flatnonzero(keep.any(axis=0)).max(initial=0)) + 1
        self.workers = Workers(threads_for(basis))
        item = np.dtype(backend.dtype("complex")).itemsize
        rows = blocks(ny, count * nx * item)
        self._columns = blocks(self.columns, count * ny * item)
        shape, row_shape = (count, ny, self.columns), (count, rows[0][1], nx)
        modes_shape = (*row_shape[:2], nx // 2 + 1)
        if backend.fft == "fftw":
            import pyfftw

            zeros: Any = lambda shape, kind: pyfftw.zeros_aligned(shape, backend.dtype(kind))  # noqa: E731
            plan: Any = _FFTWPlans
        else:
            zeros, plan = backend.zeros, PocketPlans
        self.spectrum = zeros(shape, "complex")
        self._along_y = []
        for first, last in self._columns:
            columns = self.spectrum[:, :, first:last]
            self._along_y.append((plan.back_along_y(columns[:inputs]), plan.forth_along_y(columns[:outputs])))
        buffers = [(zeros(row_shape, "real"), zeros(modes_shape, "complex")) for _ in range(self.workers.threads)]
        self._along_x = []
        for index, (first, last) in enumerate(rows):
            values, modes = (buffer[:, : last - first] for buffer in buffers[index % self.workers.threads])
            spectrum = self.spectrum[:, first:last]
            back = plan.back_along_x(spectrum[:inputs], modes[:inputs], values[:inputs])
            forth = plan.forth_along_x(values[:outputs], modes[:outputs], spectrum[:outputs])
            self._along_x.append((back, values, forth))

    def __call__(self, fill: Columns, multiply: Multiply, collect: Columns) -> None:
        """Bring inputs to physical space, multiply them there, and bring the outputs back into `spectrum`.

        ``fill(first, last)`` writes those columns of all inputs, divided by the number of points, into `spectrum`.
        ``multiply(values)`` replaces the inputs by the outputs in an array (fields, rows, nx). ``collect(first, last)``
        is told when those columns of all outputs stand in `spectrum`. All may be called from several threads, for
        different blocks.
        """

        def to_rows(index: int) -> None:
            fill(*self._columns[index])
            self._along_y[index][0]()

        def rows(index: int) -> None:
            back, values, forth = self._along_x[index]
            back()
            multiply(values)
            forth()

        def to_columns(index: int) -> None:
            self._along_y[index][1]()
            collect(*self._columns[index])

        self.workers.each(to_rows, len(self._columns))
        self.workers.each(rows, len(self._along_x))
        self.workers.each(to_columns, len(self._columns))


def threads_for(basis: FourierBasis) -> int:
    """Threads that share the blocks of a field."""
    return basis.backend.threads if basis.points >= SMALLEST_THREADED else 1


def blocks(size: int, item_bytes: int) -> list[tuple[int, int]]:
    """Ranges that cover ``size`` rows or columns of ``item_bytes`` each, of nearly equal length and `BLOCK_BYTES`."""
    count = -(-size // max(BLOCK_BYTES // item_bytes, 1))
    height = -(-size // count)
    return [(first, min(first + height, size)) for first in range(0, size, height)]


class PocketPlans:
    """SciPy along y, which works in place and on several columns at once; NumPy along x, which writes into ``out``."""

    @classmethod
    def back_along_y(cls, columns: Array) -> Plan:
        import scipy.fft

        return partial(cls._in_place, scipy.fft.ifft, columns, "forward")

    @classmethod
    def forth_along_y(cls, columns: Array) -> Plan:
        import scipy.fft

        return partial(cls._in_place, scipy.fft.fft, columns, "backward")

    @staticmethod
    def _in_place(function: Callable[..., Array], columns: Array, norm: str) -> None:
        result = function(columns, axis=1, norm=norm, overwrite_x=True, workers=1)
        if not np.may_share_memory(result, columns):
            columns[...] = result

    @staticmethod
    def back_along_x(kept: Array, modes: Array, values: Array) -> Plan:
        # takes the missing columns for zeros
        return lambda: np.fft.irfft(kept, n=values.shape[-1], axis=-1, norm="forward", out=values)

    @staticmethod
    def forth_along_x(values: Array, modes: Array, kept: Array) -> Plan:
        def forth() -> None:
            np.fft.rfft(values, axis=-1, out=modes)
            kept[...] = modes[..., : kept.shape[-1]]

        return forth


class _FFTWPlans:
    """FFTW in place along y and between buffers along x.

    Plans are estimated, not measured: measured plans differ from run to run in the last bits.
    """

    flags = ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")

    @classmethod
    def back_along_y(cls, columns: Array) -> Plan:
        from pyfftw import FFTW

        plan: Plan = FFTW(columns, columns, axes=(1,), direction="FFTW_BACKWARD", flags=cls.flags).execute
        return plan

    @classmethod
    def forth_along_y(cls, columns: Array) -> Plan:
        from pyfftw import FFTW

        plan: Plan = FFTW(columns, columns, axes=(1,), flags=cls.flags).execute
        return plan

    @classmethod
    def back_along_x(cls, kept: Array, modes: Array, values: Array) -> Plan:
        from pyfftw import FFTW

        plan = FFTW(modes, values, axes=(2,), direction="FFTW_BACKWARD", flags=cls.flags)

        def back() -> None:
            modes[..., : kept.shape[-1]] = kept
            modes[..., kept.shape[-1] :] = 0.0
            plan.execute()

        return back

    @classmethod
    def forth_along_x(cls, values: Array, modes: Array, kept: Array) -> Plan:
        from pyfftw import FFTW

        plan = FFTW(values, modes, axes=(2,), flags=cls.flags)

        def forth() -> None:
            plan.execute()
            kept[...] = modes[..., : kept.shape[-1]]

        return forth
