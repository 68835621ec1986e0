"""The active-fluid solvers on NumPy arrays: transforms over the kept columns only, and compiled work between them.

Definitions: `StokesSolver.solve` and `AngularMoments.reference_rate`.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from subgrid.api import Array
from subgrid.kernels.fourier import FourierBasis
from subgrid_active import kernels
from subgrid_active.config import ActiveFluidConfig
from subgrid_active.stokes import FourthMoment, RodFlow, StokesSolver

__all__ = ["FusedRates", "FusedStokes"]


class KeptColumns:
    """Transforms between points and the kept modes, which leave out the columns that the 2/3 rule sets to zero."""

    def __init__(self, basis: FourierBasis) -> None:
        self.basis, (self.ny, self.nx) = basis, basis.grid.shape
        self.columns = int(np.flatnonzero(basis.mask.any(axis=0)).max()) + 1

    def backward(self, spectrum: Array) -> Array:
        """Values over the mesh of spectra (..., ny, nx // 2 + 1) on the kept modes."""
        by_rows = scipy.fft.ifft(spectrum[..., : self.columns], axis=-2)
        return scipy.fft.irfft(by_rows, n=self.nx, axis=-1, overwrite_x=True)


class FusedStokes(StokesSolver):
    """`StokesSolver` with compiled passes."""

    def __init__(self, basis: FourierBasis, config: ActiveFluidConfig) -> None:
        super().__init__(basis, config)
        self.transform = KeptColumns(basis)
        zeros = basis.backend.zeros
        self._stress = zeros((2, *basis.grid.shape))
        self._strain_spectra = zeros((2, *basis.spectral_shape), "complex")

    def solve(self, c: Array, mean_c: Array, a2: Array, fourth_moment: FourthMoment) -> RodFlow:
        """The flow of concentration (ny, nx) and second moment (2, ny, nx), as `StokesSolver.solve` finds it."""
        real = c.dtype.type
        mean_c, alpha, beta, zeta = (real(value) for value in (mean_c, self.alpha, self.beta, self.zeta))
        thinner = real(1.0 / (1.0 + beta * mean_c / 8.0))
        vorticity = np.empty(self.basis.spectral_shape, self._strain_spectra.dtype)
        strain, points = np.zeros_like(a2), self._stress.reshape(2, -1)
        for _ in range(self.passes):
            a4 = fourth_moment(strain)
            kernels.stress(c.ravel(), mean_c, _flat(a2), _flat(a4), _flat(strain), alpha, beta, zeta, points)
            driven = scipy.fft.rfft2(self._stress)
            kernels.strain_spectra(driven, self.along, self.across, thinner, vorticity, self._strain_spectra)
            before, strain = strain, self.transform.backward(self._strain_spectra)
            change, size = kernels.largest_change(strain.ravel(), before.ravel())
            if change <= self.tolerance * size and self.tolerance:
                break
        return RodFlow(vorticity, strain, a4)


class FusedRates:
    """Rate of change of all moments, into an array of spectra."""

    def __init__(self, basis: FourierBasis, count: int) -> None:
        self.transform = KeptColumns(basis)
        (ny, nx), zeros, columns = basis.grid.shape, basis.backend.zeros, self.transform.columns
        self.products = zeros((3 * count - 1, ny, nx))
        self.modes = zeros((3 * count - 1, ny, nx // 2 + 1), "complex")
        self.summed = zeros((2 * count, ny, columns), "complex")
        self.ky, self.kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        self.rows = basis.mask.any(axis=1)

    def __call__(self, moments: Array, top: Array, flow: Array, strain: Array, zeta: float, out: Array) -> None:
        """``moments`` (2K + 1, ny, nx) and ``top`` = a_{2K+2}, (u, v, omega), (E_11, E_12), all over the mesh."""
        zeta = moments.dtype.type(zeta)
        kernels.products(_flat(moments), _flat(top), _flat(flow), _flat(strain), zeta, _flat(self.products))
        np.fft.rfft(self.products, axis=-1, out=self.modes)
        kernels.summed_along_x(self.modes, self.kx, self.summed)
        spectrum = scipy.fft.fft(self.summed, axis=1, overwrite_x=True)
        kernels.collected(spectrum, self.ky, self.rows, out)


def _flat(values: Array) -> Array:
    """Points in one row for each field."""
    return np.ascontiguousarray(values).reshape(len(values), -1)
