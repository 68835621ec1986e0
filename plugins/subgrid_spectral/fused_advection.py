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
        self.keep = keep.astype(self.kx.dtype)
        # the transforms leave out their normalisation, which costs nothing here
        self.symbol = basis.inverse_k_sq * self.keep / basis.points

    def __call__(self, vorticity: Array, out: Array) -> None:
        """Write the rate of change of the spectrum of ``vorticity`` into ``out``, both (ny, nx // 2 + 1)."""
        velocity = self.products.spectrum

        def fill(component: int, first: int, last: int) -> None:
            rotated_spectrum(vorticity, self.symbol, self.kx, self.ky, component, first, last, velocity[component])

        uv, difference = self.products(fill, products)
        advection_spectrum(uv, difference, self.kx, self.ky, self.keep, self.products.columns, out)
