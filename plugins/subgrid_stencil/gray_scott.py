"""The Gray-Scott reaction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

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
    Slot,
    StateSpec,
)
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_gray_scott import react, react_reference
from subgrid_stencil.config import GrayScottConfig
from subgrid_stencil.walls import ghost_layers


class GrayScott:
    """u_t = Du lap u - u v^2 + F (1 - u), v_t = Dv lap v + u v^2 - (F + k) v (Pearson, Science 261, 189 (1993)).

    One, two or three dimensions, second order. ``fused["euler"]`` is a whole forward Euler step in one sweep.
    Quantities: ``u``, ``v``, their domain means ``mean_u`` and ``mean_v``, and the mean of the reaction, <u v^2>.
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
        self.number: Callable[[float], float] = setup.backend.dtype("real") if setup.backend.in_place else float
        self.inverse_squares = tuple(self.number(square) for square in squares)
        config = self.config
        rates = (config.diffusivity_u, config.diffusivity_v, config.feed, config.feed + config.kill)
        self.rates = tuple(self.number(rate) for rate in rates)
        self.linear: Fields = {}
        self.fused: Mapping[str, Callable[..., None]] = {"euler": self._euler} if setup.backend.in_place else {}
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
        u, v = fields["u"].reshape(self.cells), fields["v"].reshape(self.cells)
        ghosts = self.ghosts_u.fill(u, t), self.ghosts_v.fill(v, t)
        arguments = (u, v, *ghosts, self.inverse_squares, self.rates, self.number(keep), self.number(scale))
        if not self.backend.in_place:
            pair = react_reference(*arguments, self.backend.xp)
            return {name: values.reshape(self.mesh.shape) for name, values in zip(("u", "v"), pair, strict=True)}
        if out is None:
            out = {name: self.backend.zeros(self.mesh.shape) for name in ("u", "v")}
        targets = out["u"].reshape(self.cells), out["v"].reshape(self.cells)
        in_bands(react, self.cells, self.backend.threads, *arguments, *targets)
        return out

    def _euler(self, fields: Fields, out: Fields, t: float, dt: float) -> None:
        self.sweep(fields, t, 1.0, dt, out)

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
