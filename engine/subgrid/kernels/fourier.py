"""Fourier collocation on a periodic grid: wavenumbers, real transforms, derivatives and the 2/3 mask.

Everything acts on the trailing mesh axes, so leading axes (components, layers, members) pass through. Spectral arrays
have the shape (..., ny, nx // 2 + 1): the half spectrum along x, unnormalised, as `rfftn` gives it.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from subgrid.backend import Array, Backend
from subgrid.errors import ScenarioError
from subgrid.mesh import Grid


class FourierBasis:
    """Transforms and wavenumbers of a periodic `Grid` on a `Backend`.

    Attributes
    ----------
    k
        Angular wavenumbers [1/m] for each axis in axis order, each shaped to broadcast with spectral arrays; ``k[-1]``
        is kx.
    k_derivative
        The same with the Nyquist entry of even axes set to zero, for odd derivatives.
    k_sq, inverse_k_sq
        Sum of squares, and its reciprocal with zero for the mean.
    mask
        True where ``|m| < n/3`` on every axis: the 2/3 rule for quadratic products.
    weight
        2 for the columns that stand for two modes of the full spectrum, 1 for the others; sums of ``weight * |a|^2``
        divided by the squared number of points are mean squares (Parseval).
    """

    def __init__(self, grid: Grid, backend: Backend) -> None:
        if not grid.periodic:
            raise ScenarioError(f"mesh.boundaries: Fourier methods need periodic axes, got {grid.boundaries}")
        if min(grid.shape) < 4:
            raise ScenarioError(f"mesh.shape: Fourier methods need 4 points or more on each axis, got {grid.shape}")
        self.grid = grid
        self.backend = backend
        self.axes = tuple(range(-grid.ndim, 0))
        self.points = int(np.prod(grid.shape))
        self.spectral_shape = (*grid.shape[:-1], grid.shape[-1] // 2 + 1)
        broadcast = [self._along(axis, self._modes(axis)) for axis in range(grid.ndim)]
        wavenumbers = [2.0 * np.pi / length * m for length, m in zip(grid.length, broadcast, strict=True)]
        without_nyquist = [
            np.where(2 * np.abs(m) == n, 0.0, k) for n, m, k in zip(grid.shape, broadcast, wavenumbers, strict=True)
        ]
        weight = np.full(self.spectral_shape[-1], 2.0)
        weight[0] = 1.0
        if grid.shape[-1] % 2 == 0:
            weight[-1] = 1.0
        self.k = tuple(backend.asarray(k, "real") for k in wavenumbers)
        self.k_derivative = tuple(backend.asarray(k, "real") for k in without_nyquist)
        self.weight = backend.asarray(weight, "real")
        self._wavenumbers = wavenumbers

    # Arrays over all modes are built when first read: a solver needs few of them, and each is half a field.

    @cached_property
    def k_sq(self) -> Array:
        return self.backend.asarray(self._sum_of_squares(), "real")

    @cached_property
    def inverse_k_sq(self) -> Array:
        k_sq = self._sum_of_squares()
        return self.backend.asarray(np.divide(1.0, k_sq, out=np.zeros_like(k_sq), where=k_sq > 0), "real")

    @cached_property
    def mask(self) -> Array:
        mask = np.ones(self.spectral_shape, dtype=bool)
        for axis, n in enumerate(self.grid.shape):
            mask &= self._along(axis, 3 * np.abs(self._modes(axis)) < n)
        return self.backend.asarray(mask, "bool")

    def _sum_of_squares(self) -> Any:
        return np.asarray(sum(k**2 for k in self._wavenumbers))

    def _modes(self, axis: int) -> Any:
        n = self.grid.shape[axis]
        return np.arange(n // 2 + 1.0) if axis == self.grid.ndim - 1 else np.fft.fftfreq(n, 1.0 / n)

    def _along(self, axis: int, values: Any) -> Any:
        shape = [1] * self.grid.ndim
        shape[axis] = -1
        return values.reshape(shape)

    @cached_property
    def _scipy_fft(self) -> Any:
        if self.backend.fft == "fftw":
            from pyfftw.interfaces import cache, scipy_fft

            cache.enable()
            return scipy_fft
        import scipy.fft

        return scipy.fft

    @property
    def workers(self) -> int:
        """Threads of one transform: starting them costs tens of microseconds, so small ones run on one."""
        return self.backend.threads if self.points >= 512 * 512 else 1

    def forward(self, values: Array) -> Array:
        """Spectral array of real values (..., *grid.shape)."""
        if self.backend.name == "numpy":
            return self._scipy_fft.rfftn(values, axes=self.axes, workers=self.workers)
        return self.backend.xp.fft.rfftn(values, axes=self.axes)

    def backward(self, spectrum: Array) -> Array:
        """Real values (..., *grid.shape) of a spectral array."""
        if self.backend.name == "numpy":
            return self._scipy_fft.irfftn(spectrum, s=self.grid.shape, axes=self.axes, workers=self.workers)
        return self.backend.xp.fft.irfftn(spectrum, s=self.grid.shape, axes=self.axes)

    def kept_modes(self, dealias: str) -> Array:
        """True for the modes that a solver evolves: inside the 2/3 rule (``"two_thirds"``) or all (``"none"``), never
        the mean."""
        fluctuation = self.backend.asarray(self._sum_of_squares() > 0, "bool")
        return self.mask & fluctuation if dealias == "two_thirds" else fluctuation

    def over_mesh(self, values: Array) -> Array:
        """Values broadcast over the mesh: numbers, and arrays of length one along mesh axes, stand for uniform
        fields."""
        leading = tuple(getattr(values, "shape", ()))[: -self.grid.ndim]
        return values + self.backend.zeros((*leading, *self.grid.shape))

    def derivative(self, spectrum: Array, axis: int) -> Array:
        """Spectrum of the derivative along a mesh axis, counted from the end: -1 is x, -2 is y."""
        return 1j * self.k_derivative[axis] * spectrum

    def mean_product(self, a: Array, b: Array) -> Array:
        """Domain mean of the product of two real fields given by their spectra (Parseval)."""
        xp = self.backend.xp
        total = xp.sum(self.weight * xp.real(xp.conj(a) * b), axis=self.axes)
        return total / self.points**2

    def truncate(self, spectrum: Array, coarse: FourierBasis) -> Array:
        """Sharp spectral filter onto a coarser grid of the same extent: keep the modes that it resolves below its
        Nyquist."""
        xp = self.backend.xp
        result = spectrum
        for axis, (fine, small) in enumerate(zip(self.grid.shape, coarse.grid.shape, strict=True)):
            if small > fine:
                raise ValueError(f"cannot truncate {self.grid.shape} to the finer {coarse.grid.shape}")
            position = axis - self.grid.ndim
            result = self._truncate_axis(xp, result, position, small)
        scale = coarse.points / self.points
        return xp.where(coarse.below_nyquist, result * scale, xp.zeros_like(result))

    def _truncate_axis(self, xp: Any, spectrum: Array, axis: int, n: int) -> Array:
        index = [slice(None)] * spectrum.ndim
        if axis == -1:
            index[-1] = slice(0, n // 2 + 1)
            return spectrum[tuple(index)]
        low, high = list(index), list(index)
        low[axis] = slice(0, (n + 1) // 2)
        high[axis] = slice(spectrum.shape[axis] - n // 2, None)
        return xp.concat([spectrum[tuple(low)], spectrum[tuple(high)]], axis=axis)

    @cached_property
    def below_nyquist(self) -> Array:
        """True for modes strictly below the Nyquist wavenumber of every axis."""
        keep = np.ones(self.spectral_shape, dtype=bool)
        for axis, n in enumerate(self.grid.shape):
            keep &= self._along(axis, 2 * np.abs(self._modes(axis)) < n)
        return self.backend.asarray(keep, "bool")
