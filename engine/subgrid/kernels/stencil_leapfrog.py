"""A whole step of the leapfrog for u_t = v, v_t = sum_a c_a (u_-1 - 2 u + u_+1), second order, in one sweep.

The form that knows u and v at the same time (Stoermer; Verlet, Phys. Rev. 159, 98 (1967)): half a kick of v by the old
u, a drift of u, half a kick by the new u. The compiled kernel kicks a plane for the second time as soon as the new u of
the plane after it stands, while all of it is still in the cache, so that each array passes through memory once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba import njit
from numba.extending import overload

from subgrid.kernels.cache_lines import alike, every, line_size, look, put, stream, whole_lines
from subgrid.kernels.native import entry, fma, prefetch, prefetch_to_write
from subgrid.kernels.stencil_diffusion import cell_rate, diffuse_reference, everywhere, line_rate
from subgrid.kernels.stencil_ghosts import GhostLayers
from subgrid.kernels.stencil_sweep import advance, around, new_window, row_ends, streamed_part, sweep, walls
from subgrid.kernels.stencil_window import Rules

__all__ = ["Leapfrog", "leapfrog", "leapfrog_reference"]

Array = Any


def leapfrog_reference(
    u: Array, v: Array, layers: GhostLayers, coefficients: tuple[Any, ...], t: float, half: Any, dt: Any, xp: Any
) -> tuple[Array, Array]:
    """The definition: u and v at ``t + dt``, over (nz, ny, nx). ``coefficients`` are (c_z, c_y, c_x) = speed^2 /
    spacing^2 [1/s2], and ``half`` is dt / 2."""
    nothing = xp.zeros_like(u[:1, :1, :1])
    between = v + half * diffuse_reference(u, layers.fill(u, t), coefficients, nothing, 0.0, 1.0, xp)
    after = u + dt * between
    ghosts = layers.fill(after, t + float(dt))
    return after, between + half * diffuse_reference(after, ghosts, coefficients, nothing, 0.0, 1.0, xp)


class Leapfrog(NamedTuple):
    """Coefficients by (planes, rows, columns), and the step."""

    coefficients: Any
    dt: Any


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def leapfrog(
    u: Array,
    v: Array,
    rules: Rules,
    coefficients: Any,
    kicks: Array,
    dt: Any,
    height: int,
    width: int,
    streamed: bool,
    next_u: Array,
    next_v: Array,
    first: int,
    last: int,
) -> None:
    """`leapfrog_reference` into planes ``first`` to ``last`` of ``next_u`` and ``next_v``, which are not those of u, v.

    Arrays are (planes, rows, nx) and coefficients follow that order; ``rules`` hold the ghost cells at both times, and
    ``kicks`` are the sizes of both, dt / 2. The sweep takes the kick and the drift for a step and the other kick for
    the next one; between them u is new and v half-way. The rest is as in `subgrid.kernels.stencil_diffusion.diffuse`.
    """
    window = new_window(u, 2, 2, height, width)
    sweep(
        Leapfrog(coefficients, dt), u.shape, (walls(rules), walls(rules)), kicks, height, width, streamed, False,
        (entry(u, 0), entry(v, 0)), window, (entry(next_u, 0), entry(next_v, 0)),
        first, last,
    )  # fmt: skip


@overload(advance)  # type: ignore[untyped-decorator]
def _advance(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    return _leapfrog_segment if getattr(equation, "instance_class", None) is Leapfrog else None


def _leapfrog_segment(equation, segment, walls, step, scale, values, spare, out):  # type: ignore[no-untyped-def]
    u, v = around(segment, walls[0], step, values[0], spare[0]), entry(values[1], segment.where[0])
    # the second kick leaves u where it is
    (out_u, out_v), drifts, numbers = out, step == 0, (equation.coefficients, scale, equation.dt)
    first, last = whole_lines(out_u, u.start, u.end)
    _lines(u, v, first, last, numbers, drifts, segment, out_u, out_v)
    _cells(u, v, u.start, first, numbers, drifts, out_u, out_v)
    _cells(u, v, last, u.end, numbers, drifts, out_u, out_v)
    for row in range(segment.several):
        i, before, n, after = row_ends(segment, walls[0], step, values[0], row)
        if i >= 0:
            out_u[i], out_v[i] = _cell(u, v, i, before, u.near[i + 2], numbers, drifts)
        if n >= 0:
            out_u[n], out_v[n] = _cell(u, v, n, u.near[n], after, numbers, drifts)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _lines(u, v, first, last, numbers, drifts, segment, out_u, out_v):  # type: ignore[no-untyped-def]
    """Whole lines of cells."""
    coefficients, kick, dt = numbers
    wide = everywhere(coefficients), every(kick), every(dt)
    count, reads, writes = line_size(out_u), segment.reads, segment.writes
    begin, end = streamed_part(segment) if alike(out_u, out_v) else (0, 0)
    for i in range(first, last, count):
        if reads > 0:
            prefetch(u.front, i + reads)
            prefetch(v, i + reads)
        if writes > 0:
            prefetch_to_write(out_u, i + writes)
            prefetch_to_write(out_v, i + writes)
        new_u, new_v = _line(u, v, i, wide, drifts)
        if begin <= i and i + count <= end:
            stream(out_u, i, new_u)
            stream(out_v, i, new_v)
        else:
            put(out_u, i, new_u)
            put(out_v, i, new_v)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _line(u, v, i, numbers, drifts):  # type: ignore[no-untyped-def]
    coefficients, kick, dt = numbers
    new_u, new_v = look(u.near, i + 1), fma(kick, line_rate(u, i, coefficients), look(v, i))
    return (fma(dt, new_v, new_u) if drifts else new_u), new_v


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cells(u, v, first, last, numbers, drifts, out_u, out_v):  # type: ignore[no-untyped-def]
    """Cells one by one."""
    for i in range(first, last):
        out_u[i], out_v[i] = _cell(u, v, i, u.near[i], u.near[i + 2], numbers, drifts)


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cell(u, v, i, left, right, numbers, drifts):  # type: ignore[no-untyped-def]
    coefficients, kick, dt = numbers
    new_u, new_v = u.near[i + 1], fma(kick, cell_rate(u, i, left, right, coefficients), v[i])
    return (fma(dt, new_v, new_u) if drifts else new_u), new_v
