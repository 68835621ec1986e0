"""Fourier interpolation between periodic grids of one extent: sharp spectral filter down, zero padding up."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.mesh import Grid

Array = NDArray[np.float64]


class SpectralResampling:
    """Maps real fields (..., *source.shape) onto ``target``: keeps the modes below the Nyquist wavenumbers of both.

    The trigonometric interpolant is exact for fields that both grids resolve; the modes that ``target`` cannot carry
    are dropped (a sharp spectral filter). Grids whose points are offset against each other are shifted by phase.

    Raises
    ------
    ValueError
        When the grids differ in dimension or extent, or are not periodic.
    """

    def __init__(self, source: Grid, target: Grid) -> None:
        if source.ndim != target.ndim or not np.allclose(source.length, target.length, rtol=1e-12):
            raise ValueError(f"extents differ: {source.length} and {target.length}")
        if not (source.periodic and target.periodic):
            raise ValueError("spectral resampling needs periodic grids")
        self.source = source
        self.target = target
        self._axes = tuple(range(-source.ndim, 0))
        self._scale = float(np.prod(target.shape)) / float(np.prod(source.shape))
        self._kept = [min(n, m) for n, m in zip(source.shape, target.shape, strict=True)]
        self._shift = self._phases()

    def _phases(self) -> list[NDArray[np.complex128] | None]:
        """Factor exp(i k s) along each axis for the distance s between the first points of the two grids."""
        starts = zip(self.source.coordinates(), self.target.coordinates(), strict=True)
        phases: list[NDArray[np.complex128] | None] = []
        for axis, (fine, coarse) in enumerate(starts):
            distance = coarse[0] - fine[0]
            if distance == 0.0:
                phases.append(None)
                continue
            n = self.target.shape[axis]
            modes = np.fft.rfftfreq(n, 1.0 / n) if axis == self.source.ndim - 1 else np.fft.fftfreq(n, 1.0 / n)
            broadcast = [1] * self.source.ndim
            broadcast[axis] = -1
            k = 2.0 * np.pi / self.target.length[axis] * modes
            phases.append(np.exp(1j * k * distance).reshape(broadcast))
        return phases

    def __call__(self, values: Array) -> Array:
        """The field on the target grid."""
        if self.source == self.target:
            return np.array(values)
        spectrum = np.fft.rfftn(values, axes=self._axes)
        last = len(self._axes) - 1
        for axis, kept in enumerate(self._kept):
            low = (kept - 1) // 2  # highest mode strictly below the Nyquist wavenumber of the coarser grid
            spectrum = _copy_modes(spectrum, self._axes[axis], low, self.target.shape[axis], half=axis == last)
        for phase in self._shift:
            if phase is not None:
                spectrum = spectrum * phase
        result: Array = np.fft.irfftn(spectrum * self._scale, s=self.target.shape, axes=self._axes)
        return result


def _copy_modes(spectrum: NDArray[np.complex128], axis: int, low: int, n: int, half: bool) -> NDArray[np.complex128]:
    """Spectrum with ``n`` points along ``axis`` that holds the modes up to ``low`` of the given one, and zeros."""
    shape = list(spectrum.shape)
    shape[axis] = n // 2 + 1 if half else n
    result = np.zeros(shape, dtype=spectrum.dtype)
    windows = [slice(0, low + 1)] if half else [slice(0, low + 1), slice(-low, None)]
    for window in windows:
        if window.start == 0 or low > 0:
            index = [slice(None)] * spectrum.ndim
            index[axis] = window
            result[tuple(index)] = spectrum[tuple(index)]
    return result
