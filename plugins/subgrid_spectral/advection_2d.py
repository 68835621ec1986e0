"""Forms of the advection of vorticity, `-u . grad w`, in spectral space, written against the array namespace.

All are equal when products are dealiased by the 2/3 rule. They differ in cost and, with aliasing, in what they
conserve. They take half spectra (..., ny, nx // 2 + 1) of vorticity [1/s] and streamfunction [m2/s] and give
that of the tendency [1/s2], on all modes.
"""

from __future__ import annotations

from collections.abc import Callable

from subgrid.api import Array
from subgrid.kernels.fourier import FourierBasis

__all__ = ["ADVECTION", "advective", "basdevant", "flux", "skew_symmetric", "velocity_spectra"]


def velocity_spectra(basis: FourierBasis, streamfunction: Array) -> Array:
    """Spectra of u = -psi_y and v = psi_x [m/s], (2, ..., ny, nx // 2 + 1)."""
    d = basis.derivative
    return basis.backend.xp.stack([-d(streamfunction, -2), d(streamfunction, -1)])


def basdevant(basis: FourierBasis, vorticity: Array, streamfunction: Array) -> Array:
    """-[(d_xx - d_yy)(u v) + d_xy (v^2 - u^2)]: four transforms (Basdevant 1983)."""
    xp = basis.backend.xp
    ky, kx = basis.k_derivative
    u, v = basis.backward(velocity_spectra(basis, streamfunction))
    uv, difference = basis.forward(xp.stack([u * v, (v - u) * (v + u)]))
    return (kx**2 - ky**2) * uv + kx * ky * difference


def flux(basis: FourierBasis, vorticity: Array, streamfunction: Array) -> Array:
    """-div(u w): five transforms; conserves the mean of w also with aliasing."""
    xp = basis.backend.xp
    u, v = velocity_spectra(basis, streamfunction)
    u, v, w = basis.backward(xp.stack([u, v, vorticity]))
    flux_x, flux_y = basis.forward(xp.stack([u * w, v * w]))
    return -basis.derivative(flux_x, -1) - basis.derivative(flux_y, -2)


def advective(basis: FourierBasis, vorticity: Array, streamfunction: Array) -> Array:
    """-u . grad w: five transforms."""
    xp = basis.backend.xp
    d = basis.derivative
    u, v = velocity_spectra(basis, streamfunction)
    u, v, w_x, w_y = basis.backward(xp.stack([u, v, d(vorticity, -1), d(vorticity, -2)]))
    return -basis.forward(u * w_x + v * w_y)


def skew_symmetric(basis: FourierBasis, vorticity: Array, streamfunction: Array) -> Array:
    """Mean of `flux` and `advective`: conserves enstrophy also with aliasing."""
    return 0.5 * (flux(basis, vorticity, streamfunction) + advective(basis, vorticity, streamfunction))


ADVECTION: dict[str, Callable[[FourierBasis, Array, Array], Array]] = {
    "basdevant": basdevant,
    "flux": flux,
    "advective": advective,
    "skew_symmetric": skew_symmetric,
}
