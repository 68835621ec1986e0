"""Cell lists, compiled: the twins of `subgrid.kernels.neighbour_reference`.

Points are sorted by cell, x fastest. All points of a cell look at the same candidates, those of the 3^d cells about it,
which are copied together once.

Arguments that describe the cells: ``cells`` int64 (3,) along x, y, z; ``periodic`` a tuple of two or three bool, whose
length is part of its type, so that two dimensions are compiled apart and without z; ``metric`` float64 (5, 3) with
lower corner, cells per length, cell size, period (0 for open axes) and half of it (infinite for open axes); ``order``
(n,) the points by cell, ``sorted_keys`` (n,) their cells and ``x3`` (3, n) their coordinates, with z = 0 for
two-dimensional points; ``starts`` (cells + 1,) the first point of each cell, empty where bisection stands for it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

__all__ = [
    "arrange",
    "bin_points",
    "bounds",
    "collect",
    "count_rows",
    "displace",
    "histogram",
    "moved",
    "nearest",
    "place",
    "scan",
    "sift",
]

Array = Any

U = np.uint64
"""Indices that are never negative spare the check for it."""

X, Y, Z = U(0), U(1), U(2)

LANES, LONG = 16, 160
"""Entries of a row compared at once, and the longest row that is sorted by counting."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def bounds(points: Array) -> tuple[Array, Array]:
    """Lowest and highest coordinates (d,) of at least one point; NaN where one is. NumPy takes thirty times as long."""
    low, high = points[0].copy(), points[0].copy()
    for a in range(points.shape[1]):
        least, most, broken = low[a], high[a], False
        for i in range(points.shape[0]):
            x = points[i, a]
            least, most = min(least, x), max(most, x)
            broken |= math.isnan(x)
        low[a], high[a] = (np.nan, np.nan) if broken else (least, most)
    return low, high


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def bin_points(points: Array, cells: Array, metric: Array, keys: Array, first: int, last: int) -> None:
    """Cell of each point (n, d) into ``keys`` (n,); the outermost one for points beyond the ends."""
    d = points.shape[1]
    for i in range(first, last):
        key = 0
        for a in range(d - 1, -1, -1):
            c = math.floor((points[i, a] - metric[0, a]) * metric[1, a])
            key = key * cells[a] + max(0, min(c, cells[a] - 1))
        keys[i] = key


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def histogram(keys: Array, counts: Array, first: int, last: int) -> None:
    """Points of a band in each cell, added to ``counts`` (cells,); ``keys`` (n,)."""
    for i in range(first, last):
        counts[keys[i]] += 1


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def scan(histograms: Array, starts: Array) -> None:
    """First place of each cell, and in ``histograms`` (bands, cells) the first place of each band within it."""
    place = 0
    for cell in range(histograms.shape[1]):
        starts[cell] = place
        for band in range(histograms.shape[0]):
            count = histograms[band, cell]
            histograms[band, cell] = place
            place += count
    starts[histograms.shape[1]] = place


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def place(
    points: Array, keys: Array, places: Array, order: Array, sorted_keys: Array, x3: Array, first: int, last: int
) -> None:
    """Write the points (n, d) of a band, their cells and coordinates to ``places`` (cells,), which move on."""
    d = points.shape[1]
    for i in range(first, last):
        s = places[keys[i]]
        places[keys[i]] = s + 1
        order[s], sorted_keys[s] = i, keys[i]
        for a in range(d):
            x3[a, s] = points[i, a]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _bisect(key, sorted_keys):  # type: ignore[no-untyped-def]
    """First point whose cell is ``key`` or later."""
    low, high = 0, sorted_keys.size
    while low < high:
        middle = (low + high) // 2
        if sorted_keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _begin(key, starts, sorted_keys):  # type: ignore[no-untyped-def]
    """The same by table, or by bisection where a table would be too large."""
    return np.int64(starts[key]) if starts.size > 0 else np.int64(_bisect(key, sorted_keys))


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _span(at, reach, metric, cells, periodic, axis):  # type: ignore[no-untyped-def]
    """First and last cell that an interval about ``at`` touches; beyond the box they count images."""
    first = math.floor((at - reach - metric[0, axis]) * metric[1, axis])
    last = math.floor((at + reach - metric[0, axis]) * metric[1, axis])
    if not periodic[axis]:
        # compared as floats: an open axis may be left by any distance
        first, last = max(first, 0.0), min(last, cells[axis] - 1.0)
        # points on the upper end belong to the last cell, and queries beyond an end find no other
        first, last = min(first, cells[axis] - 1.0), max(last, 0.0)
    return int(first), int(last)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _gather(key, cells, periodic, metric, starts, sorted_keys, order, x3, near, shifts, index):  # type: ignore[no-untyped-def]
    """Copy the points of a cell and the cells about it to ``near`` (3, room) and count them.

    Returns -count for a cell at a periodic end, with the shifts of images in ``shifts``, and just how many there are
    where the room does not suffice.
    """
    three = len(periodic) == 3
    nx, ny, nz = cells[0], cells[1], cells[2]
    cx, cy, cz = key % nx, (key // nx) % ny, key // (nx * ny)
    count = 0
    edge = (periodic[0] and (cx == 0 or cx == nx - 1)) or (periodic[1] and (cy == 0 or cy == ny - 1))
    edge = edge or (three and periodic[-1] and (cz == 0 or cz == nz - 1))
    for oz in range(-1 if three else 0, 2 if three else 1):
        kz = cz + oz
        wz = -1 if kz < 0 else (1 if kz >= nz else 0)
        if wz != 0 and not periodic[-1]:
            continue
        for oy in range(-1, 2):
            ky = cy + oy
            wy = -1 if ky < 0 else (1 if ky >= ny else 0)
            if wy != 0 and not periodic[1]:
                continue
            row = ((kz - wz * nz) * ny + ky - wy * ny) * nx
            # the three cells along x are one range of points but where the row begins anew
            for wx in range(-1, 2):
                a, b = max(cx - 1, wx * nx), min(cx + 1, wx * nx + nx - 1)
                if a > b or (wx != 0 and not periodic[0]):
                    continue
                s0, s1 = (
                    _begin(row + a - wx * nx, starts, sorted_keys),
                    _begin(row + b - wx * nx + 1, starts, sorted_keys),
                )
                if count + s1 - s0 <= index.size:
                    ahead = U(s0 - count)  # may wrap around, and back again
                    for k in range(U(count), U(count + s1 - s0)):
                        s = ahead + k
                        near[X, k], near[Y, k], index[k] = x3[X, s], x3[Y, s], order[s]
                        if three:
                            near[Z, k] = x3[Z, s]
                    if edge:
                        shifts[0, count : count + s1 - s0] = wx * metric[3, 0]
                        shifts[1, count : count + s1 - s0] = wy * metric[3, 1]
                        if three:
                            shifts[2, count : count + s1 - s0] = wz * metric[3, 2]
                count += s1 - s0
    return -count if edge and count <= index.size else count


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _choose(  # type: ignore[no-untyped-def]
    queries, visit, periodic, square, halves, half, wide, shifted, count,
    xs, ys, zs, dxs, dys, dzs, index, hits, buffer, filled, begin, end, first, last,
):  # fmt: skip
    """Rows of the queries of a cell.

    Distances come first, in a loop for vector registers. Then every candidate is written and those within are kept,
    because a branch would be foreseen wrongly a third of the time. No calls for each query: an array handed on costs
    two atomic counts.
    """
    three, zero = len(periodic) == 3, xs.dtype.type(0.0)
    for v in range(first, last):
        i = visit[v]
        x, y, z = queries[0, v], queries[1, v], queries[2, v] if three else zero
        if wide:
            for k in range(count):
                dx, dy, dz = (xs[k] - x) + dxs[k], (ys[k] - y) + dys[k], (zs[k] - z) + dzs[k] if three else zero
                nearer = (dx <= halves[0]) & (dy <= halves[1]) & (dz <= halves[2])
                nearer &= (dx > -halves[0]) & (dy > -halves[1]) & (dz > -halves[2])
                hits[k] = nearer & (dx * dx + dy * dy + dz * dz <= square)
        elif shifted:
            for k in range(count):
                dx, dy = (xs[k] - x) + dxs[k], (ys[k] - y) + dys[k]
                apart = dx * dx + dy * dy
                if three:
                    dz = (zs[k] - z) + dzs[k]
                    apart += dz * dz
                hits[k] = apart <= square
        else:
            for k in range(count):
                dx, dy = xs[k] - x, ys[k] - y
                apart = dx * dx + dy * dy
                if three:
                    dz = zs[k] - z
                    apart += dz * dz
                hits[k] = apart <= square
        begin[v] = np.int64(filled)
        if half:
            for k in range(count):
                buffer[filled] = index[k]
                filled += U(hits[k] & (index[k] > i))
        else:
            for k in range(count):
                buffer[filled] = index[k]
                filled += U(hits[k])
        end[v] = np.int64(filled)
    return filled


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def collect(
    queries: Array, visit: Array, keys: Array, radius: float, half: bool, wide: bool, cells: Array,
    periodic: tuple[bool, ...], metric: Array, starts: Array, sorted_keys: Array, order: Array, x3: Array,
    buffer: Array, begin: Array, end: Array, first: int, last: int,
) -> tuple[int, int]:  # fmt: skip
    """Append the neighbours of ``queries[:, first:last]`` (3, m) to ``buffer`` until it might overflow.

    Queries stand in order of their cells ``keys`` (m,), which are at least the radius wide, so that those of one cell
    share its candidates; their own indices are ``visit`` (m,). ``begin`` and ``end`` (m,) get where each row lies.
    With ``half`` only j > i count. With ``wide`` the ball may hold two images of a point: only the nearer counts, of
    two equal ones the upper. Returns the place to go on from and the room that it needs.
    """
    real = x3.dtype.type
    square = real(radius) * real(radius)
    halves = (real(metric[4, 0]), real(metric[4, 1]), real(metric[4, 2]))
    room = 256
    near, shifts, index = np.empty((3, room), x3.dtype), np.empty((3, room), x3.dtype), np.empty(room, np.int32)
    hits = np.empty(room, np.uint8)
    filled, v = U(0), first
    while v < last:
        key, upto = keys[v], v + 1
        while upto < last and keys[upto] == key:
            upto += 1
        found = _gather(key, cells, periodic, metric, starts, sorted_keys, order, x3, near, shifts, index)
        if found > room:
            room = found + found // 2
            near, shifts = np.empty((3, room), x3.dtype), np.empty((3, room), x3.dtype)
            index, hits = np.empty(room, np.int32), np.empty(room, np.uint8)
            found = _gather(key, cells, periodic, metric, starts, sorted_keys, order, x3, near, shifts, index)
        count = abs(found)
        # of a crowded cell as many points as the buffer has room for
        fitting = min(upto, v + (buffer.size - np.int64(filled) - 1) // max(count, 1))
        if fitting > v:
            filled = _choose(
                queries, visit, periodic, square, halves, half, wide, found < 0, U(count), near[0], near[1], near[2],
                shifts[0], shifts[1], shifts[2], index, hits, buffer, filled, begin, end, v, fitting,
            )  # fmt: skip
        v = fitting
        if v < upto:
            return v, count + 1
    return last, 0


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def count_rows(visit: Array, begin: Array, end: Array, own: bool, offsets: Array, first: int, last: int) -> None:
    """Lengths of the rows, at ``offsets[i + 1]`` of (n + 1,); points asked about themselves found themselves too.

    ``visit``, ``begin`` and ``end`` (n,): which point was asked about, and its rows in the order of visits.
    """
    for v in range(first, last):
        offsets[visit[v] + 1] = end[v] - begin[v] - own


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def arrange(
    visit: Array, begin: Array, end: Array, own: bool, offsets: Array, buffer: Array, indices: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    """Write rows to their places in ``indices`` (pairs,), sorted, without the point itself; others as in `count_rows`.

    Each entry is put where the number of smaller ones says: no branch to foresee, and many comparisons at once, for
    which a copy of the row is filled up to whole `LANES`. It is written when it is tidy, in few stores that miss the
    cache together. Long rows are sorted by the library.
    """
    row, tidy = np.empty(LONG + LANES, np.int32), np.empty(LONG + LANES, np.int32)
    for v in range(first, last):
        i = visit[v]
        size = end[v] - begin[v]
        at = offsets[i]
        if size > LONG:
            for j in np.sort(buffer[begin[v] : end[v]]):
                if not (own and j == i):
                    indices[at] = j
                    at += 1
            continue
        source, count, to = U(begin[v]), U(size), U(at)
        for k in range(count):
            row[k] = buffer[source + k]
        padded = (count + U(LANES - 1)) // U(LANES) * U(LANES)
        for k in range(count, padded):
            row[k] = np.int32(2147483647)
        for k in range(count):
            j = row[k]
            rank = np.int32(0)
            for other in range(padded):
                # cast again and again, because sums of int32 become int64 and fill half as many lanes
                rank = np.int32(rank + np.int32(row[other] < j))
            tidy[U(rank)] = j
        if not own:
            for k in range(count):
                indices[to + k] = tidy[k]
            continue
        # what comes before the point itself, and what comes after it
        before = U(0)
        for k in range(count):
            before += U(tidy[k] < i)
        for k in range(before):
            indices[to + k] = tidy[k]
        for k in range(before + U(1), count):
            indices[to + k - U(1)] = tidy[k]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def nearest(
    queries: Array, visit: Array, own: bool, guess: float, slack: float, cells: Array, periodic: tuple[bool, ...],
    metric: Array, starts: Array, order: Array, xs: Array, squares: Array, indices: Array, first: int, last: int,
) -> None:  # fmt: skip
    """The nearest points of ``queries[:, first:last]`` (3, m), nearest first, of equal ones the lower index first.

    Balls grow from the radius ``guess`` until they hold enough. ``squares``, shaped like ``indices``, gets the squared
    distances. ``slack`` is what rounding may do to a distance.
    """
    real = xs.dtype.type
    three, zero = len(periodic) == 3, real(0.0)
    wanted = indices.shape[1]
    sparse = np.empty(0, np.int64)
    for v in range(first, last):
        i = visit[v]
        x, y, z = queries[0, v], queries[1, v], queries[2, v] if three else zero
        radius, found, complete = guess, 0, False
        while not complete:
            found = 0
            z0, z1 = _span(float(z), radius, metric, cells, periodic, 2) if three else (0, 0)
            y0, y1 = _span(float(y), radius, metric, cells, periodic, 1)
            x0, x1 = _span(float(x), radius, metric, cells, periodic, 0)
            complete = True
            for a in range(len(periodic)):
                if periodic[a]:
                    complete &= 2.0 * radius > metric[3, a] * 1.001
                else:
                    b = metric[0, a] + cells[a] * metric[2, a]
                    at = x if a == 0 else (y if a == 1 else z)
                    complete &= (at - radius < metric[0, a]) & (at + radius > b)
            # a ball far wider than the box would count its images again and again
            if three and periodic[-1]:
                z0, z1 = max(z0, -cells[2]), min(z1, 2 * cells[2] - 1)
            if periodic[1]:
                y0, y1 = max(y0, -cells[1]), min(y1, 2 * cells[1] - 1)
            if periodic[0]:
                x0, x1 = max(x0, -cells[0]), min(x1, 2 * cells[0] - 1)
            inside = max(radius - slack, 0.0) ** 2
            for cz in range(z0, z1 + 1):
                wz = cz // cells[2] if three and periodic[-1] else 0
                for cy in range(y0, y1 + 1):
                    wy = cy // cells[1] if periodic[1] else 0
                    row = ((cz - wz * cells[2]) * cells[1] + cy - wy * cells[1]) * cells[0]
                    w0, w1 = (x0 // cells[0], x1 // cells[0]) if periodic[0] else (0, 0)
                    for wx in range(w0, w1 + 1):
                        a, b = max(x0 - wx * cells[0], 0), min(x1 - wx * cells[0], cells[0] - 1)
                        sx, sy, sz = real(wx * metric[3, 0]), real(wy * metric[3, 1]), real(wz * metric[3, 2])
                        for s in range(_begin(row + a, starts, sparse), _begin(row + b + 1, starts, sparse)):
                            j = order[s]
                            dx, dy = (xs[0, s] - x) + sx, (xs[1, s] - y) + sy
                            dz = (xs[2, s] - z) + sz if three else zero
                            d2 = dx * dx + dy * dy + dz * dz
                            if own and j == i:
                                continue
                            if not complete and not d2 <= inside:
                                continue
                            if (
                                (periodic[0] and not -metric[3, 0] < dx + dx <= metric[3, 0])
                                or (periodic[1] and not -metric[3, 1] < dy + dy <= metric[3, 1])
                                or (three and periodic[-1] and not -metric[3, 2] < dz + dz <= metric[3, 2])
                            ):
                                continue
                            if found == wanted:
                                if d2 > squares[i, wanted - 1] or (
                                    d2 == squares[i, wanted - 1] and j > indices[i, wanted - 1]
                                ):
                                    continue
                            else:
                                found += 1
                            p = found - 1
                            while p > 0 and (
                                squares[i, p - 1] > d2 or (squares[i, p - 1] == d2 and indices[i, p - 1] > j)
                            ):
                                squares[i, p], indices[i, p] = squares[i, p - 1], indices[i, p - 1]
                                p -= 1
                            squares[i, p], indices[i, p] = d2, j
            complete |= found == wanted
            radius *= 1.5


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _image(d, length, half):  # type: ignore[no-untyped-def]
    return d - length if d > half else (d + length if d <= -half else d)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def displace(
    points: Array, queries: Array, begin: Array, end: Array, indices: Array, lengths: Array, out: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    """Displacements from queries to their neighbours, (pairs, d); infinite ``lengths`` (d,) mark open axes."""
    real = points.dtype.type
    for a in range(points.shape[1]):
        length = real(lengths[a])
        half = real(0.5) * length
        for i in range(first, last):
            for e in range(begin[i], end[i]):
                out[e, a] = _image(points[indices[e], a] - queries[i, a], length, half)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def sift(
    points: Array, radius: float, lengths: Array, offsets: Array, wider: Array, end: Array, indices: Array,
    first: int, last: int,
) -> None:  # fmt: skip
    """Keep of the rows of a list with a skin, ``wider`` (pairs,), what lies within the radius now.

    ``points`` (n, d), ``lengths`` (d,) infinite along open axes. Rows keep their beginnings ``offsets[i]`` and their
    order, and end at ``end[i]``.
    """
    real = points.dtype.type
    square = real(radius) * real(radius)
    d = points.shape[1]
    lx, ly, lz = real(lengths[0]), real(lengths[1] if d > 1 else np.inf), real(lengths[2] if d > 2 else np.inf)
    hx, hy, hz = real(0.5) * lx, real(0.5) * ly, real(0.5) * lz
    zero = real(0.0)
    for i in range(first, last):
        x, y, z = points[i, 0], points[i, 1] if d > 1 else zero, points[i, 2] if d > 2 else zero
        filled = offsets[i]
        for e in range(offsets[i], offsets[i + 1]):
            j = wider[e]
            dx = _image(points[j, 0] - x, lx, hx)
            square_now = dx * dx
            if d > 1:
                dy = _image(points[j, 1] - y, ly, hy)
                square_now += dy * dy
            if d > 2:
                dz = _image(points[j, 2] - z, lz, hz)
                square_now += dz * dz
            indices[filled] = j
            filled += square_now <= square
        end[i] = filled


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def moved(points: Array, before: Array, lengths: Array) -> float:
    """Largest squared displacement of points (n, d) since ``before`` (n, d); NaN when there is one."""
    real = points.dtype.type
    largest = 0.0
    for i in range(len(points)):
        square = 0.0
        for a in range(points.shape[1]):
            length = real(lengths[a])
            step = float(_image(points[i, a] - before[i, a], length, real(0.5) * length))
            square += step * step
        if not square <= largest:
            largest = square
    return largest
