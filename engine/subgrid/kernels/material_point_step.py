"""A step of material points in one call, which several threads go through together (`subgrid.kernels.crew`).

Particles are scattered in parts, each into a grid of its own; threads share parts, then rows of nodes, then particles
to gather and strain, and meet between the three. Grids of parts are zero whenever a step begins. There is a part for
each thread, or a given number of them, with which sums do not depend on the number of threads.

The arguments, of which arrays are read anew in each round:

``nodes`` (nx, ny) or (nx, ny, nz)
    Number of nodes along each axis; as a tuple, whose length tells the compiler the number of dimensions.
``sets`` (sets, 10)
    Addresses of position, velocity, affine, deformation, stress, mass and volume, the number of particles, and address
    of the C function of the law (0 without) and of its arguments (threads, LAW_ARGUMENTS).
``numbers`` (11,)
    Spacing, step, origin (3), kick (3) and length (3), all ordered (x, y, z).
``sizes`` (16,)
    Nodes along (x, y, z); cells of periodic axes, 0 for others; length in cells of other axes with an open wall at the
    lower (1), the upper (2) or both (3) ends; number of parts, 0 for that of the threads;
    no-slip walls (`material_point_nodes.reflect`).
``groups`` (groups, 7)
    Conditions on nodes: addresses of indices, normals, velocities of the wall, kinds, frictions and first conditions of
    every row, and their number.
``grids`` (parts, rows, width, 4), ``total`` (rows, width, 4)
    What was scattered, and the velocity of nodes.
``report`` (threads or parts, 6)
    For each part first and behind-last row touched and particles lost; for each thread particles beyond open walls,
    clock cycles of laws and of all.
"""

from __future__ import annotations

from typing import Any

from numba import carray, njit, types
from numba.extending import intrinsic, overload

from subgrid.kernels import material_points_2d, material_points_3d
from subgrid.kernels.constitutive import LAW_ARGUMENTS
from subgrid.kernels.crew import begin, meet
from subgrid.kernels.material_point_nodes import add_up, condition, fold, reflect, velocities
from subgrid.kernels.native import call, pointer

__all__ = ["CHUNK", "step"]

Array = Any

CHUNK = 256
"""Particles that are gathered before their law is called, few enough to be found in the cache then."""


