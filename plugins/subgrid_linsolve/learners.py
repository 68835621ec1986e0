"""Learners that choose one of several parameter values for each solve of a sequence, and learn from what it cost.

The cost of a solve is its number of iterations. A learner changes nothing in itself: what it has learnt travels in
memory arrays. A context is a number in [0, 1] known before the solve, such as the diagonal dominance of the matrix.

Tsallis-INF, its binned form and ChebCB are those of M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to relax:
setting solver parameters across a sequence of linear system instances, ICLR 2024.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numba
import numpy as np

from subgrid.api import ArraySpec, Fields
from subgrid_linsolve.systems import Real
from subgrid_linsolve.tsallis_inf import draw, propose

CONSTRAINED_SWEEPS = 60


class Learner(Protocol):
    """``choose`` from a context, and ``learn`` the cost of the choice."""

    def memory(self) -> dict[str, ArraySpec]:
        """What is learnt from solve to solve."""

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        """The choice, and the chance it had; ``uniform`` is a random number in [0, 1), ``least`` the fewest iterations
        that each choice can take (the published learners do not use it)."""

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        """Memory after a solve with the choice ``arm``."""


@dataclass(frozen=True)
class TsallisInf:
    """Tsallis-INF (J. Zimmert and Y. Seldin 2021) without a context. Regret O(T^(2/3)) against the best fixed choice.

    Memory: importance-weighted costs by choice, the sum of costs paid and the number of solves.
    """

    arms: int

    def memory(self) -> dict[str, ArraySpec]:
        return {"cost": ArraySpec((self.arms,)), "paid": ArraySpec(()), "rounds": ArraySpec((), "int")}

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        probabilities = _tsallis(memory["cost"], memory["paid"], memory["rounds"])
        arm = draw(probabilities, uniform)
        return arm, float(probabilities[arm])

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        costs, cost = memory["cost"].copy(), max(iterations - 1, 0)
        costs[arm] += cost / chance
        return {"cost": costs, "paid": memory["paid"] + cost, "rounds": memory["rounds"] + 1}


@dataclass(frozen=True)
class BinnedTsallisInf:
    """Tsallis-INF-CB: one Tsallis-INF for each of ``pieces`` bins of the context between ``low`` and ``high``."""

    arms: int
    pieces: int
    low: float
    high: float

    def memory(self) -> dict[str, ArraySpec]:
        pieces = self.pieces
        rounds = ArraySpec((pieces,), "int")
        return {"cost": ArraySpec((pieces, self.arms)), "paid": ArraySpec((pieces,)), "rounds": rounds}

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        piece = self._bin(context)
        own = {name: values[piece] for name, values in memory.items()}
        return TsallisInf(self.arms).choose(context, own, uniform, least)

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        changed = {name: np.array(values) for name, values in memory.items()}
        piece, cost = self._bin(context), max(iterations - 1, 0)
        changed["cost"][piece, arm] += cost / chance
        changed["paid"][piece] += cost
        changed["rounds"][piece] += 1
        return changed

    def _bin(self, context: float) -> int:
        return min(int(position(context, self.low, self.high) * self.pieces), self.pieces - 1)


@dataclass(frozen=True)
class Chebyshev:
    """ChebCB: for each choice a least-squares fit of its cost in Chebyshev polynomials of the context, and inverse gap
    weighting, ``p_i = 1/(d + eta (y_i - y_min))`` for all but the cheapest (SquareCB, D. Foster and A. Rakhlin 2020).

    ``pieces`` polynomials over contexts between ``low`` and ``high``. Coefficients keep to the paper's box, ``|theta_0|
    <= 1/N``, ``|theta_j| <= 2 C L/(K N j)``, in units of K N.
    """

    arms: int
    pieces: int
    low: float
    high: float

    def memory(self) -> dict[str, ArraySpec]:
        arms, pieces = self.arms, self.pieces
        return {
            "gram": ArraySpec((arms, pieces, pieces)),
            "moment": ArraySpec((arms, pieces)),
            "extremes": ArraySpec((2,)),
            "squared_error": ArraySpec(()),
            "rounds": ArraySpec((), "int"),
        }

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        chances = self.probabilities(context, memory)
        arm = draw(chances, uniform)
        return arm, float(chances[arm])

    def probabilities(self, context: float, memory: Fields) -> Real:
        """Chances of the choices in the next solve."""
        rounds = int(memory["rounds"]) + 1
        predicted = self._predict(context, memory)
        _, _, alpha, _ = self._scales(memory)
        spread = float(memory["squared_error"]) + 2.0 * alpha**2 * rounds
        eta = 2.0 * rounds * np.sqrt(self.arms * rounds / spread) if spread > 0.0 else 0.0
        best = int(np.argmin(predicted))
        chances = 1.0 / (self.arms + eta * (predicted - predicted[best]))
        chances[best] = 0.0
        chances[best] = 1.0 - chances.sum()
        return np.asarray(chances)

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        cost = float(max(iterations - 1, 0))
        first = int(memory["rounds"]) == 0
        low, high = (cost, cost) if first else (min(memory["extremes"][0], cost), max(memory["extremes"][1], cost))
        changed = {"extremes": np.array([low, high]), "rounds": memory["rounds"] + 1}
        largest, norm, _, _ = self._scales({**memory, **changed})
        error = self._predict(context, {**memory, **changed})[arm] - cost / (largest * norm)
        features = self._features(context)
        gram, moment = memory["gram"].copy(), memory["moment"].copy()
        gram[arm] += np.outer(features, features)
        moment[arm] += cost * features
        return {**changed, "gram": gram, "moment": moment, "squared_error": memory["squared_error"] + error**2}

    def _features(self, context: float) -> Real:
        angle = np.arccos(2.0 * position(context, self.low, self.high) - 1.0)
        return np.asarray(np.cos(np.arange(self.pieces) * angle))

    def _scales(self, memory: Fields) -> tuple[float, float, float, Real]:
        """Largest cost K, normalisation N, the regression's approximation error alpha, and the box of theta.

        ``N = 2 + 4 (C L/K)(1 + ln m)`` and ``alpha = (pi + (2/pi) ln(2m + 1)) C L/(2 K N (m + 1))`` with the range of
        costs as C L.
        """
        low, high = (float(value) for value in memory["extremes"])
        largest, pieces = high or 1.0, self.pieces
        variation = (high - low) / largest
        norm = 2.0 + 4.0 * variation * (1.0 + np.log(pieces))
        alpha = (np.pi + 2.0 / np.pi * np.log(2 * pieces + 1)) * variation / (2.0 * norm * (pieces + 1))
        box = np.concatenate([[1.0 / norm], 2.0 * variation / (norm * np.arange(1, pieces))])
        return largest, float(norm), float(alpha), box

    def _predict(self, context: float, memory: Fields) -> Real:
        """Expected cost of each choice in units of K N, zero before it was tried."""
        largest, norm, _, box = self._scales(memory)
        gram, moment = np.asarray(memory["gram"], np.float64), np.asarray(memory["moment"], np.float64)
        return np.asarray(_constrained_fits(gram, moment / (largest * norm), box) @ self._features(context))


@numba.njit(cache=True)
def _constrained_fits(gram: Any, moment: Any, box: Any) -> Any:
    """Minimise ``theta.G theta/2 - moment.theta`` within ``|theta_j| <= box_j`` for each choice, by coordinate descent
    from zero, so that directions without data stay there."""
    arms, pieces = moment.shape
    theta = np.zeros((arms, pieces))
    for arm in range(arms):
        for _ in range(CONSTRAINED_SWEEPS):
            for j in range(pieces):
                if gram[arm, j, j] > 0.0:
                    slope = moment[arm, j]
                    for k in range(pieces):
                        slope -= gram[arm, j, k] * theta[arm, k]
                    moved = theta[arm, j] + slope / gram[arm, j, j]
                    theta[arm, j] = min(max(moved, -box[j]), box[j])
    return theta


def position(context: float, low: float, high: float) -> float:
    """The context between the ends of its range, in [0, 1]; beyond them it counts as the end."""
    return float(np.clip((context - low) / (high - low), 0.0, 1.0))


def _tsallis(costs: Real, paid: Any, rounds: Any) -> Real:
    return propose(np.asarray(costs, np.float64), float(paid) / max(int(rounds), 1), int(rounds))
