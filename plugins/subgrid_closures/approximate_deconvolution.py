"""Approximate deconvolution of the filtered vorticity equation."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.config import ApproximateDeconvolutionConfig
from subgrid_closures.filter_width import filter_width
from subgrid_closures.filters import gaussian_transfer


class ApproximateDeconvolution:
    """Advection by a flow recovered from the filtered one with van Cittert's series.

    Stolz and Adams, Phys. Fluids 11 (1999); in vorticity form Maulik and San, Comput. Fluids 158 (2017).

    ::

        w* = Q_N w,   Q_N = sum_(m=0..N) (I - G)^m,   G = exp(-k^2 Delta^2/24)
        Pi = J(psi, w) - G[J(psi*, w*)] - chi (I - Q_N G) w

    Q_N G recovers the transfer ``1 - (1 - G)^(N+1)``; ``chi`` damps the rest. Forced flows need that or another
    dissipation.
    """

    slots = ("subgrid_forcing",)
    inputs = ("vorticity",)

    def __init__(self, config: ApproximateDeconvolutionConfig) -> None:
        self.order = config.order
        self.relaxation = config.relaxation
        self.filter_width_ratio = config.filter_width_ratio

    def __repr__(self) -> str:
        return f"ApproximateDeconvolution(order={self.order}, relaxation={self.relaxation})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._basis = basis = FourierBasis(setup.mesh, setup.backend)
        self.transfer = gaussian_transfer(basis, filter_width(setup.mesh, self.filter_width_ratio))
        self.recovered = 1.0 - (1.0 - self.transfer) ** (self.order + 1)
        deconvolution = self.recovered / self.transfer
        ky, kx = basis.k_derivative
        xp = setup.backend.xp
        # the resolved velocity is derived here: the solver's may hold a uniform flow, which the series must not see
        velocity = [1j * ky * basis.inverse_k_sq, -1j * kx * basis.inverse_k_sq]
        self._recover = xp.stack([*velocity, *(deconvolution * part for part in velocity), deconvolution + 0j * kx])
        self._damping = self.relaxation * (1.0 - self.recovered)
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return Pi [1/s2], shape (..., ny, nx)."""
        basis, xp = self._basis, self._basis.backend.xp
        vorticity = inputs["vorticity"]
        spectrum = basis.forward(vorticity)
        recover = self._recover.reshape((5, *(1,) * (spectrum.ndim - 2), *self._recover.shape[1:]))
        u, v, u_full, v_full, w_full = basis.backward(recover * spectrum)
        fluxes = basis.forward(xp.stack([u * vorticity, v * vorticity, u_full * w_full, v_full * w_full]))
        flux_x = fluxes[0] - self.transfer * fluxes[2]
        flux_y = fluxes[1] - self.transfer * fluxes[3]
        divergence = basis.derivative(flux_x, -1) + basis.derivative(flux_y, -2)
        return basis.backward(divergence - self._damping * spectrum)
