"""The heat equation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from subgrid.api import Array, Fields, Integrator, Setup, SeveralSteps, StateSpec
from subgrid_stencil.config import HeatConfig
from subgrid_stencil.diffusion import Diffusion
from subgrid_stencil.initial import squared_distance
from subgrid_stencil.single_field import SingleField


class Heat(SingleField):
    """u_t = diffusivity lap u + source in one, two or three dimensions, second order, centred.

    The Laplacian has 3, 5 or 7 points; forward Euler is stable up to dt = dx^2 / (2 d diffusivity), and several of its
    steps are taken in one sweep through memory. Budget: processes ``diffusion`` (through the walls) and ``source``.
    """

    processes = ("diffusion", "source")

    def __init__(self, config: HeatConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Heat(diffusivity={self.config.diffusivity:g})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when boundaries and mesh do not agree."""
        spec = self.prepare(setup, self.config.boundaries)
        source = None
        if self.config.source is not None:
            stated = self.config.source
            distance = squared_distance(setup.mesh, stated.center, "solver.source.center")
            source = stated.rate * np.exp(-0.5 * distance / stated.width**2).reshape(self.cells)
        self.mean_source = 0.0 if source is None else float(np.mean(source))
        coefficients = [self.config.diffusivity * h for h in self.inverse_squares]
        self.diffusion = Diffusion(self.ghosts, coefficients, source, setup.backend)
        if setup.backend.in_place:
            self.fused = {**self.fused, "euler_steps": SeveralSteps(self.diffusion.several.steps, self._euler_steps)}
        return spec

    def combine(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        return self.diffusion(u, t, keep, scale, out)

    def _euler_steps(self, fields: Fields, out: Fields, times: Sequence[float], sizes: Sequence[float]) -> None:
        self.diffusion.steps(fields["u"], times, 1.0, sizes, out["u"])

    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        whole = self.backend.xp.mean(self.sweep(u, t, 0.0, 1.0, None))
        return {"diffusion": whole - self.mean_source, "source": self.backend.asarray(self.mean_source, "real")}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """The limit of diffusion, ``real_extent / (4 diffusivity sum 1/dx^2)``."""
        radius = self.config.diffusivity * self.diffusive_radius
        return integrator.real_extent / radius if radius else math.inf
