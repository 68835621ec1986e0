"""Diffusion and advection-diffusion between walls by implicit steps, each one linear solve."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
from scipy import sparse

from subgrid.api import (
    Array,
    Closures,
    Fields,
    GridOperator,
    Integrator,
    LinearSolve,
    Quantity,
    ScenarioError,
    Setup,
    StateSpec,
    Streams,
    Wall,
)
from subgrid.kernels.stencil_ghosts import GhostLayers
from subgrid_stencil.advection_diffusion import AdvectionDiffusion
from subgrid_stencil.bump import bump
from subgrid_stencil.config_implicit import ImplicitAdvectionDiffusionConfig, ImplicitDiffusionConfig
from subgrid_stencil.diffusion import Diffusion
from subgrid_stencil.initial import squared_distance
from subgrid_stencil.single_field import SingleField
from subgrid_stencil.walls import value_in_time

__all__ = ["ImplicitAdvectionDiffusion", "ImplicitDiffusion"]

IMPLICITNESS = {"backward_euler": 1.0, "crank_nicolson": 0.5}


class ImplicitStep(SingleField):
    """The theta scheme for ``u_t = L(t) u + g(t)``, where g holds the sources and what the walls bring in.

    ::

        (1 - theta dt L(t+dt)) u' = u + (1 - theta) dt (L(t) u + g(t)) + theta dt g(t+dt)

    theta is 1 for ``backward_euler``, 1/2 for ``crank_nicolson``. L and g are those of the sweep that explicit
    integrators use, so that both ways of stepping tend to the same semi-discrete solution. A step with ``[integrator]
    type = "own"`` starts its solve from the present field. NumPy only.
    """

    implicitness: float

    @abstractmethod
    def implicit_operator(self, factor: float, t: float) -> Any:
        """``1 - factor L(t)``, as a `GridOperator` or as a matrix."""

    def prepare_implicit(self, setup: Setup, scheme: str) -> None:
        """Raises ScenarioError for other backends than NumPy."""
        if setup.backend.name != "numpy":
            raise ScenarioError(f"backend.name: {setup.label!r} solves its systems with 'numpy' only")
        self.implicitness = IMPLICITNESS[scheme]
        self.linear_operator = self.implicit_operator(self.implicitness * (setup.dt or 1.0), 0.0)

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Return the field at ``t + dt``."""
        assert solve is not None
        u, theta = fields["u"], self.implicitness
        brought_in = self.sweep(self.backend.zeros(self.mesh.shape), t + dt, 0.0, theta * dt, None)
        rhs = self.sweep(u, t, 1.0, (1.0 - theta) * dt, None) + brought_in
        operator = self.implicit_operator(theta * dt, t + dt)
        shape = operator.shape if isinstance(operator, GridOperator) else rhs.size
        x = solve(operator, np.asarray(rhs, np.float64).reshape(shape), np.asarray(u, np.float64).reshape(shape))
        return {"u": np.asarray(x.reshape(u.shape), u.dtype)}


