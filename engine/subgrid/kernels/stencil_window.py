"""Several steps in one sweep through memory: tiles small enough for a core's cache, with overlapping edges.

A sweep marches through the planes of a grid. When it does the first step on plane q, it does the second on plane q - 1,
the third on plane q - 2 and so on, so that what lies between two steps lives in a window of three planes and never
leaves the cache (time skewing: Wonnacott, Int. J. Parallel Program. 30, 181 (2002)). Planes that are too large are cut
into tiles, and planes are shared among threads in bands; a tile or band does the intermediate steps on the edges of its
neighbours again, one cell less with each step, instead of waiting for them.

Every cell is computed from the same operands in the same order, however a grid is cut and however many steps are taken
at once. Kernels are compiled without the freedom to fuse or reorder operations, and say themselves what is fused, so
that results agree to the last bit.

Arrays are (planes, rows, nx): (nz, ny, nx), or (ny, 1, nx) in two dimensions and (1, 1, nx) in one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from numba import njit

from subgrid.kernels.native import LINE_BYTES

__all__ = [
    "ABSENT",
    "BEYOND",
    "INNER",
    "SKEW",
    "SPARE_ROWS",
    "WALL",
    "WRAP",
    "Rules",
    "Tiling",
    "ahead",
    "inside",
    "layout",
    "lead",
    "margin",
    "part",
    "place",
    "together",
    "wanted",
    "whole",
    "wrapped",
]

Array = Any

ABSENT, WRAP, WALL, HALO = 0, 1, 2, 3
"""What lies beyond a side: no axis, the opposite side, a wall, or (of a tile) more of the grid."""

INNER, BEYOND = -1, -2
"""In place of an index: the neighbour stands beside the cell in memory, or is the ghost cell of a wall."""

MOST_STEPS = (0, 8, 8, 4)
"""Most steps in one sweep by number of axes; more gain little, as arithmetic and caches limit by then."""

WINDOW_BYTES = 640 * 1024
"""Most bytes of the window: within a second-level cache of a megabyte, with room for what passes through."""

LANES = 16
"""Columns of tiles come in multiples of this: whole vectors of any precision."""

MOST_WIDTH = 512
"""Most columns of a tile in three dimensions, so that a window has room for more rows than are computed twice."""

LEAST_BAND = 8
"""Planes for each thread and step, below which too much is computed twice."""

LEAST_AHEAD = 512
"""Fewest cells between what is computed and what is asked for."""

LARGE_BYTES = 16 * 1024 * 1024
"""Fields, old and new together, that no cache is sure to keep from one sweep to the next."""

SKEW = 80
"""Entries between planes of the window, so that the same cells of two planes are not a multiple of 4096 bytes apart."""

MOST_TOGETHER = 4096
"""Most cells of rows that are computed as one."""

SPARE_ROWS = 4
"""Rows after the window for ghost cells: below, above, behind and before a segment."""


class Rules(NamedTuple):
    """Ghost cells as numbers. ``kinds`` (3,) is ABSENT, WRAP or WALL for planes, rows and columns.

    Beyond a wall lies ``factors[side] u + shifts[step, side]``, with sides ordered (planes low, high, rows low, high,
    columns low, high): the mirror rule of `subgrid.kernels.stencil_ghosts`.
    """

    kinds: Array
    factors: Array
    shifts: Array


@dataclass(frozen=True)
class Tiling:
    """Most steps in one sweep, the rows and columns of a tile for so many steps, and whether what a sweep writes goes
    past the caches: where none can hold it until it is read again, it need not be read before it is written."""

    steps: int
    height: int
    width: int
    streamed: bool

    @staticmethod
    def of(shape: tuple[int, int, int], fields: int, itemsize: int, threads: int, most: int = 8) -> Tiling:
        """As many steps as pay, but no more than ``most``, on a grid (planes, rows, nx) in tiles that fit the cache."""
        planes, rows, nx = shape
        steps = min(most, MOST_STEPS[sum(n > 1 for n in shape)])
        if planes > 1:
            steps = max(1, min(steps, planes // (LEAST_BAND * threads)))
        # a single step has no window, but reads three planes
        room = WINDOW_BYTES // (3 * max(1, steps - 1) * fields * itemsize)
        width = min(nx, -(-_equal(nx, MOST_WIDTH if rows > 1 and steps > 1 else room) // LANES) * LANES)
        height = _equal(rows, max(room // (width + 2 * steps) - 2 * steps, 2 * steps))
        return Tiling(steps, height, width, 2 * fields * itemsize * planes * rows * nx > LARGE_BYTES)


def _equal(count: int, most: int) -> int:
    """Size of equal parts of ``count`` that are no larger than ``most``."""
    return -(-count // -(-count // most))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def layout(rows: int, nx: int, steps: int, height: int, width: int) -> tuple[int, int, int]:
    """Distance of rows and of planes in the window, and entries that one field takes."""
    tall = rows if height >= rows else height + 2 * steps
    wide = nx if width >= nx else width + 2 * margin(steps)
    # whole cache lines, but not the powers of two that put all rows into the same few sets of a cache; whole rows of a
    # plane follow each other as they do in the grid, so that several can be computed as one
    pitch = nx if rows > 1 and wide == nx else (wide // LINE_BYTES + 1) * LINE_BYTES + LINE_BYTES // 2
    distance = tall * pitch + (SKEW if rows > 1 else 0)
    return pitch, distance, 3 * (steps - 1) * distance


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def margin(steps: int) -> int:
    """Columns that a tile reads on both sides of its own: whole vectors, so that rows begin where vectors do."""
    return -(-steps // LANES) * LANES


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def lead(window: Array) -> int:
    """Entries to leave out so that rows begin with a cache line."""
    return int((-(window.ctypes.data // window.itemsize)) % (LINE_BYTES // window.itemsize))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def part(kind: int, n: int, first: int, last: int, reach: int) -> tuple[int, int, int, int]:
    """Where a tile begins along an axis when it is to do ``reach`` steps, its cells, and what lies beyond both sides.

    Indices below 0 and from n onward stand for those of the opposite side.
    """
    if first == 0 and last == n:
        return 0, n, kind, kind
    start, end, low, high = first - reach, last + reach, HALO, HALO
    if kind == WALL and start <= 0:
        start, low = 0, WALL
    if kind == WALL and end >= n:
        end, high = n, WALL
    return start, end - start, low, high


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def inside(extent: Any, spare: int) -> tuple[int, int]:
    """First and last index of a tile along an axis without ``spare`` cells beside other tiles; the extent is (start,
    cells, low, high) as `part` gives it.

    Rows shrink by one with each step. Columns only do before the last step: their outer cells get worthless, but then
    vectors begin at the same place in all steps.
    """
    _, cells, low, high = extent
    return spare if low == HALO else 0, cells - (spare if high == HALO else 0)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def wrapped(index: int, n: int) -> int:
    """Index of a grid that closes on itself."""
    if index < 0:
        return index + n
    return index - n if index >= n else index


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def wanted(p: int, first: int, last: int, reach: int, planes: int, kind: int) -> int:
    """The plane of the grid that ``p`` stands for when a band and ``reach`` planes beside it are due; -1 for none."""
    if not first - reach <= p < last + reach:
        return -1
    if kind == WRAP:
        return p % planes
    return p if 0 <= p < planes else -1


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def place(  # type: ignore[no-untyped-def]
    step, p, plane, r, y, i, x, count, shape, kinds, across, along, pitch, distance
):
    """Where a segment is read: its index, those of the segments below and above it, behind and before it, and of the
    cells to its left and right.

    The first step reads the grid at (plane, y, x), later ones the window at (p, r, i). ``across`` and ``along`` are
    what `part` says of rows and columns.
    """
    planes, rows, nx = shape
    if step == 1:
        size = rows * nx
        here = plane * size + y * nx + x
        low = _neighbour(here, -nx, y == 0, kinds[1], size - nx)
        high = _neighbour(here, nx, y == rows - 1, kinds[1], nx - size)
        back = _neighbour(here, -size, plane == 0, kinds[0], (planes - 1) * size)
        front = _neighbour(here, size, plane == planes - 1, kinds[0], (1 - planes) * size)
        left = _end(here + nx - 1, x == 0, kinds[2])
        right = _end(here + count - nx, x + count == nx, kinds[2])
        return here, low, high, back, front, left, right
    slot = p % 3
    here = (3 * (step - 2) + slot) * distance + r * pitch + i
    low = _neighbour(here, -pitch, r == 0, across[2], (across[1] - 1) * pitch)
    high = _neighbour(here, pitch, r == across[1] - 1, across[3], (1 - across[1]) * pitch)
    # planes beyond a side that closes on itself are in the window
    back = _neighbour(here, ((p - 1) % 3 - slot) * distance, kinds[0] == WALL and p == 0, kinds[0], 0)
    front = _neighbour(here, ((p + 1) % 3 - slot) * distance, kinds[0] == WALL and p == planes - 1, kinds[0], 0)
    left = _end(here + along[1] - 1, i == 0, along[2])
    right = _end(here + count - along[1], i + count == along[1], along[3])
    return here, low, high, back, front, left, right


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def together(step, r, top, y, shape, across, along, pitch, back, front):  # type: ignore[no-untyped-def]
    """How many rows from ``r`` on may be computed as one: whole rows, whose neighbours follow each other as they do."""
    _, rows, nx = shape
    if pitch != nx or along[2] == HALO or back < 0 or front < 0:
        return 1
    if step == 1:
        count = rows - 1 - y if y > 0 else 1
    else:
        last = top if across[3] == HALO else min(top, across[1] - 1)
        count = last - r if r > 0 or across[2] == HALO else 1
    return max(1, min(count, top - r, MOST_TOGETHER // nx))


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _neighbour(here: int, step: int, last: bool, kind: int, round_trip: int) -> int:
    """Index of a neighbouring segment; along an axis that is absent it is the segment itself."""
    if kind == ABSENT:
        return here
    if not last:
        return here + step
    return here + round_trip if kind == WRAP else BEYOND


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _end(opposite: int, last: bool, kind: int) -> int:
    if not last:
        return INNER
    return opposite if kind == WRAP else BEYOND


@njit(cache=True, nogil=True, forceinline=True)  # type: ignore[untyped-decorator]
def whole(here: int, count: int, size: int) -> tuple[int, int]:
    """First and last cell of a segment that vector code may compute: all whose neighbours in memory can be read.

    That the neighbours of a row's ends are others does no harm, because those cells are computed again.
    """
    return (1 if here == 0 else 0), (count - 1 if here + count == size else count)


@njit(cache=True, nogil=True, forceinline=True)  # type: ignore[untyped-decorator]
def ahead(nx: int, width: int) -> int:
    """Distance in memory to what is to be asked for: in whole rows where tiles are narrower."""
    if width >= nx:
        return LEAST_AHEAD
    return nx * (1 + (LEAST_AHEAD - 1) // min(width, nx))
