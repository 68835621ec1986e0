"""The explicit rate of two-layer quasi-geostrophic flow on NumPy arrays: nine transforms, the rest fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from subgrid.api import Array
from subgrid.kernels.field_transforms import FieldTransforms
from subgrid.kernels.two_layer import invert, potential_vorticity_rate
from subgrid.kernels.vorticity import cross_product, product, rotated_spectrum

if TYPE_CHECKING:
    from subgrid_spectral.quasi_geostrophic import TwoLayerQG

__all__ = ["FusedTwoLayer"]


class FusedTwoLayer:
    """Computes eddy advection, background gradient and bottom drag of a solver that has been set up.

    The buffers' content never outlives a call, and results do not depend on the number of threads.
    """

    def __init__(self, solver: TwoLayerQG) -> None:
        basis, keep = solver.basis, solver.keep
        self.flow = FieldTransforms(basis, 4, keep)
        self.products = FieldTransforms(basis, 5, keep)
        self.streamfunction = basis.backend.zeros((2, *basis.spectral_shape), "complex")
        self.ky, self.kx = (np.ascontiguousarray(k.ravel()) for k in basis.k_derivative)
        self.keep = keep.astype(self.kx.dtype)
        # u = -i ky psi: a minus for the direction, and the normalisation that the transforms leave out
        self.symbol = -self.keep / basis.points
        self.k_sq, self.inverse_determinant = basis.k_sq, solver.inverse_determinant
        self.f1, self.f2 = solver.f1, solver.f2
        self.coupling, self.gradient = solver.coupling.ravel(), solver.gradient.ravel()
        self.bottom_drag = solver.config.bottom_drag

    def __call__(self, potential_vorticity: Array, out: Array) -> None:
        """Write the rate of change of the spectra (2, ny, nx // 2 + 1) into ``out``."""
        psi, columns = self.streamfunction, self.flow.columns
        invert(potential_vorticity, self.k_sq, self.inverse_determinant, self.f1, self.f2, columns, psi)
        self.flow.workers.each(self._velocity, 4)
        self.products.workers.each(self._multiply, 5)
        potential_vorticity_rate(
            self.products.spectrum,
            psi,
            self.kx,
            self.ky,
            self.keep,
            self.coupling,
            self.gradient,
            self.bottom_drag,
            columns,
            out,
        )

    def _velocity(self, index: int) -> None:
        """Fields 0 to 3 are u1, v1, u2, v2."""
        layer, component = divmod(index, 2)
        spectrum = self.flow.spectrum[index]
        psi = self.streamfunction[layer]
        rotated_spectrum(psi, self.symbol, self.kx, self.ky, component, self.flow.columns, spectrum)
        self.flow.backward(index)

    def _multiply(self, index: int) -> None:
        """Products 0 to 4 are u1 v1, v1^2 - u1^2, u2 v2, v2^2 - u2^2 and u1 v2 - v1 u2."""
        velocity, values = self.flow.values, self.products.values[index]
        if index == 4:
            cross_product(velocity[0], velocity[1], velocity[2], velocity[3], values)
        else:
            layer, component = divmod(index, 2)
            product(velocity[2 * layer], velocity[2 * layer + 1], component, values)
        self.products.forward(index)
