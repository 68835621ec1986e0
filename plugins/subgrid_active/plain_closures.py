"""Closures without physics of their own, as baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_active.bingham import TINY
from subgrid_active.config import PlainClosureConfig

__all__ = ["Quadratic", "QuasiLinear"]


class QuasiLinear:
    """a_4 = 0: fourth-order tensors linear in the second (Hand 1962), exact near isotropy.

    S:T is then c T / 4 plus a pressure, and alignment does not saturate before |a_2| = c.
    """

    slots: Sequence[str] = ("fourth_moment",)
    inputs: Sequence[str] = ("second_moment",)

    def __init__(self, config: PlainClosureConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "QuasiLinear()"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.xp = setup.backend.xp
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """(Re a_4, Im a_4), shape (2, ny, nx)."""
        return self.xp.zeros_like(inputs["second_moment"])


class Quadratic:
    """a_4 = a_2^2 / c: the fourth moment of perfectly aligned rods (Doi 1981), twice too large near isotropy."""

    slots: Sequence[str] = ("fourth_moment",)
    inputs: Sequence[str] = ("concentration", "second_moment")

    def __init__(self, config: PlainClosureConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "Quadratic()"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.xp = setup.backend.xp
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """(Re a_4, Im a_4), shape (2, ny, nx)."""
        xp, (re, im) = self.xp, inputs["second_moment"]
        c = xp.clip(inputs["concentration"], min=TINY)
        return xp.stack([re / c * re - im / c * im, 2.0 * re / c * im])
