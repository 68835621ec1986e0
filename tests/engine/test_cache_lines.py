"""Lines of numbers compute what single numbers do, wherever an array begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit

from subgrid.kernels.cache_lines import (
    alike,
    every,
    line_size,
    look,
    put,
    stream,
    wait_for_streams,
    whole_lines,
)
from subgrid.kernels.native import LINE_BYTES, entry, fma


@njit  # type: ignore[untyped-decorator]
def combine(a: Any, b: Any, factor: Any, streamed: bool, out: Any) -> None:
    """``factor a + b (a - b)`` by lines, streamed or not, and by single numbers before and after them."""
    target, wide = entry(out, 0), every(factor)
    first, last = whole_lines(target, 0, out.size)
    for i in range(first, last, line_size(target)):
        x, y = look(a, i), look(b, i)
        value = fma(wide, x, y * (x - y))
        if streamed:
            stream(target, i, value)
        else:
            put(target, i, value)
    for start, end in ((0, first), (last, out.size)):
        for i in range(start, end):
            target[i] = fma(factor, a[i], b[i] * (a[i] - b[i]))
    wait_for_streams()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_lines_agree_with_numbers_to_the_bit(precision: str) -> None:
    a, b = np.random.default_rng(1).normal(size=(2, 150)).astype(precision)
    factor = np.dtype(precision).type(0.3)
    single = np.zeros(1, precision)
    for size in (0, 1, 7, 16, 100):
        for begin in range(0, 20, 3):
            for streamed in (False, True):
                whole = np.full(150, 7.0, precision)
                combine(a[:size], b[:size], factor, streamed, whole[begin : begin + size])
                assert (whole[:begin] == 7.0).all()
                assert (whole[begin + size :] == 7.0).all()
                for i in range(size):
                    combine(a[i : i + 1], b[i : i + 1], factor, False, single)
                    assert whole[begin + i] == single[0]


@njit  # type: ignore[untyped-decorator]
def lines_of(values: Any, start: int, end: int) -> tuple[int, int]:
    return whole_lines(entry(values, 0), start, end)


@njit  # type: ignore[untyped-decorator]
def begin_alike(a: Any, b: Any) -> bool:
    return alike(entry(a, 0), entry(b, 0))


def test_whole_lines_begin_and_end_with_a_line_of_memory() -> None:
    values = np.zeros(100)
    count = LINE_BYTES // values.itemsize
    for start in range(12):
        for end in range(start, 40):
            first, last = lines_of(values[3:], start, end)
            assert start <= first <= last <= end
            assert (last - first) % count == 0
            assert first == end or (values[3:].ctypes.data // 8 + first) % count == 0
            assert first - start < count
            assert end - last < count
    assert begin_alike(values, values[count:])
    assert not begin_alike(values, values[1:])
