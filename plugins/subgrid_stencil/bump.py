"""A smooth bump of finite size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Fields, Grid, Setup
from subgrid_stencil.config_implicit import BumpConfig

__all__ = ["Bump", "bump"]


def bump(grid: Grid, centre: tuple[float, float], radius: float) -> NDArray[np.float64]:
    """``exp(1 - 1/(1 - r^2/radius^2))`` within the radius, zero outside; infinitely smooth, in one to three dimensions.

    ``centre`` (x, y) is relative to the middle of the domain; it and ``radius`` are in units of the shortest side.
    """
    side = min(grid.length)
    distance = np.zeros(grid.shape)
    axes = zip(reversed(grid.meshgrid()), reversed(grid.origin), reversed(grid.length), (*centre, 0.0), strict=False)
    for at, start, length, offset in axes:
        distance += ((at - start - 0.5 * length) / side - offset) ** 2
    inside = np.clip(1.0 - distance / radius**2, 0.0, None)
    return np.where(inside > 0.0, np.exp(1.0 - 1.0 / np.where(inside > 0.0, inside, 1.0)), 0.0)


class Bump:
    """A smooth bump in the middle of the domain, ``amplitude exp(1 - 1/(1 - r^2/radius^2))``."""

    def __init__(self, config: BumpConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Bump(radius={self.config.radius}, amplitude={self.config.amplitude})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        return {"u": self.config.amplitude * bump(setup.mesh, (0.0, 0.0), self.config.radius)}
