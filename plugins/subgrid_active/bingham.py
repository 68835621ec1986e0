"""Bingham's quasi-equilibrium closure of the fourth moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Fields, Setup, Slot, StateSpec
from subgrid_active.bingham_distribution import fourth_moment_series
from subgrid_active.config import ChebyshevConfig
from subgrid_active.kernels import chebyshev_fourth_moment

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
        self.xp, self.in_place = setup.backend.xp, setup.backend.in_place
        self.coefficients = fourth_moment_series(self.degree)
        self._array = setup.backend.asarray(self.coefficients, "real")
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """(Re a_4, Im a_4), shape (2, ny, nx)."""
        if self.in_place:
            return self._compiled(inputs["concentration"], inputs["second_moment"])
        return self.reference(inputs["concentration"], inputs["second_moment"])

    def reference(self, concentration: Array, second_moment: Array) -> Array:
        """The same for either array world, which is the definition."""
        xp, (re, im) = self.xp, second_moment
        c = xp.clip(concentration, min=TINY)
        re, im = re / c, im / c
        s = xp.clip(re * re + im * im, max=1.0)
        factor = c * clenshaw(self.coefficients, 2.0 * s - 1.0)
        return xp.stack([factor * (re * re - im * im), factor * (2.0 * re * im)])

    def _compiled(self, concentration: Array, second_moment: Array) -> Array:
        pair = np.ascontiguousarray(second_moment)
        c = np.ascontiguousarray(np.broadcast_to(concentration, pair.shape[1:]))
        out, real = np.empty_like(pair), pair.dtype.type
        chebyshev_fourth_moment(c.ravel(), pair.reshape(2, -1), self._array, real(TINY), out.reshape(2, -1))
        return out


def clenshaw(coefficients: Sequence[float], x: Any) -> Any:
    """Sum of c_n T_n(x), backwards from the highest degree."""
    twice = 2.0 * x
    latest, earlier = coefficients[-1] + 0.0 * x, 0.0 * x
    for coefficient in reversed(coefficients[1:-1]):
        latest, earlier = coefficient + twice * latest - earlier, latest
    return coefficients[0] + x * latest - earlier
