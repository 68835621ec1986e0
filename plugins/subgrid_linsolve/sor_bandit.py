"""SOR that learns its omega over a sequence of solves, by the bandits of Learning to Relax.

M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to relax: setting solver parameters across a sequence of linear
system instances, ICLR 2024. The cost of a solve is its number of iterations less one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from subgrid.api import Array, ArraySpec, Fields, GridOperator, Setup, Solution, StateSpec, Streams
from subgrid_linsolve.config import BanditConfig, ContextualBanditConfig
from subgrid_linsolve.relaxation import relax
from subgrid_linsolve.systems import Latest, Real, matrix_of, refuse_singular
from subgrid_linsolve.tsallis_inf import draw, propose


def diagonal_dominance(operator: Any) -> float:
    """Mean row sum over mean diagonal, in [0, 1] for M-matrices: how far Jacobi's iteration is from not converging."""
    if isinstance(operator, GridOperator):
        return float(np.mean(operator.apply(np.ones(operator.shape))) / np.mean(operator.diagonal()))
    return float(operator.sum() / operator.diagonal().sum())


class SorBandit:
    """SOR with omega drawn by Tsallis-INF in every solve; no context. Regret O(T^(2/3)) against the best fixed omega.

    Memory: importance-weighted costs by omega (``cost``), the sum of the costs paid and the number of solves.
    ``setup`` raises ScenarioError for an operator that leaves constants undetermined.
    """

    parameters = ("omega",)

    def __init__(self, config: BanditConfig) -> None:
        self.config = config
        self.omegas = np.linspace(config.lowest, config.highest, config.arms)
        self._matrix = Latest(matrix_of)

    def __repr__(self) -> str:
        config = self.config
        return f"{type(self).__name__}(omegas={config.lowest:g}..{config.highest:g}, arms={config.arms})"

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        refuse_singular(operator, setup, "sor_bandit")
        return StateSpec(memory=self.memory())

    def memory(self) -> dict[str, ArraySpec]:
        """What is learnt from solve to solve."""
        return {"cost": ArraySpec((self.config.arms,)), "paid": ArraySpec(()), "rounds": ArraySpec((), "int")}

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Draw omega, sweep until the true residual is below the tolerance, and learn from the iterations."""
        probabilities = self.probabilities(operator, memory)
        arm = draw(probabilities, rng.generator("omega").random())
        solution = relax(self.config, self._matrix(operator), rhs, guess, float(self.omegas[arm]), symmetric=False)
        cost = max(solution.iterations - 1, 0)
        return replace(solution, memory=self.learn(operator, memory, arm, cost, float(probabilities[arm])))

    def probabilities(self, operator: Any, memory: Fields) -> Real:
        """Chances of the omegas in the next solve."""
        return _tsallis(memory["cost"], memory["paid"], memory["rounds"])

    def learn(self, operator: Any, memory: Fields, arm: int, cost: float, chance: float) -> Fields:
        """Memory after a solve with ``arm``, chosen with this chance, has cost this much."""
        costs = memory["cost"].copy()
        costs[arm] += cost / chance
        return {"cost": costs, "paid": memory["paid"] + cost, "rounds": memory["rounds"] + 1}


def _tsallis(costs: Any, paid: Any, rounds: Any) -> Real:
    mean = float(paid) / int(rounds) if rounds else 0.0
    return propose(np.asarray(costs, dtype=np.float64), mean, int(rounds))


class SorBanditContextual(SorBandit):
    """SOR whose omega depends on the operator through a context, its diagonal dominance.

    ``chebyshev`` is ChebCB: a least-squares fit of the cost in Chebyshev polynomials of the context for each omega, and
    choice by inverse gap weighting, ``p_i = 1/(d + eta (y_i - y_min))`` for all but the cheapest (SquareCB, D. Foster
    and A. Rakhlin, ICML 2020); the fit has no box constraints. ``bins`` is Tsallis-INF-CB: a learner for each bin.
    Contexts outside the stated range count as its ends.
    """

    config: ContextualBanditConfig

    def __init__(self, config: ContextualBanditConfig) -> None:
        super().__init__(config)
        self._context = Latest(diagonal_dominance)

    def memory(self) -> dict[str, ArraySpec]:
        arms, pieces = self.config.arms, self.config.pieces
        if self.config.policy == "bins":
            return {
                "cost": ArraySpec((pieces, arms)),
                "paid": ArraySpec((pieces,)),
                "rounds": ArraySpec((pieces,), "int"),
            }
        return {
            "gram": ArraySpec((arms, pieces, pieces)),
            "moment": ArraySpec((arms, pieces)),
            "extremes": ArraySpec((2,)),
            "squared_error": ArraySpec(()),
            "rounds": ArraySpec((), "int"),
        }

    def probabilities(self, operator: Any, memory: Fields) -> Real:
        if self.config.policy == "bins":
            piece = self._bin(operator)
            return _tsallis(memory["cost"][piece], memory["paid"][piece], memory["rounds"][piece])
        rounds, arms = int(memory["rounds"]) + 1, self.config.arms
        predicted = self._predict(operator, memory)
        _, _, alpha = self._scales(memory)
        spread = float(memory["squared_error"]) + 2.0 * alpha**2 * rounds
        eta = 2.0 * rounds * np.sqrt(arms * rounds / spread) if spread > 0.0 else 0.0
        best = int(np.argmin(predicted))
        chances = 1.0 / (arms + eta * (predicted - predicted[best]))
        chances[best] = 0.0
        chances[best] = 1.0 - chances.sum()
        return np.asarray(chances)

    def learn(self, operator: Any, memory: Fields, arm: int, cost: float, chance: float) -> Fields:
        if self.config.policy == "bins":
            changed = {name: np.array(values) for name, values in memory.items()}
            piece = self._bin(operator)
            changed["cost"][piece, arm] += cost / chance
            changed["paid"][piece] += cost
            changed["rounds"][piece] += 1
            return changed
        first = int(memory["rounds"]) == 0
        low, high = (cost, cost) if first else (min(memory["extremes"][0], cost), max(memory["extremes"][1], cost))
        changed = {"extremes": np.array([low, high]), "rounds": memory["rounds"] + 1}
        largest, norm, _ = self._scales({**memory, **changed})
        error = self._predict(operator, {**memory, **changed})[arm] - cost / (largest * norm)
        features = self._features(operator)
        gram, moment = memory["gram"].copy(), memory["moment"].copy()
        gram[arm] += np.outer(features, features)
        moment[arm] += cost * features
        return {**changed, "gram": gram, "moment": moment, "squared_error": memory["squared_error"] + error**2}

    def _position(self, operator: Any) -> float:
        """The context between the ends of its range, in [0, 1]."""
        low, high = self.config.lowest_context, self.config.highest_context
        return float(np.clip((self._context(operator) - low) / (high - low), 0.0, 1.0))

    def _bin(self, operator: Any) -> int:
        return min(int(self._position(operator) * self.config.pieces), self.config.pieces - 1)

    def _features(self, operator: Any) -> Real:
        """Chebyshev polynomials T_0 ... T_(m-1) of the context scaled to [-1, 1]."""
        angle = np.arccos(2.0 * self._position(operator) - 1.0)
        return np.cos(np.arange(self.config.pieces) * angle)

    def _scales(self, memory: Fields) -> tuple[float, float, float]:
        """Largest cost K, normalisation N and the approximation error alpha of the regression.

        ``N = 2 + 4 (C L/K)(1 + ln m)`` and ``alpha = (pi + (2/pi) ln(2m + 1)) C L/(2 K N (m + 1))`` with the range of
        costs as C L.
        """
        low, high = (float(value) for value in memory["extremes"])
        largest, pieces = high or 1.0, self.config.pieces
        variation = (high - low) / largest
        norm = 2.0 + 4.0 * variation * (1.0 + np.log(pieces))
        alpha = (np.pi + 2.0 / np.pi * np.log(2 * pieces + 1)) * variation / (2.0 * norm * (pieces + 1))
        return largest, float(norm), float(alpha)

    def _predict(self, operator: Any, memory: Fields) -> Real:
        """Expected cost of each omega in units of K N, zero before it was tried: minimum-norm least squares."""
        largest, norm, _ = self._scales(memory)
        gram, moment = np.asarray(memory["gram"], np.float64), np.asarray(memory["moment"], np.float64)
        theta = np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ moment[..., None]
        return np.asarray(theta[..., 0] @ self._features(operator) / (largest * norm))
