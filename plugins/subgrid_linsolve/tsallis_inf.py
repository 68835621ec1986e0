"""Tsallis-INF: which of several choices to try next, when only the cost of the choice made is seen."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from subgrid_linsolve.systems import Real

NEWTON_STEPS = 50


@numba.njit(cache=True)
def tsallis_probabilities(costs: Any, eta: float) -> Any:
    """Probabilities that minimise ``<costs, p> - (4/eta) sum sqrt(p_i)`` over the simplex.

    ``p_i = 4 (eta (costs_i - x))^-2``, with x from Newton's iteration ``x <- x - (sum p - 1)/(eta sum p^(3/2))``;
    it is monotone from ``min(costs) - 2/eta`` (J. Zimmert and Y. Seldin, J. Mach. Learn. Res. 22, 2021).
    """
    x = costs.min() - 2.0 / eta
    p = np.empty_like(costs)
    for _ in range(NEWTON_STEPS):
        total = slope = 0.0
        for arm in range(costs.size):
            root = 2.0 / (eta * (costs[arm] - x))
            p[arm] = root * root
            total += p[arm]
            slope += root * root * root
        if abs(total - 1.0) < 1e-12:
            break
        x -= (total - 1.0) / (eta * slope)
    return p / p.sum()


def propose(costs: Real, mean_cost: float, rounds: int) -> Real:
    """Probabilities of the next round after ``rounds``, with the practical settings of M. Khodak, E. Chow, M.-F. Balcan
    and A. Talwalkar (Learning to relax, ICLR 2024): costs in units of their running mean, eta = 2/sqrt(t)."""
    scaled = costs / mean_cost if mean_cost > 0.0 else np.zeros_like(costs)
    probabilities: Real = tsallis_probabilities(scaled, 2.0 / np.sqrt(rounds + 1.0))
    return probabilities


def draw(probabilities: Real, uniform: float) -> int:
    """The choice that a uniform number in [0, 1) falls on."""
    chosen = int(np.searchsorted(np.cumsum(probabilities), uniform, side="right"))
    return min(chosen, probabilities.size - 1)