@intrinsic  # type: ignore[untyped-decorator]
def _cycles(typing_context: Any) -> Any:
    """A counter that runs at a fixed rate."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.call(builder.module.declare_intrinsic("llvm.readcyclecounter", (), _counter_type()), [])

    return types.int64(), generate


def _counter_type() -> Any:
    from llvmlite import ir

    return ir.FunctionType(ir.IntType(64), [])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _on_nodes(thread, threads, parts, signals, numbers, sizes, groups, grids, total, report):  # type: ignore[no-untyped-def]
    """From what the threads scattered to the velocity of nodes."""
    rows = total.shape[0]
    periodic = sizes[3] + sizes[4] + sizes[5] > 0
    low, high = rows, 0
    for part in range(parts):
        low, high = min(low, report[part, 0]), max(high, report[part, 1])
    if periodic:
        low, high = 0, rows
    first = low + max(high - low, 0) * thread // threads
    last = low + max(high - low, 0) * (thread + 1) // threads
    add_up(grids, parts, report, total, first, last)
    shared = periodic or sizes[10:16].max() > 0
    if shared:
        meet(thread, threads, signals)
        if thread == 0:
            reflect(total, sizes, low, high, True)
            fold(total, sizes, True)
        meet(thread, threads, signals)
    velocities(total, numbers, first, last)
    nodes = total.reshape(-1, 4)
    for g in range(groups.shape[0]):
        count = groups[g, 6]
        if count > 0 and last > first:
            starts = carray(pointer(groups[g, 5]), (rows + 1,), groups.dtype)
            condition(
                nodes,
                carray(pointer(groups[g, 0]), (count,), groups.dtype),
                carray(pointer(groups[g, 1]), (count, 3), total.dtype),
                carray(pointer(groups[g, 2]), (count, 3), total.dtype),
                carray(pointer(groups[g, 3]), (count,), groups.dtype),
                carray(pointer(groups[g, 4]), (count,), total.dtype),
                starts[first],
                starts[last],
            )
    meet(thread, threads, signals)
    if shared:
        if thread == 0:
            reflect(total, sizes, low, high, False)
            fold(total, sizes, False)
        meet(thread, threads, signals)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _settle(position, numbers, sizes, first, last):  # type: ignore[no-untyped-def]
    """Wrap positions on periodic axes, and count those beyond open walls."""
    real = position.dtype.type
    beyond = 0
    for a in range(position.shape[1]):
        start, length = real(numbers[2 + a]), real(numbers[8 + a])
        end, sides = start + length, sizes[6 + a]
        if sizes[3 + a] > 0:
            for p in range(first, last):
                if position[p, a] < start:
                    position[p, a] += length
                elif position[p, a] >= end:
                    position[p, a] -= length
        elif sides > 0:
            for p in range(first, last):
                if (sides != 2 and position[p, a] < start) or (sides != 1 and position[p, a] > end):
                    beyond += 1
    return beyond


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _strain(law, arguments, thread, first, last):  # type: ignore[no-untyped-def]
    """Call a law on a band of particles."""
    mine = arguments + 8 * LAW_ARGUMENTS * thread
    band = carray(pointer(mine), (2,), types.int64)
    band[0], band[1] = first, last
    call(law, mine)


def _scatter(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array, numbers: Array,
    nodes: tuple[int, ...], grid: Array, first: int, last: int, touched: Array,
) -> None:  # fmt: skip
    """``scatter`` of `material_points_2d` or of `material_points_3d`, by the length of ``nodes``."""


def _gather(
    position: Array, velocity: Array, affine: Array, deformation: Array, numbers: Array, nodes: tuple[int, ...],
    grid: Array, first: int, last: int,
) -> None:  # fmt: skip
    """``gather`` of `material_points_2d` or of `material_points_3d`."""


# chosen by type, so that a step is compiled for its own number of dimensions alone
@overload(_scatter)  # type: ignore[untyped-decorator]
def _scatter_in(position, velocity, affine, stress, mass, volume, numbers, nodes, grid, first, last, touched):  # type: ignore[no-untyped-def]
    def plane(position, velocity, affine, stress, mass, volume, numbers, nodes, grid, first, last, touched):  # type: ignore[no-untyped-def]
        material_points_2d.scatter(
            position, velocity, affine, stress, mass, volume, numbers[2:5], numbers[0], numbers[1],
            nodes[0], nodes[1], grid, first, last, touched,
        )  # fmt: skip

    def space(position, velocity, affine, stress, mass, volume, numbers, nodes, grid, first, last, touched):  # type: ignore[no-untyped-def]
        material_points_3d.scatter(
            position, velocity, affine, stress, mass, volume, numbers[2:5], numbers[0], numbers[1],
            nodes[0], nodes[1], nodes[2], grid, first, last, touched,
        )  # fmt: skip

    return plane if len(nodes) == 2 else space


@overload(_gather)  # type: ignore[untyped-decorator]
def _gather_in(position, velocity, affine, deformation, numbers, nodes, grid, first, last):  # type: ignore[no-untyped-def]
    def plane(position, velocity, affine, deformation, numbers, nodes, grid, first, last):  # type: ignore[no-untyped-def]
        material_points_2d.gather(
            position, velocity, affine, deformation, numbers[2:5], numbers[0], numbers[1],
            nodes[0], nodes[1], grid, first, last,
        )  # fmt: skip

    def space(position, velocity, affine, deformation, numbers, nodes, grid, first, last):  # type: ignore[no-untyped-def]
        material_points_3d.gather(
            position, velocity, affine, deformation, numbers[2:5], numbers[0], numbers[1],
            nodes[0], nodes[1], nodes[2], grid, first, last,
        )  # fmt: skip

    return plane if len(nodes) == 2 else space


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def step(
    thread: int, threads: int, signals: Array, nodes: tuple[int, ...],
    sets: Array, numbers: Array, sizes: Array, groups: Array, grids: Array, total: Array, report: Array,
) -> None:  # fmt: skip
    """Scatter, nodes, gather and laws, in as many dimensions as there are numbers of ``nodes``, (nx, ny[, nz])."""
    d = len(nodes)
    while begin(thread, signals):
        start, laws = _cycles(), 0
        parts = sizes[9] if sizes[9] > 0 else threads
        for part in range(parts * thread // threads, parts * (thread + 1) // threads):
            touched = report[part]
            low, high, lost = nodes[-1], 0, 0
            for s in range(sets.shape[0]):
                n = sets[s, 7]
                _scatter(
                    carray(pointer(sets[s, 0]), (n, d), total.dtype),
                    carray(pointer(sets[s, 1]), (n, d), total.dtype),
                    carray(pointer(sets[s, 2]), (n, d, d), total.dtype),
                    carray(pointer(sets[s, 4]), (n, d, d), total.dtype),
                    carray(pointer(sets[s, 5]), (n,), total.dtype),
                    carray(pointer(sets[s, 6]), (n,), total.dtype),
                    numbers, nodes, grids[part].reshape(-1), n * part // parts, n * (part + 1) // parts, touched,
                )  # fmt: skip
                low, high, lost = min(low, touched[0]), max(high, touched[1]), lost + touched[2]
            touched[0], touched[1], touched[2] = low, high, lost
        meet(thread, threads, signals)
        beyond = 0
        for part in range(parts):
            beyond += report[part, 2]
        if beyond > 0:  # particles have left the grid: whoever called will say so
            meet(thread, threads, signals)
            if thread == 0:
                return
            continue
        _on_nodes(thread, threads, parts, signals, numbers, sizes, groups, grids, total, report)
        for s in range(sets.shape[0]):
            n = sets[s, 7]
            position = carray(pointer(sets[s, 0]), (n, d), total.dtype)
            end = n * (thread + 1) // threads
            for first in range(n * thread // threads, end, CHUNK):
                last = min(first + CHUNK, end)
                _gather(
                    position,
                    carray(pointer(sets[s, 1]), (n, d), total.dtype),
                    carray(pointer(sets[s, 2]), (n, d, d), total.dtype),
                    carray(pointer(sets[s, 3]), (n, d, d), total.dtype),
                    numbers, nodes, total.reshape(-1), first, last,
                )  # fmt: skip
                beyond += _settle(position, numbers, sizes, first, last)
                if sets[s, 8] != 0:
                    before = _cycles()
                    _strain(sets[s, 8], sets[s, 9], thread, first, last)
                    laws += _cycles() - before
        report[thread, 3], report[thread, 4], report[thread, 5] = beyond, laws, _cycles() - start
        meet(thread, threads, signals)
        if thread == 0:
            return
