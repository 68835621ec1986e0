"""Bodies filled with particles."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrid.api import ScenarioError, Setup
from subgrid_mpm.config import BodiesConfig, Body, RandomBodiesConfig


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
        points = lattice(setup, center - half, center + half, part)
        points = points[self._inside(body, points, center)]
        if self.config.arrangement == "random":
            points = self._drawn(body, len(points), center, half, setup.rng.generator(f"body {number}"))
        if len(points) == 0:
            raise ScenarioError(f"{label}: holds no particle; a particle takes {part:g} of each side")
        velocity = np.zeros(d) if body.velocity is None else np.array(body.velocity)
        stretch = self._stretch(body, points[:, -1]) ** (1.0 / d)
        # the compressed body is a little heavier than its rest density times what it fills: neglected, as J ~ 1
        return columns(points, center, velocity, body.spin, body.density, part, stretch)

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


class RandomBodies:
    """Balls, boxes and blobs with drawn sizes, places, velocities and spins, which do not touch.

    The run's seed decides: another seed gives another trajectory of a data set. Boxes are turned by any angle about z.
    A blob's radius is R (1 + sum a_k cos(k t + p_k)), k = 2 to 5, with sum |a_k| at most 0.35. Places are drawn again
    where there is no room, and after 2000 times there are fewer bodies, but not fewer than ``count`` begins with.
    """

    def __init__(self, config: RandomBodiesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"RandomBodies({'/'.join(self.config.shapes)}, count={self.config.count})"

    def fill(self, setup: Setup) -> dict[str, Any]:
        """Columns of each material. Raises ScenarioError where the fewest bodies find no room."""
        config, d = self.config, setup.mesh.ndim
        if d == 3 and "blob" in config.shapes:
            raise ScenarioError("initial.shapes: blobs are drawn in two dimensions only; choose from ball, box")
        low, high = self._region(setup)
        rng = setup.rng.generator("bodies")
        part = min(setup.mesh.spacing) / config.particles_per_cell
        placed: list[tuple[Any, float]] = []
        tables: dict[str, list[dict[str, Any]]] = {}
        wanted = int(rng.integers(config.count[0], config.count[1] + 1))
        for number in range(wanted):
            body = _Drawn.draw(config, rng, d)
            center = self._place(body.reach, placed, low, high, rng)
            if center is None:
                if number >= config.count[0]:
                    break
                raise ScenarioError(f"initial: {config.count[0]} bodies find no room; make radius or gap smaller")
            placed.append((center, body.reach))
            points = lattice(setup, center - body.reach, center + body.reach, part)
            points = points[body.inside(points - center)]
            if len(points) == 0:
                raise ScenarioError(f"initial.radius: a body holds no particle; a particle takes {part:g} of each side")
            name = config.materials[number % len(config.materials)]
            table = columns(points, center, body.velocity, body.spin, config.density, part, np.ones(len(points)))
            tables.setdefault(name, []).append(table)
        return {
            name: {column: np.concatenate([part[column] for part in parts]) for column in parts[0]}
            for name, parts in tables.items()
        }

    def _region(self, setup: Setup) -> tuple[Any, Any]:
        origin, length, d = np.array(setup.mesh.origin[::-1]), np.array(setup.mesh.length[::-1]), setup.mesh.ndim
        corners = []
        for name, default in (("low", origin), ("high", origin + length)):
            corner = getattr(self.config, name)
            if corner is not None and len(corner) != d:
                raise ScenarioError(f"initial.{name}: {corner} has {len(corner)} components, the mesh has {d} axes")
            corners.append(default if corner is None else np.array(corner))
        if np.any(corners[0] < origin) or np.any(corners[1] > origin + length) or np.any(corners[0] >= corners[1]):
            raise ScenarioError("initial: low and high must be corners of a box within the mesh")
        return corners[0] + self.config.gap, corners[1] - self.config.gap

    def _place(self, reach: float, placed: list[tuple[Any, float]], low: Any, high: Any, rng: Any) -> Any:
        """A centre with room for a body, None when 2000 draws give none."""
        if np.any(high - low < 2.0 * reach):
            return None
        for _ in range(2000):
            center = rng.uniform(low + reach, high - reach)
            if all(np.linalg.norm(center - other) > reach + far + self.config.gap for other, far in placed):
                return center
        return None


@dataclass(frozen=True)
class _Drawn:
    """A body as drawn: ``inside`` tells which offsets from its centre (n, d) lie in it, all within ``reach``."""

    inside: Callable[[Any], Any]
    reach: float
    velocity: Any
    spin: float

    @staticmethod
    def draw(config: RandomBodiesConfig, rng: np.random.Generator, d: int) -> _Drawn:
        shape = config.shapes[int(rng.integers(len(config.shapes)))]
        radius, turn = rng.uniform(*config.radius), rng.uniform(0.0, 2.0 * math.pi)
        direction = rng.normal(size=d)
        velocity = rng.uniform(*config.speed) * direction / np.linalg.norm(direction)
        spin = rng.uniform(*config.spin)
        if shape == "ball":
            return _Drawn(lambda x: np.sum(x**2, axis=1) <= radius**2, radius, velocity, spin)
        if shape == "box":
            sides = rng.uniform(*config.elongation, size=d)
            volume = math.pi * radius**2 if d == 2 else 4.0 / 3.0 * math.pi * radius**3
            half = 0.5 * sides * (volume / np.prod(sides)) ** (1.0 / d)
            turned = np.eye(d)
            turned[:2, :2] = [[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]]
            return _Drawn(
                lambda x: np.all(np.abs(x @ turned) <= half, axis=1), float(np.linalg.norm(half)), velocity, spin
            )
        orders = np.arange(2, 6)
        heights = rng.uniform(-1.0, 1.0, 4)
        heights *= rng.uniform(0.1, 0.35) / np.abs(heights).sum()
        phases = rng.uniform(0.0, 2.0 * math.pi, 4)

        def within(x: Any) -> Any:
            angle = np.arctan2(x[:, 1], x[:, 0])
            edge = radius * (1.0 + np.cos(np.outer(angle, orders) + phases) @ heights)
            return np.hypot(x[:, 0], x[:, 1]) <= edge

        return _Drawn(within, radius * 1.35, velocity, spin)


def columns(
    points: Any, center: Any, velocity: Any, spin: float, density: float, part: float, stretch: Any
) -> dict[str, Any]:
    """Columns of a body with particles of side ``part`` at ``points`` (n, d), that moves and spins about ``center``.

    ``stretch`` (n,) is how much each is stretched along every axis.
    """
    n, d = points.shape
    gradient = np.zeros((n, d, d))
    gradient[:, 0, 1], gradient[:, 1, 0] = -spin, spin
    return {
        "position": points,
        "velocity": velocity + np.einsum("nij,nj->ni", gradient, points - center),
        "velocity_gradient": gradient,
        "deformation_gradient": stretch[:, None, None] * np.eye(d),
        "mass": np.full(n, density * part**d),
        "volume": np.full(n, part**d),
    }


def lattice(setup: Setup, low: Any, high: Any, part: float) -> Any:
    """Centres (n, d) of parts of cells between two corners, at least."""
    origin = np.array(setup.mesh.origin[::-1])
    axes = []
    for a in range(len(low)):
        first = math.floor((low[a] - origin[a]) / part - 0.5 - 1e-9)
        last = math.ceil((high[a] - origin[a]) / part + 0.5 + 1e-9)
        axes.append(origin[a] + (np.arange(first, last) + 0.5) * part)
    return np.stack([c.ravel() for c in np.meshgrid(*axes[::-1], indexing="ij")][::-1], axis=1)
