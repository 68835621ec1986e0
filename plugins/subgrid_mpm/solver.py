"""The moving-least-squares material point method: particles carry material, a grid carries them through a step."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
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
    misplaced,
)
from subgrid.kernels.crew import Crew
from subgrid.kernels.material_point_nodes import cell_keys
from subgrid.kernels.material_point_step import step
from subgrid.kernels.material_points import CONDITIONS, PAD, nodes_of
from subgrid_mpm.config import Condition, Gravity, MaterialPointsConfig, Obstacle
from subgrid_mpm.obstacles import center_of, distance_and_normal, half_extent, taken_cells, velocity_of

AXES = ("x", "y", "z")

SERIAL = 1024
"""Particles for each thread below which a second one costs more than it gains."""

POOLED = 16384
"""Particles above which laws without a C function are shared among threads of a pool, which are slow to wake."""


PARTS = 8
"""Parts in which particles are scattered where the number of threads must not matter."""

COLUMNS = ("position", "velocity", "velocity_gradient", "deformation_gradient", "stress", "mass", "volume")
"""Columns in the order of the compiled step."""


@dataclass(frozen=True)
class _Bound:
    """Where the columns and the law of a set were found; ``arguments`` (threads, LAW_ARGUMENTS) of a compiled law."""

    particles: Particles
    capacity: int
    count: int
    law: tuple[int, Array] | None
    arguments: Array | None

    def holds(self, particles: Particles) -> bool:
        """Whether they are there still."""
        return self.particles is particles and self.capacity == particles.capacity and self.count == len(particles)


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
        self.mesh, self.spacing, self.d = mesh, mesh.spacing[0], mesh.ndim
        if not np.allclose(mesh.spacing, self.spacing, rtol=1e-9):
            raise ScenarioError(f"mesh.length: 'mpm' needs one spacing along all axes, they are {mesh.spacing}")
        # from here on (x, y, z), as the particles have it
        self.origin, self.length = np.array(mesh.origin[::-1]), np.array(mesh.length[::-1])
        self.cells = np.array(mesh.shape[::-1])
        self.periodic = [boundary == "periodic" for boundary in mesh.boundaries[::-1]]
        self.nodes = nodes_of(mesh.shape)
        self.type = setup.backend.dtype()
        self.threads = setup.backend.threads
        for name, values in self._vectors():
            if len(values) < self.d or any(values[self.d :]):
                raise ScenarioError(f"solver.{name}: {values} does not have {self.d} components")
        self.open = [
            self._walls(a)[side].type == "open" and not self.periodic[a] for a in range(self.d) for side in (0, 1)
        ]
        self._make_arguments()
        self._describe(config.materials)
        return StateSpec(particles={name: ParticleSpec(1, self._columns()) for name in config.materials})

    def _make_arguments(self) -> None:
        """What the compiled step reads and writes (`subgrid.kernels.material_point_step`), and who goes through it."""
        parts = PARTS if self.config.reproducible else self.threads
        self.grids = np.zeros((parts, self.nodes[0], math.prod(self.nodes[1:]), 4), self.type)
        self.total = np.zeros(self.grids.shape[1:], self.type)
        self.sets = np.zeros((len(self.config.materials), 10), np.int64)
        self.report = np.zeros((max(parts, self.threads), 6), np.int64)
        self.numbers, self.sizes = np.zeros(11), np.zeros(16, np.int64)
        d, sides = self.d, np.array(self.open).reshape(self.d, 2)
        self.numbers[0], self.numbers[2 : 2 + d], self.numbers[8 : 8 + d] = self.spacing, self.origin, self.length
        self.sizes[:3], self.sizes[:d] = 1, self.nodes[::-1]
        self.sizes[3 : 3 + d] = np.where(self.periodic, self.cells, 0)
        self.sizes[6 : 6 + d] = sides[:, 0] + 2 * sides[:, 1]
        self.sizes[9] = parts if self.config.reproducible else 0
        for axis in (a for a in range(d) if not self.periodic[a]):
            self.sizes[10 + 2 * axis : 12 + 2 * axis] = [wall.type == "no_slip" for wall in self._walls(axis)]
        self.moving = [o for o in self.config.obstacles if o.velocity is not None]
        self.conditions = [self._conditions(self._fixed_nodes()), None]
        self.groups = np.zeros((2, 7), np.int64)
        self._point_to(0)
        nodes = tuple(int(n) for n in self.nodes[::-1])
        arguments = (nodes, self.sets, self.numbers, self.sizes, self.groups, self.grids, self.total, self.report)
        self.crews = {threads: Crew(threads, step, arguments) for threads in {1, self.threads}}
        self.bound: dict[str, _Bound] = {}

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
            **({"work": ColumnSpec((), "real", "J")} if self.config.track_work else {}),
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
            **{
                f"{name}_dissipated_energy": Quantity(("particle",), "J", "particle")
                for name in materials
                if self.config.track_work
            },
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
        """Nodes of walls and of obstacles at rest: flat index, normals (m, 3), velocity (3,), what holds there."""
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
                yield where, normal, np.zeros(3), wall
        for obstacle in self.config.obstacles:
            if obstacle.velocity is None:
                yield self._obstacle_nodes(obstacle, 0.0)

    def _obstacle_nodes(self, obstacle: Obstacle, t: float) -> tuple[Any, ...]:
        """Nodes inside an obstacle at a time, as `_fixed_nodes` gives them."""
        first = np.zeros(self.d, np.int64)
        behind = np.array(self.nodes[::-1])
        if (half := half_extent(obstacle, self.d)) is not None:
            center = center_of(obstacle, self.d, t)
            first = np.clip(np.floor((center - half - self.origin) / self.spacing).astype(int) + PAD, 0, behind)
            behind = np.clip(np.ceil((center + half - self.origin) / self.spacing).astype(int) + PAD + 1, first, behind)
        index = np.stack(
            [c.ravel() for c in np.meshgrid(*map(np.arange, first[::-1], behind[::-1]), indexing="ij")][::-1], axis=1
        )
        distance, normals = distance_and_normal(obstacle, self.origin + self.spacing * (index - PAD), t)
        inside = distance <= 1e-9 * self.spacing
        strides = np.cumprod((1, *self.nodes[:0:-1]))
        normal = np.zeros((int(inside.sum()), 3), self.type)
        normal[:, : self.d] = normals[inside]
        wall = np.zeros(3)
        wall[: self.d] = velocity_of(obstacle, self.d)
        return index[inside] @ strides, normal, wall, obstacle.condition

    def _conditions(self, nodes: Iterable[tuple[Any, ...]]) -> tuple[Any, ...]:
        """Conditions by row of nodes, those of a node in the order given: index, normals, walls, kinds, frictions, and
        where each row begins."""
        parts = []
        for where, normal, wall, rule in nodes:
            n, kind = len(where), "sticky" if rule.type == "no_slip" else rule.type
            number = np.full(n, CONDITIONS.index(kind))
            parts.append((where, normal, np.tile(wall, (n, 1)), number, np.full(n, rule.friction)))
        empty = (np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0))
        where, normal, wall, kind, friction = (np.concatenate(c) for c in zip(empty, *parts, strict=True))
        rows = where // math.prod(self.nodes[1:])
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(self.nodes[0] + 1))
        real = [np.ascontiguousarray(a[order], self.type) for a in (normal, wall, friction)]
        return where[order].astype(np.int64), real[0], real[1], kind[order].astype(np.int64), real[2], starts

    def _point_to(self, group: int) -> None:
        """Hand the compiled step the conditions of a group."""
        arrays = self.conditions[group]
        self.groups[group] = *(a.ctypes.data for a in arrays), len(arrays[0])

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
        if problem := misplaced(name, columns["position"], self.origin, self.origin + self.length):
            yield problem
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
        sets = {name: fields[name] for name in self.config.materials}
        for name, particles in sets.items():
            if rng.step % self.config.sort_every == 0:
                self._sort(particles)
            if rng.step == 0 and len(particles):
                particles["stress"][...] = closures(f"stress/{name}", self.inputs(f"stress/{name}", fields, t))
                if self.config.track_work:
                    particles["work"][...] = self._stored(name, fields, t, closures)
        self._bind(fields, t, dt, closures)
        self.numbers[1], self.numbers[5 : 5 + self.d] = dt, dt * self.gravity(t + 0.5 * dt)
        if self.moving:
            self.conditions[1] = self._conditions(self._obstacle_nodes(o, t + dt) for o in self.moving)
            self._point_to(1)
        pushed = {name: p["stress"].copy() for name, p in sets.items() if self.config.track_work}
        threads = self.threads if sum(map(len, sets.values())) >= SERIAL * self.threads else 1
        start = perf_counter()
        self.crews[threads]()
        seconds = perf_counter() - start
        lost = int(self.report[: len(self.grids) if self.config.reproducible else threads, 2].sum())
        beyond, in_laws, cycles = self.report[:threads, 3:].sum(axis=0).tolist()
        if lost:
            raise ScenarioError(
                f"time.dt: {lost} particles moved beyond the walls within a step, which {dt:.3g} s is too long for"
            )
        shared = in_laws / max(cycles, 1) * seconds / max(sum(b.law is not None for b in self.bound.values()), 1)
        for name, particles in sets.items():
            slot = f"stress/{name}"
            if self.bound[name].law is not None:
                closures.charge(slot, shared)
            elif len(particles):
                spread = partial(self._spread, len(particles))
                closures.update(slot, self.inputs(slot, fields, t), t + dt, dt, rng, particles["stress"], spread)
            if name in pushed:
                self._work(particles, pushed[name], dt)
            if beyond:
                self._remove(particles)
        return {}

    def _work(self, particles: Particles, stress: Array, dt: float) -> None:
        """Add the work of the stress over a step by the trapezoidal rule along F + s dt C F, s from 0 to 1."""
        C = particles["velocity_gradient"]
        last = C @ np.linalg.inv(np.eye(self.d, dtype=C.dtype) + self.type(dt) * C)
        power = np.einsum("nij,nij->n", stress, C) + np.einsum("nij,nij->n", particles["stress"], last)
        particles["work"][...] += self.type(0.5 * dt) * particles["volume"] * power

    def _stored(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Energy [J] that each particle of a set stores."""
        slot = f"stress/{name}"
        return np.asarray(closures.energy(slot, self.inputs(slot, fields, t)) * fields[name]["volume"])

    def _bind(self, fields: Fields, t: float, dt: float, closures: Closures) -> None:
        """Hand the compiled step the columns and laws of all sets; most steps find them where they were."""
        for number, name in enumerate(self.config.materials):
            particles, bound = fields[name], self.bound.get(name)
            if bound is None or not bound.holds(particles):
                columns = [particles[c] for c in COLUMNS]
                slot = f"stress/{name}"
                law = closures.compiled(slot, self.inputs(slot, fields, t), particles["stress"])
                arguments = None if law is None else np.tile(law[1], (self.threads, 1))
                bound = _Bound(particles, particles.capacity, len(particles), law, arguments)
                self.bound[name] = bound
                self.sets[number, :7] = [column.ctypes.data for column in columns]
                self.sets[number, 7] = len(particles)
                self.sets[number, 8:] = (0, 0) if law is None else (law[0], arguments.ctypes.data)
            if bound.arguments is not None:
                bound.arguments.view(np.float64)[:, 2] = dt

    def _sort(self, particles: Particles) -> None:
        position = particles["position"]
        keys = np.empty(len(position), np.int64)
        cell_keys(position, self.origin, self.spacing, np.array(self.nodes[::-1]), keys)
        if np.any(keys[1:] < keys[:-1]):
            particles.sort(keys)

    def _spread(self, count: int, work: Callable[[int, int], None]) -> None:
        """Bands of rows for the threads of a pool; small sets are left to one."""
        parts = self.threads if count >= POOLED else 1
        bands = [(count * i // parts, count * (i + 1) // parts) for i in range(parts)]
        if parts == 1:
            work(0, count)
            return
        with ThreadPoolExecutor(parts) as pool:
            list(pool.map(lambda band: work(*band), bands))

    def _remove(self, particles: Particles) -> None:
        """Remove what passed an open wall."""
        position = particles["position"]
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
            return self._stored(material, fields, t, closures)
        if column == "dissipated_energy":
            return np.asarray(particles["work"] - self._stored(material, fields, t, closures))
        return particles[column]

    def obstacles(self, fields: Fields, t: float) -> Mapping[str, Array]:
        """The rigid bodies, at rest or moving."""
        return {"obstacle": taken_cells(self.config.obstacles, self.mesh, t)} if self.config.obstacles else {}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Step in which the fastest particle crosses a cell; closures add the limit of their waves."""
        fastest = 0.0
        for name in self.config.materials:
            v = fields[name]["velocity"]
            if len(v):
                fastest = max(fastest, math.sqrt(float(np.max(np.einsum("ij,ij->i", v, v)))))
        return self.spacing / fastest if fastest > 0 else math.inf
