"""The STREAM triad, a = b + s c: the measure of memory bandwidth beside which streaming kernels are judged."""

from __future__ import annotations

from typing import Any

from numba import njit

Array = Any

BYTES = 32
"""Bytes moved for each float64 element: two reads, one write, and the read that a write to an uncached line causes."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def triad(b: Array, c: Array, s: Any, a: Array, first: int, last: int) -> None:
    """a = b + s c over rows ``first`` to ``last`` of arrays (rows, length)."""
    for r in range(first, last):
        x, y, result = b[r], c[r], a[r]
        for i in range(x.shape[0]):
            result[i] = x[i] + s * y[i]
