"""Constant eddy viscosity."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_closures.config import ConstantViscosityConfig


class ConstantViscosity:
    """The same eddy viscosity everywhere: ``Pi = nu_e lap w`` (Boussinesq 1877).

    Good values are about ``U h`` over a few tens; prefer Smagorinsky or Leith when the flow's strength is not known.
    """

    slots = ("eddy_viscosity",)
    inputs = ()

    def __init__(self, config: ConstantViscosityConfig) -> None:
        self.viscosity = config.viscosity

    def __repr__(self) -> str:
        return f"ConstantViscosity(viscosity={self.viscosity})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._answer = setup.backend.zeros((1,) * setup.mesh.ndim) + self.viscosity
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return nu_e [m2/s], shape (1, 1) in 2D."""
        return self._answer
