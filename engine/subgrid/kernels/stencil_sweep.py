"""The march of `subgrid.kernels.stencil_window` through the tiles of a grid, for any explicit stencil equation.

An equation is a NamedTuple of its numbers; what it does with a row of cells is its `advance`, chosen by its type when
the march is compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import overload

from subgrid.kernels.cache_lines import wait_for_streams
from subgrid.kernels.native import LINE_BYTES, entry
from subgrid.kernels.stencil_window import (
    INNER,
    SPARE_ROWS,
    Rules,
    ahead,
    inside,
    layout,
    lead,
    margin,
    part,
    place,
    together,
    wanted,
    whole,
    wrapped,
)

__all__ = [
    "Around",
    "Segment",
    "advance",
    "around",
    "new_window",
    "row_ends",
    "streamed_part",
    "sweep",
    "walls",
]

Array = Any


class Walls(NamedTuple):
    """`Rules` without arrays: three kinds, and pointers to factors and to shifts by step and side."""

    kinds: Any
    factors: Any
    shifts: Any


class Segment(NamedTuple):
    """Cells that follow each other in memory: part of a row, a row, or ``several`` whole ones of ``length`` cells.

    ``where`` is what `subgrid.kernels.stencil_window.place` gives, and ``size`` the number of cells there are to read;
    ``grid`` is the index of the first cell in the grid. ``reads`` and ``writes`` are how far ahead memory is to be
    asked for, 0 where cells stand in the cache; a processor that is left to notice by itself which lines follow reaches
    two thirds of its bandwidth. ``streams`` says whether what is written goes past the caches.
    """

    where: Any
    size: int
    cells: int
    several: int
    length: int
    grid: int
    reads: int
    writes: int
    streams: bool


class Around(NamedTuple):
    """Pointers to the cells of a segment of one field, beginning with the one before the first, and to those below,
    above, behind and before them; and the cells for which lines of all may be looked at."""

    near: Any
    low: Any
    high: Any
    back: Any
    front: Any
    start: int
    end: int


def advance(equation: Any, segment: Any, walls: Any, step: int, scale: Any, values: Any, spare: Any, out: Any) -> None:
    """One step on a segment. ``values``, ``spare`` and ``out`` are pointers for each field: to all cells that can be
    read, to memory for ghost cells, and to the cells of the segment that are to be written."""
    raise NotImplementedError


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def walls(rules: Rules) -> Walls:
    """The rules must outlive it."""
    kinds = rules.kinds
    return Walls((kinds[0], kinds[1], kinds[2]), entry(rules.factors, 0), entry(rules.shifts, 0))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def new_window(u: Array, fields: int, steps: int, height: int, width: int) -> Array:
    """Memory for what lies between steps, and for ghost cells. It must outlive the pointers to it."""
    pitch, _, entries = layout(u.shape[1], u.shape[2], steps, height, width)
    return np.empty(fields * _room(pitch, entries) + LINE_BYTES, u.dtype)


def _parts(window: Any, grids: Any) -> Any:
    """Pointers to the part of the window that each field takes."""
    raise NotImplementedError


@overload(_parts)  # type: ignore[untyped-decorator]
def _parts_compiled(window, grids):  # type: ignore[no-untyped-def]
    if len(grids) == 1:
        return lambda window, grids: (entry(window, lead(window)),)

    def two(window, grids):  # type: ignore[no-untyped-def]
        first = lead(window)
        return entry(window, first), entry(window, first + (window.size - LINE_BYTES) // 2)

    return two


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _room(pitch: int, entries: int) -> int:
    """Entries of the window of one field, in whole cache lines."""
    return (entries + SPARE_ROWS * pitch) // LINE_BYTES * LINE_BYTES + LINE_BYTES


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sweep(  # type: ignore[no-untyped-def]
    equation, shape, walls, scales, height, width, streamed, in_rows, grids, window, results, first, last
):
    """Steps of these sizes on planes ``first`` to ``last`` of a grid (planes, rows, nx).

    Nothing is checked: axes have three cells or more, and a tile that is narrower than the grid reads on each side no
    more cells than the grid has (`subgrid.kernels.stencil_window.Tiling.of` sees to it). ``walls`` and the pointers
    ``grids`` and ``results`` come one for each field, ``window`` is a `new_window`; with ``in_rows`` no segment goes on
    from a row of the grid to another.
    """
    _, rows, nx = shape
    # the caller owns the window until it returns: here it would be freed as soon as the pointers are taken
    windows = _parts(window, grids)
    for y in range(0, rows, height):
        for x in range(0, nx, width):
            ends = y, min(y + height, rows), x, min(x + width, nx)
            _march(
                equation, shape, walls, scales, (height, width, streamed, in_rows), grids, windows, results, ends,
                first, last,
            )  # fmt: skip
    wait_for_streams()


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _march(  # type: ignore[no-untyped-def]
    equation, shape, walls, scales, tile, grids, windows, results, ends, first, last
):
    """All steps on one tile."""
    planes, rows, nx = shape
    height, width, streamed, in_rows = tile
    steps, reach, kinds = len(scales), ahead(nx, width), walls[0].kinds
    pitch, distance, entries = layout(rows, nx, steps, height, width)
    across, along = part(kinds[1], rows, ends[0], ends[1], steps), part(kinds[2], nx, ends[2], ends[3], margin(steps))
    spare = _moved(windows, entries)
    for q in range(first - steps + 1, last + steps - 1):
        for step in range(1, steps + 1):
            p = q - step + 1
            plane = wanted(p, first, last, steps - step, planes, kinds[0])
            if plane < 0:
                continue
            streams, size = streamed and step == steps, planes * rows * nx if step == 1 else entries
            reads, writes = reach if step == 1 else 0, reach if step == steps and not streamed else 0
            values, out = grids if step == 1 else windows, results if step == steps else windows
            scale = scales[step - 1]
            r, top = inside(across, step)
            while r < top:
                y = wrapped(across[0] + r, rows)
                i, end = inside(along, margin(steps) if step == steps else 0)
                several = 1
                while i < end:
                    x = wrapped(along[0] + i, nx)
                    count = end - i if step > 1 and not in_rows else min(end - i, nx - x)
                    where = place(step, p, plane, r, y, i, x, count, shape, kinds, across, along, pitch, distance)
                    if rows > 1 and not in_rows and not streams:
                        several = together(step, r, top, y, shape, across, along, pitch, where[3], where[4])
                    grid = (plane * rows + y) * nx + x
                    at = grid if step == steps else ((step - 1) * 3 + p % 3) * distance + r * pitch + i
                    segment = Segment(where, size, several * count, several, count, grid, reads, writes, streams)
                    advance(equation, segment, walls, step - 1, scale, values, spare, _moved(out, at))
                    i += count
                r += several


def _moved(places: Any, count: int) -> Any:
    """Pointers to entries so much further on."""
    raise NotImplementedError


@overload(_moved)  # type: ignore[untyped-decorator]
def _moved_compiled(places, count):  # type: ignore[no-untyped-def]
    if len(places) == 1:
        return lambda places, count: (entry(places[0], count),)
    return lambda places, count: (entry(places[0], count), entry(places[1], count))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def around(segment, walls, step, values, spare):  # type: ignore[no-untyped-def]
    """What surrounds a segment of one field."""
    here, low, high, back, front, _, _ = segment.where
    count, length = segment.cells, segment.length
    start, end = whole(here, count, segment.size)
    return Around(
        entry(values, here - 1),
        _beside(values, low, here, length, walls, step, 2, spare),
        _beside(values, high, here, length, walls, step, 3, entry(spare, length)),
        _beside(values, back, here, length, walls, step, 0, entry(spare, 2 * length)),
        _beside(values, front, here, length, walls, step, 1, entry(spare, 3 * length)),
        start,
        end,
    )


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _beside(values, index, here, count, walls, step, side, spare):  # type: ignore[no-untyped-def]
    """A neighbouring segment; beyond a wall it is made in ``spare``."""
    if index >= 0:
        return entry(values, index)
    factor, shift = walls.factors[side], walls.shifts[6 * step + side]
    for i in range(count):
        spare[i] = factor * values[here + i] + shift
    return spare


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def row_ends(segment, walls, step, values, row):  # type: ignore[no-untyped-def]
    """The first cell of a row of a segment and the value before it, the last cell and the value after it; an index of
    `INNER` where the row goes on, and the value means nothing."""
    here, left, right = segment.where[0], segment.where[5], segment.where[6]
    i, n = row * segment.length, (row + 1) * segment.length - 1
    before = values[left + i] if left >= 0 else walls.factors[4] * values[here + i] + walls.shifts[6 * step + 4]
    after = values[right + i] if right >= 0 else walls.factors[5] * values[here + n] + walls.shifts[6 * step + 5]
    return (INNER if left == INNER else i), before, (INNER if right == INNER else n), after


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def streamed_part(segment):  # type: ignore[no-untyped-def]
    """Cells of a segment that may be streamed: not the ends of rows, which are written once more; none else."""
    if not segment.streams:
        return 0, 0
    return (0 if segment.where[5] == INNER else 1), segment.cells - (0 if segment.where[6] == INNER else 1)
