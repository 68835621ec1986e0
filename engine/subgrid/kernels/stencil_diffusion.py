"""Constant-coefficient diffusion, second order: ``keep u + scale (sum_a c_a (u_-1 - 2 u + u_+1) + source)``.

With ``keep = 0`` and ``scale = 1`` this is a tendency, with ``keep = 1`` and ``scale = dt`` a whole forward Euler step.
The compiled kernel does several of them in one sweep through memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import fma, view
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours
from subgrid.kernels.stencil_window import (
    ABSENT,
    INNER,
    LINE_BYTES,
    SPARE_ROWS,
    Rules,
    ahead,
    beside,
    end_value,
    inside,
    layout,
    lead,
    margin,
    part,
    place,
    request,
    strip_of,
    together,
    wanted,
    whole,
    wrapped,
)

__all__ = ["ONE", "TWO", "diffuse", "diffuse_reference", "rate_1d", "rate_2d", "rate_3d"]

Array = Any

ONE, TWO = np.uint64(1), np.uint64(2)


def diffuse_reference(
    u: Array, ghosts: Ghosts, coefficients: tuple[Any, ...], source: Array, keep: Any, scale: Any, xp: Any
) -> Array:
    """The definition. ``coefficients`` are (c_z, c_y, c_x) = diffusivity / spacing^2 [1/s]; arrays are (nz, ny, nx),
    and ``source`` may have one row only, (1, 1, nx), that stands for all."""
    rate = 0.0 * u + source
    for axis in range(3):
        near = neighbours(u, ghosts, axis, 1, xp)
        rate = rate + coefficients[axis] * ((near[-1] - u) + (near[1] - u))
    return keep * u + scale * rate


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def diffuse(
    u: Array,
    rules: Rules,
    coefficients: Any,
    source: Array,
    keep: Any,
    scales: Array,
    height: int,
    width: int,
    out: Array,
    first: int,
    last: int,
) -> None:
    """`diffuse_reference` once for each entry of ``scales``, into planes ``first`` to ``last`` of ``out``.

    ``u`` and ``out`` are two arrays (planes, rows, nx), and so is ``source`` unless it has one row only, or no
    entry for none; coefficients follow that order. ``height`` and ``width`` are rows and columns of a tile.
    """
    rows, nx = u.shape[1], u.shape[2]
    pitch, _, entries = layout(rows, nx, len(scales), height, width)
    # allocated here, so that it outlives the uncounted views of it
    window = np.empty(entries + SPARE_ROWS * pitch + LINE_BYTES, u.dtype)
    for y in range(0, rows, height):
        for x in range(0, nx, width):
            ends = y, min(y + height, rows), x, min(x + width, nx)
            _march(u, rules, coefficients, source, keep, scales, height, width, ends, window, out, first, last)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _march(  # type: ignore[no-untyped-def]
    u, rules, coefficients, source, keep, scales, height, width, ends, window, out, first, last
):
    """All steps on one tile."""
    planes, rows, nx = u.shape
    steps, reach = len(scales), ahead(nx, width)
    kinds, factors, shifts = rules.kinds, rules.factors, rules.shifts
    pitch, distance, entries = layout(rows, nx, steps, height, width)
    grid, result = view(u, 0, u.size), view(out, 0, out.size)
    between = view(window, lead(window), entries + SPARE_ROWS * pitch)
    extra, each, sourced = view(source, 0, source.size), source.size == u.size, source.size > 0
    spare_low, spare_high = view(between, entries, pitch), view(between, entries + pitch, pitch)
    spare_back, spare_front = view(between, entries + 2 * pitch, pitch), view(between, entries + 3 * pitch, pitch)
    across, along = part(kinds[1], rows, ends[0], ends[1], steps), part(kinds[2], nx, ends[2], ends[3], margin(steps))
    for q in range(first - steps + 1, last + steps - 1):
        for step in range(1, steps + 1):
            p = q - step + 1
            plane = wanted(p, first, last, steps - step, planes, kinds[0])
            if plane < 0:
                continue
            values = grid if step == 1 else between
            scale, shift = scales[step - 1], shifts[step - 1]
            r, top = inside(across, step)
            while r < top:
                y = wrapped(across[0] + r, rows)
                i, end = inside(along, margin(steps) if step == steps else 0)
                while i < end:
                    x = wrapped(along[0] + i, nx)
                    count = end - i if step > 1 and not sourced else min(end - i, nx - x)
                    here, low, high, back, front, left, right = place(
                        step, p, plane, r, y, i, x, count, u.shape, kinds, across, along, pitch, distance
                    )
                    at = (plane * rows + y) * nx + x
                    target = (
                        view(result, at, count)
                        if step == steps
                        else view(between, ((step - 1) * 3 + p % 3) * distance + r * pitch + i, count)
                    )
                    if kinds[1] != ABSENT and not sourced:
                        several = together(step, r, top, y, u.shape, across, along, pitch, back, front)
                        if several > 1:
                            cells = several * nx
                            row_target = (
                                view(result, at, cells)
                                if step == steps
                                else view(between, ((step - 1) * 3 + p % 3) * distance + r * pitch, cells)
                            )
                            _rows_together(
                                values,
                                (here, low, high, back, front, left, right),
                                several,
                                nx,
                                (factors[4], factors[5], shift[4], shift[5]),
                                coefficients,
                                keep,
                                scale,
                                reach if step == 1 else 0,
                                reach if step == steps else 0,
                                extra,
                                row_target,
                            )
                            r += several - 1
                            break
                    low_end, high_end = whole(values, here, count)
                    _segment(
                        view(values, here - 1, count + 2),
                        beside(values, low, here, count, factors[2], shift[2], spare_low),
                        beside(values, high, here, count, factors[3], shift[3], spare_high),
                        beside(values, back, here, count, factors[0], shift[0], spare_back),
                        beside(values, front, here, count, factors[1], shift[1], spare_front),
                        left != INNER,
                        end_value(values, left, here, factors[4], shift[4]),
                        right != INNER,
                        end_value(values, right, here + count - 1, factors[5], shift[5]),
                        view(extra, at if each else x, count if sourced else 0),
                        kinds,
                        coefficients,
                        keep,
                        scale,
                        low_end,
                        high_end,
                        reach if step == 1 else 0,
                        reach if step == steps else 0,
                        target,
                    )
                    i += count
                r += 1


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _rows_together(  # type: ignore[no-untyped-def]
    values, where, several, nx, walls, coefficients, keep, scale, reads, writes, none, out
):
    """Rows that follow each other in three dimensions as one long row, and then their ends."""
    here, low, high, back, front, left, right = where
    cz, cy, cx = coefficients
    cells = several * nx
    start, end = whole(values, here, cells)
    near, source = view(values, here - 1, cells + 2), view(none, 0, 0)
    row_low, row_high = view(values, low, cells), view(values, high, cells)
    row_back, row_front = view(values, back, cells), view(values, front, cells)
    _line_3d(
        near, row_low, row_high, row_back, row_front, source, cz, cy, cx, keep, scale, start, end, reads, writes, out
    )
    for row in range(several):
        i = row * nx
        before = end_value(values, left + i if left >= 0 else left, here + i, walls[0], walls[2])
        rate = rate_3d(near[i + 1], before, near[i + 2], row_low[i], row_high[i], row_back[i], row_front[i], cz, cy, cx)
        out[i] = _moved(near[i + 1], rate, source, i, keep, scale)
        after = end_value(values, right + i if right >= 0 else right, here + i + nx - 1, walls[1], walls[3])
        i += nx - 1
        rate = rate_3d(near[i + 1], near[i], after, row_low[i], row_high[i], row_back[i], row_front[i], cz, cy, cx)
        out[i] = _moved(near[i + 1], rate, source, i, keep, scale)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _segment(  # type: ignore[no-untyped-def]
    near,
    low,
    high,
    back,
    front,
    first,
    left,
    last,
    right,
    source,
    kinds,
    coefficients,
    keep,
    scale,
    start,
    end,
    reads,
    writes,
    out,
):
    """The cells of a segment, whose neighbours along it are ``near[:-2]`` and ``near[2:]``. Where it is the ``first``
    or ``last`` of a row, the value beyond it is ``left`` or ``right``."""
    cz, cy, cx = coefficients
    n = out.shape[0] - 1
    if kinds[1] != ABSENT:
        _line_3d(near, low, high, back, front, source, cz, cy, cx, keep, scale, start, end, reads, writes, out)
        if first:
            rate = rate_3d(near[1], left, near[2], low[0], high[0], back[0], front[0], cz, cy, cx)
            out[0] = _moved(near[1], rate, source, 0, keep, scale)
        if last:
            rate = rate_3d(near[n + 1], near[n], right, low[n], high[n], back[n], front[n], cz, cy, cx)
            out[n] = _moved(near[n + 1], rate, source, n, keep, scale)
    elif kinds[0] != ABSENT:
        _line_2d(near, back, front, source, cz, cx, keep, scale, start, end, reads, writes, out)
        if first:
            out[0] = _moved(near[1], rate_2d(near[1], left, near[2], back[0], front[0], cz, cx), source, 0, keep, scale)
        if last:
            rate = rate_2d(near[n + 1], near[n], right, back[n], front[n], cz, cx)
            out[n] = _moved(near[n + 1], rate, source, n, keep, scale)
    else:
        _line_1d(near, source, cx, keep, scale, start, end, reads, writes, out)
        if first:
            out[0] = _moved(near[1], rate_1d(near[1], left, near[2], cx), source, 0, keep, scale)
        if last:
            out[n] = _moved(near[n + 1], rate_1d(near[n + 1], near[n], right, cx), source, n, keep, scale)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _moved(c, rate, source, i, keep, scale):  # type: ignore[no-untyped-def]
    return fma(scale, rate + source[i] if source.shape[0] > 0 else rate, keep * c)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rate_1d(c, left, right, cx):  # type: ignore[no-untyped-def]
    return cx * ((left - c) + (right - c))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rate_2d(c, left, right, back, front, cz, cx):  # type: ignore[no-untyped-def]
    return fma(cz, (back - c) + (front - c), cx * ((left - c) + (right - c)))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def rate_3d(c, left, right, low, high, back, front, cz, cy, cx):  # type: ignore[no-untyped-def]
    return fma(cz, (back - c) + (front - c), fma(cy, (low - c) + (high - c), cx * ((left - c) + (right - c))))


# All cells of a segment, for vector code. Unsigned indices spare the wrap-around of negative ones. Without a source
# there is a loop of its own: reading even a row of zeros again and again costs a sixth of a sweep.


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_1d(near, source, cx, keep, scale, start, end, reads, writes, out):  # type: ignore[no-untyped-def]
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(near, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            out[i] = _moved(c, rate_1d(c, near[i], near[i + TWO], cx), source, i, keep, scale)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_2d(near, back, front, source, cz, cx, keep, scale, start, end, reads, writes, out):  # type: ignore[no-untyped-def]
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(front, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            rate = rate_2d(c, near[i], near[i + TWO], back[i], front[i], cz, cx)
            out[i] = _moved(c, rate, source, i, keep, scale)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_3d(  # type: ignore[no-untyped-def]
    near, low, high, back, front, source, cz, cy, cx, keep, scale, start, end, reads, writes, out
):
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(front, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            rate = rate_3d(c, near[i], near[i + TWO], low[i], high[i], back[i], front[i], cz, cy, cx)
            out[i] = _moved(c, rate, source, i, keep, scale)