class ImplicitDiffusion(ImplicitStep):
    """``u_t = kappa(t) lap u + source`` in one, two or three dimensions, second order, through all kinds of walls.

    Budget: processes ``diffusion`` (through the walls) and ``source``. ``setup`` raises ScenarioError when boundaries
    and mesh do not agree.
    """

    processes = ("diffusion", "source")

    def __init__(self, config: ImplicitDiffusionConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ImplicitDiffusion(scheme={self.config.scheme!r})"

    def setup(self, setup: Setup) -> StateSpec:
        spec = self.prepare(setup, self.config.boundaries)
        self._diffusivity = value_in_time(self.config.diffusivity)
        source = np.zeros(self.mesh.shape)
        if self.config.source is not None:
            stated = self.config.source
            distance = squared_distance(setup.mesh, stated.center, "solver.source.center")
            source += stated.rate * np.exp(-0.5 * distance / stated.width**2)
        self.source = source
        self.boundaries = tuple(
            "periodic" if pair is None else tuple(Wall(wall.alpha, wall.beta) for wall in pair)
            for pair in self.ghosts.conditions[3 - self.mesh.ndim :]
        )
        self.quantities = {
            **self.quantities,
            "energy": Quantity((), location="none", description="<u^2>/2"),
            "diffusivity": Quantity((), "m2/s", "none", description="kappa at this time"),
        }
        self.prepare_implicit(setup, self.config.scheme)
        return spec

    def diffusivity(self, t: float) -> float:
        """kappa(t) [m2/s]."""
        config = self.config
        return self._diffusivity(t) * (1.0 + config.modulation * math.sin(2.0 * math.pi * t / config.period))

    def implicit_operator(self, factor: float, t: float) -> GridOperator:
        return GridOperator(self.mesh.shape, self.mesh.spacing, self.boundaries, factor * self.diffusivity(t), 1.0)

    def combine(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        coefficients = [self.diffusivity(t) * h for h in self.inverse_squares]
        source = self.source_at(t).reshape(self.cells)
        return Diffusion(self.ghosts, coefficients, source, self.backend)(u, t, keep, scale, out)

    def source_at(self, t: float) -> Array:
        """Heating [1/s] over the mesh."""
        circling = self.config.circling_source
        if circling is None:
            return self.source
        angle = 2.0 * math.pi * circling.frequency * t
        centre = (circling.orbit * math.cos(angle), circling.orbit * math.sin(angle))
        return self.source + circling.strength * bump(self.mesh, centre, circling.radius)

    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        whole, source = np.mean(self.sweep(u, t, 0.0, 1.0, None)), np.mean(self.source_at(t))
        return {"diffusion": np.asarray(whole - source), "source": self.backend.asarray(source, "real")}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        if name == "energy":
            return np.asarray(0.5 * np.mean(np.asarray(fields["u"], np.float64) ** 2))
        if name == "diffusivity":
            return np.float64(self.diffusivity(t))
        return super().derive(name, fields, t, closures)

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Limit of explicit schemes at kappa of this time; implicit steps have none."""
        largest = self.diffusivity(t) * self.diffusive_radius
        return integrator.real_extent / largest if largest else math.inf


class ImplicitAdvectionDiffusion(ImplicitStep, AdvectionDiffusion):
    """``u_t + div(velocity u) = diffusivity lap u``: `AdvectionDiffusion` with both terms implicit.

    The matrix is not symmetric, so that ``gmres``, ``sparse_lu`` or relaxation must solve it. ``setup`` raises
    ScenarioError when velocity, boundaries and mesh do not agree.
    """

    def __init__(self, config: ImplicitAdvectionDiffusionConfig) -> None:
        super().__init__(config)
        self.time_scheme = config.time_scheme

    def __repr__(self) -> str:
        return f"Implicit{super().__repr__()}"

    def setup(self, setup: Setup) -> StateSpec:
        spec = AdvectionDiffusion.setup(self, setup)
        weights = sum(self.parts.values())
        self._matrix = spatial_matrix(np.asarray(weights), self.ghosts, self.mesh.ndim)
        self._identity = sparse.eye_array(self._matrix.shape[0], format="csr")
        self.prepare_implicit(setup, self.time_scheme)
        return spec

    def implicit_operator(self, factor: float, t: float) -> sparse.csr_array:
        return sparse.csr_array(self._identity - factor * self._matrix)


def spatial_matrix(weights: Array, ghosts: GhostLayers, ndim: int) -> sparse.csr_array:
    """The sum over the axes of five-point stencils, (3, 5) weights of neighbours -2 ... 2, with mirrored ghosts."""
    missing, total = 3 - ndim, None
    for axis in range(missing, 3):
        along = _along(weights[axis], ghosts.shape[axis], ghosts.conditions[axis], ghosts.spacing[axis])
        before = sparse.eye_array(math.prod(ghosts.shape[missing:axis]))
        after = sparse.eye_array(math.prod(ghosts.shape[axis + 1 :]))
        term = sparse.kron(sparse.kron(before, along), after)
        total = term if total is None else total + term
    matrix = sparse.csr_array(total)
    matrix.sort_indices()
    return matrix


def _along(weights: Array, n: int, walls: Any, spacing: float) -> sparse.coo_array:
    rows, columns, values = [], [], []
    inner = np.arange(n)
    for offset, weight in zip(range(-2, 3), weights, strict=True):
        target, factor = inner + offset, np.full(n, weight)
        if walls is not None:
            for number in (1, 2):
                below, above = target == -number, target == n - 1 + number
                factor[below] *= walls[0].layer(number, spacing)[0]
                factor[above] *= walls[1].layer(number, spacing)[0]
                target = np.where(below, number - 1, np.where(above, n - number, target))
        rows.append(inner)
        columns.append(target % n)
        values.append(factor)
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sparse.coo_array(entries, shape=(n, n))
