"""The moving-least-squares material point method: particles carry material, a grid carries them through a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    Backend,
    Closures,
    ColumnSpec,
    Fields,
    Integrator,
    LazyFields,
    LinearSolve,
    Particles,
    ParticleSpec,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
    Streams,
)
from subgrid.kernels import material_points_2d, material_points_3d
from subgrid.kernels.material_point_nodes import add_up, cell_keys, condition, rows_of, velocities
from subgrid.kernels.material_points import CONDITIONS, PAD, nodes_of
from subgrid.kernels.workers import Workers
from subgrid_mpm.config import Condition, Gravity, MaterialPointsConfig
from subgrid_mpm.obstacles import distance_and_normal, velocity_of

AXES = ("x", "y", "z")

SERIAL = 8192
"""Particles below which a second thread costs more than it gains."""


class MaterialPoints:
    """MLS-MPM with APIC transfers and quadratic B-splines in two or three dimensions.

    ::

        nodes      m = sum w m_p      m v = sum w [m_p v_p + (m_p C_p - dt V0 4/h^2 tau_p) (x_i - x_p)]
        particles  v = sum w v_i      C = 4/h^2 sum w v_i (x_i - x_p)^T      x += dt v      F <- (1 + dt C) F

    Every material is a particle set with a slot ``stress/<name>``: a closure answers the Kirchhoff stress tau [Pa],
    shape (n, d, d), from ``deformation_gradient`` (n, d, d), ``velocity_gradient`` C and ``density``, and may replace
    the deformation gradient where material flows. Columns: position [m], velocity [m/s], velocity_gradient [1/s],
    deformation_gradient, stress [Pa], mass [kg], volume [m3] at rest.

    Particles that pass an open wall are removed and counted. Mass, momentum and angular momentum are conserved to
    rounding away from walls; kinetic energy below the grid scale is damped by the transfers.

    Reference: Hu et al., A moving least squares material point method (2018); Jiang et al. (2015).
    `setup` raises ScenarioError for meshes that are not two- or three-dimensional with one spacing.
    """

    linear_operator = None

    def __init__(self, config: MaterialPointsConfig) -> None:
        self.config = config
        self.linear: Fields = {}
        if len(set(config.materials)) < len(config.materials):
            raise ScenarioError(f"solver.materials: {', '.join(config.materials)} names one twice")

    def __repr__(self) -> str:
        return f"MaterialPoints(materials={self.config.materials})"

    def setup(self, setup: Setup) -> StateSpec:
        mesh, config = setup.mesh, self.config
        if setup.backend.name != "numpy":
            raise ScenarioError("backend.name: 'mpm' computes with 'numpy' only")
        if mesh.ndim == 1:
            raise ScenarioError("mesh.shape: 'mpm' needs two or three axes")
        self.spacing, self.d = mesh.spacing[0], mesh.ndim
        if not np.allclose(mesh.spacing, self.spacing, rtol=1e-9):
            raise ScenarioError(f"mesh.length: 'mpm' needs one spacing along all axes, they are {mesh.spacing}")
        # from here on (x, y, z), as the particles have it
        self.origin, self.length = np.array(mesh.origin[::-1]), np.array(mesh.length[::-1])
        self.cells = np.array(mesh.shape[::-1])
        self.periodic = [boundary == "periodic" for boundary in mesh.boundaries[::-1]]
        self.nodes = nodes_of(mesh.shape)
        self.type = setup.backend.dtype()
        self.threads = setup.backend.threads
        self.workers = Workers(self.threads)
        self.kernels = material_points_2d if self.d == 2 else material_points_3d
        for name, values in self._vectors():
            if len(values) < self.d or any(values[self.d :]):
                raise ScenarioError(f"solver.{name}: {values} does not have {self.d} components")
        self.open = [
            self._walls(a)[side].type == "open" and not self.periodic[a] for a in range(self.d) for side in (0, 1)
        ]
        self.fixed = list(self._fixed_nodes())
        self.grids = np.zeros((self.threads, self.nodes[0], math.prod(self.nodes[1:]), 4), self.type)
        self.sum = np.zeros(self.grids.shape[1:], self.type)
        self._describe(config.materials)
        return StateSpec(particles={name: ParticleSpec(1, self._columns()) for name in config.materials})

    def _columns(self) -> dict[str, ColumnSpec]:
        d = self.d
        return {
            "position": ColumnSpec((d,), "real", "m"),
            "velocity": ColumnSpec((d,), "real", "m/s"),
            "velocity_gradient": ColumnSpec((d, d), "real", "1/s"),
            "deformation_gradient": ColumnSpec((d, d), "real", "", np.eye(d)),
            "stress": ColumnSpec((d, d), "real", "Pa"),
            "mass": ColumnSpec((), "real", "kg"),
            "volume": ColumnSpec((), "real", "m3"),
        }

    def _describe(self, materials: tuple[str, ...]) -> None:
        tensor = ("particle", "row", "column")
        gradient = Quantity(tensor, "1/s", "particle")
        deformation = Quantity(tensor, "", "particle", description="(elastic) deformation gradient")
        density = Quantity(("particle",), "kg/m3", "particle", description="mass by rest volume")
        inputs = {"deformation_gradient": deformation, "velocity_gradient": gradient, "density": density}
        self.slots: Mapping[str, Slot] = {
            f"stress/{name}": Slot(
                f"stress/{name}", inputs, Quantity(tensor, "Pa", "particle"), particles=name, required=True,
                returns=("deformation_gradient",),
            )
            for name in materials
        }  # fmt: skip
        dims = {(): ("particle",), (self.d,): ("particle", "component"), (self.d, self.d): tensor}
        self.quantities: Mapping[str, Quantity] = {
            **{
                f"{name}_{column}": Quantity(dims[spec.shape], spec.units, "particle")
                for name in materials
                for column, spec in self._columns().items()
            },
            **{f"{name}_id": Quantity(("particle",), "", "particle") for name in materials},
            **{f"{name}_removed": Quantity((), "", "none", description="left the domain") for name in materials},
            **{f"{name}_stored_energy": Quantity(("particle",), "J", "particle") for name in materials},
            "gravity": Quantity(("component",), "m/s2", "none"),
        }

    def _vectors(self) -> Iterator[tuple[str, tuple[float, ...]]]:
        gravity = self.config.gravity
        for values in gravity.values if isinstance(gravity, Gravity) else (gravity,):
            yield "gravity", values
        for number, obstacle in enumerate(self.config.obstacles):
            for name in ("center", "size", "normal", "velocity"):
                if (vector := getattr(obstacle, name)) is not None:
                    yield f"obstacles.{number}.{name}", vector

    def _walls(self, axis: int) -> tuple[Condition, Condition]:
        walls = getattr(self.config.walls, AXES[axis])
        return walls.low, walls.high

    def _fixed_nodes(self) -> Iterator[tuple[Any, ...]]:
        """Nodes of walls and of obstacles at rest: flat index, normals (m, 3), velocity (3,), kind, friction."""
        index = np.arange(math.prod(self.nodes)).reshape(self.nodes)
        for axis in range(self.d):
            if self.periodic[axis]:
                continue
            array_axis = self.d - 1 - axis
            for side, wall in enumerate(self._walls(axis)):
                if wall.type == "open":
                    continue
                inside = slice(0, PAD + 1) if side == 0 else slice(PAD + int(self.cells[axis]), None)
                where = index[(slice(None),) * array_axis + (inside,)].ravel()
                normal = np.zeros((len(where), 3), self.type)
                normal[:, axis] = 1.0 - 2.0 * side
                yield where, normal, np.zeros(3, self.type), CONDITIONS.index(wall.type), self.type(wall.friction)
        for obstacle in self.config.obstacles:
            if obstacle.velocity is None:
                yield self._obstacle_nodes(obstacle, 0.0)

    def _obstacle_nodes(self, obstacle: Any, t: float) -> tuple[Any, ...]:
        """Nodes inside an obstacle at a time, as `_fixed_nodes` gives them."""
        axes = [self.origin[a] + self.spacing * (np.arange(self.nodes[self.d - 1 - a]) - PAD) for a in range(self.d)]
        points = np.stack([c.ravel() for c in np.meshgrid(*axes[::-1], indexing="ij")][::-1], axis=1)
        distance, normals = distance_and_normal(obstacle, points, t)
        where = np.flatnonzero(distance <= 1e-9 * self.spacing)
        normal = np.zeros((len(where), 3), self.type)
        normal[:, : self.d] = normals[where]
        wall = np.zeros(3, self.type)
        wall[: self.d] = velocity_of(obstacle, self.d)
        rule = obstacle.condition
        return where, normal, wall, CONDITIONS.index(rule.type), self.type(rule.friction)

    def encode(self, physical: Mapping[str, Any], backend: Backend) -> Fields:
        """The columns of every set. Raises ScenarioError for particles that cannot be."""
        unknown = [name for name in physical if name not in self.config.materials]
        if unknown:
            raise ScenarioError(
                f"initial: gives {', '.join(map(repr, unknown))}; "
                f"solver.materials are {', '.join(self.config.materials)}"
            )
        problems: list[str] = []
        encoded: Fields = {}
        for name in self.config.materials:
            columns = dict(physical.get(name, {}))
            if "position" not in columns:
                problems.append(f"initial: gives no particles of material {name!r}")
                continue
            problems += self._impossible(name, columns)
            encoded[name] = {key: np.asarray(values, self.type) for key, values in columns.items()}
        if problems:
            raise ScenarioError(problems)
        return encoded

    def _impossible(self, name: str, columns: Mapping[str, Any]) -> Iterator[str]:
        position = np.asarray(columns["position"])
        if position.ndim != 2 or position.shape[1] != self.d:
            yield f"initial: positions of {name!r} have shape {position.shape}, expected (n, {self.d})"
            return
        if not np.all(np.isfinite(position)):
            first = int(np.argmin(np.isfinite(position).all(axis=1)))
            yield f"initial: a position of {name!r} is not finite, first that of particle {first}"
            return
        outside = np.any((position < self.origin) | (position > self.origin + self.length), axis=1)
        if np.any(outside):
            at = position[np.argmax(outside)]
            yield (
                f"initial: {int(outside.sum())} particles of {name!r} lie outside the mesh, the first "
                f"at {at.tolist()}; it reaches from {self.origin.tolist()} to {(self.origin + self.length).tolist()}"
            )
        for column in ("mass", "volume"):
            if not np.all(np.asarray(columns.get(column, 0.0)) > 0):
                yield f"initial: {column} of {name!r} must be positive for every particle"

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Gradients and rest density of the slot's particles."""
        particles = fields[self.slots[slot].particles]

        def derive(name: str) -> Array:
            return particles["mass"] / particles["volume"] if name == "density" else particles[name]

        return LazyFields(derive, tuple(self.slots[slot].inputs))

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """There is none. Raises ScenarioError."""
        raise ScenarioError("integrator.type: 'mpm' takes its own steps; use type = 'own'")

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Move the particles from ``t`` to ``t + dt``, in place."""
        sets = {name: fields[name] for name in self.config.materials if len(fields[name])}
        for name, particles in sets.items():
            if rng.step % self.config.sort_every == 0:
                self._sort(particles)
            if rng.step == 0:
                particles["stress"][...] = closures(f"stress/{name}", self.inputs(f"stress/{name}", fields, t))
        self._to_nodes(sets, dt)
        self._on_nodes(t, dt)
        for name, particles in sets.items():
            slot, spread = f"stress/{name}", partial(self._spread, len(particles))
            columns = [particles[c] for c in ("position", "velocity", "velocity_gradient", "deformation_gradient")]
            spread(partial(self._gather, columns, dt))
            closures.update(slot, self.inputs(slot, fields, t), t + dt, dt, rng, particles["stress"], spread)
            self._keep_inside(particles)
        return {}

    def _sort(self, particles: Particles) -> None:
        position = particles["position"]
        keys = np.empty(len(position), np.int64)
        cell_keys(position, self.origin, self.spacing, np.array(self.nodes[::-1]), keys)
        if np.any(keys[1:] < keys[:-1]):
            particles.sort(keys)

    def _bands(self, count: int) -> list[tuple[int, int]]:
        """A band of rows for each thread; small sets are left to one."""
        parts = self.threads if count >= SERIAL * self.threads else 1
        return [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]

    def _spread(self, count: int, work: Callable[[int, int], None]) -> None:
        bands = self._bands(count)
        if len(bands) == 1:
            work(0, count)
        else:
            self.workers.each(lambda i: work(*bands[i]), len(bands))

    def _to_nodes(self, sets: Mapping[str, Particles], dt: float) -> None:
        """Mass and momentum of all sets on ``self.sum``. Every thread scatters its bands into a grid of its own."""
        rows, sizes = self.nodes[0], self.nodes[::-1]
        columns = {
            name: [p[c] for c in ("position", "velocity", "velocity_gradient", "stress", "mass", "volume")]
            for name, p in sets.items()
        }
        bands = {name: self._bands(len(particles)) for name, particles in sets.items()}
        threads = max((len(b) for b in bands.values()), default=1)
        ranges, lost = np.zeros((threads, 2), np.int64), [0] * threads

        def work(thread: int) -> None:
            mine = [(columns[name], *b[thread]) for name, b in bands.items() if thread < len(b)]
            slow, below = self.d - 1, float(self.origin[self.d - 1]) - PAD * self.spacing
            touched = [rows_of(c[0][:, slow], below, self.spacing, rows, first, last) for c, first, last in mine]
            low, high = min(low for low, _ in touched), max(high for _, high in touched)
            ranges[thread] = low, high
            grid = self.grids[thread]
            grid[low:high] = 0.0
            flat = grid.reshape(-1)
            for c, first, last in mine:
                lost[thread] += self.kernels.scatter(*c, self.origin, self.spacing, dt, *sizes, flat, first, last)

        if threads == 1:
            work(0)
        else:
            self.workers.each(work, threads)
        if sum(lost):
            raise ScenarioError(
                f"time.dt: {sum(lost)} particles moved beyond the walls within a step, which {dt:.3g} s is too long for"
            )
        self._rows = int(ranges[:, 0].min()), int(ranges[:, 1].max())
        self._on_rows(lambda first, last: add_up(self.grids[:threads], ranges, self.sum, first, last))

    def _on_rows(self, work: Callable[[int, int], None]) -> None:
        """Share the rows of nodes that particles touch among the threads."""
        begin, end = self._rows
        if (end - begin) * self.sum.shape[1] < 4 * SERIAL:
            work(begin, end)
        else:
            cuts = [begin + (end - begin) * i // self.threads for i in range(self.threads + 1)]
            self.workers.each(lambda i: work(cuts[i], cuts[i + 1]), self.threads)

    def _on_nodes(self, t: float, dt: float) -> None:
        """From momentum to velocity, gravity, walls and obstacles."""
        if any(self.periodic):
            # rows that no particle touches hold what an earlier step left
            self.sum[: self._rows[0]] = 0.0
            self.sum[self._rows[1] :] = 0.0
            self._fold(add=True)
            self._rows = (0, self.nodes[0]) if self.periodic[self.d - 1] else self._rows
        kick = np.zeros(3, self.type)
        kick[: self.d] = dt * self.gravity(t + 0.5 * dt)
        self._on_rows(lambda first, last: velocities(self.sum, kick, first, last))
        nodes = self.sum.reshape(-1, 4)
        moving = [self._obstacle_nodes(o, t + dt) for o in self.config.obstacles if o.velocity is not None]
        for where, normal, wall, kind, friction in (*self.fixed, *moving):
            condition(nodes, where, normal, wall, kind, friction)
        if any(self.periodic):
            self._fold(add=False)

    def _fold(self, add: bool) -> None:
        """Let nodes that are the same on a periodic axis share their values: added up, or taken from the first."""
        nodes = self.sum.reshape(*self.nodes, 4)
        for axis in (a for a in range(self.d) if self.periodic[a]):
            values, n = np.moveaxis(nodes, self.d - 1 - axis, 0), int(self.cells[axis])
            pairs = [(ghost, PAD + (ghost - PAD) % n) for ghost in (*range(PAD), *range(PAD + n, len(values)))]
            for ghost, home in pairs if add else ():
                values[home] += values[ghost]
            for ghost, home in pairs:
                values[ghost] = values[home]

    def _gather(self, columns: list[Array], dt: float, first: int, last: int) -> None:
        flat = self.sum.reshape(-1)
        self.kernels.gather(*columns, self.origin, self.spacing, dt, *self.nodes[::-1], flat, first, last)

    def _keep_inside(self, particles: Particles) -> None:
        """Wrap positions on periodic axes, and remove what passed an open wall."""
        position = particles["position"]
        for axis in (a for a in range(self.d) if self.periodic[a]):
            start, length = self.type(self.origin[axis]), self.type(self.length[axis])
            x = position[:, axis]
            x[...] = np.where(x < start, x + length, np.where(x >= start + length, x - length, x))
        if not any(self.open):
            return
        outside = np.zeros(len(position), bool)
        for axis in range(self.d):
            if self.open[2 * axis]:
                outside |= position[:, axis] < self.origin[axis]
            if self.open[2 * axis + 1]:
                outside |= position[:, axis] > self.origin[axis] + self.length[axis]
        if np.any(outside):
            particles.remove(outside)

    def gravity(self, t: float) -> Any:
        """Acceleration [m/s2] at a time, shape (d,)."""
        gravity = self.config.gravity
        if not isinstance(gravity, Gravity):
            return np.array(gravity[: self.d])
        values = np.array([v[: self.d] for v in gravity.values])
        return np.array([np.interp(t, gravity.times, values[:, a]) for a in range(self.d)])

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """A column of a set, the stress or energy that its closure answers now, or how many particles left."""
        if name == "gravity":
            return self.gravity(t)
        material = next(m for m in sorted(self.config.materials, key=len, reverse=True) if name.startswith(f"{m}_"))
        column, particles = name.removeprefix(f"{material}_"), fields[material]
        inputs = self.inputs(f"stress/{material}", fields, t)
        if column == "removed":
            return np.float64(particles.removed)
        if column == "stress":
            return closures(f"stress/{material}", inputs)
        if column == "stored_energy":
            return np.asarray(closures.energy(f"stress/{material}", inputs) * particles["volume"])
        return particles[column]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Step in which the fastest particle crosses a cell; closures add the limit of their waves."""
        fastest = 0.0
        for name in self.config.materials:
            v = fields[name]["velocity"]
            if len(v):
                fastest = max(fastest, math.sqrt(float(np.max(np.einsum("ij,ij->i", v, v)))))
        return self.spacing / fastest if fastest > 0 else math.inf
