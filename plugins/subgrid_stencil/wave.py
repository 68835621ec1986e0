"""The wave equation as a first-order system."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Integrator,
    LazyFields,
    LinearSolve,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
    Streams,
)
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_leapfrog import leapfrog, leapfrog_reference
from subgrid.kernels.stencil_window import Tiling
from subgrid_stencil.config import WaveConfig
from subgrid_stencil.diffusion import Diffusion
from subgrid_stencil.walls import ghost_layers

LEAPFROG_EXTENT = 2.0
"""Largest product of angular frequency and step that the leapfrog bears."""


class Wave:
    """u_t = v, v_t = speed^2 lap u in one, two or three dimensions, second order, centred.

    With ``[integrator] type = "own"`` steps are those of the leapfrog, in the form that knows u and v at the same time
    (Stoermer, Verlet): stable up to dt = 1 / (speed sqrt(sum 1/dx^2)), of second order, and exact in its
    ``leapfrog_energy``; ``fused["own"]`` is such a step in one sweep through memory. Explicit integrators work too.

    Quantities: ``u``, ``v`` and the domain mean ``energy`` = <v^2 - speed^2 u lap u>/2, which the semi-discrete
    equations keep on periodic axes and between walls with constant u = 0 or zero slope.
    """

    slots: Mapping[str, Slot] = {}

    def __init__(self, config: WaveConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Wave(speed={self.config.speed:g})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when boundaries and mesh do not agree."""
        self.backend, self.mesh = setup.backend, setup.mesh
        self.ghosts = ghost_layers(setup, self.config.boundaries, 1)
        self.cells = self.ghosts.shape
        squares = (0.0,) * (3 - setup.mesh.ndim) + tuple(step**-2 for step in setup.mesh.spacing)
        self.radius = 2.0 * self.config.speed * sum(squares) ** 0.5
        coefficients = [self.config.speed**2 * square for square in squares]
        self.diffusion = Diffusion(self.ghosts, coefficients, None, setup.backend)
        self.real: Any = setup.backend.dtype("real") if setup.backend.in_place else float
        self.coefficients = tuple(self.real(value) for value in coefficients)
        itemsize = np.dtype(setup.backend.precision).itemsize
        self.tiling = Tiling.of(self.ghosts.planes, 2, itemsize, setup.backend.threads, most=2)
        self.linear: Fields = {}
        self.linear_operator = None
        self.fused: Mapping[str, Callable[..., None]] = {"own": self._leapfrog} if setup.backend.in_place else {}
        self.dt = setup.dt
        axes = setup.mesh.axes
        self.quantities = {
            "u": Quantity(axes, "m", description="displacement"),
            "v": Quantity(axes, "m/s", description="its rate of change"),
            "energy": Quantity((), "m2/s2", "none", description="domain mean of kinetic and elastic energy"),
            "leapfrog_energy": Quantity(
                (), "m2/s2", "none", description="<(du/dt)^2 - speed^2 u' lap u>/2 of this leapfrog step from u to u'"
            ),
        }
        shape = setup.mesh.shape
        return StateSpec(
            fields={"u": ArraySpec(shape, "real", "cell", "m"), "v": ArraySpec(shape, "real", "cell", "m/s")}
        )

    def acceleration(self, u: Array, t: float, out: Array | None = None) -> Array:
        """speed^2 lap u in the shape of the mesh."""
        if self.backend.in_place:
            out = self.backend.zeros(self.mesh.shape) if out is None else out
            self.diffusion(u.reshape(self.cells), t, 0.0, 1.0, out.reshape(self.cells))
            return out
        return self.diffusion(u.reshape(self.cells), t, 0.0, 1.0, None).reshape(self.mesh.shape)

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """From ``u``, and ``v`` where given (else at rest). Raises ScenarioError without ``u``."""
        if "u" not in physical:
            raise ScenarioError(f"initial: Wave starts from 'u', got {', '.join(physical)}")
        u = backend.copy(backend.asarray(physical["u"], "real"))
        v = backend.copy(backend.asarray(physical["v"], "real")) if "v" in physical else 0.0 * u
        return {"u": u, "v": v}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there are no slots."""
        return LazyFields(lambda name: fields[name], ())

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """The rates of u and v."""
        if out is None:
            return {"u": self.backend.copy(fields["v"]), "v": self.acceleration(fields["u"], t)}
        out["u"][...] = fields["v"]
        self.acceleration(fields["u"], t, out["v"])
        return out

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Return u and v after one step of the leapfrog."""
        if self.backend.in_place:
            out = {name: self.backend.zeros(self.mesh.shape) for name in ("u", "v")}
            self._leapfrog(fields, out, t, dt)
            return out
        u, v = (fields[name].reshape(self.cells) for name in ("u", "v"))
        pair = leapfrog_reference(u, v, self.ghosts, self.coefficients, t, 0.5 * dt, dt, self.backend.xp)
        return {name: values.reshape(self.mesh.shape) for name, values in zip(("u", "v"), pair, strict=True)}

    def _leapfrog(self, fields: Fields, out: Fields, t: float, dt: float) -> None:
        """The step in one sweep through memory."""
        shape = planes, rows, nx = self.ghosts.planes
        in_bands(
            leapfrog,
            (1, planes, rows * nx),
            self.backend.threads,
            fields["u"].reshape(shape),
            fields["v"].reshape(shape),
            self.ghosts.rules([t, t + dt]),
            tuple(self.coefficients[axis] for axis in self.ghosts.sweep_axes),
            np.full(2, 0.5 * dt, self.real),
            self.real(dt),
            self.tiling.height,
            self.tiling.width,
            self.tiling.streamed,
            out["u"].reshape(shape),
            out["v"].reshape(shape),
        )

    def _half_step(self, fields: Fields, t: float, dt: float) -> tuple[Array, Array]:
        """The next u, and v half-way to it."""
        between = fields["v"] + 0.5 * dt * self.acceleration(fields["u"], t)
        return fields["u"] + dt * between, between

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        if name == "leapfrog_energy":
            after, between = self._half_step(fields, t, self.dt)
            return 0.5 * self.backend.xp.mean(between * between - after * self.acceleration(fields["u"], t))
        if name != "energy":
            return fields[name]
        u, v = fields["u"], fields["v"]
        return 0.5 * self.backend.xp.mean(v * v - u * self.acceleration(u, t))

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """``extent / (2 speed sqrt(sum 1/dx^2))`` with the imaginary extent of the scheme, 2 for the leapfrog; zero for
        schemes that cannot swing."""
        extent = integrator.imaginary_extent
        return (LEAPFROG_EXTENT if math.isinf(extent) else extent) / self.radius
