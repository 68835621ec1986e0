"""The Gray-Scott reaction with diffusion of both species, second order.

``keep u + scale (Du lap u - u v^2 + F (1 - u))`` and ``keep v + scale (Dv lap v + u v^2 - (F + k) v)``. The compiled
kernel does several steps in one sweep through memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from subgrid.kernels.native import fma, view
from subgrid.kernels.stencil_diffusion import ONE, TWO, rate_1d, rate_2d, rate_3d
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
    wanted,
    whole,
    wrapped,
)

__all__ = ["react", "react_reference"]

Array = Any


def react_reference(
    u: Array,
    v: Array,
    ghosts_u: Ghosts,
    ghosts_v: Ghosts,
    inverse_squares: tuple[Any, ...],
    rates: tuple[Any, ...],
    keep: Any,
    scale: Any,
    xp: Any,
) -> tuple[Array, Array]:
    """The definition, over (nz, ny, nx). ``inverse_squares`` are 1 / spacing^2 by axis (z, y, x), ``rates`` are (Du,
    Dv, F, F + k)."""
    Du, Dv, feed, removal = rates
    lap_u, lap_v = 0.0 * u, 0.0 * v
    for axis in range(3):
        near_u, near_v = neighbours(u, ghosts_u, axis, 1, xp), neighbours(v, ghosts_v, axis, 1, xp)
        lap_u = lap_u + inverse_squares[axis] * ((near_u[-1] - u) + (near_u[1] - u))
        lap_v = lap_v + inverse_squares[axis] * ((near_v[-1] - v) + (near_v[1] - v))
    reaction = u * v * v
    u_t = Du * lap_u - reaction + (feed - feed * u)
    v_t = Dv * lap_v + reaction - removal * v
    return keep * u + scale * u_t, keep * v + scale * v_t


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def react(
    u: Array,
    v: Array,
    rules_u: Rules,
    rules_v: Rules,
    coefficients_u: Any,
    coefficients_v: Any,
    feed: Any,
    removal: Any,
    keep: Any,
    scales: Array,
    height: int,
    width: int,
    out_u: Array,
    out_v: Array,
    first: int,
    last: int,
) -> None:
    """`react_reference` once for each entry of ``scales``, into planes ``first`` to ``last`` of both outputs.

    Fields are four arrays (planes, rows, nx); coefficients, Du / spacing^2 and Dv / spacing^2, follow that order.
    ``height`` and ``width`` are rows and columns of a tile.
    """
    rows, nx = u.shape[1], u.shape[2]
    pitch, _, entries = layout(rows, nx, len(scales), height, width)
    # allocated here, so that it outlives the uncounted views of it
    window = np.empty(2 * entries + SPARE_ROWS * pitch + LINE_BYTES, u.dtype)
    zero, one = u.dtype.type(0), u.dtype.type(1)
    # rates of both: sum c_a second differences -+ u v^2 + (gain - loss times the species)
    chemistry_u, chemistry_v = (-one, feed, feed), (one, zero, removal)
    for y in range(0, rows, height):
        for x in range(0, nx, width):
            ends = y, min(y + height, rows), x, min(x + width, nx)
            _march(
                u, v, rules_u, rules_v, coefficients_u, coefficients_v, chemistry_u, chemistry_v, keep, scales,
                height, width, ends, window, out_u, out_v, first, last,
            )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _march(  # type: ignore[no-untyped-def]
    u, v, rules_u, rules_v, coefficients_u, coefficients_v, chemistry_u, chemistry_v, keep, scales,
    height, width, ends, window, out_u, out_v, first, last,
):  # fmt: skip
    """All steps on one tile."""
    planes, rows, nx = u.shape
    steps, kinds, reach = len(scales), rules_u.kinds, ahead(nx, width)
    pitch, distance, entries = layout(rows, nx, steps, height, width)
    grid_u, result_u, grid_v, result_v = (
        view(u, 0, u.size),
        view(out_u, 0, u.size),
        view(v, 0, u.size),
        view(out_v, 0, u.size),
    )
    start = lead(window)
    between_u, between_v = view(window, start, entries), view(window, start + entries, entries)
    spare = view(window, start + 2 * entries, SPARE_ROWS * pitch)
    across, along = part(kinds[1], rows, ends[0], ends[1], steps), part(kinds[2], nx, ends[2], ends[3], margin(steps))
    for q in range(first - steps + 1, last + steps - 1):
        for step in range(1, steps + 1):
            p = q - step + 1
            plane = wanted(p, first, last, steps - step, planes, kinds[0])
            if plane < 0:
                continue
            a, b = (grid_u, grid_v) if step == 1 else (between_u, between_v)
            scale, shift_u, shift_v = scales[step - 1], rules_u.shifts[step - 1], rules_v.shifts[step - 1]
            r, top = inside(across, step)
            while r < top:
                y = wrapped(across[0] + r, rows)
                i, end = inside(along, margin(steps) if step == steps else 0)
                while i < end:
                    x = wrapped(along[0] + i, nx)
                    count = end - i if step > 1 else min(end - i, nx - x)
                    where = place(step, p, plane, r, y, i, x, count, u.shape, kinds, across, along, pitch, distance)
                    if step == steps:
                        at = (plane * rows + y) * nx + x
                        target_u, target_v = view(result_u, at, count), view(result_v, at, count)
                    else:
                        at = ((step - 1) * 3 + p % 3) * distance + r * pitch + i
                        target_u, target_v = view(between_u, at, count), view(between_v, at, count)
                    row_u, row_v = view(a, where[0], count), view(b, where[0], count)
                    _species(
                        a, where, count, rules_u.factors, shift_u, spare, pitch, row_u, row_v, kinds, coefficients_u,
                        chemistry_u, keep, scale, reach if step == 1 else 0, reach if step == steps else 0, target_u,
                    )  # fmt: skip
                    _species(
                        b, where, count, rules_v.factors, shift_v, spare, pitch, row_u, row_v, kinds, coefficients_v,
                        chemistry_v, keep, scale, reach if step == 1 else 0, reach if step == steps else 0, target_v,
                    )  # fmt: skip
                    i += count
                r += 1


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _species(  # type: ignore[no-untyped-def]
    values,
    where,
    count,
    factors,
    shift,
    spare,
    pitch,
    u,
    v,
    kinds,
    coefficients,
    chemistry,
    keep,
    scale,
    reads,
    writes,
    out,
):
    """The cells of a segment of one species. ``u`` and ``v`` are the segment of both."""
    here, low, high, back, front, left, right = where
    cz, cy, cx = coefficients
    near, n = view(values, here - 1, count + 2), count - 1
    start, end = whole(values, here, count)
    row_back = beside(values, back, here, count, factors[0], shift[0], view(spare, 0, pitch))
    row_front = beside(values, front, here, count, factors[1], shift[1], view(spare, pitch, pitch))
    before = end_value(values, left, here, factors[4], shift[4])
    after = end_value(values, right, here + n, factors[5], shift[5])
    if kinds[1] != ABSENT:
        row_low = beside(values, low, here, count, factors[2], shift[2], view(spare, 2 * pitch, pitch))
        row_high = beside(values, high, here, count, factors[3], shift[3], view(spare, 3 * pitch, pitch))
        _line_3d(
            near,
            row_low,
            row_high,
            row_back,
            row_front,
            u,
            v,
            cz,
            cy,
            cx,
            chemistry,
            keep,
            scale,
            start,
            end,
            reads,
            writes,
            out,
        )
        if left != INNER:
            rate = rate_3d(near[1], before, near[2], row_low[0], row_high[0], row_back[0], row_front[0], cz, cy, cx)
            out[0] = _moved(near[1], rate, u[0], v[0], chemistry, keep, scale)
        if right != INNER:
            rate = rate_3d(near[n + 1], near[n], after, row_low[n], row_high[n], row_back[n], row_front[n], cz, cy, cx)
            out[n] = _moved(near[n + 1], rate, u[n], v[n], chemistry, keep, scale)
    elif kinds[0] != ABSENT:
        _line_2d(near, row_back, row_front, u, v, cz, cx, chemistry, keep, scale, start, end, reads, writes, out)
        if left != INNER:
            rate = rate_2d(near[1], before, near[2], row_back[0], row_front[0], cz, cx)
            out[0] = _moved(near[1], rate, u[0], v[0], chemistry, keep, scale)
        if right != INNER:
            rate = rate_2d(near[n + 1], near[n], after, row_back[n], row_front[n], cz, cx)
            out[n] = _moved(near[n + 1], rate, u[n], v[n], chemistry, keep, scale)
    else:
        _line_1d(near, u, v, cx, chemistry, keep, scale, start, end, reads, writes, out)
        if left != INNER:
            out[0] = _moved(near[1], rate_1d(near[1], before, near[2], cx), u[0], v[0], chemistry, keep, scale)
        if right != INNER:
            out[n] = _moved(near[n + 1], rate_1d(near[n + 1], near[n], after, cx), u[n], v[n], chemistry, keep, scale)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _moved(c, diffusion, u, v, chemistry, keep, scale):  # type: ignore[no-untyped-def]
    sign, gain, loss = chemistry
    return fma(scale, fma(sign, u * v * v, diffusion) + fma(-loss, c, gain), keep * c)


# One species at a time: a loop that writes both has more pairs of arrays that might overlap than the compiler is
# willing to check, and stays scalar.


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_1d(near, u, v, cx, chemistry, keep, scale, start, end, reads, writes, out):  # type: ignore[no-untyped-def]
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(near, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            out[i] = _moved(c, rate_1d(c, near[i], near[i + TWO], cx), u[i], v[i], chemistry, keep, scale)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_2d(near, back, front, u, v, cz, cx, chemistry, keep, scale, start, end, reads, writes, out):  # type: ignore[no-untyped-def]
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(front, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            rate = rate_2d(c, near[i], near[i + TWO], back[i], front[i], cz, cx)
            out[i] = _moved(c, rate, u[i], v[i], chemistry, keep, scale)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line_3d(  # type: ignore[no-untyped-def]
    near, low, high, back, front, u, v, cz, cy, cx, chemistry, keep, scale, start, end, reads, writes, out
):
    strip = strip_of(end - start, reads, writes)
    for first in range(start, end, strip):
        last = min(first + strip, end)
        request(front, out, first, last, reads, writes)
        for n in range(first, last):
            i = np.uint64(n)
            c = near[i + ONE]
            rate = rate_3d(c, near[i], near[i + TWO], low[i], high[i], back[i], front[i], cz, cy, cx)
            out[i] = _moved(c, rate, u[i], v[i], chemistry, keep, scale)
