"""Neighbours within a radius on a CUDA device: the twin of `subgrid.kernels.neighbours.within`, one thread for a point.

Cells are counted with atomics and summed up by blocks; the order of points within a cell is left to chance, and rows
are sorted at the end, so that the answer is that of the CPU to the last pair. No warp operations, so that Numba's
simulator runs it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda, int32

from subgrid.kernels.neighbours import Box, Neighbours, check_radius, prepared

__all__ = ["BLOCK", "within_on_device"]

Array = Any

BLOCK = 128
"""Threads of a block."""


def blocks(count: int) -> int:
    """Blocks of `BLOCK` threads that cover so many items."""
    return max(1, -(-count // BLOCK))


@cuda.jit  # type: ignore[untyped-decorator]
def find_cells(points, cells, metric, keys, counts):  # type: ignore[no-untyped-def]
    """Cell of each point, and how many points each cell has."""
    i = cuda.grid(1)
    if i < points.shape[0]:
        key = 0
        for a in range(points.shape[1] - 1, -1, -1):
            c = int(math.floor((points[i, a] - metric[0, a]) * metric[1, a]))  # noqa: RUF046  a float on a device
            key = key * cells[a] + max(0, min(c, cells[a] - 1))
        keys[i] = key
        cuda.atomic.add(counts, key, 1)


@cuda.jit  # type: ignore[untyped-decorator]
def add_up_blocks(values, sums):  # type: ignore[no-untyped-def]
    """Running sums within each block, in place, and the sum of each block."""
    shared = cuda.shared.array(BLOCK, int32)
    lane, i = cuda.threadIdx.x, cuda.grid(1)
    shared[lane] = values[i] if i < values.size else 0
    cuda.syncthreads()
    step = 1
    while step < BLOCK:
        before = shared[lane - step] if lane >= step else 0
        cuda.syncthreads()
        shared[lane] += before
        cuda.syncthreads()
        step *= 2
    if i < values.size:
        values[i] = shared[lane]
    if lane == BLOCK - 1:
        sums[cuda.blockIdx.x] = shared[lane]


@cuda.jit  # type: ignore[untyped-decorator]
def add_before(values, sums):  # type: ignore[no-untyped-def]
    """Add what the blocks before sum up to."""
    i = cuda.grid(1)
    if i < values.size and cuda.blockIdx.x > 0:
        values[i] += sums[cuda.blockIdx.x - 1]


def running_sums(values: Array) -> None:
    """Inclusive running sums of an int32 array (n,) on the device, in place."""
    count = blocks(values.size)
    sums = cuda.device_array(count, np.int32)
    add_up_blocks[count, BLOCK](values, sums)
    if count > 1:
        running_sums(sums)
        add_before[count, BLOCK](values, sums)


@cuda.jit  # type: ignore[untyped-decorator]
def place(keys, ends, filled, order):  # type: ignore[no-untyped-def]
    """Points by cell; ``ends`` are the running sums of the counts."""
    i = cuda.grid(1)
    if i < keys.size:
        first = ends[keys[i] - 1] if keys[i] > 0 else 0
        order[first + cuda.atomic.add(filled, keys[i], 1)] = i


@cuda.jit  # type: ignore[untyped-decorator]
def visit(points, keys, cells, periodic, metric, wide, ends, order, square, ends_of_rows, counts, indices):  # type: ignore[no-untyped-def]
    """Count the neighbours of a point, or, when ``indices`` has entries, write them and sort them."""
    i = cuda.grid(1)
    if i >= points.shape[0]:
        return
    writing = indices.size > 0
    d, nx, ny, nz = points.shape[1], cells[0], cells[1], cells[2]
    cx, cy, cz = keys[i] % nx, (keys[i] // nx) % ny, keys[i] // (nx * ny)
    x, y = points[i, 0], points[i, 1]
    z = points[i, 2] if d == 3 else x - x
    first = ends_of_rows[i - 1] if writing and i > 0 else 0
    found = 0
    for dz in range(-1, 2):
        kz = cz + dz
        wz = -1 if kz < 0 else (1 if kz >= nz else 0)
        if wz != 0 and not periodic[2]:
            continue
        for dy in range(-1, 2):
            ky = cy + dy
            wy = -1 if ky < 0 else (1 if ky >= ny else 0)
            if wy != 0 and not periodic[1]:
                continue
            for dx in range(-1, 2):
                kx = cx + dx
                wx = -1 if kx < 0 else (1 if kx >= nx else 0)
                if wx != 0 and not periodic[0]:
                    continue
                key = ((kz - wz * nz) * ny + ky - wy * ny) * nx + kx - wx * nx
                # in the precision of the points, as on the CPU
                sx, sy, sz = metric[3, 0] * wx, metric[3, 1] * wy, metric[3, 2] * wz
                for s in range(ends[key - 1] if key > 0 else 0, ends[key]):
                    j = order[s]
                    ax, ay = (points[j, 0] - x) + sx, (points[j, 1] - y) + sy
                    az = ((points[j, 2] - z) + sz) if d == 3 else x - x
                    if j == i or not ax * ax + ay * ay + az * az <= square:
                        continue
                    if wide:
                        if not (-metric[4, 0] < ax <= metric[4, 0] and -metric[4, 1] < ay <= metric[4, 1]):
                            continue
                        if not -metric[4, 2] < az <= metric[4, 2]:
                            continue
                    if writing:
                        at = first + found
                        while at > first and indices[at - 1] > j:
                            indices[at] = indices[at - 1]
                            at -= 1
                        indices[at] = j
                    found += 1
    if not writing:
        counts[i] = found


def within_on_device(points: Array, radius: float, box: Box | None = None) -> Neighbours:
    """`subgrid.kernels.neighbours.within` with its work on the device, for points (n, d) of the host; rows are copied
    back to the host.

    Raises NeighbourError as `within` does, and for clouds so sparse that a table of their cells does not fit.
    """
    check_radius(radius, box)
    points, cells, periodic, metric, wide = prepared(points, radius, box)
    n, real = len(points), points.dtype.type
    if n == 0:
        return Neighbours(np.zeros(1, np.int64), np.empty(0, np.int32), box)
    on_device = cuda.to_device(points)
    tables = [cuda.to_device(a) for a in (cells, periodic, metric.astype(points.dtype))]
    keys, order = cuda.device_array(n, np.int32), cuda.device_array(n, np.int32)
    ends, filled = (cuda.to_device(np.zeros(int(np.prod(cells)), np.int32)) for _ in range(2))
    grid = blocks(n)
    find_cells[grid, BLOCK](on_device, tables[0], cuda.to_device(metric), keys, ends)
    running_sums(ends)
    place[grid, BLOCK](keys, ends, filled, order)
    counts = cuda.device_array(n, np.int32)
    rest = (on_device, keys, *tables, wide, ends, order, real(radius) * real(radius))
    visit[grid, BLOCK](*rest, counts, counts, cuda.device_array(0, np.int32))
    running_sums(counts)
    sums = counts.copy_to_host()
    indices = cuda.device_array(int(sums[-1]), np.int32)
    if sums[-1] > 0:
        visit[grid, BLOCK](*rest, counts, counts, indices)
    offsets = np.concatenate([[0], sums]).astype(np.int64)
    return Neighbours(offsets, indices.copy_to_host(), box)
