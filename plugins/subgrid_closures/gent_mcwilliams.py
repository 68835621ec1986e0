"""Diffusion of interface height in two-layer quasi-geostrophic flow."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, ScenarioError, Setup, Slot, StateSpec
from subgrid_closures.config import GentMcWilliamsConfig


class GentMcWilliams:
    """Eddy diffusion of the interface between two layers (Gent and McWilliams, J. Phys. Oceanogr. 20, 1990).

    ::

        Pi_1 = -kappa F_1 lap(psi_1 - psi_2),   Pi_2 = +kappa F_2 lap(psi_1 - psi_2)

    Takes available potential energy out of the flow at the rate ``kappa F_1 H_1 <|grad(psi_1 - psi_2)|^2>`` and leaves
    barotropic motion alone. Needs exactly two layers, on the axis before y, and the relative vorticity, lap(psi).
    """

    slots = ("subgrid_forcing",)
    inputs = ("vorticity",)

    def __init__(self, config: GentMcWilliamsConfig) -> None:
        self.diffusivity = config.diffusivity
        self.coupling = config.coupling

    def __repr__(self) -> str:
        return f"GentMcWilliams(diffusivity={self.diffusivity}, coupling={self.coupling})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        """Raises ScenarioError when the solver asks for one answer (y, x) instead of one for each layer."""
        if "layer" not in slot.output.dims:
            raise ScenarioError(
                f"closures ({setup.label}): 'gent_mcwilliams' needs the dims (layer, y, x) of a flow in two layers; "
                f"the solver's slot {slot.name!r} has ({', '.join(slot.output.dims)})"
            )
        upper, lower = self.coupling
        rates = [-self.diffusivity * upper, self.diffusivity * lower]
        self._rates = setup.backend.asarray(rates, "real").reshape((2, 1, 1))
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return Pi [1/s2], shape (..., 2, ny, nx)."""
        vorticity = inputs["vorticity"]
        if vorticity.ndim < 3 or vorticity.shape[-3] != 2:
            raise ScenarioError("gent_mcwilliams acts on the interface of two layers; this flow has no two layers")
        return self._rates * (vorticity[..., :1, :, :] - vorticity[..., 1:, :, :])
