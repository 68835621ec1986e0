"""Bingham's quasi-equilibrium closure of the fourth moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_active.bingham_distribution import fourth_moment_series
from subgrid_active.config import ChebyshevConfig

__all__ = ["Bingham", "clenshaw"]

TINY = 1e-30
"""Below this concentration there are no rods, and the answer is zero."""


class Bingham:
    """a_4 = f(|a_2|^2/c^2) a_2^2 / c, the fourth moment of the distribution exp(B : p p) with the given second moment.

    f is a Chebyshev series in s = |a_2|^2/c^2, smooth through isotropy, so that neither an angle nor a branch is needed
    and gradients are finite everywhere. s is cut at 1, which no distribution exceeds.

    References: Chaubal and Leal, J. Rheol. 42 (1998), 177; Weady, Shelley and Stein, J. Comput. Phys. 457 (2022).
    """

    slots: Sequence[str] = ("fourth_moment",)
    inputs: Sequence[str] = ("concentration", "second_moment")

    def __init__(self, config: ChebyshevConfig) -> None:
        self.degree = config.degree

    def __repr__(self) -> str:
        return f"Bingham(degree={self.degree})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.xp = setup.backend.xp
        self.coefficients = fourth_moment_series(self.degree)
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """(Re a_4, Im a_4), shape (2, ny, nx)."""
        xp, (re, im) = self.xp, inputs["second_moment"]
        c = xp.clip(inputs["concentration"], min=TINY)
        re, im = re / c, im / c
        s = xp.clip(re * re + im * im, max=1.0)
        factor = c * clenshaw(self.coefficients, 2.0 * s - 1.0)
        return xp.stack([factor * (re * re - im * im), factor * (2.0 * re * im)])


def clenshaw(coefficients: Sequence[float], x: Any) -> Any:
    """Sum of c_n T_n(x), backwards from the highest degree."""
    twice = 2.0 * x
    latest, earlier = coefficients[-1] + 0.0 * x, 0.0 * x
    for coefficient in reversed(coefficients[1:-1]):
        latest, earlier = coefficient + twice * latest - earlier, latest
    return coefficients[0] + x * latest - earlier
