"""A Gaussian process over the choices: what one solve costs says something about its neighbours, too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numba
import numpy as np

from subgrid.api import ArraySpec, Fields
from subgrid_linsolve.systems import Real

LEVEL_VARIANCE = 25.0
"""Prior variance of the logarithm of all costs together: nothing is known about it before the first solve."""
NOISE_VARIANCE = 0.3**2
"""Of the logarithm of one cost: right-hand sides and matrices differ from solve to solve."""
DRIFT = 0.01
"""Variance that a solve adds, in units of the prior's: costs seen 100 solves ago say as little as the prior."""
CAUTION = 1.6
"""Standard deviations that are taken off an expected cost."""
LOWEST_CONTEXT = 1e-3
NODES = 15


@dataclass(frozen=True)
class GaussianProcess:
    """The choice with the least lower confidence bound of its logarithmic cost; deterministic.

    ``f(z, context)``, the logarithm of the iterations, has a Gaussian prior: ``expected`` (one number for each choice,
    or nothing) plus a common level plus a field of unit
    variance with Matern's 5/2 kernel and unit correlation length, in ``z = -ln(2 - omega)``, in which iteration counts
    of relaxation vary evenly up to omega = 2, and, with ``context``, in the logarithm of the context (linear between
    15 values from 0.001 to 1). One solve updates the posterior by one Kalman step, whose cost does not grow
    with the number of solves; between solves the field drifts, so that slow changes are followed. Lower confidence
    bounds: N. Srinivas et al., IEEE Trans. Inf. Theory 58, 3250 (2012); contexts: A. Krause and C. S. Ong, NIPS 2011;
    drift: I. Bogunovic, J. Scarlett and V. Cevher, AISTATS 2016. No bound is lower than the fewest iterations that a
    choice can take, so that what cannot be good is never tried. The first choice is the middle of the range of z.

    Memory: ``mean`` and ``covariance`` over contexts and choices, less their prior, and the number of solves.
    """

    omegas: tuple[float, ...]
    context: bool
    expected: tuple[float, ...] = ()

    @property
    def _size(self) -> int:
        return len(self.omegas) * (NODES if self.context else 1)

    def memory(self) -> dict[str, ArraySpec]:
        size = self._size
        return {"mean": ArraySpec((size,)), "covariance": ArraySpec((size, size)), "rounds": ArraySpec((), "int")}

    def choose(self, context: float, memory: Fields, uniform: float, least: Real) -> tuple[int, float]:
        z = _places(self.omegas)
        if int(memory["rounds"]) == 0:
            return int(np.argmin(np.abs(z - 0.5 * (z[0] + z[-1])))), 1.0
        weights = self._weights(context)
        mean, variance = _posterior(
            np.asarray(memory["mean"], np.float64), np.asarray(memory["covariance"], np.float64), weights, z.size
        )
        if self.expected:
            mean = mean + np.asarray(self.expected)
        bound = np.maximum(mean - CAUTION * np.sqrt(variance), np.log(np.maximum(least, 1.0)))
        return int(np.argmin(bound)), 1.0

    def learn(self, context: float, memory: Fields, arm: int, chance: float, iterations: int, least: Real) -> Fields:
        rounds = int(memory["rounds"])
        shape = _shape(self.omegas, self.context)
        mean = np.array(memory["mean"], np.float64)
        covariance = shape + LEVEL_VARIANCE if rounds == 0 else np.array(memory["covariance"], np.float64)
        cost = math.log(max(iterations, 1)) - (self.expected[arm] if self.expected else 0.0)
        _observe(mean, covariance, self._weights(context), len(self.omegas), arm, cost, NOISE_VARIANCE)
        covariance += DRIFT * shape
        return {"mean": mean, "covariance": covariance, "rounds": memory["rounds"] + 1}

    def _weights(self, context: float) -> Real:
        """Parts of the nodes in the value at a context."""
        if not self.context:
            return np.ones(1)
        nodes = _nodes()
        at = math.log(min(max(context, LOWEST_CONTEXT), 1.0))
        return np.clip(1.0 - np.abs(at - nodes) / (nodes[1] - nodes[0]), 0.0, None)


def _places(omegas: tuple[float, ...]) -> Real:
    return -np.log(2.0 - np.asarray(omegas))


def _nodes() -> Real:
    return np.linspace(math.log(LOWEST_CONTEXT), 0.0, NODES)


@lru_cache(maxsize=8)
def _shape(omegas: tuple[float, ...], context: bool) -> Real:
    """Prior covariance but for the level."""
    across = 1.0 + _matern(_places(omegas))
    return np.kron(_matern(_nodes()), across) if context else across


def _matern(places: Real) -> Real:
    distance = math.sqrt(5.0) * np.abs(places[:, None] - places[None, :])
    return np.asarray((1.0 + distance + distance**2 / 3.0) * np.exp(-distance))


@numba.njit(cache=True)
def _posterior(mean: Any, covariance: Any, weights: Any, arms: int) -> Any:
    """Mean and variance of each choice at the context with these weights of the nodes."""
    expected, variance = np.zeros(arms), np.zeros(arms)
    for i in range(weights.size):
        if weights[i] > 0.0:
            for arm in range(arms):
                expected[arm] += weights[i] * mean[i * arms + arm]
                for j in range(weights.size):
                    if weights[j] > 0.0:
                        variance[arm] += weights[i] * weights[j] * covariance[i * arms + arm, j * arms + arm]
    return expected, np.maximum(variance, 0.0)


@numba.njit(cache=True)
def _observe(mean: Any, covariance: Any, weights: Any, arms: int, arm: int, value: float, noise: float) -> None:
    """Kalman's update by one value seen with noise."""
    size = mean.size
    gain = np.zeros(size)
    expected, variance = 0.0, noise
    for i in range(weights.size):
        if weights[i] > 0.0:
            expected += weights[i] * mean[i * arms + arm]
            for k in range(size):
                gain[k] += weights[i] * covariance[i * arms + arm, k]
    for i in range(weights.size):
        variance += weights[i] * gain[i * arms + arm]
    for k in range(size):
        mean[k] += gain[k] * (value - expected) / variance
        scaled = gain[k] / variance
        for m in range(size):
            covariance[k, m] -= scaled * gain[m]
