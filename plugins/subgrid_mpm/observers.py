"""Sums, fronts and profiles of material points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_mpm.config import MaterialExtentConfig, MaterialProfileConfig, MaterialTotalsConfig

AXES = ("x", "y", "z")
COLUMNS = ("position", "velocity", "velocity_gradient", "mass", "stored_energy", "deformation_gradient", "removed")


class MaterialTotals:
    """Mass, centre of mass, momentum, angular momentum about the origin, energies, and particles that left.

    The angular momentum has the part of the affine velocities, m h^2/4 (C_21 - C_12), without which APIC would not
    conserve it; in three dimensions it has three components. ``total_energy`` is kinetic + potential (in the present
    gravity) + stored; what it loses without outside work is dissipated. Where the solver keeps the work of stress
    (``track_work``), ``dissipated_energy`` is what the materials took of it, by plastic flow and viscosity; the rest of
    the loss is that of transfers and walls. ``density_error`` is the RMS of 1/J - 1, J the (elastic) volume ratio. The
    centre of nothing is NaN.
    """

    def __init__(self, config: MaterialTotalsConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"MaterialTotals(materials={self.config.materials})"

    @property
    def needs(self) -> Sequence[str]:
        return ("gravity", *(f"{m}_{column}" for m in self.config.materials for column in COLUMNS))

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.spacing, d = min(setup.mesh.spacing), setup.mesh.ndim
        found = tuple(name.removesuffix("_stored_energy") for name in quantities if name.endswith("_stored_energy"))
        self.materials = self.config.materials or found
        vector = ("component",)
        spin: tuple[str, ...] = () if d == 2 else vector
        self.dissipated = all(f"{name}_dissipated_energy" in quantities for name in self.materials)
        energies = (*ENERGIES, "dissipated_energy") if self.dissipated else ENERGIES
        scalars = {name: Quantity((), "J", "none") for name in energies}
        return {
            "mass": Quantity((), "kg", "none"),
            "center": Quantity(vector, "m", "none"),
            "momentum": Quantity(vector, "kg m/s", "none"),
            "angular_momentum": Quantity(spin, "kg m2/s", "none"),
            **scalars,
            "density_error": Quantity((), "", "none", description="RMS of 1/J - 1"),
            "removed": Quantity((), "", "none", description="particles that left the domain"),
            "count": Quantity((), "", "none", description="particles"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        def joined(column: str) -> Any:
            return np.concatenate([np.asarray(view[f"{m}_{column}"], np.float64) for m in self.materials])

        x, v, C, m = (joined(name) for name in COLUMNS[:4])
        mass, stored = m.sum(), joined("stored_energy").sum()
        kinetic = 0.5 * np.sum(m * np.einsum("ij,ij->i", v, v))
        potential = -np.sum(m * (x @ np.asarray(view["gravity"])))
        twist = np.swapaxes(C, 1, 2) - C
        inner = (
            0.25 * self.spacing**2 * np.array([twist[:, 1, 2], twist[:, 2, 0], twist[:, 0, 1]]).T
            if x.shape[1] == 3
            else 0
        )
        if x.shape[1] == 2:
            spin = np.sum(m * (x[:, 0] * v[:, 1] - x[:, 1] * v[:, 0] + 0.25 * self.spacing**2 * twist[:, 0, 1]))
        else:
            spin = np.sum(m[:, None] * (np.cross(x, v) + inner), axis=0)
        swelling = 1.0 / np.linalg.det(joined("deformation_gradient")) - 1.0
        dissipated = {"dissipated_energy": joined("dissipated_energy").sum()} if self.dissipated else {}
        return {
            "mass": mass,
            "center": m @ x / mass if mass > 0 else np.full(x.shape[1], math.nan),
            "momentum": m @ v,
            "angular_momentum": spin,
            "kinetic_energy": kinetic,
            "potential_energy": potential,
            "stored_energy": stored,
            "total_energy": kinetic + potential + stored,
            **dissipated,
            "density_error": math.sqrt(np.sum(swelling**2) / max(len(m), 1)),
            "removed": sum(float(view[f"{name}_removed"]) for name in self.materials),
            "count": float(len(m)),
        }


ENERGIES = ("kinetic_energy", "potential_energy", "stored_energy", "total_energy")


class MaterialExtent:
    """How far and how high a material reaches: front along an axis, height along the last, and its lowest point.

    ``runout`` is (front - ``foot``)/``width``. Where all particles have left, nothing reaches anywhere: NaN.
    """

    def __init__(self, config: MaterialExtentConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"MaterialExtent({self.config.material}, {self.config.axis})"

    @property
    def needs(self) -> Sequence[str]:
        return (f"{self.config.material}_position",)

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.axis = AXES.index(self.config.axis)
        if self.axis >= setup.mesh.ndim:
            raise ScenarioError(f"observers ({setup.label}): axis: a mesh of {setup.mesh.ndim} axes has no z")
        lengths = {name: Quantity((), "m", "none") for name in ("front", "back", "height", "bottom")}
        return {**lengths, "runout": Quantity((), "", "none", description="of the front, in widths")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, share = np.asarray(view[self.needs[0]], np.float64), self.config.quantile
        if len(x) == 0:
            x = np.full((1, x.shape[1]), math.nan)
        back, front = np.quantile(x[:, self.axis], [1.0 - share, share])
        bottom, height = np.quantile(x[:, -1], [1.0 - share, share])
        return {
            "front": front,
            "runout": (front - self.config.foot) / self.config.width,
            "back": back,
            "height": height,
            "bottom": bottom,
        }


class MaterialProfile:
    """Mean velocity of a material over bins across an axis of the mesh; empty bins give zero and a count of zero."""

    def __init__(self, config: MaterialProfileConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"MaterialProfile({self.config.material}, {self.config.component} across {self.config.across})"

    @property
    def needs(self) -> Sequence[str]:
        return (f"{self.config.material}_position", f"{self.config.material}_velocity")

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.across, self.component = AXES.index(self.config.across), AXES.index(self.config.component)
        if max(self.across, self.component) >= setup.mesh.ndim:
            raise ScenarioError(f"observers ({setup.label}): a mesh of {setup.mesh.ndim} axes has no z")
        axis = setup.mesh.ndim - 1 - self.across
        start, length = setup.mesh.origin[axis], setup.mesh.length[axis]
        self.edges = start + np.linspace(0.0, length, self.config.bins + 1)
        places = {"bin": 0.5 * (self.edges[1:] + self.edges[:-1])}
        return {
            "velocity": Quantity(("bin",), "m/s", "none", places),
            "particles": Quantity(("bin",), "", "none", places),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x, v = (np.asarray(view[name], np.float64) for name in self.needs)
        counts, _ = np.histogram(x[:, self.across], self.edges)
        sums, _ = np.histogram(x[:, self.across], self.edges, weights=v[:, self.component])
        return {"velocity": sums / np.maximum(counts, 1), "particles": counts.astype(np.float64)}
