"""The viscous Burgers equation."""

from __future__ import annotations

from subgrid_spectral.config_1d import BurgersConfig
from subgrid_spectral.quadratic_flux import QuadraticFlux, Symbol


class Burgers(QuadraticFlux):
    """Steepening waves: u_t + a u u_x = nu u_xx + f (Burgers 1948).

    L_k = -nu k^2. From u0 = sin x a shock forms at t = 1 when nu goes to 0; resolve its width, about nu / |u|.
    """

    config: BurgersConfig

    @property
    def advection(self) -> float:
        return self.config.advection

    def terms(self, k: Symbol, k_odd: Symbol) -> dict[str, Symbol]:
        return {"viscosity": -self.config.viscosity * k**2}
