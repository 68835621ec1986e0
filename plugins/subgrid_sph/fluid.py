"""What the schemes for smoothed particles share: two particle sets, their neighbours, and how a step is shared out."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    Backend,
    Closures,
    ColumnSpec,
    Fields,
    Integrator,
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
from subgrid.kernels.neighbours import Box, VerletList, cell_order
from subgrid.kernels.workers import Workers
from subgrid_sph import kernels
from subgrid_sph.config import FluidConfig
from subgrid_sph.reference import kernel_scale

SERIAL = 2048
"""Particles for each thread, below which a further one costs more than it gains."""


class SmoothedFluid(ABC):
    """Two particle sets, ``fluid`` and ``wall``: columns position [m], velocity [m/s], density [kg/m3], mass [kg], and
    for the fluid acceleration [m/s2]. The particle spacing is that of the mesh, the smoothing length ``smoothing`` of
    it, and neighbours reach 2 h. Fluid that leaves the mesh along an axis with walls is removed and counted.

    `setup` raises ScenarioError for meshes that are not two- or three-dimensional with one spacing, and for periodic
    axes shorter than twice the reach of a particle.
    """

    linear_operator = None
    name = ""
    columns = 8
    """Of the record that neighbours read; see `subgrid_sph.kernels`."""

    def __init__(self, config: Any, exponent: int) -> None:
        self.config = config
        self.exponent = exponent  # gamma of the equation of state
        self.linear: Fields = {}
        self.slots: Mapping[str, Slot] = {}

    def setup(self, setup: Setup) -> StateSpec:
        mesh, config = setup.mesh, self.config
        if setup.backend.name != "numpy":
            raise ScenarioError(f"backend.name: {self.name!r} computes with 'numpy' only")
        if mesh.ndim == 1:
            raise ScenarioError(f"mesh.shape: {self.name!r} needs two or three axes")
        self.spacing, self.d = mesh.spacing[0], mesh.ndim
        if not np.allclose(mesh.spacing, self.spacing, rtol=1e-9):
            raise ScenarioError(f"mesh.length: {self.name!r} needs one spacing along all axes, they are {mesh.spacing}")
        if len(config.gravity) < self.d or any(config.gravity[self.d :]):
            raise ScenarioError(f"solver.gravity: {config.gravity} does not have {self.d} components")
        # from here on (x, y, z), as the particles have it
        self.low, self.length = np.array(mesh.origin[::-1]), np.array(mesh.length[::-1])
        self.periodic = tuple(boundary == "periodic" for boundary in mesh.boundaries[::-1])
        self.h = config.smoothing * self.spacing
        self.box = Box(tuple(self.low), tuple(self.low + self.length), self.periodic)
        short = [axis for axis in range(self.d) if self.periodic[axis] and self.length[axis] < 4.0 * self.h]
        if short:
            raise ScenarioError(
                f"solver.smoothing: particles reach 2 h = {2 * self.h:g}, more than half the periodic box along "
                f"{'xyz'[short[0]]}, {self.length[short[0]]:g}"
            )
        self.corner = tuple(float(low) for low in self.low)
        self.periods = tuple(float(size) for size in np.where(self.periodic, self.length, 0.0))
        self.gravity = np.zeros(3)
        self.gravity[: self.d] = config.gravity[: self.d]
        self.scale = kernel_scale(self.d, self.h)
        self.mass = config.density * self.spacing**self.d
        self.type = setup.backend.dtype()
        self.threads = setup.backend.threads
        self.workers = Workers(self.threads)
        self.pairs = VerletList(2.0 * self.h, config.skin * 2.0 * self.h, self.box, self.threads)
        self._record = np.zeros((0, self.columns), self.type)  # scratch
        self._describe()
        return StateSpec(
            particles={"fluid": ParticleSpec(1, self.fluid_columns()), "wall": ParticleSpec(1, self.wall_columns())}
        )

    def wall_columns(self) -> dict[str, ColumnSpec]:
        """Columns of the walls."""
        return {
            "position": ColumnSpec((self.d,), "real", "m"),
            "velocity": ColumnSpec((self.d,), "real", "m/s"),
            "density": ColumnSpec((), "real", "kg/m3", self.config.density),
            "mass": ColumnSpec((), "real", "kg", self.mass),
        }

    def fluid_columns(self) -> dict[str, ColumnSpec]:
        """Columns of the fluid."""
        return {**self.wall_columns(), "acceleration": ColumnSpec((self.d,), "real", "m/s2")}

    def _describe(self) -> None:
        dims = {(): ("particle",), (self.d,): ("particle", "component")}
        sets = {"fluid": self.fluid_columns(), "wall": self.wall_columns()}
        self.quantities: Mapping[str, Quantity] = {
            **{
                f"{name}_{column}": Quantity(dims[spec.shape], spec.units, "particle")
                for name, columns in sets.items()
                for column, spec in columns.items()
            },
            **{f"{name}_id": Quantity(("particle",), "", "particle") for name in sets},
            "fluid_pressure": Quantity(("particle",), "Pa", "particle"),
            "fluid_compression_energy": Quantity(("particle",), "J", "particle"),
            "fluid_removed": Quantity((), "", "none", description="left the domain"),
            "gravity": Quantity(("component",), "m/s2", "none"),
        }

    def encode(self, physical: Mapping[str, Any], backend: Backend) -> Fields:
        """The columns of both sets. Raises ScenarioError for particles that cannot be."""
        if unknown := [name for name in physical if name not in ("fluid", "wall")]:
            raise ScenarioError(f"initial: gives {', '.join(map(repr, unknown))}; the sets are fluid, wall")
        none = {"position": np.zeros((0, self.d))}
        tables = {name: dict(physical.get(name, none)) for name in ("fluid", "wall")}
        if problems := [line for name, columns in tables.items() for line in self._impossible(name, columns)]:
            raise ScenarioError(problems)
        return {
            name: {key: np.asarray(values, self.type) for key, values in columns.items()}
            for name, columns in tables.items()
        }

    def _impossible(self, name: str, columns: Mapping[str, Any]) -> list[str]:
        position = columns.get("position", np.zeros((0, 0)))
        # layers of wall lie beyond the ends that they stand at
        held = np.array(self.periodic) if name == "wall" else np.ones(self.d, bool)
        problem = misplaced(name, position, self.low, self.low + self.length, held)
        if name == "fluid" and len(position) == 0:
            problem = "initial: gives no fluid"
        problems = [problem] if problem else []
        problems += [
            f"initial: {column} of {name!r} must be positive for every particle"
            for column in ("mass", "density")
            if not np.all(np.asarray(columns.get(column, 1.0)) > 0)
        ]
        if not np.allclose(np.asarray(columns.get("mass", self.mass)), self.mass, rtol=1e-6):
            problems.append(f"initial: mass of {name!r} must be rho0 dx^{self.d} = {self.mass:g} for every particle")
        return problems

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """There are no slots."""
        return {}

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """There is none. Raises ScenarioError."""
        raise ScenarioError(f"integrator.type: {self.name!r} takes its own steps; use type = 'own'")

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Move the particles from ``t`` to ``t + dt``, in place: kick, drift, forces at the new positions, kick."""
        fluid, wall = fields["fluid"], fields["wall"]
        if rng.step % self.config.sort_every == 0:
            self.sort(fluid)
        if rng.step == 0:
            self.sort(wall)
            self.accelerate(fluid, wall, 0.0)
        if self.move(fluid, dt) and len(fluid):
            self.accelerate(fluid, wall, dt)
            fluid["velocity"][...] += self.type(0.5 * dt) * fluid["acceleration"]
        return {}

    @abstractmethod
    def accelerate(self, fluid: Particles, wall: Particles, dt: float) -> None:
        """Densities and accelerations at these positions, ``dt`` after those before, into the columns of both sets."""

    def shift(self, fluid: Particles) -> Array:
        """Acceleration [m/s2] (n, d) that moves particles and not their momentum; without rows where there is none."""
        return np.empty((0, self.d), self.type)

    def share(self, count: int, work: Callable[[int, int], None], start: int = 0) -> None:
        """Call ``work(first, last)`` for bands of rows from ``start`` on; small sets are left to one thread."""
        self.workers.share(count, work, SERIAL, start)

    def sort(self, particles: Particles) -> None:
        """Order a set by cells of the reach of a particle."""
        order = cell_order(particles["position"], 2.0 * self.h, self.box)
        if np.any(order[1:] < order[:-1]):
            particles.reorder(order)

    def move(self, fluid: Particles, dt: float) -> bool:
        """Half a kick and the drift; remove what left. Returns whether all numbers are finite."""
        shift = self.shift(fluid)
        x, u, a = (fluid[name] for name in ("position", "velocity", "acceleration"))
        self.share(
            len(fluid),
            lambda first, last: kernels.kick_and_drift(
                x, u, a, 0.5 * dt, shift, 0.5 * dt, dt, self.low, self.periods, first, last
            ),
        )
        if not math.isfinite(float(x.sum(dtype=np.float64))):
            return False  # the loop says where, and stops
        outside = self.box.left(x)
        if np.any(outside):
            fluid.remove(outside)
        return True

    def together(self, fluid: Particles, wall: Particles) -> tuple[Array, Array, tuple[Any, ...]]:
        """Record and densities (n,) of both sets, fluid first, and what every sum over neighbours takes next: their
        rows, the box and h."""
        count = len(fluid) + len(wall)
        if len(self._record) < count:
            self._record = np.zeros((count, self.columns), self.type)
        record, density = self._record[:count], np.empty(count, self.type)
        for particles, offset in ((fluid, 0), (wall, len(fluid))):
            columns = [particles[name] for name in ("position", "velocity", "density", "mass")]
            self.share(
                len(particles),
                lambda first, last, columns=columns, offset=offset: kernels.load(  # type: ignore[misc]
                    *columns, record, density, offset, first, last
                ),
            )
        position = np.concatenate([fluid["position"], wall["position"]]) if len(wall) else fluid["position"]
        return record, density, (*self.pairs.rows(position), self.corner, self.periods, self.h)

    def apply_state(self, record: Array, density: Array, first: int, count: int) -> None:
        """Volume and pressure of ``count`` rows of ``record`` (n, columns) from ``first`` on, by ``density`` (n,)."""
        config = self.config
        self.share(
            count,
            lambda a, b: kernels.apply_state(
                record, density, self.mass, config.density, config.sound_speed, self.exponent, a, b
            ),
            first,
        )

    def extrapolate(self, record: Array, density: Array, near: tuple[Any, ...], inner: int) -> None:
        """Pressure, density and velocity of the fluid at the walls, which follow ``inner`` rows of fluid, into their
        rows of ``record`` (n, columns) and of ``density`` (n,); Adami et al. (2012)."""
        count = len(density)
        pressure, mean = np.zeros(count, self.type), np.zeros((count, 3), self.type)
        self.share(
            count - inner,
            lambda first, last: kernels.extrapolate(
                record, density, *near, inner, self.gravity, pressure, mean, first, last
            ),
            inner,
        )
        density[inner:] = self.density_at(pressure[inner:])
        self.apply_state(record, density, inner, count - inner)
        if self.config.walls == "no_slip":
            record[inner:, 4:7] = 2.0 * record[inner:, 4:7] - mean[inner:]

    def pressure(self, density: Array) -> Array:
        """Tait's equation of state: pressure [Pa] (n,) at densities [kg/m3] (n,)."""
        config, real = self.config, density.dtype.type
        ratio = (density / real(config.density)) ** self.exponent
        return real(config.density * config.sound_speed**2 / self.exponent) * (ratio - 1)

    @abstractmethod
    def density_at(self, pressure: Array) -> Array:
        """Densities [kg/m3] (n,) of walls where the fluid has such pressures [Pa] (n,)."""

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """A column of a set (n,) or (n, d), pressures [Pa] (n,), compression energies [J] (n,), or how many left."""
        if name == "gravity":
            return self.gravity[: self.d].copy()
        set_name, _, column = name.partition("_")
        particles = fields[set_name]
        if column == "removed":
            return np.float64(particles.removed)
        if column == "pressure":
            return self.pressure(particles["density"])
        if column == "compression_energy":
            # second order in the compression, where the equations of state agree
            strain = particles["density"] / self.type(self.config.density) - self.type(1.0)
            return self.type(0.5 * self.config.sound_speed**2) * particles["mass"] * strain**2
        return particles[column]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Least of 0.5 h/(c0 + |u|), 0.25 h^2/nu and 0.5 sqrt(h/|g|), twice the steps that are usual."""
        config: FluidConfig = self.config
        u = fields["fluid"]["velocity"]
        fastest = math.sqrt(float(np.max(np.einsum("ij,ij->i", u, u)))) if len(u) else 0.0
        limits = [0.5 * self.h / (config.sound_speed + fastest)]
        if config.viscosity > 0:
            limits.append(0.25 * self.h**2 / config.viscosity)
        if (g := float(np.linalg.norm(self.gravity))) > 0:
            limits.append(0.5 * math.sqrt(self.h / g))
        return min(limits)
