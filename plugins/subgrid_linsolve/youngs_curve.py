"""What theory says of relaxation: one unknown number fixes what each omega costs, so one solve speaks of all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from subgrid.api import ArraySpec, Fields
from subgrid_linsolve.systems import Real

HYPOTHESES = 64
"""Spectral radii of Jacobi's iteration that are told apart, evenly in ln(1 - beta)."""
LEAST_GAP, LARGEST_GAP = 1e-4, 0.9
"""Ends of 1 - beta."""
LEVEL_DEVIATION = 0.15
"""Of the logarithm of iterations about those of the asymptotic rate: residuals fall more slowly at first, by 4 to 25 %
at omegas above the best, where the rate is known (D. Young, 1971)."""
LEVEL_MEMORY = 0.9
"""Part of this level that the next solve has, too; little, lest a level be learnt where it is beta that has changed."""
NOISE_DEVIATION = 0.1
"""Of the logarithm of one solve's iterations, besides that of counting whole ones."""
OUTLIER = 1e-3
"""Likelihood, in units of its peak, of a solve that none of this describes."""
MOVES = 0.15
"""Chance that the next system belongs to the next hypothesis, each way."""
FORGETTING = 0.01
"""Chance that it may belong to any: what a jump to a cheaper system hides at an omega above the best is found within
twenty solves."""


@lru_cache(maxsize=8)
def logarithms_of_cost(omegas: tuple[float, ...]) -> Real:
    """``ln(-1/ln rho)``, shape (hypotheses, omegas), with the asymptotic rate rho(omega, beta) of Young's theory.

    ::

        rho = omega - 1                                                     from the best omega on,
        rho = (omega beta / 2 + sqrt(omega^2 beta^2 / 4 - omega + 1))^2     below it.
    """
    beta = 1.0 - np.exp(np.linspace(math.log(LEAST_GAP), math.log(LARGEST_GAP), HYPOTHESES))[:, None]
    omega = np.asarray(omegas)[None, :]
    square = 0.25 * (omega * beta) ** 2 - omega + 1.0
    below = (0.5 * omega * beta + np.sqrt(np.maximum(square, 0.0))) ** 2
    rate = np.where(square > 0.0, below, np.maximum(omega - 1.0, 1e-12))
    return np.asarray(-np.log(-np.log(rate)))


@dataclass(frozen=True)
class YoungsCurve:
    """The omega of least expected logarithmic cost, over what is known of Jacobi's spectral radius; deterministic.

    Iterations are ``ln(start/tolerance) / -ln rho(omega, beta)`` times a level near one and noise. One beta belongs to
    the whole curve, so each solve speaks of all omegas: a Bayesian filter weighs 64 values of beta, each with a
    Gaussian level of its own. Between solves beta may move, so that changes are followed and what has become cheaper
    is found. Matrices that are not consistently ordered follow the curve less closely.

    Memory: ``weights`` and ``level`` by hypothesis, the level's ``variance``, and the number of solves.
    """

    omegas: tuple[float, ...]

    def memory(self) -> dict[str, ArraySpec]:
        each = ArraySpec((HYPOTHESES,))
        return {"weights": each, "level": each, "variance": ArraySpec(()), "rounds": ArraySpec((), "int")}

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        weights, _, _ = self._known(memory)
        # no matrix product, whose last bits may depend on where arrays lie in memory: restarts are exact
        expected = np.sum(weights[:, None] * logarithms_of_cost(self.omegas), axis=0)
        return int(np.argmin(expected)), 1.0

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        weights, level, variance = self._known(memory)
        # what the residual had to fall by, from the fewest iterations by Kahan's bound
        fall = float(least[-1]) * -math.log(max(abs(self.omegas[-1] - 1.0), 1e-12))
        if iterations > 0 and fall > 0.0:
            missed = math.log(iterations / fall) - logarithms_of_cost(self.omegas)[:, arm] - level
            noise = NOISE_DEVIATION**2 + (0.5 / iterations) ** 2
            gain = variance / (variance + noise)
            weights = weights * (np.exp(-0.5 * missed**2 / (variance + noise)) + OUTLIER)
            level, variance = level + gain * missed, variance * (1.0 - gain)
        weights, level = _moved(weights / weights.sum(), level)
        variance = LEVEL_MEMORY**2 * variance + (1.0 - LEVEL_MEMORY**2) * LEVEL_DEVIATION**2
        level = LEVEL_MEMORY * level
        return {"weights": weights, "level": level, "variance": np.float64(variance), "rounds": memory["rounds"] + 1}

    def _known(self, memory: Fields) -> tuple[Real, Real, float]:
        if int(memory["rounds"]) == 0:
            return np.full(HYPOTHESES, 1.0 / HYPOTHESES), np.zeros(HYPOTHESES), LEVEL_DEVIATION**2
        weights, level = (np.asarray(memory[name], np.float64) for name in ("weights", "level"))
        return weights, level, float(memory["variance"])


def _moved(weights: Real, level: Real) -> tuple[Real, Real]:
    """Weights and mean levels after beta may have moved."""
    padded, levels = np.pad(weights, 1, mode="edge"), np.pad(level, 1, mode="edge")
    parts = [(1.0 - 2.0 * MOVES, slice(1, -1)), (MOVES, slice(None, -2)), (MOVES, slice(2, None))]
    after = sum(share * padded[at] for share, at in parts)
    carried = sum(share * padded[at] * levels[at] for share, at in parts)
    spread = (1.0 - FORGETTING) * after + FORGETTING / HYPOTHESES
    return np.asarray(spread), np.asarray((1.0 - FORGETTING) * carried / spread)
