"""The Gray-Scott reaction with diffusion of both species, in one sweep.

``keep u + scale (Du lap u - u v^2 + F (1 - u))`` and ``keep v + scale (Dv lap v + u v^2 - (F + k) v)``; second order,
arrays (nz, ny, nx), ghosts one layer wide.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from subgrid.kernels.native import borrowed_row
from subgrid.kernels.stencil_ghosts import Ghosts, neighbours, row_along_y, row_along_z

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
    """The definition. ``inverse_squares`` are 1 / spacing^2 by axis (z, y, x), ``rates`` are (Du, Dv, F, F + k)."""
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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _lap(c, left, right, low, high, back, front, hz, hy, hx):  # type: ignore[no-untyped-def]
    return hx * ((left - c) + (right - c)) + hy * ((low - c) + (high - c)) + hz * ((back - c) + (front - c))


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def react(
    u: Array,
    v: Array,
    ghosts_u: Ghosts,
    ghosts_v: Ghosts,
    inverse_squares: Any,
    rates: Any,
    keep: Any,
    scale: Any,
    out_u: Array,
    out_v: Array,
    first: int,
    last: int,
) -> None:
    """`react_reference` into rows ``first`` to ``last`` of both outputs, counted over z and y."""
    Du, Dv, feed, removal = rates
    hz, hy, hx = inverse_squares
    above = 1 if ghosts_u[0].shape[0] > 0 else 0
    beside = 1 if ghosts_u[2].shape[1] > 0 else 0
    ny, nx = u.shape[1], u.shape[2]
    for r in range(first, last):
        k = r // ny
        j = r - k * ny
        a, b = borrowed_row(u, k, j), borrowed_row(v, k, j)
        result_u, result_v = borrowed_row(out_u, k, j), borrowed_row(out_v, k, j)
        a_low = row_along_y(u, ghosts_u[2], ghosts_u[3], k, j - beside)
        a_high = row_along_y(u, ghosts_u[2], ghosts_u[3], k, j + beside)
        a_back = row_along_z(u, ghosts_u[0], ghosts_u[1], k - above, j)
        a_front = row_along_z(u, ghosts_u[0], ghosts_u[1], k + above, j)
        b_low = row_along_y(v, ghosts_v[2], ghosts_v[3], k, j - beside)
        b_high = row_along_y(v, ghosts_v[2], ghosts_v[3], k, j + beside)
        b_back = row_along_z(v, ghosts_v[0], ghosts_v[1], k - above, j)
        b_front = row_along_z(v, ghosts_v[0], ghosts_v[1], k + above, j)
        for i in range(1, nx - 1):
            lap_u = _lap(a[i], a[i - 1], a[i + 1], a_low[i], a_high[i], a_back[i], a_front[i], hz, hy, hx)
            lap_v = _lap(b[i], b[i - 1], b[i + 1], b_low[i], b_high[i], b_back[i], b_front[i], hz, hy, hx)
            reaction = a[i] * b[i] * b[i]
            result_u[i] = keep * a[i] + scale * (Du * lap_u - reaction + (feed - feed * a[i]))
            result_v[i] = keep * b[i] + scale * (Dv * lap_v + reaction - removal * b[i])
        for i in (0, nx - 1):
            a_left = a[i - 1] if i > 0 else ghosts_u[4][k, j, 0]
            b_left = b[i - 1] if i > 0 else ghosts_v[4][k, j, 0]
            a_right = a[i + 1] if i < nx - 1 else ghosts_u[5][k, j, 0]
            b_right = b[i + 1] if i < nx - 1 else ghosts_v[5][k, j, 0]
            lap_u = _lap(a[i], a_left, a_right, a_low[i], a_high[i], a_back[i], a_front[i], hz, hy, hx)
            lap_v = _lap(b[i], b_left, b_right, b_low[i], b_high[i], b_back[i], b_front[i], hz, hy, hx)
            reaction = a[i] * b[i] * b[i]
            result_u[i] = keep * a[i] + scale * (Du * lap_u - reaction + (feed - feed * a[i]))
            result_v[i] = keep * b[i] + scale * (Dv * lap_v + reaction - removal * b[i])
