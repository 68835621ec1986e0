"""The explicit rate of two-layer quasi-geostrophic flow on NumPy arrays: nine transforms, the rest fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from subgrid.api import Array
from subgrid.kernels.spectral_products import SpectralProducts
from subgrid.kernels.two_layer import invert, potential_vorticity_rate, products
from subgrid.kernels.vorticity import velocity_spectra

if TYPE_CHECKING:
    from subgrid_spectral.quasi_geostrophic import TwoLayerQG

__all__ = ["FusedTwoLayer"]


class FusedTwoLayer:
    """Computes eddy advection, background gradient and bottom drag of a solver that has been set up.

    The buffers' content never outlives a call, and results do not depend on the number of threads.
    """

    def __init__(self, solver: TwoLayerQG) -> None:
        basis, keep = solver.basis, solver.keep
        self.products = SpectralProducts(basis, 4, 5, keep)
        self.streamfunction = basis.backend.zeros((2, *basis.spectral_shape), "complex")
        self.ky, self.kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        self.keep, self.rows = keep, keep.any(axis=1)
        # u = -i ky psi: a minus for the direction, and the normalisation that the transforms leave out
        self.symbol = -keep.astype(self.kx.dtype) / basis.points
        self.k_sq, self.inverse_determinant = basis.k_sq, solver.inverse_determinant
        self.f1, self.f2 = solver.f1, solver.f2
        self.coupling, self.gradient = solver.coupling.ravel(), solver.gradient.ravel()
        self.bottom_drag = solver.config.bottom_drag

    def __call__(self, potential_vorticity: Array, out: Array) -> None:
        """Write the rate of change of the spectra (2, ny, nx // 2 + 1) into ``out``."""
        psi, spectrum = self.streamfunction, self.products.spectrum

        def fill(first: int, last: int) -> None:
            invert(potential_vorticity, self.k_sq, self.inverse_determinant, self.f1, self.f2, first, last, psi)
            for layer in range(2):
                components = spectrum[2 * layer : 2 * layer + 2]
                velocity_spectra(psi[layer], self.symbol, self.kx, self.ky, self.rows, first, last, components)

        def collect(first: int, last: int) -> None:
            potential_vorticity_rate(
                spectrum,
                psi,
                self.kx,
                self.ky,
                self.keep,
                self.coupling,
                self.gradient,
                self.bottom_drag,
                first,
                last,
                out,
            )

        self.products(fill, products, collect)
        out[..., self.products.columns :] = 0.0
