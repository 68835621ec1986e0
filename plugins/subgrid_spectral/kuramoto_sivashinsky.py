"""The Kuramoto-Sivashinsky equation."""

from __future__ import annotations

from subgrid_spectral.config_1d import KuramotoSivashinskyConfig
from subgrid_spectral.quadratic_flux import QuadraticFlux, Symbol


class KuramotoSivashinsky(QuadraticFlux):
    """Flame fronts and chaos: u_t = -a u u_x - b u_xx - c u_xxxx - d u_xxx (Kuramoto 1978, Sivashinsky 1977).

    L_k = b k^2 - c k^4 + i d k^3. With a = b = c = 1, d = 0 the largest Lyapunov exponent is 0.049 at length 22.
    Good values: 64 cells at length 22, about 2 cells a unit length for longer domains, ETDRK4 with a step of 0.25.
    """

    config: KuramotoSivashinskyConfig

    @property
    def advection(self) -> float:
        return self.config.advection

    def terms(self, k: Symbol, k_odd: Symbol) -> dict[str, Symbol]:
        terms: dict[str, Symbol] = {
            "antidiffusion": self.config.antidiffusion * k**2,
            "hyperviscosity": -self.config.hyperviscosity * k**4,
        }
        if self.config.dispersion:
            terms["dispersion"] = 1j * self.config.dispersion * k_odd**3
        return terms
