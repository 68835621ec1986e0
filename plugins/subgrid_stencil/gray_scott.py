"""The Gray-Scott reaction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    Quantity,
    ScenarioError,
    Setup,
    SeveralSteps,
    Slot,
    StateSpec,
)
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_gray_scott import react, react_reference
from subgrid.kernels.stencil_window import Tiling
from subgrid_stencil.config import GrayScottConfig
from subgrid_stencil.walls import ghost_layers


class GrayScott:
    """u_t = Du lap u - u v^2 + F (1 - u), v_t = Dv lap v + u v^2 - (F + k) v (Pearson, Science 261, 189 (1993)).

    One, two or three dimensions, second order. ``fused["euler"]`` is a whole forward Euler step in one sweep, and
    ``fused["euler_steps"]`` several of them. Quantities: ``u``, ``v``, their domain means ``mean_u`` and ``mean_v``,
    and the mean of the reaction, <u v^2>.
    """

    slots: Mapping[str, Slot] = {}

    def __init__(self, config: GrayScottConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"GrayScott(feed={self.config.feed:g}, kill={self.config.kill:g})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when boundaries and mesh do not agree."""
        self.backend, self.mesh = setup.backend, setup.mesh
        stated = self.config.boundaries
        self.ghosts_u = ghost_layers(setup, stated.u, 1, "solver.boundaries.u")
        self.ghosts_v = ghost_layers(setup, stated.v, 1, "solver.boundaries.v")
        self.cells = self.ghosts_u.shape
        squares = (0.0,) * (3 - setup.mesh.ndim) + tuple(step**-2 for step in setup.mesh.spacing)
        self.radius = 4.0 * sum(squares)
        self.number: Any = setup.backend.dtype("real") if setup.backend.in_place else float
        self.inverse_squares = tuple(self.number(square) for square in squares)
        config = self.config
        rates = (config.diffusivity_u, config.diffusivity_v, config.feed, config.feed + config.kill)
        self.rates = tuple(self.number(rate) for rate in rates)
        self.coefficients = [
            tuple(self.number(rate * squares[axis]) for axis in self.ghosts_u.sweep_axes) for rate in rates[:2]
        ]
        self.linear: Fields = {}
        self.fused: Mapping[str, Any] = {}
        if setup.backend.in_place:
            sizes = 2, np.dtype(setup.backend.precision).itemsize, setup.backend.threads
            self.several = Tiling.of(self.ghosts_u.planes, *sizes)
            self.single = Tiling.of(self.ghosts_u.planes, *sizes, most=1)
            self.fused = {"euler": self._euler, "euler_steps": SeveralSteps(self.several.steps, self._euler_steps)}
        axes = setup.mesh.axes
        self.quantities = {
            "u": Quantity(axes, "", description="concentration of the substrate"),
            "v": Quantity(axes, "", description="concentration of the activator"),
            "mean_u": Quantity((), "", "none", description="domain mean of u"),
            "mean_v": Quantity((), "", "none", description="domain mean of v"),
            "mean_reaction": Quantity((), "1/s", "none", description="domain mean of u v^2"),
        }
        return StateSpec(fields={name: ArraySpec(setup.mesh.shape, "real", "cell", "") for name in ("u", "v")})

    def sweep(self, fields: Fields, t: float, keep: float, scale: float, out: Fields | None) -> Fields:
        """``keep`` times both fields plus ``scale`` times their rates."""
        if self.backend.in_place:
            if out is None:
                out = {name: self.backend.zeros(self.mesh.shape) for name in ("u", "v")}
            self._sweeps(fields, out, [t], keep, [scale])
            return out
        u, v = fields["u"].reshape(self.cells), fields["v"].reshape(self.cells)
        ghosts = self.ghosts_u.fill(u, t), self.ghosts_v.fill(v, t)
        numbers = self.number(keep), self.number(scale)
        pair = react_reference(u, v, *ghosts, self.inverse_squares, self.rates, *numbers, self.backend.xp)
        return {name: values.reshape(self.mesh.shape) for name, values in zip(("u", "v"), pair, strict=True)}

    def _sweeps(
        self, fields: Fields, out: Fields, times: Sequence[float], keep: float, scales: Sequence[float]
    ) -> None:
        """`sweep` once for each of these times and scales, in one sweep through memory."""
        shape = planes, rows, nx = self.ghosts_u.planes
        tiling = self.single if len(times) == 1 else self.several
        in_bands(
            react,
            (1, planes, rows * nx),
            self.backend.threads,
            fields["u"].reshape(shape),
            fields["v"].reshape(shape),
            self.ghosts_u.rules(times),
            self.ghosts_v.rules(times),
            *self.coefficients,
            *self.rates[2:],
            self.number(keep),
            np.array(scales, self.number),
            tiling.height,
            tiling.width,
            tiling.streamed,
            out["u"].reshape(shape),
            out["v"].reshape(shape),
        )

    def _euler(self, fields: Fields, out: Fields, t: float, dt: float) -> None:
        self._sweeps(fields, out, [t], 1.0, [dt])

    def _euler_steps(self, fields: Fields, out: Fields, times: Sequence[float], sizes: Sequence[float]) -> None:
        self._sweeps(fields, out, times, 1.0, sizes)

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Raises ScenarioError when the initial state lacks a species."""
        if not {"u", "v"} <= set(physical):
            raise ScenarioError(f"initial: GrayScott starts from 'u' and 'v', got {', '.join(physical)}")
        return {name: backend.copy(backend.asarray(physical[name], "real")) for name in ("u", "v")}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there are no slots."""
        return LazyFields(lambda name: fields[name], ())

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """The rates of both species."""
        return self.sweep(fields, t, 0.0, 1.0, out)

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        u, v, mean = fields["u"], fields["v"], self.backend.xp.mean
        if name == "mean_reaction":
            return mean(u * v * v)
        return mean(fields[name.removeprefix("mean_")]) if name.startswith("mean_") else fields[name]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """The limit of diffusion with the decay of each species linearised at these fields."""
        feed, removal, xp = self.config.feed, self.config.feed + self.config.kill, self.backend.xp
        peak = float(xp.max(fields["v"] * fields["v"]))
        radius = max(
            self.config.diffusivity_u * self.radius + peak + feed, self.config.diffusivity_v * self.radius + removal
        )
        return integrator.real_extent / radius if radius else math.inf
