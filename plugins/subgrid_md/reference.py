"""Lennard-Jones forces in NumPy: the definition. Pairs ``i``, ``j`` (pairs,) and ``r = x_i - x_j`` (pairs, d)."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["pair_energy", "pair_forces", "truncation_terms"]

Array = Any


def truncation_terms(truncation: str, epsilon: float, sigma: float, cutoff: float) -> tuple[float, float]:
    """Constants of ``phi(r) = 4 eps (s^12 - s^6) + energy + slope r``, s = sigma/r, which vanishes at the cutoff for
    ``shifted``, together with its slope for ``force_shifted``, and is left alone for ``cut``."""
    s6 = (sigma / cutoff) ** 6
    value, slope = 4.0 * epsilon * (s6 * s6 - s6), -24.0 * epsilon * (2.0 * s6 * s6 - s6) / cutoff
    if truncation == "cut":
        return 0.0, 0.0
    if truncation == "shifted":
        return -value, 0.0
    return -value + slope * cutoff, -slope


def pair_energy(square: Array, epsilon: float, sigma: float, terms: tuple[float, float]) -> Array:
    """Energy (pairs,) of pairs at squared distances (pairs,)."""
    s6 = (sigma * sigma / square) ** 3
    return 4.0 * epsilon * (s6 * s6 - s6) + terms[0] + terms[1] * np.sqrt(square)


def pair_forces(
    n: int, i: Array, j: Array, r: Array, epsilon: float, sigma: float, terms: tuple[float, float]
) -> tuple[Array, Array, Array, Array]:
    """Force (n, d), half the energy and half the virial ``-r phi'`` of its pairs (n,), and the Laplacian of the energy
    with respect to its position (n,), of each atom."""
    square = np.sum(r**2, axis=1)
    s6 = (sigma * sigma / square) ** 3
    distance = np.sqrt(square)
    # -phi'/r and phi''
    push = 24.0 * epsilon * (2.0 * s6 * s6 - s6) / square - terms[1] / distance
    curvature = 24.0 * epsilon * (26.0 * s6 * s6 - 7.0 * s6) / square
    force = np.stack([np.bincount(i, push * r[:, a], minlength=n) for a in range(r.shape[1])], axis=1)
    energy = np.bincount(i, 0.5 * pair_energy(square, epsilon, sigma, terms), minlength=n)
    virial = np.bincount(i, 0.5 * push * square, minlength=n)
    laplacian = np.bincount(i, curvature - (r.shape[1] - 1) * push, minlength=n)
    return force, energy, virial, laplacian
