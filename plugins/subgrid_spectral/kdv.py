"""The Korteweg-de Vries equation."""

from __future__ import annotations

from subgrid_spectral.config_1d import KdVConfig
from subgrid_spectral.quadratic_flux import QuadraticFlux, Symbol


class KdV(QuadraticFlux):
    """Shallow-water solitons: u_t + a u u_x + d u_xxx = 0, a = 6 and d = 1 by default (Korteweg and de Vries 1895).

    L_k = i d k^3. With the default factors u = (c/2) sech^2(sqrt(c)/2 (x - x0 - c t)) travels at speed c unchanged.
    """

    config: KdVConfig

    @property
    def advection(self) -> float:
        return self.config.advection

    def terms(self, k: Symbol, k_odd: Symbol) -> dict[str, Symbol]:
        return {"dispersion": 1j * self.config.dispersion * k_odd**3}
