"""The lid-driven cavity beside published centre lines.

Values are those of U. Ghia, K. N. Ghia and C. T. Shin, J. Comput. Phys. 48, 387 (1982), tables I and II. They are good
to about 0.01 in v at Re = 1000 (O. Botella and R. Peyret, Comput. Fluids 27, 421, 1998).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_stencil.config_incompressible import CavityReferenceConfig

__all__ = ["CavityReference"]

COLUMN = {100: 1, 400: 2, 1000: 3}

U_ON_X_HALF = (
    (1.0000, 1.00000, 1.00000, 1.00000),
    (0.9766, 0.84123, 0.75837, 0.65928),
    (0.9688, 0.78871, 0.68439, 0.57492),
    (0.9609, 0.73722, 0.61756, 0.51117),
    (0.9531, 0.68717, 0.55892, 0.46604),
    (0.8516, 0.23151, 0.29093, 0.33304),
    (0.7344, 0.00332, 0.16256, 0.18719),
    (0.6172, -0.13641, 0.02135, 0.05702),
    (0.5000, -0.20581, -0.11477, -0.06080),
    (0.4531, -0.21090, -0.17119, -0.10648),
    (0.2813, -0.15662, -0.32726, -0.27805),
    (0.1719, -0.10150, -0.24299, -0.38289),
    (0.1016, -0.06434, -0.14612, -0.29730),
    (0.0703, -0.04775, -0.10338, -0.22220),
    (0.0625, -0.04192, -0.09266, -0.20196),
    (0.0547, -0.03717, -0.08186, -0.18109),
    (0.0000, 0.00000, 0.00000, 0.00000),
)
"""(y, u at Re = 100, 400 and 1000) on x = 1/2."""

V_ON_Y_HALF = (
    (1.0000, 0.00000, 0.00000, 0.00000),
    (0.9688, -0.05906, -0.12146, -0.21388),
    (0.9609, -0.07391, -0.15663, -0.27669),
    (0.9531, -0.08864, -0.19254, -0.33714),
    (0.9453, -0.10313, -0.22847, -0.39188),
    (0.9063, -0.16914, -0.23827, -0.51550),
    (0.8594, -0.22445, -0.44993, -0.42665),
    (0.8047, -0.24533, -0.38598, -0.31966),
    (0.5000, 0.05454, 0.05186, 0.02526),
    (0.2344, 0.17527, 0.30174, 0.32235),
    (0.2266, 0.17507, 0.30203, 0.33075),
    (0.1563, 0.16077, 0.28124, 0.37095),
    (0.0938, 0.12317, 0.22965, 0.32627),
    (0.0781, 0.10890, 0.20920, 0.30353),
    (0.0703, 0.10091, 0.19713, 0.29012),
    (0.0625, 0.09233, 0.18360, 0.27485),
    (0.0000, 0.00000, 0.00000, 0.00000),
)
"""(x, v at Re = 100, 400 and 1000) on y = 1/2."""

MISPRINTS = {(400, 0.9063)}
"""Entries (Reynolds number, x) of the table of v that all later work contradicts; they are left out."""


class CavityReference:
    """Deviations from the tables, ``deviation_u`` and ``deviation_v`` (largest over the points), and the extrema
    ``u_min``, ``v_min`` and ``v_max`` on the centre lines, by cubic splines through the cells."""

    needs = ("velocity",)

    def __init__(self, config: CavityReferenceConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"CavityReference(reynolds={self.config.reynolds})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        """Raises ScenarioError on other domains than the unit square with walls."""
        mesh = setup.mesh
        if mesh.ndim != 2 or mesh.length != (1.0, 1.0) or mesh.origin != (0.0, 0.0) or "periodic" in mesh.boundaries:
            raise ScenarioError(f"observers ({setup.label}): needs walls around the unit square, got {mesh}")
        self.mesh = mesh
        names = ("deviation_u", "deviation_v", "u_min", "v_min", "v_max")
        return {name: Quantity((), "m/s", "none", description=f"{name} on the centre lines") for name in names}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return deviations and extrema."""
        u, v = np.asarray(view["velocity"], dtype=np.float64)
        on_x_half = self._line(_middle(u), 0.0, 1.0, self.mesh.shape[0])
        on_y_half = self._line(_middle(v.T), 0.0, 0.0, self.mesh.shape[1])
        fine = np.linspace(0.0, 1.0, 2001)
        return {
            "deviation_u": self._deviation(on_x_half, U_ON_X_HALF, set()),
            "deviation_v": self._deviation(on_y_half, V_ON_Y_HALF, MISPRINTS),
            "u_min": on_x_half(fine).min(),
            "v_min": on_y_half(fine).min(),
            "v_max": on_y_half(fine).max(),
        }

    def _line(self, values: Any, low: float, high: float, n: int) -> CubicSpline:
        places = np.concatenate([[0.0], (np.arange(n) + 0.5) / n, [1.0]])
        return CubicSpline(places, np.concatenate([[low], values, [high]]))

    def _deviation(self, line: CubicSpline, table: Any, excluded: set[tuple[int, float]]) -> float:
        reynolds = self.config.reynolds
        rows = [row for row in table if (reynolds, row[0]) not in excluded]
        return max(abs(float(line(row[0])) - row[COLUMN[reynolds]]) for row in rows)


def _middle(values: Any) -> Any:
    """Values (rows, n) half-way along the second axis, by the four columns around it where there is none."""
    n = values.shape[1]
    if n % 2:
        return values[:, n // 2]
    a, b, c, d = (values[:, n // 2 + shift] for shift in (-2, -1, 0, 1))
    return (9.0 * (b + c) - (a + d)) / 16.0
