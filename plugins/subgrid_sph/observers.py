"""Sums and fronts of smoothed particles, and distances from known flows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_sph.config import (
    ChannelErrorConfig,
    FluidExtentConfig,
    FluidTotalsConfig,
    HydrostaticErrorConfig,
    VortexDecayConfig,
)

AXES = ("x", "y", "z")


def _number(units: str = "", description: str = "") -> Quantity:
    return Quantity((), units, "none", description=description)


class FluidTotals:
    """Mass, centre, momentum, energies, largest speed and extreme densities of the fluid, and particles that left.

    The compression energy is that of second order, ``m c0^2/2 (rho/rho0 - 1)^2``.
    """

    needs: Sequence[str] = (
        "fluid_position", "fluid_velocity", "fluid_mass", "fluid_density", "fluid_compression_energy", "fluid_removed",
        "gravity",
    )  # fmt: skip

    def __init__(self, config: FluidTotalsConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FluidTotals(density={self.config.density})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        vector = ("component",)
        energies = ("kinetic_energy", "potential_energy", "compression_energy", "total_energy")
        return {
            "mass": _number("kg"),
            "center": Quantity(vector, "m", "none"),
            "momentum": Quantity(vector, "kg m/s", "none"),
            **{name: _number("J") for name in energies},
            "largest_speed": _number("m/s"),
            "least_density": _number("", "over rho0"),
            "largest_density": _number("", "over rho0"),
            "count": _number("", "particles"),
            "removed": _number("", "particles that left the domain"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, v, m, rho, compression = (np.asarray(view[name], np.float64) for name in self.needs[:5])
        square = np.einsum("ij,ij->i", v, v)
        kinetic, stored = 0.5 * np.sum(m * square), compression.sum()
        potential = -np.sum(m * (x @ np.asarray(view["gravity"])))
        mass = m.sum()
        return {
            "mass": mass,
            "center": m @ x / mass if mass > 0 else np.full(x.shape[1], math.nan),
            "momentum": m @ v,
            "kinetic_energy": kinetic,
            "potential_energy": potential,
            "compression_energy": stored,
            "total_energy": kinetic + potential + stored,
            "largest_speed": math.sqrt(square.max(initial=0.0)),
            "least_density": rho.min(initial=np.inf if len(rho) else 0.0) / self.config.density,
            "largest_density": rho.max(initial=0.0) / self.config.density,
            "count": float(len(m)),
            "removed": float(view["fluid_removed"]),
        }


class FluidExtent:
    """How far the fluid reaches along an axis, and how high; NaN where all of it has left."""

    needs: Sequence[str] = ("fluid_position",)

    def __init__(self, config: FluidExtentConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FluidExtent({self.config.axis})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.axis, self.low = AXES.index(self.config.axis), setup.mesh.origin[0]
        if self.axis >= setup.mesh.ndim:
            raise ScenarioError(f"observers ({setup.label}): axis: a mesh of {setup.mesh.ndim} axes has no z")
        # a particle is the middle of its volume
        self.half = 0.5 * setup.mesh.spacing[0]
        return {"front": _number("m"), "height": _number("m")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x = np.asarray(view["fluid_position"], np.float64)
        if len(x) == 0:
            return {"front": math.nan, "height": math.nan}
        return {"front": x[:, self.axis].max() + self.half, "height": x[:, -1].max() + self.half - self.low}


class VortexDecay:
    """Distance from Taylor-Green vortices, whose velocity decays as ``exp(-2 nu k^2 t)`` with k = 2 pi/L.

    ``velocity_error`` is the root mean square over the amplitude of the time, ``energy`` that by mass, and
    ``energy_error`` and ``speed_error`` are relative.
    """

    needs: Sequence[str] = ("fluid_position", "fluid_velocity")

    def __init__(self, config: VortexDecayConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"VortexDecay(nu={self.config.viscosity})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"observers ({setup.label}): vortices are compared in two dimensions")
        self.k, self.low = 2.0 * math.pi / setup.mesh.length[1], np.array(setup.mesh.origin[::-1])
        return {
            "energy": _number("m2/s2"),
            "energy_error": _number(),
            "velocity_error": _number(),
            "speed_error": _number(),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, v = (np.asarray(view[name], np.float64) for name in self.needs)
        amplitude = self.config.velocity * math.exp(-2.0 * self.config.viscosity * self.k**2 * clock.time)
        s, c = np.sin(self.k * (x - self.low)), np.cos(self.k * (x - self.low))
        exact = amplitude * np.stack([-c[:, 0] * s[:, 1], s[:, 0] * c[:, 1]], axis=1)
        energy = 0.5 * np.mean(np.sum(v**2, axis=1))
        return {
            "energy": energy,
            "energy_error": energy / (0.25 * amplitude**2) - 1.0,
            "velocity_error": math.sqrt(np.mean(np.sum((v - exact) ** 2, axis=1))) / amplitude,
            "speed_error": math.sqrt(np.max(np.sum(v**2, axis=1))) / amplitude - 1.0,
        }


def channel_start_up(y: Any, t: float, width: float, force: float, viscosity: float) -> Any:
    """Velocity [m/s] at heights y (n,) in a channel that a force sets in motion at t = 0; Morris et al. (1997)."""
    u = 0.5 * force / viscosity * y * (width - y)
    for n in range(200):
        k = (2 * n + 1) * math.pi / width
        decay = math.exp(-viscosity * k * k * t)
        if decay < 1e-30:
            break
        u = u - 4.0 * force / (viscosity * width * k**3) * np.sin(k * y) * decay
    return u


class ChannelError:
    """Root mean square distance from the start-up of Poiseuille flow along x between walls across y, over u_max."""

    needs: Sequence[str] = ("fluid_position", "fluid_velocity")

    def __init__(self, config: ChannelErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ChannelError(force={self.config.force})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        axis = setup.mesh.ndim - 2
        self.low, self.width = setup.mesh.origin[axis], setup.mesh.length[axis]
        return {"error": _number(), "largest": _number("m/s")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, v = (np.asarray(view[name], np.float64) for name in self.needs)
        if len(x) == 0:
            return {"error": math.nan, "largest": math.nan}
        force, nu = self.config.force, self.config.viscosity
        exact = channel_start_up(x[:, 1] - self.low, clock.time, self.width, force, nu)
        largest = force * self.width**2 / (8.0 * nu)
        return {"error": math.sqrt(np.mean((v[:, 0] - exact) ** 2)) / largest, "largest": v[:, 0].max()}


class HydrostaticError:
    """Root mean square error of the pressure over rho g H, and the largest speed over sqrt(g H)."""

    needs: Sequence[str] = ("fluid_position", "fluid_velocity", "fluid_pressure")

    def __init__(self, config: HydrostaticErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"HydrostaticError(surface={self.config.surface})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.depth = self.config.surface - setup.mesh.origin[0]
        if self.depth <= 0:
            raise ScenarioError(f"observers ({setup.label}): surface: {self.config.surface} lies below the mesh")
        return {"pressure_error": _number(), "speed": _number()}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, v, p = (np.asarray(view[name], np.float64) for name in self.needs)
        if len(x) == 0:
            return {"pressure_error": math.nan, "speed": math.nan}
        config = self.config
        exact = config.density * config.gravity * (config.surface - x[:, -1])
        scale = config.density * config.gravity * self.depth
        return {
            "pressure_error": math.sqrt(np.mean((p - exact) ** 2)) / scale,
            "speed": math.sqrt(np.max(np.sum(v**2, axis=1)) / (config.gravity * self.depth)),
        }
