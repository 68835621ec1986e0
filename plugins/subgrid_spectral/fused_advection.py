"""The Basdevant form of advection on NumPy arrays: four transforms in buffers allocated once, the rest fused.

Its definition is `subgrid_spectral.advection_2d.basdevant`.
"""

from __future__ import annotations

import numpy as np

from subgrid.api import Array
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.spectral_products import SpectralProducts
from subgrid.kernels.vorticity import advection_spectrum, products, rotated_spectrum

__all__ = ["FusedBasdevant"]


class FusedBasdevant:
    """Computes -u . grad w on the kept modes; the buffers' content never outlives a call.

    ``keep`` is True for the kept modes. Results do not depend on the number of threads.
    """

    def __init__(self, basis: FourierBasis, keep: Array) -> None:
        self.products = SpectralProducts(basis, 2, 2, keep)
        self.ky, self.kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        self.keep = keep
        self.inverse_k_sq = basis.inverse_k_sq
        # the transforms leave out their normalisation, which costs nothing here
        self.scaled = self.kx / basis.points, self.ky / basis.points

    def __call__(self, vorticity: Array, out: Array) -> None:
        """Write the rate of change of the spectrum of ``vorticity`` into ``out``, both (ny, nx // 2 + 1)."""
        first_field, second_field = self.products.spectrum

        def fill(first: int, last: int) -> None:
            rotated_spectrum(vorticity, self.inverse_k_sq, *self.scaled, 0, first, last, first_field)
            rotated_spectrum(vorticity, self.inverse_k_sq, *self.scaled, 1, first, last, second_field)

        def collect(first: int, last: int) -> None:
            advection_spectrum(first_field, second_field, self.kx, self.ky, self.keep, first, last, out)

        self.products(fill, products, collect)
        out[:, self.products.columns :] = 0.0
