"""Domain means of energy and enstrophy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_observers.config import EnergyConfig, EnstrophyConfig
from subgrid_observers.velocity import Velocity


class Energy:
    """Kinetic energy per unit mass, ``E = <|u|^2>/2`` [m2/s2], for each layer where there are layers.

    Takes the solver's own ``energy`` where it has one, otherwise the mean over the velocity field.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, config: EnergyConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return "Energy()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.axes = tuple(range(-setup.mesh.ndim, 0))
        if "energy" in quantities:
            self.velocity = None
            return {"energy": quantities["energy"]}
        self.velocity = Velocity(setup.label, setup.mesh, quantities)
        return {"energy": Quantity(self.velocity.dims, "m2/s2", "none", description="kinetic energy per unit mass")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``energy`` [m2/s2]."""
        if self.velocity is None:
            return {"energy": self.backend.to_numpy(view["energy"])}
        speed_sq = np.sum(self.velocity.read(view, self.backend) ** 2, axis=0)
        return {"energy": 0.5 * np.mean(speed_sq, axis=self.axes)}


class Enstrophy:
    """Enstrophy per unit mass, ``Z = <w^2>/2`` [1/s2], for each layer where there are layers.

    Takes the solver's own ``enstrophy`` where it has one, otherwise the mean over the vorticity field.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, config: EnstrophyConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return "Enstrophy()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.axes = tuple(range(-setup.mesh.ndim, 0))
        self.own = "enstrophy" in quantities
        if self.own:
            return {"enstrophy": quantities["enstrophy"]}
        if "vorticity" not in quantities:
            offered = ", ".join(quantities)
            raise ScenarioError(f"observers ({setup.label}): needs quantity 'vorticity'; offered are {offered}")
        dims = quantities["vorticity"].dims
        layers = dims[: len(dims) - setup.mesh.ndim]
        return {"enstrophy": Quantity(layers, "1/s2", "none", description="enstrophy per unit mass")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``enstrophy`` [1/s2]."""
        if self.own:
            return {"enstrophy": self.backend.to_numpy(view["enstrophy"])}
        vorticity = np.asarray(self.backend.to_numpy(view["vorticity"]), dtype=np.float64)
        return {"enstrophy": 0.5 * np.mean(vorticity**2, axis=self.axes)}
