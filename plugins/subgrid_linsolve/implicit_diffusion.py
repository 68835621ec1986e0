"""Diffusion between walls by implicit steps, the first user of linear solvers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    GridOperator,
    Integrator,
    LinearSolve,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
    Streams,
)
from subgrid_linsolve.config import ImplicitDiffusionConfig
from subgrid_linsolve.initial import bump
from subgrid_linsolve.systems import Real


class ImplicitDiffusion:
    """``u_t = kappa(t) lap u + source`` in two dimensions, finite volumes of second order, implicit in time.

    ::

        backward_euler   (1 - dt kappa(t+dt) lap_h) u' = u + dt source(t+dt)
        crank_nicolson   (1 - dt/2 kappa(t+dt) lap_h) u' = (1 + dt/2 kappa(t) lap_h) u + dt/2 (source(t) + source(t+dt))

    Each step is one linear solve from the present field as first guess, with ``[integrator] type = "own"``; explicit
    integrators work too, within their stability limit. Values on walls are zero (dirichlet) or without flux (neumann).
    NumPy only. ``setup`` raises ScenarioError for other meshes and backends.
    """

    def __init__(self, config: ImplicitDiffusionConfig) -> None:
        self.config = config
        self.slots: Mapping[str, Slot] = {}
        self.linear: Fields = {}
        self.implicitness = {"backward_euler": 1.0, "crank_nicolson": 0.5}[config.scheme]
        self.quantities = {
            "u": Quantity(("y", "x")),
            "mean": Quantity((), location="none", description="domain mean"),
            "energy": Quantity((), location="none", description="<u^2>/2"),
            "diffusivity": Quantity((), "m2/s", "none", description="kappa at this time"),
        }

    def __repr__(self) -> str:
        config = self.config
        return f"ImplicitDiffusion(scheme={config.scheme!r}, diffusivity={config.diffusivity}, walls={config.walls})"

    def setup(self, setup: Setup) -> StateSpec:
        check_mesh(setup, self.config.walls)
        if setup.backend.name != "numpy":
            raise ScenarioError("backend.name: 'implicit_diffusion' computes with 'numpy' only")
        self.mesh = setup.mesh
        self.minus_laplacian = self._operator(0.0, 1.0)
        self.linear_operator = self._operator(1.0, self.implicitness * setup.dt * self.config.diffusivity)
        return StateSpec(fields={"u": ArraySpec(self.mesh.shape, location="cell")})

    def diffusivity(self, t: float) -> float:
        """kappa(t) [m2/s]."""
        config = self.config
        return config.diffusivity * (1.0 + config.modulation * np.sin(2.0 * np.pi * t / config.period))

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """The field ``u``."""
        return {"u": backend.asarray(physical["u"], "real")}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """There are no slots."""
        return {}

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Return kappa lap_h u + source."""
        rate = self._rate(np.asarray(fields["u"], np.float64), t).astype(fields["u"].dtype)
        if out is None:
            return {"u": rate}
        out["u"][...] = rate
        return out

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Return the field at ``t + dt``."""
        assert solve is not None
        u, theta = np.asarray(fields["u"], np.float64), self.implicitness
        operator = self._operator(1.0, theta * dt * self.diffusivity(t + dt))
        rhs = u + theta * dt * self._source(t + dt)
        if theta < 1.0:
            rhs += (1.0 - theta) * dt * self._rate(u, t)
        return {"u": np.asarray(solve(operator, rhs, u), fields["u"].dtype)}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of the quantities."""
        if name == "u":
            return fields["u"]
        u = np.asarray(fields["u"], np.float64)
        return {"mean": np.mean(u), "energy": 0.5 * np.mean(u**2), "diffusivity": np.float64(self.diffusivity(t))}[name]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Limit of explicit schemes at the largest kappa; implicit steps have none."""
        largest = 4.0 * self.config.diffusivity * (1.0 + self.config.modulation) * sum(h**-2 for h in self.mesh.spacing)
        return integrator.real_extent / largest

    def _operator(self, shift: float, diffusivity: float) -> GridOperator:
        return GridOperator(self.mesh.shape, self.mesh.spacing, self.config.walls, diffusivity, shift)

    def _rate(self, u: Real, t: float) -> Any:
        return self._source(t) - self.diffusivity(t) * self.minus_laplacian.apply(u)

    def _source(self, t: float) -> Any:
        source = self.config.source
        if source is None:
            return 0.0
        angle = 2.0 * np.pi * source.frequency * t
        centre = (source.orbit * np.sin(angle), source.orbit * np.cos(angle))
        return source.strength * bump(self.mesh, centre, source.radius)


def check_mesh(setup: Setup, walls: tuple[str, str]) -> None:
    """Raise ScenarioError for a mesh that has not two axes, or whose walls do not lie half a spacing beyond values."""
    if setup.mesh.ndim != 2:
        raise ScenarioError(f"mesh.shape: {setup.label!r} needs two axes, the mesh has {setup.mesh.ndim}")
    if setup.mesh.offset != 0.5 and any(name != "periodic" for name in walls):
        raise ScenarioError(f"mesh.offset: {setup.label!r} with walls needs values at the centres: offset = 'cell'")
