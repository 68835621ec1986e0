"""Bodies filled with particles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from subgrid.api import ScenarioError, Setup
from subgrid_mpm.config import BodiesConfig, Body


class Bodies:
    """Boxes and balls of material with velocity, spin and, for fluids, the pressure of rest.

    Lattice points lie at the centres of the k^d equal parts of cells, k = ``particles_per_cell``; those inside the body
    share its mass by their volume. Drawn points are as many and lie anywhere in the body.
    """

    def __init__(self, config: BodiesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Bodies({len(self.config.bodies)}, particles_per_cell={self.config.particles_per_cell})"

    def fill(self, setup: Setup) -> dict[str, Any]:
        """Columns of each material. Raises ScenarioError for bodies that do not fit the mesh or hold no particle."""
        tables: dict[str, list[dict[str, Any]]] = {}
        for number, body in enumerate(self.config.bodies):
            tables.setdefault(body.material or "material", []).append(self._table(number, body, setup))
        return {
            name: {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}
            for name, parts in tables.items()
        }

    def _table(self, number: int, body: Body, setup: Setup) -> dict[str, Any]:
        d, label = setup.mesh.ndim, f"initial.bodies.{number}"
        for name in ("center", "size", "velocity"):
            vector = getattr(body, name)
            if vector is not None and len(vector) != d:
                raise ScenarioError(f"{label}.{name}: {vector} has {len(vector)} components, the mesh has {d} axes")
        center = np.array(body.center)
        half = np.full(d, body.radius) if body.size is None else 0.5 * np.array(body.size)
        part = min(setup.mesh.spacing) / self.config.particles_per_cell
        points = self._lattice(setup, center - half, center + half, part)
        points = points[self._inside(body, points, center)]
        if self.config.arrangement == "random":
            points = self._drawn(body, len(points), center, half, setup.rng.generator(f"body {number}"))
        if len(points) == 0:
            raise ScenarioError(f"{label}: holds no particle; a particle takes {part:g} of each side")
        velocity = np.zeros_like(points) if body.velocity is None else np.tile(body.velocity, (len(points), 1))
        gradient = np.zeros((len(points), d, d))
        gradient[:, 0, 1], gradient[:, 1, 0] = -body.spin, body.spin
        velocity = velocity + np.einsum("nij,nj->ni", gradient, points - center)
        stretch = self._stretch(body, points[:, -1]) ** (1.0 / d)
        volume = np.full(len(points), part**d)
        return {
            "position": points,
            "velocity": velocity,
            "velocity_gradient": gradient,
            "deformation_gradient": stretch[:, None, None] * np.eye(d),
            "mass": body.density * volume,
            # the compressed body is a little heavier than its rest density times what it fills: neglected, as J ~ 1
            "volume": volume,
        }

    @staticmethod
    def _lattice(setup: Setup, low: Any, high: Any, part: float) -> Any:
        origin = np.array(setup.mesh.origin[::-1])
        axes = []
        for a in range(len(low)):
            first = math.floor((low[a] - origin[a]) / part - 0.5 - 1e-9)
            last = math.ceil((high[a] - origin[a]) / part + 0.5 + 1e-9)
            axes.append(origin[a] + (np.arange(first, last) + 0.5) * part)
        return np.stack([c.ravel() for c in np.meshgrid(*axes[::-1], indexing="ij")][::-1], axis=1)

    @staticmethod
    def _inside(body: Body, points: Any, center: Any) -> Any:
        away = np.abs(points - center)
        if body.size is None:
            return np.sum(away**2, axis=1) <= (body.radius or 0.0) ** 2
        return np.all(away <= 0.5 * np.array(body.size) * (1.0 + 1e-12), axis=1)

    def _drawn(self, body: Body, count: int, center: Any, half: Any, rng: np.random.Generator) -> Any:
        drawn = np.empty((0, len(center)))
        while len(drawn) < count:
            points = center + half * rng.uniform(-1.0, 1.0, (2 * count, len(center)))
            drawn = np.concatenate([drawn, points[self._inside(body, points, center)]])
        return drawn[:count]

    @staticmethod
    def _stretch(body: Body, height: Any) -> Any:
        """Volume ratio J at heights (n,)."""
        rest = body.hydrostatic
        if rest is None:
            return np.ones(len(height))
        pressure = body.density * rest.gravity * np.maximum(rest.surface - height, 0.0)
        return (1.0 + rest.exponent * pressure / rest.bulk_modulus) ** (-1.0 / rest.exponent)
