"""The filter width that a closure takes the grid to stand for."""

from __future__ import annotations

import math

from subgrid.api import Grid


def filter_width(mesh: Grid, ratio: float) -> float:
    """Filter width Delta [m]: ``ratio`` times the geometric mean of the grid spacings."""
    return ratio * math.prod(mesh.spacing) ** (1.0 / mesh.ndim)
