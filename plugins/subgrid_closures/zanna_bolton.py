"""The equation-discovery closure of Zanna and Bolton."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.config import ZannaBoltonConfig
from subgrid_closures.filter_width import filter_width


class ZannaBolton:
    """Momentum forcing ``kappa div T`` found by sparse regression (Zanna and Bolton, Geophys. Res. Lett. 47, 2020).

    ::

        zeta = v_x - u_y,  D = v_x + u_y,  Dt = u_x - v_y,   trace = (zeta^2 + D^2 + Dt^2) / 2
        T = [[trace - zeta D, zeta Dt], [zeta Dt, trace + zeta D]],   Pi = curl(kappa div T)

    Since ``T_ij = 2 d_k u_i d_k u_j`` this is the gradient closure with ``kappa = -Delta^2/24``, the default. The
    trace is a pressure and drops out of the curl.
    """

    slots = ("subgrid_forcing",)
    inputs = ("velocity_gradient",)

    def __init__(self, config: ZannaBoltonConfig) -> None:
        self.kappa = config.kappa
        self.filter_width_ratio = config.filter_width_ratio

    def __repr__(self) -> str:
        return f"ZannaBolton(kappa={self.kappa}, filter_width_ratio={self.filter_width_ratio})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._basis = basis = FourierBasis(setup.mesh, setup.backend)
        kappa = self.kappa
        if kappa is None:
            kappa = -(filter_width(setup.mesh, self.filter_width_ratio) ** 2) / 24.0
        ky, kx = basis.k_derivative
        # curl div T = (d_xx - d_yy) T_12 + d_xy (T_22 - T_11), with T_22 - T_11 = 2 zeta D
        self._cross = kappa * (ky * ky - kx * kx)
        self._normal = -2.0 * kappa * kx * ky
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return Pi [1/s2], shape (..., ny, nx)."""
        gradient = inputs["velocity_gradient"]
        vorticity = gradient[1, 0] - gradient[0, 1]
        shear = gradient[1, 0] + gradient[0, 1]
        stretch = gradient[0, 0] - gradient[1, 1]
        spectra = self._basis.forward(self._basis.backend.xp.stack([vorticity * stretch, vorticity * shear]))
        return self._basis.backward(self._cross * spectra[0] + self._normal * spectra[1])
