"""Sums behind error norms, in one pass over memory. Arrays are C-contiguous, real or complex (modulus)."""

from __future__ import annotations

from collections.abc import Callable

from numba import njit

from subgrid.backend import Array


def _square_sum(x: Array) -> float:
    y = x.reshape(-1)
    total = 0.0
    for i in range(y.size):
        total += y[i].real ** 2 + y[i].imag ** 2
    return total


def _scaled_square_sum(error: Array, before: Array, after: Array, atol: float, rtol: float) -> float:
    e, a, b = error.reshape(-1), before.reshape(-1), after.reshape(-1)
    total = 0.0
    for i in range(e.size):
        scale = atol + rtol * max(abs(a[i]), abs(b[i]))
        total += (e[i].real ** 2 + e[i].imag ** 2) / scale**2
    return total


square_sum: Callable[[Array], float] = njit(cache=True)(_square_sum)
"""``sum(|x|**2)``."""

scaled_square_sum: Callable[[Array, Array, Array, float, float], float] = njit(cache=True)(_scaled_square_sum)
"""``sum((|error| / (atol + rtol * max(|before|, |after|)))**2)``."""
