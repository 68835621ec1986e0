"""Growth and spread in heterogeneous tissue."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Fields, Integrator, Quantity, ScenarioError, Setup, StateSpec
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_growth import grow, grow_reference
from subgrid_stencil.cell_map import cell_map
from subgrid_stencil.config import FisherKolmogorovConfig
from subgrid_stencil.initial import squared_distance
from subgrid_stencil.single_field import SingleField


class FisherKolmogorov(SingleField):
    """u_t = div(D(x) grad u) + growth u (1 - u) (Fisher 1937; Kolmogorov, Petrovsky and Piskunov 1937).

    Second order where D is smooth. A face takes the harmonic mean of the diffusivities beside it (Patankar 1980), which
    gives the exact steady flux through layers and none into cells with D = 0; a wall with a condition on the slope
    takes the diffusivity that the cells beside it extrapolate to. Quantities also: ``diffusivity`` [m2/s]. Budget:
    processes ``diffusion`` (through the walls) and ``growth``.
    """

    processes = ("diffusion", "growth")

    def __init__(self, config: FisherKolmogorovConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FisherKolmogorov(diffusivity={self.config.diffusivity:g}, growth={self.config.growth:g})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when boundaries, regions or map do not fit the mesh."""
        spec = self.prepare(setup, self.config.boundaries)
        tissue = self._tissue(setup)
        cells = tissue.reshape(self.cells)
        self.tissue = setup.backend.asarray(tissue, "real")
        self.faces = tuple(setup.backend.asarray(self._faces(cells, axis), "real") for axis in range(3))
        self.radius = float(tissue.max()) * self.diffusive_radius
        self.quantities = {
            **self.quantities,
            "diffusivity": Quantity(setup.mesh.axes, "m2/s", description="of the tissue"),
        }
        return spec

    def _tissue(self, setup: Setup) -> NDArray[np.float64]:
        """Diffusivity [m2/s] of every cell."""
        tissue = np.full(setup.mesh.shape, self.config.diffusivity)
        if self.config.map is not None:
            tissue = read_map(setup, self.config.map)
        for index, ball in enumerate(self.config.regions):
            distance = squared_distance(setup.mesh, ball.center, f"solver.regions.{index}.center")
            tissue[distance <= ball.radius**2] = ball.diffusivity
        return tissue

    def _faces(self, cells: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """D / spacing^2 on the faces across an axis."""
        if not self.ghosts.active[axis]:
            return np.zeros((1, 1, cells.shape[2]))
        along, walls = np.moveaxis(cells, axis, 0), self.ghosts.conditions[axis]
        if walls is None:
            ends = [harmonic_mean(along[-1], along[0])] * 2
        else:
            # a value that is held is half a cell away, through the cell beside the wall
            inwards = zip(walls, (along, along[::-1]), strict=True)
            ends = [at_wall(values) if wall.beta else values[0] for wall, values in inwards]
        faces = np.concatenate([ends[0][None], harmonic_mean(along[:-1], along[1:]), ends[1][None]])
        return np.ascontiguousarray(np.moveaxis(faces, 0, axis)) * self.inverse_squares[axis]

    def combine(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        numbers = self.real(self.config.growth), self.real(keep), self.real(scale)
        arguments = (u, self.ghosts.fill(u, t), self.faces, *numbers)
        if out is None:
            return grow_reference(*arguments, self.backend.xp)
        in_bands(grow, u.shape, self.backend.threads, *arguments, out)
        return out

    def derive(self, name: str, fields: Fields, t: float, closures: Any) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        return self.tissue if name == "diffusivity" else super().derive(name, fields, t, closures)

    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        xp = self.backend.xp
        growth = self.config.growth * xp.mean(u * (1.0 - u))
        return {"growth": growth, "diffusion": xp.mean(self.sweep(u, t, 0.0, 1.0, None)) - growth}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """The limit of diffusion and of the decay towards u = 1."""
        steepest = float(self.backend.xp.max(2.0 * fields["u"] - 1.0))
        radius = self.radius + self.config.growth * max(steepest, 0.0)
        return integrator.real_extent / radius if radius else math.inf


def harmonic_mean(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """2 a b / (a + b), zero where both are."""
    total = a + b
    return np.divide(2.0 * a * b, total, out=np.zeros_like(total), where=total > 0.0)


def at_wall(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values half a cell before the first of the leading axis, by the lesser of the two slopes beside it.

    Second order where values are smooth; that of the first cell where layers begin or the slope turns, and never less
    than half of it.
    """
    first, near, far = values[0], values[1] - values[0], values[2] - values[1]
    slope = np.where(near * far > 0.0, np.sign(near) * np.minimum(np.abs(near), np.abs(far)), 0.0)
    return first - 0.5 * np.clip(slope, -first, first)


def read_map(setup: Setup, name: str) -> NDArray[np.float64]:
    """A map of diffusivity [m2/s]. Raises ScenarioError when it cannot be read or holds anything but that."""
    tissue = cell_map(setup, name, "solver.map")
    if tissue.min() < 0.0:
        raise ScenarioError(f"solver.map: {name!r} holds values that are negative or not finite")
    return tissue
