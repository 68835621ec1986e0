"""Constant-coefficient diffusion, second order: ``keep u + scale (sum_a c_a (u_-1 - 2 u + u_+1) + source)``.

With ``keep = 0`` and ``scale = 1`` this is a tendency, with ``keep = 1`` and ``scale = dt`` a whole forward Euler step.
The compiled kernel does several of them in one sweep through memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit
from numba.extending import overload

from subgrid.kernels.cache_lines import every, line_size, look, put, stream, whole_lines
from subgrid.kernels.native import entry, fma, prefetch, prefetch_to_write
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours
from subgrid.kernels.stencil_sweep import advance, around, new_window, row_ends, streamed_part, sweep, walls
from subgrid.kernels.stencil_window import Rules

__all__ = ["Diffusion", "cell_rate", "diffuse", "diffuse_reference", "everywhere", "line_rate", "scaled"]

Array = Any


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


class Diffusion(NamedTuple):
    """Coefficients by (planes, rows, columns) where there are such, a pointer to the source by cell, whether there is
    one, and ``keep``."""

    coefficients: Any
    source: Any
    sourced: bool
    keep: Any


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
    streamed: bool,
    out: Array,
    first: int,
    last: int,
) -> None:
    """`diffuse_reference` once for each entry of ``scales``, into planes ``first`` to ``last`` of ``out``.

    ``u`` and ``out`` are two arrays (planes, rows, nx), and so is ``source`` unless it has no entry for none;
    coefficients follow that order, without those of absent axes. ``height`` and ``width`` are rows and columns of a
    tile, and ``streamed`` says whether ``out`` is written past the caches.
    """
    window = new_window(u, 1, len(scales), height, width)
    equation = Diffusion(coefficients, entry(source, 0), source.size > 0, keep)
    sweep(
        equation, u.shape, (walls(rules),), scales, height, width, streamed, source.size > 0,
        (entry(u, 0),), window, (entry(out, 0),), first, last,
    )  # fmt: skip


@overload(advance)  # type: ignore[untyped-decorator]
def _advance(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    return _diffuse_segment if getattr(equation, "instance_class", None) is Diffusion else None


def _diffuse_segment(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    near, target = around(segment, walls[0], step, values[0], spare[0]), out[0]
    extra = entry(equation.source, segment.grid), equation.sourced
    numbers = equation.coefficients, equation.keep, scale
    first, last = whole_lines(target, near.start, near.end)
    _lines(near, first, last, extra, numbers, segment, target)
    _cells(near, near.start, first, extra, numbers, target)
    _cells(near, last, near.end, extra, numbers, target)
    for row in range(segment.several):
        i, before, n, after = row_ends(segment, walls[0], step, values[0], row)
        if i >= 0:
            target[i] = _cell(near, i, before, near.near[i + 2], extra, numbers)
        if n >= 0:
            target[n] = _cell(near, n, near.near[n], after, extra, numbers)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _lines(near, first, last, extra, numbers, segment, out):  # type: ignore[no-untyped-def]
    """Whole lines of cells."""
    (source, sourced), (coefficients, keep, scale) = extra, numbers
    wide = everywhere(coefficients), every(keep), every(scale)
    count, reads, writes = line_size(out), segment.reads, segment.writes
    if reads == 0 and writes == 0 and not segment.streams:
        # within the cache nothing is asked for, and questions would slow the loop down by a twentieth
        for i in range(first, last, count):
            put(out, i, _line(near, i, source, sourced, wide))
        return
    begin, end = streamed_part(segment)
    for i in range(first, last, count):
        if reads > 0:
            prefetch(near.front, i + reads)
        if writes > 0:
            prefetch_to_write(out, i + writes)
        value = _line(near, i, source, sourced, wide)
        if begin <= i and i + count <= end:
            stream(out, i, value)
        else:
            put(out, i, value)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line(near, i, source, sourced, numbers):  # type: ignore[no-untyped-def]
    coefficients, keep, scale = numbers
    rate = line_rate(near, i, coefficients)
    if sourced:
        rate = rate + look(source, i)
    return fma(scale, rate, keep * look(near.near, i + 1))


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cells(near, first, last, extra, numbers, out):  # type: ignore[no-untyped-def]
    """Cells one by one."""
    for i in range(first, last):
        out[i] = _cell(near, i, near.near[i], near.near[i + 2], extra, numbers)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cell(near, i, left, right, extra, numbers):  # type: ignore[no-untyped-def]
    (source, sourced), (coefficients, keep, scale) = extra, numbers
    rate = cell_rate(near, i, left, right, coefficients)
    return fma(scale, rate + source[i] if sourced else rate, keep * near.near[i + 1])


# How many axes there are is the number of coefficients, so that the compiler knows it and inner loops do not ask.


def everywhere(coefficients: Any) -> Any:
    """Coefficients for whole lines."""
    raise NotImplementedError


@overload(everywhere)  # type: ignore[untyped-decorator]
def _everywhere(coefficients):  # type: ignore[no-untyped-def]
    if len(coefficients) == 1:
        return lambda coefficients: (every(coefficients[0]),)
    if len(coefficients) == 2:
        return lambda coefficients: (every(coefficients[0]), every(coefficients[1]))
    return lambda coefficients: (every(coefficients[0]), every(coefficients[1]), every(coefficients[2]))


def scaled(coefficients: Any, scale: Any) -> Any:
    """Coefficients times a number."""
    raise NotImplementedError


@overload(scaled)  # type: ignore[untyped-decorator]
def _scaled(coefficients, scale):  # type: ignore[no-untyped-def]
    if len(coefficients) == 1:
        return lambda coefficients, scale: (scale * coefficients[0],)
    if len(coefficients) == 2:
        return lambda coefficients, scale: (scale * coefficients[0], scale * coefficients[1])
    return lambda coefficients, scale: (scale * coefficients[0], scale * coefficients[1], scale * coefficients[2])


def line_rate(near: Any, i: int, coefficients: Any) -> Any:
    """``sum_a c_a (u_-1 - 2 u + u_+1)`` on a line of cells of what is `around` a segment."""
    raise NotImplementedError


@overload(line_rate)  # type: ignore[untyped-decorator]
def _line_rate(near, i, coefficients):  # type: ignore[no-untyped-def]
    def one(near, i, coefficients):  # type: ignore[no-untyped-def]
        return _rate_1d(look(near.near, i + 1), look(near.near, i), look(near.near, i + 2), coefficients)

    def two(near, i, coefficients):  # type: ignore[no-untyped-def]
        c, left, right = look(near.near, i + 1), look(near.near, i), look(near.near, i + 2)
        return _rate_2d(c, left, right, look(near.back, i), look(near.front, i), coefficients)

    def three(near, i, coefficients):  # type: ignore[no-untyped-def]
        c, left, right = look(near.near, i + 1), look(near.near, i), look(near.near, i + 2)
        low, high, back, front = look(near.low, i), look(near.high, i), look(near.back, i), look(near.front, i)
        return _rate_3d(c, left, right, low, high, back, front, coefficients)

    return (one, two, three)[len(coefficients) - 1]


def cell_rate(near: Any, i: int, left: Any, right: Any, coefficients: Any) -> Any:
    """The same on one cell between these neighbours along its row."""
    raise NotImplementedError


@overload(cell_rate)  # type: ignore[untyped-decorator]
def _cell_rate(near, i, left, right, coefficients):  # type: ignore[no-untyped-def]
    def one(near, i, left, right, coefficients):  # type: ignore[no-untyped-def]
        return _rate_1d(near.near[i + 1], left, right, coefficients)

    def two(near, i, left, right, coefficients):  # type: ignore[no-untyped-def]
        return _rate_2d(near.near[i + 1], left, right, near.back[i], near.front[i], coefficients)

    def three(near, i, left, right, coefficients):  # type: ignore[no-untyped-def]
        c, low, high = near.near[i + 1], near.low[i], near.high[i]
        return _rate_3d(c, left, right, low, high, near.back[i], near.front[i], coefficients)

    return (one, two, three)[len(coefficients) - 1]


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _rate_1d(c, left, right, coefficients):  # type: ignore[no-untyped-def]
    return coefficients[0] * ((left - c) + (right - c))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _rate_2d(c, left, right, back, front, coefficients):  # type: ignore[no-untyped-def]
    cz, cx = coefficients
    return fma(cz, (back - c) + (front - c), cx * ((left - c) + (right - c)))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _rate_3d(c, left, right, low, high, back, front, coefficients):  # type: ignore[no-untyped-def]
    cz, cy, cx = coefficients
    return fma(cz, (back - c) + (front - c), fma(cy, (low - c) + (high - c), cx * ((left - c) + (right - c))))
