"""No closure, as a real object: what every other closure is compared with."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_closures.config import NoClosureConfig


class NoClosure:
    """Answers zero: the unresolved scales do nothing.

    The answer has length one along each mesh axis, so it costs the solver nothing.
    """

    slots = ("eddy_viscosity", "subgrid_forcing")
    inputs = ()

    def __init__(self, config: NoClosureConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "NoClosure()"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._zero = setup.backend.zeros((1,) * setup.mesh.ndim)
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return zero, shape (1, 1) in 2D."""
        return self._zero
