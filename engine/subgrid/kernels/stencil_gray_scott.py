"""The Gray-Scott reaction with diffusion of both species, second order.

``keep u + scale (Du lap u - u v^2 + F (1 - u))`` and ``keep v + scale (Dv lap v + u v^2 - (F + k) v)``. The compiled
kernel does several steps in one sweep through memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit
from numba.extending import overload

from subgrid.kernels.cache_lines import alike, every, line_size, look, put, stream, whole_lines
from subgrid.kernels.native import entry, fma, prefetch, prefetch_to_write
from subgrid.kernels.stencil_diffusion import cell_rate, everywhere, line_rate, scaled
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours
from subgrid.kernels.stencil_sweep import advance, around, new_window, row_ends, streamed_part, sweep, walls
from subgrid.kernels.stencil_window import Rules

__all__ = ["GrayScott", "react", "react_reference"]

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


class GrayScott(NamedTuple):
    """Du / spacing^2 and Dv / spacing^2 by (planes, rows, columns), F, F + k, and ``keep``."""

    coefficients_u: Any
    coefficients_v: Any
    feed: Any
    removal: Any
    keep: Any


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
    streamed: bool,
    out_u: Array,
    out_v: Array,
    first: int,
    last: int,
) -> None:
    """`react_reference` once for each entry of ``scales``, into planes ``first`` to ``last`` of both outputs.

    Fields are four arrays (planes, rows, nx); coefficients, Du / spacing^2 and Dv / spacing^2, follow that order,
    without those of absent axes.
    ``height`` and ``width`` are rows and columns of a tile, and ``streamed`` says whether the outputs are written past
    the caches.
    """
    window = new_window(u, 2, len(scales), height, width)
    sweep(
        GrayScott(coefficients_u, coefficients_v, feed, removal, keep), u.shape, (walls(rules_u), walls(rules_v)),
        scales, height, width, streamed, False,
        (entry(u, 0), entry(v, 0)), window, (entry(out_u, 0), entry(out_v, 0)),
        first, last,
    )  # fmt: skip


@overload(advance)  # type: ignore[untyped-decorator]
def _advance(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    return _react_segment if getattr(equation, "instance_class", None) is GrayScott else None


def _react_segment(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    u = around(segment, walls[0], step, values[0], spare[0])
    v = around(segment, walls[1], step, values[1], spare[1])
    (out_u, out_v), numbers = out, _numbers(equation, scale)
    first, last = whole_lines(out_u, u.start, u.end)
    _lines(u, v, first, last, numbers, segment, out_u, out_v)
    _cells(u, v, u.start, first, numbers, out_u, out_v)
    _cells(u, v, last, u.end, numbers, out_u, out_v)
    for row in range(segment.several):
        i, before_u, n, after_u = row_ends(segment, walls[0], step, values[0], row)
        _, before_v, _, after_v = row_ends(segment, walls[1], step, values[1], row)
        if i >= 0:
            ends = (before_u, u.near[i + 2]), (before_v, v.near[i + 2])
            out_u[i], out_v[i] = _cell(u, v, i, ends, numbers)
        if n >= 0:
            ends = (u.near[n], after_u), (v.near[n], after_v)
            out_u[n], out_v[n] = _cell(u, v, n, ends, numbers)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _numbers(equation, scale):  # type: ignore[no-untyped-def]
    """The numbers of a step: both coefficients; loss and gain by the reaction, supply, what is left of u and of v."""
    supply = scale * equation.feed
    return (
        scaled(equation.coefficients_u, scale), scaled(equation.coefficients_v, scale),
        (-scale, scale, supply, equation.keep - supply, equation.keep - scale * equation.removal),
    )  # fmt: skip


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _reacted(u, v, spread_u, spread_v, numbers):  # type: ignore[no-untyped-def]
    """Both species after a step in which diffusion brings them ``spread_u`` and ``spread_v``."""
    loss, gain, supply, left_u, left_v = numbers
    product = u * v * v
    return fma(left_u, u, fma(loss, product, spread_u) + supply), fma(left_v, v, fma(gain, product, spread_v))


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _lines(u, v, first, last, numbers, segment, out_u, out_v):  # type: ignore[no-untyped-def]
    """Whole lines of cells."""
    diffusion_u, diffusion_v, (loss, gain, supply, left_u, left_v) = numbers
    reaction = every(loss), every(gain), every(supply), every(left_u), every(left_v)
    wide = everywhere(diffusion_u), everywhere(diffusion_v), reaction
    count, reads, writes = line_size(out_u), segment.reads, segment.writes
    begin, end = streamed_part(segment) if alike(out_u, out_v) else (0, 0)
    for i in range(first, last, count):
        if reads > 0:
            prefetch(u.front, i + reads)
            prefetch(v.front, i + reads)
        if writes > 0:
            prefetch_to_write(out_u, i + writes)
            prefetch_to_write(out_v, i + writes)
        new_u, new_v = _line(u, v, i, wide)
        if begin <= i and i + count <= end:
            stream(out_u, i, new_u)
            stream(out_v, i, new_v)
        else:
            put(out_u, i, new_u)
            put(out_v, i, new_v)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line(u, v, i, numbers):  # type: ignore[no-untyped-def]
    diffusion_u, diffusion_v, reaction = numbers
    spread_u, spread_v = line_rate(u, i, diffusion_u), line_rate(v, i, diffusion_v)
    return _reacted(look(u.near, i + 1), look(v.near, i + 1), spread_u, spread_v, reaction)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cells(u, v, first, last, numbers, out_u, out_v):  # type: ignore[no-untyped-def]
    """Cells one by one."""
    for i in range(first, last):
        ends = (u.near[i], u.near[i + 2]), (v.near[i], v.near[i + 2])
        out_u[i], out_v[i] = _cell(u, v, i, ends, numbers)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cell(u, v, i, ends, numbers):  # type: ignore[no-untyped-def]
    """Both species in one cell; ``ends`` are its neighbours along the row, of u and of v."""
    diffusion_u, diffusion_v, reaction = numbers
    spread_u = cell_rate(u, i, ends[0][0], ends[0][1], diffusion_u)
    spread_v = cell_rate(v, i, ends[1][0], ends[1][1], diffusion_v)
    return _reacted(u.near[i + 1], v.near[i + 1], spread_u, spread_v, reaction)
