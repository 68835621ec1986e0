"""Director fields and their defects, from a field with components S cos(2 theta) and S sin(2 theta).

That is the second moment of an orientation distribution in two dimensions, (Re a2, Im a2), or the first row of a
nematic tensor Q. The director has the angle theta, which counts modulo pi.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Defects:
    """Points around which the director turns by half a turn.

    ``places`` are (row, column) of shape (n, 2), counted in cells, ``charges`` +1/2 or -1/2, ``angles`` [rad] the
    direction of the tail of a +1/2 defect (its head points the other way), or of one of the three arms of a -1/2 one.
    """

    places: Array
    charges: Array
    angles: Array


def director(q: Array) -> Array:
    """Angle theta [rad] of the director in (-pi/2, pi/2], from q of shape (2, ny, nx)."""
    return 0.5 * np.arctan2(q[1], q[0])


def defects(q: Array, spacing: tuple[float, float], periodic: tuple[bool, bool]) -> Defects:
    """Half-integer defects of q, shape (2, ny, nx), on cells of ``spacing`` (dy, dx).

    The winding of the director around every square of four neighbouring cells is counted; where axes are
    ``periodic`` (y, x) the last cells and the first are neighbours. Angles after Vromans and Giomi, Soft Matter 12,
    6490 (2016): psi = k/(1 - k) arg(d_x Qxx + s d_y Qxy + i (s d_x Qxy - d_y Qxx)) with s the sign of the charge k.
    """
    theta = director(q)
    right, up = (_modulo_pi(np.roll(theta, -1, axis) - theta) for axis in (1, 0))
    # along the lower edge of each square, up its right one, back along the upper one, down the left one
    winding = right + np.roll(up, -1, 1) - np.roll(right, -1, 0) - up
    if not periodic[0]:
        winding[-1] = 0.0
    if not periodic[1]:
        winding[:, -1] = 0.0
    charge = np.where(np.isfinite(winding), np.round(winding / np.pi), 0.0) * 0.5
    rows, columns = np.nonzero(charge)
    charges = charge[rows, columns]
    a, b = (np.moveaxis(_gradient(component, rows, columns, spacing), -1, 0) for component in q)
    sign = np.sign(charges)
    angle = np.arctan2(sign * b[1] - a[0], a[1] + sign * b[0])
    return Defects(np.column_stack([rows, columns]) + 0.5, charges, charges / (1.0 - charges) * angle)


def _modulo_pi(angle: Array) -> Array:
    """The same angle, up to multiples of pi, in [-pi/2, pi/2)."""
    return (angle + 0.5 * np.pi) % np.pi - 0.5 * np.pi


def _gradient(values: Array, rows: Array, columns: Array, spacing: tuple[float, float]) -> Array:
    """(d/dy, d/dx) in the middle of the squares whose lower left cell is given, shape (n, 2)."""
    up, right = (rows + 1) % values.shape[0], (columns + 1) % values.shape[1]
    lower, upper = (values[rows, columns], values[rows, right]), (values[up, columns], values[up, right])
    dy = 0.5 * (upper[0] + upper[1] - lower[0] - lower[1]) / spacing[0]
    dx = 0.5 * (lower[1] + upper[1] - lower[0] - upper[0]) / spacing[1]
    return np.column_stack([dy, dx])
