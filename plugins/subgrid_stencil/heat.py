"""The heat equation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from subgrid.api import Array, Fields, Integrator, Setup, StateSpec
from subgrid.kernels.stencil_diffusion import diffuse, diffuse_reference
from subgrid.kernels.stencil_ghosts import Ghosts, in_bands
from subgrid_stencil.config import HeatConfig
from subgrid_stencil.initial import squared_distance
from subgrid_stencil.single_field import SingleField


class Heat(SingleField):
    """u_t = diffusivity lap u + source in one, two or three dimensions, second order, centred.

    The Laplacian has 3, 5 or 7 points; forward Euler is stable up to dt = dx^2 / (2 d diffusivity). Budget: processes
    ``diffusion`` (through the walls) and ``source``.
    """

    processes = ("diffusion", "source")

    def __init__(self, config: HeatConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Heat(diffusivity={self.config.diffusivity:g})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when boundaries and mesh do not agree."""
        spec = self.prepare(setup, self.config.boundaries)
        self.coefficients = self.reals(tuple(self.config.diffusivity * h for h in self.inverse_squares))
        source = np.zeros((1, 1, self.cells[2]))
        if self.config.source is not None:
            stated = self.config.source
            distance = squared_distance(setup.mesh, stated.center, "solver.source.center")
            source = stated.rate * np.exp(-0.5 * distance / stated.width**2).reshape(self.cells)
        self.source = setup.backend.asarray(source, "real")
        self.mean_source = float(np.mean(source))
        return spec

    def combine(self, u: Array, ghosts: Ghosts, keep: Any, scale: Any, out: Array | None) -> Array:
        if out is None:
            return diffuse_reference(u, ghosts, self.coefficients, self.source, keep, scale, self.backend.xp)
        arguments = (u, ghosts, self.coefficients, self.source, keep, scale, out)
        in_bands(diffuse, u.shape, self.backend.threads, *arguments)
        return out

    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        whole = self.backend.xp.mean(self.sweep(u, t, 0.0, 1.0, None))
        return {"diffusion": whole - self.mean_source, "source": self.backend.asarray(self.mean_source, "real")}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """The limit of diffusion, ``real_extent / (4 diffusivity sum 1/dx^2)``."""
        radius = self.config.diffusivity * self.diffusive_radius
        return integrator.real_extent / radius if radius else math.inf
