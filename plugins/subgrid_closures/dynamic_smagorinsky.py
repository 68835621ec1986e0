"""Smagorinsky's viscosity with a coefficient taken from the flow."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_closures.config import DynamicSmagorinskyConfig
from subgrid_closures.germano import Germano, stress_coefficient, vorticity_coefficient
from subgrid_closures.magnitude import domain_mean, square_root

_VORTICITY_INPUTS = ("strain_rate", "velocity", "vorticity_gradient", "vorticity_laplacian")
_MOMENTUM_INPUTS = ("strain_rate", "velocity", "velocity_gradient")


class DynamicSmagorinsky:
    """``nu_e = c Delta^2 sqrt(<|S|^2>)`` (or ``|S|``) with c = C_S^2 from the dynamic procedure.

    Germano et al., Phys. Fluids A 3 (1991); Lilly, Phys. Fluids A 4 (1992); the vorticity form as in Guan et al., J.
    Comput. Phys. 458 (2022). In 2D turbulence the positive-part average gives C_S near 0.2 and drains too much.
    """

    slots = ("eddy_viscosity",)

    def __init__(self, config: DynamicSmagorinskyConfig) -> None:
        self.config = config
        self.inputs = _VORTICITY_INPUTS if config.form == "vorticity" else _MOMENTUM_INPUTS

    def __repr__(self) -> str:
        config = self.config
        return f"DynamicSmagorinsky(form={config.form!r}, estimate={config.estimate!r}, averaging={config.averaging!r})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._xp = setup.backend.xp
        self._germano = Germano(self.config, setup)
        return StateSpec()

    def coefficient(self, inputs: Mapping[str, Array]) -> Array:
        """c = C_S^2, shape (..., 1, 1) or, for a local estimate, (..., ny, nx)."""
        rate = inputs["strain_rate"]
        if self.config.form == "momentum":
            return stress_coefficient(self._germano, rate, inputs["velocity"], inputs["velocity_gradient"])
        return vorticity_coefficient(
            self._germano, rate, 2, **{name: inputs[name] for name in _VORTICITY_INPUTS if name != "strain_rate"}
        )

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return nu_e [m2/s], shape (..., 1, 1) unless a choice is local."""
        rate = inputs["strain_rate"]
        if self.config.averaging == "domain":
            rate = square_root(self._xp, domain_mean(self._xp, rate * rate))
        return self._germano.width**2 * self.coefficient(inputs) * rate
