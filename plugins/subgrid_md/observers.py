"""Temperature, pressure and energies of atoms, and how they stand about each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid.kernels.neighbours import Box, NeighbourError, check_radius, within
from subgrid_md.config import RadialDistributionConfig, ThermodynamicsConfig


class Thermodynamics:
    """Energies by atom, temperature, pressure and momentum.

    ``temperature`` is ``sum m v^2 / (d n)``, ``configurational_temperature`` ``sum F^2 / sum lap U`` (Rugh 1997), and
    ``pressure`` ``(sum m v^2 + sum virials) / (d V)``. With ``tail``, energy and pressure get what pairs beyond the
    cutoff would add in three dimensions, were they spread evenly.
    """

    needs: Sequence[str] = (
        "atoms_velocity", "atoms_force", "atoms_energy", "atoms_virial", "atoms_laplacian", "atoms_removed",
        "atom_mass", "cutoff", "pair_depth", "pair_size",
    )  # fmt: skip

    def __init__(self, config: ThermodynamicsConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Thermodynamics(tail={self.config.tail})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.volume, self.d = math.prod(setup.mesh.length), setup.mesh.ndim
        if self.config.tail and self.d != 3:
            raise ScenarioError(f"observers ({setup.label}): tail: corrections are known in three dimensions")
        number = {
            "kinetic_energy": "epsilon", "potential_energy": "epsilon", "total_energy": "epsilon",
            "temperature": "epsilon", "configurational_temperature": "epsilon", "pressure": "epsilon/sigma3",
            "count": "", "removed": "",
        }  # fmt: skip
        return {
            **{name: Quantity((), units, "none") for name, units in number.items()},
            "momentum": Quantity(("component",), "m sigma/tau", "none"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        v, force, energy, virial, laplacian = (np.asarray(view[name], np.float64) for name in self.needs[:5])
        mass, n = float(view["atom_mass"]), max(len(v), 1)
        squares = mass * np.sum(v**2)
        kinetic, potential = 0.5 * squares / n, energy.sum() / n
        pressure = (squares + virial.sum()) / (self.d * self.volume)
        if self.config.tail:
            extra = self._tail(view, len(v) / self.volume)
            potential, pressure = potential + extra[0], pressure + extra[1]
        curvature = laplacian.sum()
        return {
            "kinetic_energy": kinetic,
            "potential_energy": potential,
            "total_energy": kinetic + potential,
            "temperature": squares / (self.d * n),
            "configurational_temperature": np.sum(force**2) / curvature if curvature else 0.0,
            "pressure": pressure,
            "count": float(len(v)),
            "removed": float(view["atoms_removed"]),
            "momentum": mass * v.sum(axis=0),
        }

    @staticmethod
    def _tail(view: Mapping[str, Array], density: float) -> tuple[float, float]:
        """Energy by atom and pressure of even pairs beyond the cutoff."""
        epsilon, sigma = float(view["pair_depth"]), float(view["pair_size"])
        s3 = (sigma / float(view["cutoff"])) ** 3
        scale = math.pi * epsilon * density * sigma**3
        energy = 8.0 / 3.0 * scale * (s3**3 / 3.0 - s3)
        return energy, 16.0 / 3.0 * scale * density * (2.0 / 3.0 * s3**3 - s3)


class RadialDistribution:
    """g(r): how much more often a pair of atoms is at a distance than if they were spread evenly over the mesh."""

    needs: Sequence[str] = ("atoms_position",)

    def __init__(self, config: RadialDistributionConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"RadialDistribution(largest={self.config.largest}, bins={self.config.bins})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        mesh = setup.mesh
        low, length = np.array(mesh.origin[::-1]), np.array(mesh.length[::-1])
        periodic = tuple(boundary == "periodic" for boundary in mesh.boundaries[::-1])
        self.box = Box(tuple(low), tuple(low + length), periodic)
        try:
            check_radius(self.config.largest, self.box, "largest")
        except NeighbourError as error:
            raise ScenarioError(f"observers ({setup.label}): {error}") from None
        self.edges = np.linspace(0.0, self.config.largest, self.config.bins + 1)
        shells = np.diff(self.edges**mesh.ndim) * (math.pi if mesh.ndim == 2 else 4.0 / 3.0 * math.pi)
        self.shares = shells / math.prod(mesh.length)
        return {"g": Quantity(("r",), "", "none", {"r": 0.5 * (self.edges[1:] + self.edges[:-1])})}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        x = np.ascontiguousarray(view["atoms_position"])
        if len(x) < 2:
            return {"g": np.zeros(self.config.bins)}
        pairs = within(x, self.config.largest, self.box, half=True)
        distance = np.sqrt(np.sum(pairs.displacements(x).astype(np.float64) ** 2, axis=1))
        counts, _ = np.histogram(distance, self.edges)
        return {"g": counts / (0.5 * len(x) * (len(x) - 1) * self.shares)}
