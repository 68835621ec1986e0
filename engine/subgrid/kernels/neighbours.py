"""Neighbours of points, within a radius or the k nearest, in two or three dimensions, along open and periodic axes.

::

    box = Box(low=(0.0, 0.0), high=(1.0, 2.0), periodic=(True, False))
    near = within(points, radius=0.05, box=box, threads=2)
    source, target = near.edge_index                  # (2, pairs), sorted by target, then source
    near.indices[near.offsets[i] : near.offsets[i + 1]]                      # the neighbours of i, in rising order
    near.displacements(points)                        # x[source] - x[target] to the nearest image, (pairs, d)

Answers are the same for any number of threads, and those of `subgrid.kernels.neighbour_reference` to the last pair:
j is a neighbour of i when ``|x_j - x_i|^2 <= r^2`` in the precision of the points and i != j, so that coincident points
are neighbours of each other.

Reference: Allen and Tildesley, Computer Simulation of Liquids (1987), chapter 5.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from subgrid.errors import ScenarioError
from subgrid.kernels import neighbour_cells as cells
from subgrid.kernels.workers import Workers

__all__ = ["Box", "NeighbourError", "Neighbours", "VerletList", "cell_order", "nearest", "within"]

Array = Any

SERIAL = 4096
"""Points for each thread, below which a further one costs more than it gains."""

BANDS = 4
"""Bands of points for each thread, so that none waits long for one with a crowded band."""

CELLS_BY_POINT = 8
"""Most cells for each point in a table; beyond, `within` sorts the points by cell and bisects."""

CHUNK = 1 << 20
"""Entries of a buffer for neighbours."""


class NeighbourError(ScenarioError, ValueError):
    """A search that cannot be answered, in one line."""


@dataclass(frozen=True)
class Box:
    """Corners (d,) [m], and which axes close on themselves; open axes reach as far as the points do."""

    low: tuple[float, ...]
    high: tuple[float, ...]
    periodic: tuple[bool, ...]

    def __post_init__(self) -> None:
        if not len(self.low) == len(self.high) == len(self.periodic) in (2, 3):
            raise NeighbourError(f"box: {self.low}, {self.high} and {self.periodic} are not of 2 or 3 axes")
        for axis, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            if self.periodic[axis] and not 0.0 < high - low < math.inf:
                raise NeighbourError(f"box: periodic axis {'xyz'[axis]} reaches from {low} to {high}")

    @property
    def lengths(self) -> Array:
        """Periods, float64 (d,); infinite along open axes."""
        return np.where(self.periodic, np.subtract(self.high, self.low), np.inf)

    def left(self, points: Array) -> Array:
        """Which points (n, d) lie beyond an end of an open axis, bool (n,)."""
        beyond = np.zeros(len(points), bool)
        for axis, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            column = points[:, axis]
            # as a rule nobody has left, which extremes tell without an array of comparisons
            if not self.periodic[axis] and len(points) and (column.min() < low or column.max() > high):
                beyond |= (column < low) | (column > high)
        return beyond


@dataclass(frozen=True)
class Neighbours:
    """Rows of neighbours: ``indices[offsets[i] : offsets[i + 1]]``, offsets int64 (n + 1,) and indices int32 (pairs,).

    Rows of `within` are in rising order of the index, those of `nearest` begin with the nearest.
    """

    offsets: Array
    indices: Array
    box: Box | None = None

    @property
    def counts(self) -> Array:
        """Neighbours of each point (n,)."""
        return np.diff(self.offsets)

    @cached_property
    def edge_index(self) -> Array:
        """Int64 (2, pairs): source (the neighbour) and target (the point it is a neighbour of), sorted by target."""
        target = np.repeat(np.arange(len(self.offsets) - 1), self.counts)
        return np.stack([self.indices.astype(np.int64), target])

    def displacements(self, points: Array, queries: Array | None = None) -> Array:
        """From each target to its source, (pairs, d); along periodic axes to the nearest image."""
        points = np.ascontiguousarray(points)
        targets = points if queries is None else np.ascontiguousarray(queries)
        lengths = np.full(points.shape[1], np.inf) if self.box is None else self.box.lengths
        out = np.empty((len(self.indices), points.shape[1]), points.dtype)
        rows = len(self.offsets) - 1
        cells.displace(points, targets, self.offsets[:-1], self.offsets[1:], self.indices, lengths, out, 0, rows)
        return out


class _Team:
    """Calls ``work(first, last)`` for bands of rows, on several threads where there are enough rows."""

    def __init__(self, threads: int, rows: int) -> None:
        if threads < 1:
            raise NeighbourError(f"threads: {threads} must be at least 1")
        self.threads = max(1, min(threads, rows // SERIAL))
        self._workers = Workers(self.threads) if self.threads > 1 else None

    def bands(self, rows: int, each: int = 1) -> list[tuple[int, int]]:
        """As many bands as threads, or ``each`` times as many."""
        count = self.threads * each if self.threads > 1 else 1
        return [(rows * k // count, rows * (k + 1) // count) for k in range(count)]

    def do(self, work: Callable[[int, int, int], None], bands: list[tuple[int, int]]) -> None:
        """Call ``work(number, first, last)`` for all bands."""
        if self._workers is None:
            for number, (first, last) in enumerate(bands):
                work(number, first, last)
        else:
            self._workers.each(lambda number: work(number, *bands[number]), len(bands))


class _Cells:
    """Points sorted by cell."""

    def __init__(self, points: Array, size: float, box: Box | None, team: _Team, table: bool) -> None:
        self.team, n, d = team, len(points), points.shape[1]
        self.periodic = np.zeros(3, bool)
        low, high = np.zeros(3), np.ones(3)
        if n:
            low[:d], high[:d] = cells.bounds(points)
        if box is not None:
            self.periodic[:d] = box.periodic
            low[:d] = np.where(box.periodic, box.low, low[:d])
            high[:d] = np.where(box.periodic, box.high, high[:d])
        extent = np.maximum(high - low, 1e-300)
        wanted = extent / size
        wanted[d:] = 1.0
        most = CELLS_BY_POINT * max(n, 1)
        # keys are counted in 63 bits, and cells of a length that rounding does not see hold nothing apart
        counts = np.clip(np.floor(wanted), 1, 2**20)
        self.sparse = bool(np.prod(counts) > most and not table)
        while not self.sparse and np.prod(counts) > most:
            counts = np.clip(np.floor(counts * 0.8), 1, None)
        self.cells = counts.astype(np.int64)
        self.axes = tuple(bool(flag) for flag in self.periodic[:d])
        period = np.where(self.periodic, extent, 0.0)
        half = np.where(self.periodic, 0.5 * extent, np.inf)
        self.metric = np.stack([low, counts / extent, extent / counts, period, half])
        self.keys = self.keys_of(points)
        self._sort(points)

    def _sort(self, points: Array) -> None:
        n, d = points.shape
        self.x = np.zeros((3, n), points.dtype)
        if self.sparse:
            self.order, self.starts = np.argsort(self.keys, kind="stable").astype(np.int32), np.empty(0, np.int32)
            self.sorted_keys = self.keys[self.order]
            self.x[:d] = points[self.order].T
            return
        bands = self.team.bands(n)
        histograms = np.zeros((len(bands), int(np.prod(self.cells))), np.int32)
        self.sorted_keys = np.empty(n, np.int64)
        self.starts = np.empty(histograms.shape[1] + 1, np.int32)
        self.order = np.empty(n, np.int32)
        self.team.do(lambda k, first, last: cells.histogram(self.keys, histograms[k], first, last), bands)
        cells.scan(histograms, self.starts)
        self.team.do(
            lambda k, first, last: cells.place(
                points, self.keys, histograms[k], self.order, self.sorted_keys, self.x, first, last
            ), bands,
        )  # fmt: skip

    def sorted_queries(self, queries: Array) -> tuple[Array, Array, Array]:
        """Order by cell (m,), cells in that order (m,) and coordinates (3, m)."""
        keys = self.keys_of(queries)
        visit = np.argsort(keys, kind="stable").astype(np.int32)
        x = np.zeros((3, len(queries)), queries.dtype)
        x[: queries.shape[1]] = queries[visit].T
        return visit, keys[visit], x

    def keys_of(self, points: Array) -> Array:
        """Cell of each point, outside of open ends that of the nearest."""
        keys = np.empty(len(points), np.int64)
        self.team.do(
            lambda _, first, last: cells.bin_points(points, self.cells, self.metric, keys, first, last),
            self.team.bands(len(points)),
        )
        return keys


def _rounding(points: Array, queries: Array, box: Box | None) -> float:
    """What rounding may add to a distance [m]."""
    sets = (points,) if queries is points else (points, queries)
    largest = max((float(np.max(np.abs(cells.bounds(a)))) for a in sets if a.size), default=0.0)
    if box is not None:
        largest = max(largest, float(np.max(np.where(box.periodic, np.abs([box.low, box.high]), 0.0))))
    return 16.0 * float(np.finfo(points.dtype).eps) * largest


def _checked(points: Array, box: Box | None, name: str) -> Array:
    points = np.ascontiguousarray(points)
    if points.ndim != 2 or points.shape[1] not in (2, 3) or points.dtype not in (np.float32, np.float64):
        raise NeighbourError(f"{name}: {points.dtype} {points.shape} are not real numbers of shape (n, 2) or (n, 3)")
    if len(points) >= 2**31:
        raise NeighbourError(f"{name}: {len(points)} are more than the indices count")
    lowest, highest = cells.bounds(points) if len(points) else np.zeros((2, points.shape[1]))
    if not (np.all(np.isfinite(lowest)) and np.all(np.isfinite(highest))):
        broken = ~np.isfinite(points).all(axis=1)
        raise NeighbourError(f"{name}: {int(broken.sum())} of {len(points)} are not finite, first {broken.argmax()}")
    if box is None:
        return points
    if len(box.low) != points.shape[1]:
        raise NeighbourError(f"{name}: of {points.shape[1]} components, the box has {len(box.low)} axes")
    for axis in np.flatnonzero(box.periodic):
        x = points[:, axis]
        low, high = points.dtype.type(box.low[axis]), points.dtype.type(box.high[axis])
        if len(x) and not (lowest[axis] >= low and highest[axis] <= high):
            outside = (x < low) | (x > high)
            raise NeighbourError(
                f"{name}: {int(outside.sum())} of {len(x)} lie outside the periodic box along {'xyz'[axis]}, from "
                f"{box.low[axis]:g} to {box.high[axis]:g}; first {outside.argmax()} at {x[outside.argmax()]:.9g}"
            )
    return points


def _asked(points: Array, queries: Array | None, box: Box | None) -> Array:
    if queries is None:
        return points
    checked = _checked(queries, box, "queries")
    if checked.shape[1] != points.shape[1] or checked.dtype != points.dtype:
        raise NeighbourError(
            f"queries: {checked.dtype} of {checked.shape[1]} components, points are {points.dtype} of {points.shape[1]}"
        )
    return checked


def check_radius(radius: float, box: Box | None, name: str = "radius") -> None:
    """Raise NeighbourError for a radius that is not positive or beyond half a periodic box."""
    if not 0.0 < radius < math.inf:
        raise NeighbourError(f"{name}: {radius} must be positive and finite")
    if box is not None and radius > 0.5 * (shortest := float(box.lengths.min())):
        axis = "xyz"[int(box.lengths.argmin())]
        raise NeighbourError(f"{name}: {radius:g} is more than half the periodic box along {axis}, {shortest:g}")


def prepared(points: Array, radius: float, box: Box | None) -> tuple[Array, Array, Array, Array, bool]:
    """Checked points (n, d), and the cells of a table for them as `neighbour_cells` has them: counts (3,), which axes
    are periodic (3,), metric (5, 3), and whether a ball may hold two images of a point.

    Raises NeighbourError as `within` does, and where a table would have far more cells than points.
    """
    points = _checked(points, box, "points")
    reach = _reach(points, points, radius, box)
    found = _Cells(points, reach, box, _Team(1, len(points)), table=False)
    if found.sparse:
        raise NeighbourError(
            f"radius: {radius:g} divides the points' domain into many more cells than there are points"
        )
    return points, found.cells, found.periodic, found.metric, _is_wide(reach, box)


def _reach(points: Array, queries: Array, radius: float, box: Box | None) -> float:
    """The radius and what rounding may add to it [m]."""
    return radius * (1.0 + 16.0 * float(np.finfo(points.dtype).eps)) + _rounding(points, queries, box)


def _is_wide(reach: float, box: Box | None) -> bool:
    return box is not None and bool(np.any(2.0 * reach >= box.lengths))


def within(
    points: Array, radius: float, box: Box | None = None, *, queries: Array | None = None, half: bool = False,
    threads: int = 1,
) -> Neighbours:  # fmt: skip
    """Points (n, d) within a radius [m] of each point, or of each of ``queries`` (m, d).

    With ``half`` only neighbours of a higher index are listed, so that each pair appears once.
    Raises NeighbourError, in one line, for numbers that are not finite, points outside a periodic axis, and a radius
    beyond half of one.
    """
    points = _checked(points, box, "points")
    check_radius(radius, box)
    asked = _asked(points, queries, box)
    own = queries is None
    if half and not own:
        raise NeighbourError("half: pairs of points and queries appear once anyway")
    team = _Team(threads, len(asked))
    reach = _reach(points, asked, radius, box)
    found, wide = _Cells(points, reach, box, team, table=False), _is_wide(reach, box)
    visit, keys, x = (found.order, found.sorted_keys, found.x) if own else found.sorted_queries(asked)
    begin, end = np.empty(len(visit), np.int64), np.empty(len(visit), np.int64)
    offsets = np.zeros(len(asked) + 1, np.int64)
    chunks: list[list[tuple[int, int, Array]]] = []
    own_found = own and not half

    def gather(number: int, first: int, last: int) -> None:
        room = 0
        while first < last:
            buffer = np.empty(max(room, min(CHUNK, len(points) * (last - first) + 1)), np.int32)
            upto, room = cells.collect(
                x, visit, keys, radius, half, wide, found.cells, found.axes, found.metric, found.starts,
                found.sorted_keys, found.order, found.x, buffer, begin, end, first, last,
            )  # fmt: skip
            cells.count_rows(visit, begin, end, own_found, offsets, first, upto)
            chunks[number].append((first, upto, buffer))
            first = upto

    bands = team.bands(len(visit), BANDS)
    chunks.extend([] for _ in bands)
    team.do(gather, bands)
    np.cumsum(offsets, out=offsets)
    indices = np.empty(int(offsets[-1]), np.int32)

    def write(number: int, first: int, last: int) -> None:
        for start, upto, buffer in chunks[number]:
            cells.arrange(visit, begin, end, own_found, offsets, buffer, indices, start, upto)

    team.do(write, bands)
    return Neighbours(offsets, indices, box)


def nearest(
    points: Array, count: int, box: Box | None = None, *, queries: Array | None = None, threads: int = 1
) -> Neighbours:
    """The ``count`` nearest of the points (n, d) to each point, or to each of ``queries`` (m, d), nearest first.

    Of equally near ones the lower index comes first. A point is no neighbour of its own. Raises NeighbourError as
    `within` does, and when there are fewer points.
    """
    points = _checked(points, box, "points")
    asked = _asked(points, queries, box)
    own = queries is None
    others = len(points) - own
    if not 1 <= count <= others and len(asked):
        raise NeighbourError(f"count: {count} nearest of {others} points; choose from 1 to {others}")
    d, rows = points.shape[1], len(asked)
    indices, offsets = np.empty((rows, count), np.int32), count * np.arange(rows + 1, dtype=np.int64)
    if rows == 0:
        return Neighbours(offsets, indices.ravel(), box)
    team = _Team(threads, rows)
    # a ball of this radius holds twice the number wanted, were the points spread evenly
    lowest, highest = cells.bounds(points)
    extent = np.maximum((highest - lowest).astype(np.float64), 1e-300)
    if box is not None:
        extent = np.where(box.periodic, np.subtract(box.high, box.low), extent)
    volume = math.exp(float(np.mean(np.log(np.maximum(extent, 1e-9 * extent.max())))))
    guess = volume * (2.0 * (count + 1) / len(points) / (math.pi if d == 2 else 4.19)) ** (1.0 / d)
    found = _Cells(points, guess, box, team, table=True)
    squares = np.empty((rows, count), points.dtype)
    visit, _, x = (found.order, found.sorted_keys, found.x) if own else found.sorted_queries(asked)
    slack = _rounding(points, asked, box)
    smallest = max(guess, 16.0 * slack)

    def search(number: int, first: int, last: int) -> None:
        cells.nearest(
            x, visit, own, smallest, slack, found.cells, found.axes, found.metric, found.starts, found.order,
            found.x, squares, indices, first, last,
        )  # fmt: skip

    team.do(search, team.bands(rows, BANDS))
    return Neighbours(offsets, indices.ravel(), box)


class VerletList:
    """Pairs within a radius, sifted from a list with a ``skin`` [m] that is searched anew when points moved half of it.

    What it keeps between calls never shows: `rows` and `neighbours` depend on the points alone, whatever was asked
    before, in which order the points stand, or how many there are. ``searches`` counts the searches, for measurements.
    """

    def __init__(self, radius: float, skin: float, box: Box | None = None, threads: int = 1) -> None:
        check_radius(radius, box)
        if not skin >= 0.0:
            raise NeighbourError(f"skin: {skin} must not be negative")
        if box is not None:
            skin = min(skin, 0.5 * float(box.lengths.min()) - radius)
        self.radius, self.skin, self.box, self.threads = radius, skin, box, threads
        self.searches = 0
        self._points = np.empty((0, 0))
        self._wider = Neighbours(np.zeros(1, np.int64), np.empty(0, np.int32))
        self._room = np.empty(0, np.int64), np.empty(0, np.int32)
        self._team = _Team(threads, threads * SERIAL)

    def rows(self, points: Array) -> tuple[Array, Array, Array]:
        """Begin (n,), end (n,) and indices: row i is ``indices[begin[i] : end[i]]``, in rising order, with gaps between
        rows; overwritten by the next call. Points (n, d). Raises NeighbourError as `within` does."""
        points = np.ascontiguousarray(points)
        lengths = np.full(points.shape[1], np.inf) if self.box is None else self.box.lengths
        same = points.shape == self._points.shape and points.dtype == self._points.dtype
        # rounding of the three squares is far below the margin
        if not same or not cells.moved(points, self._points, lengths) <= 0.25 * self.skin**2 * (1.0 - 1e-5):
            self._wider = within(points, self.radius + self.skin, self.box, threads=self.threads)
            self._points = points.copy()
            # fresh memory at each call would cost as much as the sifting
            self._room = np.empty(len(points), np.int64), np.empty(len(self._wider.indices), np.int32)
            self.searches += 1
        wider, (end, indices) = self._wider, self._room

        def work(number: int, first: int, last: int) -> None:
            cells.sift(points, self.radius, lengths, wider.offsets, wider.indices, end, indices, first, last)

        bands = self._team.bands(len(points)) if len(points) >= SERIAL * self.threads else [(0, len(points))]
        self._team.do(work, bands)
        return wider.offsets[:-1], end, indices

    def neighbours(self, points: Array) -> Neighbours:
        """What ``within(points, radius, box)`` gives."""
        begin, end, indices = self.rows(points)
        counts = end - begin
        offsets = np.concatenate([[0], np.cumsum(counts)])
        return Neighbours(offsets, indices[np.repeat(begin - offsets[:-1], counts) + np.arange(offsets[-1])], self.box)


def cell_order(points: Array, size: float, box: Box | None = None) -> Array:
    """Order of the points (n,) by cells of a size [m], in which neighbours lie close in memory.

    Raises NeighbourError as `within` does.
    """
    points = _checked(points, box, "points")
    return _Cells(points, size, box, _Team(1, len(points)), table=False).order
