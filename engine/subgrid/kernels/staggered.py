"""Momentum on a staggered grid (Harlow and Welch 1965): central fluxes in divergence form, second order.

Velocity components live on the faces of cells, normal to them. Each component is padded to one common shape, (n + 3)
along every axis of the mesh and 1 along axes that the mesh lacks: cell ``i`` and its lower face stand at index
``i + 1``, so that a neighbour along an axis is one and the same offset in all arrays. Axes are (z, y, x).

On a uniform grid these fluxes conserve momentum, and for a divergence-free flow also kinetic energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

__all__ = ["momentum", "momentum_reference", "padded_shape"]

Array = Any


def padded_shape(cells: Sequence[int]) -> tuple[int, ...]:
    """Common shape (z, y, x) of padded components; an axis with one cell is one that the mesh lacks."""
    return tuple(n + 3 if n > 1 else 1 for n in cells)


def momentum_reference(velocity: Sequence[Array], axis: int, inverse: Sequence[Any], viscosity: Any) -> Array:
    """-div(u u_c) + viscosity lap u_c on the faces normal to ``axis``, 0 to n, and at cell centres along other axes.

    ``velocity`` holds the padded component along each axis in axis order, ``None`` where the mesh lacks it; ``inverse``
    are 1 / spacing.
    """
    own = velocity[axis]
    active = [other for other in range(3) if velocity[other] is not None]

    def at(values: Array, **moves: int) -> Array:
        index = [slice(0, 1)] * 3
        for other in active:
            move = moves.get("zyx"[other], 0)
            index[other] = slice(1 + move, values.shape[other] - 2 + move + (1 if other == axis else 0))
        return values[tuple(index)]

    name = "zyx"[axis]
    center = at(own)
    rate = 0.0 * center
    for other in active:
        along = "zyx"[other]
        low, high = at(own, **{along: -1}), at(own, **{along: 1})
        rate = rate + viscosity * inverse[other] ** 2 * ((low - center) + (high - center))
        if other == axis:
            rate = rate - 0.25 * inverse[other] * ((center + high) ** 2 - (low + center) ** 2)
        else:
            across = velocity[other]
            carried_high = at(across, **{along: 1}) + at(across, **{along: 1, name: -1})
            carried_low = at(across) + at(across, **{name: -1})
            rate = rate - 0.25 * inverse[other] * ((center + high) * carried_high - (low + center) * carried_low)
    return rate


@njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
def momentum(
    own: Array,
    second: Array,
    third: Array,
    strides: Any,
    starts: Any,
    inverse: Any,
    viscosity: Any,
    quarter: Any,
    out: Array,
    first: int,
    last: int,
) -> None:
    """`momentum_reference` into rows ``first`` to ``last`` of ``out`` (nz, ny, nx), counted over z and y.

    ``own``, ``second`` and ``third`` are the padded component and those across it, flat; ``strides`` the offsets of a
    step along the axis of each, and ``inverse`` 1 / spacing of these, zero for an axis that the mesh lacks. ``starts``
    are (offset of the first face, offset of a step along z, along y); ``quarter`` is 1/4 in the precision of the
    arrays.
    """
    base, step_z, step_y = starts
    s1, s2, s3 = np.uint64(strides[0]), np.uint64(strides[1]), np.uint64(strides[2])
    h1, h2, h3 = inverse
    a1, a2, a3 = quarter * h1, quarter * h2, quarter * h3
    d1, d2, d3 = viscosity * h1 * h1, viscosity * h2 * h2, viscosity * h3 * h3
    ny, nx = out.shape[1], out.shape[2]
    for row in range(first, last):
        k, j = row // ny, row % ny
        start = np.uint64(base + k * step_z + j * step_y)
        for i in range(nx):
            p = start + np.uint64(i)
            c = own[p]
            low, high = own[p - s1], own[p + s1]
            rate = d1 * ((low - c) + (high - c)) - a1 * ((c + high) * (c + high) - (low + c) * (low + c))
            low, high = own[p - s2], own[p + s2]
            rate += d2 * ((low - c) + (high - c))
            rate -= a2 * (
                (c + high) * (second[p + s2] + second[p + s2 - s1]) - (low + c) * (second[p] + second[p - s1])
            )
            low, high = own[p - s3], own[p + s3]
            rate += d3 * ((low - c) + (high - c))
            rate -= a3 * ((c + high) * (third[p + s3] + third[p + s3 - s1]) - (low + c) * (third[p] + third[p - s1]))
            out[k, j, i] = rate
