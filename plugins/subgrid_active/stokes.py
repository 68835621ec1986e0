"""Stokes flow driven by the stress of the rods, whose constraint part depends on the flow itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from subgrid.api import Array
from subgrid.kernels.fourier import FourierBasis
from subgrid_active.config import ActiveFluidConfig

__all__ = ["FourthMoment", "RodFlow", "StokesSolver"]

FourthMoment = Callable[[Array], Array]
"""(Re a_4, Im a_4) at a strain rate (E_11, E_12), both (2, ny, nx)."""


@dataclass(frozen=True)
class RodFlow:
    """A flow and the moment that it was solved with: the spectrum of the vorticity, and pairs (E_11, E_12) and (Re a_4,
    Im a_4) over the mesh."""

    vorticity: Array
    strain: Array
    fourth_moment: Array


class StokesSolver:
    """-lap u + grad P = div Sigma, div u = 0, mean flow zero, in a periodic plane.

    dev(Sigma) = alpha a_2/2 + (beta/4) (c (e - zeta a_2) + a_4 conj(e + zeta a_2)), complex X_11 + i X_12 for a
    deviatoric tensor X; e is the strain rate. The stress depends on e, so the solve is repeated until e settles. The
    part (beta/4) <c> e is put to the viscous side, as if the viscosity were 1 + beta <c>/8: the passes then contract by
    (beta c/4) / (2 + beta c/4) or better, 0.09 for beta = 0.8 and c = 1, instead of by beta c/4. Nothing is lagged: the
    first pass starts from e = 0, so that the flow is a function of the moments alone.
    """

    def __init__(self, basis: FourierBasis, config: ActiveFluidConfig) -> None:
        self.basis = basis
        self.alpha, self.beta, self.zeta = config.alpha, config.beta, config.zeta
        self.passes, self.tolerance = config.stokes_passes, config.stokes_tolerance
        xp, (ky, kx) = basis.backend.xp, basis.k_derivative
        self.inverse = xp.where(basis.mask, basis.inverse_k_sq, xp.zeros_like(basis.inverse_k_sq))
        # a stress drives the vorticity along S_11 - across S_12; along^2 + across^2 = 1
        self.along, self.across = 2.0 * kx * ky * self.inverse, (kx**2 - ky**2) * self.inverse

    def solve(self, c: Array, mean_c: Array, a2: Array, fourth_moment: FourthMoment) -> RodFlow:
        """The flow at concentration ``c`` (ny, nx), its mean, and second moment (Re a_2, Im a_2)."""
        xp = self.basis.backend.xp
        thinner = 1.0 / (1.0 + self.beta * mean_c / 8.0)
        strain = xp.zeros_like(a2)
        for _ in range(self.passes):
            a4 = fourth_moment(strain)
            s11, s12 = self.basis.forward(self.stress(c, c - mean_c, a2, a4, strain))
            vorticity = thinner * (self.along * s11 - self.across * s12)
            before, strain = strain, self.strain(vorticity)
            if self.tolerance and self._settled(strain, before):
                break
        return RodFlow(vorticity, strain, a4)

    def stress(self, c: Array, excess: Array, a2: Array, a4: Array, strain: Array) -> Array:
        """Deviatoric stress (S_11, S_12) of the rods, with ``excess`` of c in the viscous part (beta/4) c e."""
        (x, y), (p, q), (e, f) = a2, a4, strain
        t, s = e + self.zeta * x, f + self.zeta * y
        driven, quarter = 0.5 * self.alpha - 0.25 * self.beta * self.zeta * c, 0.25 * self.beta
        s11 = driven * x + quarter * (excess * e + p * t + q * s)
        s12 = driven * y + quarter * (excess * f + q * t - p * s)
        return self.basis.backend.xp.stack([s11, s12])

    def strain(self, vorticity: Array) -> Array:
        """(E_11, E_12) over the mesh of a vorticity spectrum."""
        xp = self.basis.backend.xp
        return self.basis.backward(xp.stack([-0.5 * self.along * vorticity, 0.5 * self.across * vorticity]))

    def velocity(self, vorticity: Array) -> Array:
        """Spectra (2, ny, nx // 2 + 1) of the velocity."""
        xp, (ky, kx) = self.basis.backend.xp, self.basis.k_derivative
        streamfunction = self.inverse * vorticity
        return xp.stack([1j * ky * streamfunction, -1j * kx * streamfunction])

    def _settled(self, strain: Array, before: Array) -> bool:
        xp = self.basis.backend.xp
        return bool(xp.max(xp.abs(strain - before)) <= self.tolerance * xp.max(xp.abs(strain)))
