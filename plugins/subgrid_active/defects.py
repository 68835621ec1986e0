"""Disclinations of the director: points around which it turns by half a circle."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Grid

__all__ = ["defect_charges", "defect_positions"]


def defect_charges(second_moment: Any) -> NDArray[np.int64]:
    """Twice the charge, +1 or -1, of the cell between points (y, x), (y, x + 1), (y + 1, x + 1), (y + 1, x); shape (ny,
    nx), 0 without a defect.

    The angle of a_2 is twice the director's; its steps along the sides are taken in (-pi, pi], so that the sum around a
    cell is a multiple of 2 pi and all charges of a periodic plane add up to zero.
    """
    angle = np.arctan2(second_moment[1], second_moment[0])
    along_x, along_y = (_wrapped(np.roll(angle, -1, axis) - angle) for axis in (1, 0))
    around = along_x + np.roll(along_y, -1, 1) - np.roll(along_x, -1, 0) - along_y
    return np.rint(around / (2.0 * np.pi)).astype(np.int64)


def defect_positions(second_moment: Any, mesh: Grid, charge: int) -> NDArray[np.float64]:
    """(x, y) of the centres of all cells with twice this charge, shape (n, 2)."""
    rows, columns = np.nonzero(defect_charges(second_moment) == charge)
    y, x = mesh.coordinates()
    dy, dx = mesh.spacing
    return np.stack([x[columns] + 0.5 * dx, y[rows] + 0.5 * dy], axis=-1)


def _wrapped(angle: Any) -> Any:
    """In (-pi, pi]; opposite steps stay opposite, but for those of exactly half a turn."""
    return np.pi - np.mod(np.pi - angle, 2.0 * np.pi)
