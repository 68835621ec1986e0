"""The gradient (Clark) closure in vorticity form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.config import GradientConfig
from subgrid_closures.filter_width import filter_width


class Gradient:
    """First terms of the subgrid stress of a Gaussian filter exp(-k^2 Delta^2/24) in powers of Delta.

    Clark, Ferziger and Reynolds, J. Fluid Mech. 91 (1979); vorticity form: Jakhar et al., JAMES 16 (2024).

    ::

        tau_ij = (Delta^2/12) d_k u_i d_k u_j  +  (Delta^4/288) d_kl u_i d_kl u_j  [order 4]
        Pi = -(Delta^2/12) [w_xy (u_y + v_x) + u_x (w_xx - w_yy)]
             -(Delta^4/288) [w_xxy (2 u_xy + v_xx) + u_xx (w_xxx - 2 w_xyy) - u_xy w_yyy + u_yy w_xyy]

    Correlates with the true term above 0.9 for smooth filters, yet drains nothing on average: unstable or inaccurate
    alone, so add an eddy viscosity. Set ``filter_width_ratio`` to the filter's own Delta / h, 2 for the usual ones.
    """

    slots = ("subgrid_forcing",)

    def __init__(self, config: GradientConfig) -> None:
        self.order = config.order
        self.filter_width_ratio = config.filter_width_ratio
        self.inputs = ("vorticity", "velocity_gradient")

    def __repr__(self) -> str:
        return f"Gradient(order={self.order}, filter_width_ratio={self.filter_width_ratio})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._basis = basis = FourierBasis(setup.mesh, setup.backend)
        width_sq = filter_width(setup.mesh, self.filter_width_ratio) ** 2
        ky, kx = basis.k_derivative
        xp = setup.backend.xp
        self._second = _stack(xp, -kx * ky, ky * ky - kx * kx)
        self._scale = -width_sq / 12.0
        if self.order == 4:
            self._third = -1j * _stack(xp, kx * kx * ky, kx * kx * kx - 2.0 * kx * ky * ky, ky * ky * ky, kx * ky * ky)
            from_vorticity = -basis.inverse_k_sq
            u_factor, v_factor = -1j * ky * from_vorticity, 1j * kx * from_vorticity
            self._curvature = -_stack(
                xp,
                2.0 * kx * ky * u_factor + kx * kx * v_factor,
                kx * kx * u_factor,
                kx * ky * u_factor,
                ky * ky * u_factor,
            )
            self._next_scale = -(width_sq**2) / 288.0
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return Pi [1/s2], shape (..., ny, nx)."""
        gradient = inputs["velocity_gradient"]
        spectrum = self._basis.forward(inputs["vorticity"])
        w_xy, w_difference = self._apply(self._second, spectrum)
        forcing = self._scale * (w_xy * (gradient[0, 1] + gradient[1, 0]) + gradient[0, 0] * w_difference)
        return forcing if self.order == 2 else forcing + self._next_term(spectrum)

    def _next_term(self, spectrum: Array) -> Array:
        w_xxy, w_difference, w_yyy, w_xyy = self._apply(self._third, spectrum)
        u_xy_v_xx, u_xx, u_xy, u_yy = self._apply(self._curvature, spectrum)
        return self._next_scale * (w_xxy * u_xy_v_xx + u_xx * w_difference - u_xy * w_yyy + u_yy * w_xyy)

    def _apply(self, symbols: Array, spectrum: Array) -> Array:
        """Fields of several operators, given by symbols (n, ny, nx//2+1), acting on one spectrum."""
        leading = (symbols.shape[0], *(1,) * (spectrum.ndim - 2), *symbols.shape[1:])
        return self._basis.backward(symbols.reshape(leading) * spectrum)


def _stack(xp: Any, *symbols: Array) -> Array:
    return xp.stack(list(xp.broadcast_arrays(*symbols)))
