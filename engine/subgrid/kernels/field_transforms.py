"""Transforms of two-dimensional fields between buffers that are allocated once: the fast path beside `FourierBasis`.

What makes it fast: no allocation (fresh pages cost as much as a transform), passes along y that skip the columns which
the 2/3 rule sets to zero, and one thread for each field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from subgrid.backend import Array
from subgrid.errors import ScenarioError
from subgrid.kernels.fourier import FourierBasis

__all__ = ["FieldTransforms", "Workers"]

SMALLEST_THREADED = 128 * 128
"""Points from which a second thread gains more than the tens of microseconds that handing work over costs."""


class Workers:
    """Does the same work for several indices on a fixed number of threads. Which thread does what is fixed, too."""

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


class FieldTransforms:
    """``count`` fields of a two-dimensional grid with a spectral and a physical buffer each (NumPy only).

    Attributes
    ----------
    spectrum
        Complex (count, ny, nx // 2 + 1).
    values
        Real (count, ny, nx).
    columns
        Columns along kx that hold kept modes. Those beyond must be zero before `backward`, and are not
        to be read after `forward`.
    workers
        Threads for work that is independent from field to field.
    """

    def __init__(self, basis: FourierBasis, count: int, keep: Array) -> None:
        if basis.grid.ndim != 2 or basis.backend.name != "numpy":
            raise ScenarioError("FieldTransforms work on two-dimensional grids and NumPy arrays")
        backend = basis.backend
        self.columns = int(np.flatnonzero(keep.any(axis=0)).max(initial=0)) + 1
        self.workers = Workers(min(backend.threads, count) if basis.points >= SMALLEST_THREADED else 1)
        self._plans: list[_PocketPlans] | list[_FFTWPlans]
        if backend.fft == "fftw":
            import pyfftw

            self.spectrum = pyfftw.zeros_aligned((count, *basis.spectral_shape), backend.dtype("complex"))
            self.values = pyfftw.zeros_aligned((count, *basis.grid.shape), backend.dtype("real"))
            self._plans = [_FFTWPlans(s, v, self.columns) for s, v in zip(self.spectrum, self.values, strict=True)]
        else:
            self.spectrum = backend.zeros((count, *basis.spectral_shape), "complex")
            self.values = backend.zeros((count, *basis.grid.shape))
            self._plans = [_PocketPlans(s, v, self.columns) for s, v in zip(self.spectrum, self.values, strict=True)]

    def backward(self, index: int) -> None:
        """values[index] = inverse transform of spectrum[index] times the number of points. Destroys the spectrum."""
        self._plans[index].backward()

    def forward(self, index: int) -> None:
        """spectrum[index] = transform of values[index]. May destroy the values."""
        self._plans[index].forward()


class _PocketPlans:
    """SciPy along y, which works in place and on several columns at once; NumPy along x, which writes into ``out``."""

    def __init__(self, spectrum: Array, values: Array, columns: int) -> None:
        import scipy.fft

        self._scipy_fft: Any = scipy.fft
        self.spectrum, self.values = spectrum, values
        self.kept = spectrum[:, :columns]

    def _along_y(self, transform: Callable[..., Array], norm: str) -> None:
        result = transform(self.kept, axis=0, norm=norm, overwrite_x=True, workers=1)
        if not np.may_share_memory(result, self.kept):
            self.kept[...] = result

    def backward(self) -> None:
        self._along_y(self._scipy_fft.ifft, "forward")
        np.fft.irfft(self.spectrum, n=self.values.shape[1], axis=1, norm="forward", out=self.values)

    def forward(self) -> None:
        np.fft.rfft(self.values, axis=1, out=self.spectrum)
        self._along_y(self._scipy_fft.fft, "backward")


class _FFTWPlans:
    """FFTW plans for the two passes. Estimated: measured plans differ from run to run in the last bits."""

    def __init__(self, spectrum: Array, values: Array, columns: int) -> None:
        from pyfftw import FFTW

        flags = ("FFTW_ESTIMATE", "FFTW_DESTROY_INPUT")
        kept = spectrum[:, :columns]
        self._y_backward = FFTW(kept, kept, axes=(0,), direction="FFTW_BACKWARD", flags=flags)
        self._x_backward = FFTW(spectrum, values, axes=(1,), direction="FFTW_BACKWARD", flags=flags)
        self._x_forward = FFTW(values, spectrum, axes=(1,), flags=flags)
        self._y_forward = FFTW(kept, kept, axes=(0,), flags=flags)

    def backward(self) -> None:
        self._y_backward.execute()
        self._x_backward.execute()

    def forward(self) -> None:
        self._x_forward.execute()
        self._y_forward.execute()
