"""Leith's viscosity with a coefficient taken from the flow."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_closures.config import DynamicLeithConfig
from subgrid_closures.germano import Germano, vorticity_coefficient
from subgrid_closures.magnitude import domain_mean, gradient_magnitude


class DynamicLeith:
    """``nu_e = c Delta^3 <|grad w|>`` (or ``|grad w|``) with c = C_L^3 from the dynamic procedure.

    Germano et al., Phys. Fluids A 3 (1991), with Leith's viscosity and the vorticity form as in Guan et al., J. Comput.
    Phys. 458 (2022). It follows the growth of the best C_L with resolution, which no constant does.
    """

    slots = ("eddy_viscosity",)
    inputs = ("velocity", "vorticity_gradient", "vorticity_laplacian")

    def __init__(self, config: DynamicLeithConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"DynamicLeith(estimate={self.config.estimate!r}, averaging={self.config.averaging!r})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._xp = setup.backend.xp
        self._germano = Germano(self.config, setup)
        return StateSpec()

    def coefficient(self, inputs: Mapping[str, Array]) -> Array:
        """c = C_L^3, shape (..., 1, 1) or, for a local estimate, (..., ny, nx)."""
        return self._coefficient(inputs, gradient_magnitude(self._xp, inputs["vorticity_gradient"]))

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return nu_e [m2/s], shape (..., 1, 1) unless a choice is local."""
        magnitude = gradient_magnitude(self._xp, inputs["vorticity_gradient"])
        coefficient = self._coefficient(inputs, magnitude)
        if self.config.averaging == "domain":
            magnitude = domain_mean(self._xp, magnitude)
        return self._germano.width**3 * coefficient * magnitude

    def _coefficient(self, inputs: Mapping[str, Array], magnitude: Array) -> Array:
        return vorticity_coefficient(self._germano, magnitude, 3, **{name: inputs[name] for name in self.inputs})
