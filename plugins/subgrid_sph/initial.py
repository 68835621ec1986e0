"""Fluid and walls on the cells of the mesh, and vortices on settled particles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from subgrid.api import ScenarioError, Setup
from subgrid.kernels.neighbours import Box, within
from subgrid_sph.config import Block, FluidBlocksConfig, VortexParticlesConfig
from subgrid_sph.reference import densities, kernel_slope

AXES = "xyz"


class FluidBlocks:
    """A fluid particle at the centre of each cell of the mesh that lies in a box of fluid, and walls.

    Walls of the mesh are ``layers`` of particles beyond its ends, along axes with walls; boxes of wall stand inside.
    The particle spacing is that of the mesh. ``rest`` gives the density of a fluid at rest below a surface.
    """

    def __init__(self, config: FluidBlocksConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FluidBlocks({len(self.config.fluid)} boxes, {self.config.layers} layers of wall)"

    def fill(self, setup: Setup) -> dict[str, Any]:
        """Columns of ``fluid`` and ``wall``. Raises ScenarioError for boxes that do not fit the mesh."""
        mesh, config = setup.mesh, self.config
        self._check(setup)
        d, spacing = mesh.ndim, mesh.spacing[0]
        low, cells = np.array(mesh.origin[::-1]), np.array(mesh.shape[::-1])
        walled = np.array([boundary == "wall" for boundary in mesh.boundaries[::-1]])
        layers = np.where(walled, config.layers, 0)
        index = np.stack(
            [c.ravel() for c in np.meshgrid(*[np.arange(-layers[a], cells[a] + layers[a]) for a in reversed(range(d))],
                                            indexing="ij")][::-1], axis=1,
        )  # fmt: skip
        points = low + (index + 0.5) * spacing
        beyond = {f"{AXES[a]}_low": index[:, a] < 0 for a in range(d)}
        beyond |= {f"{AXES[a]}_high": index[:, a] >= cells[a] for a in range(d)}
        outside = np.any((index < 0) | (index >= cells), axis=1)
        solid = outside | self._inside(config.solid, points)
        for side in config.open:
            solid &= ~beyond[side]
        fluid = ~solid & ~outside
        if config.fluid:
            fluid &= self._inside(config.fluid, points)
        if not np.any(fluid):
            raise ScenarioError("initial.fluid: holds no particle; each takes a cell of the mesh")
        velocity = np.zeros_like(points)
        for block in (*config.fluid, *config.solid):
            if block.velocity is not None:
                velocity[self._inside((block,), points)] = block.velocity
        for lid in config.lids:
            velocity[beyond[lid.side]] = lid.velocity
        position = points[fluid]
        if config.jitter:
            draw = setup.rng.generator("jitter").uniform(-1.0, 1.0, position.shape)
            position = np.clip(
                position + config.jitter * spacing * draw, low + 0.1 * spacing, low + (cells - 0.1) * spacing
            )
        density = np.full(len(points), config.density)
        if config.rest is not None:
            rest = config.rest
            pressure = config.density * rest.gravity * np.maximum(rest.surface - points[:, -1], 0.0)
            stiffness = config.density * rest.sound_speed**2 / rest.exponent
            density = config.density * (1.0 + pressure / stiffness) ** (1.0 / rest.exponent)
        mass = config.density * spacing**d
        return {
            "fluid": _table(position, velocity[fluid], density[fluid], mass),
            "wall": _table(points[solid], velocity[solid], density[solid], mass),
        }

    def _check(self, setup: Setup) -> None:
        d, problems = setup.mesh.ndim, []
        for kind in ("fluid", "solid"):
            for number, block in enumerate(getattr(self.config, kind)):
                for name in ("center", "size", "velocity"):
                    vector = getattr(block, name)
                    if vector is not None and len(vector) != d:
                        problems.append(
                            f"initial.{kind}.{number}.{name}: {vector} has {len(vector)} components, "
                            f"the mesh has {d} axes"
                        )
        walled = [f"{axis}_{end}" for axis, b in zip(setup.mesh.axes, setup.mesh.boundaries, strict=True)
                  for end in ("low", "high") if b == "wall"]  # fmt: skip
        for name, sides in (("open", self.config.open), ("lids", [lid.side for lid in self.config.lids])):
            problems += [
                f"initial.{name}: {side!r} is no wall of the mesh; choose from {', '.join(walled) or 'none'}"
                for side in sides
                if side not in walled
            ]
        problems += [
            f"initial.lids: velocity {lid.velocity} does not have {d} components"
            for lid in self.config.lids
            if len(lid.velocity) != d
        ]
        if problems:
            raise ScenarioError(problems)

    @staticmethod
    def _inside(blocks: tuple[Block, ...], points: Any) -> Any:
        found = np.zeros(len(points), bool)
        for block in blocks:
            away = np.abs(points - np.array(block.center))
            found |= np.all(away <= 0.5 * np.array(block.size) * (1.0 + 1e-12), axis=1)
        return found


def _table(position: Any, velocity: Any, density: Any, mass: float) -> dict[str, Any]:
    return {"position": position, "velocity": velocity, "density": density, "mass": np.full(len(position), mass)}


class VortexParticles:
    """Taylor-Green vortices ``u = U (-cos kx sin ky, sin kx cos ky)``, k = 2 pi/L, in a periodic square.

    Particles start from a lattice displaced at random, settle by the shifts of the transport-velocity scheme (x += 2
    dt^2 shift), and only then get their velocity: on a perfect lattice the flow loses most of its energy at the start.
    """

    def __init__(self, config: VortexParticlesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"VortexParticles(U={self.config.velocity}, relaxation={self.config.relaxation})"

    def fill(self, setup: Setup) -> dict[str, Any]:
        """Columns of ``fluid``. Raises ScenarioError when the mesh is no periodic square."""
        mesh, config = setup.mesh, self.config
        if mesh.ndim != 2 or not mesh.periodic or not math.isclose(*mesh.length):
            raise ScenarioError("mesh: vortex particles need a periodic square")
        spacing, length = mesh.spacing[0], mesh.length[0]
        low = np.array(mesh.origin[::-1])
        y, x = np.meshgrid(*[(np.arange(n) + 0.5) * spacing for n in mesh.shape], indexing="ij")
        points = np.stack([x.ravel(), y.ravel()], axis=1)
        points += config.jitter * spacing * setup.rng.generator("jitter").uniform(-1.0, 1.0, points.shape)
        points = settled(points % length, length, spacing, config.smoothing * spacing, config.relaxation)
        k = 2.0 * math.pi / length
        sines, cosines = np.sin(k * points), np.cos(k * points)
        velocity = config.velocity * np.stack([-cosines[:, 0] * sines[:, 1], sines[:, 0] * cosines[:, 1]], axis=1)
        return {
            "fluid": _table(low + points, velocity, np.full(len(points), config.density), config.density * spacing**2)
        }


def settled(points: Any, length: float, spacing: float, h: float, steps: int) -> Any:
    """Points of a periodic square after steps of x += 2 dt^2 shift with dt = 0.25 h/(1.1 c0) and p_b = rho0 c0^2."""
    box = Box((0.0, 0.0), (length, length), (True, True))
    mass = spacing**2
    for _ in range(steps):
        near = within(points, 2.0 * h, box)
        source, target = near.edge_index
        r = -near.displacements(points)
        volume = mass / densities(target, r, h, mass, len(points))
        weight = (volume[target] ** 2 + volume[source] ** 2) * kernel_slope(np.sqrt(np.sum(r**2, axis=1)), h, 2)
        push = [np.bincount(target, weight * r[:, a], minlength=len(points)) for a in range(2)]
        points = (points - 2.0 * (0.25 * h / 1.1) ** 2 / mass * np.stack(push, axis=1)) % length
    return points
