"""The Courant number of the advection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, Setup
from subgrid_observers.config import CourantConfig
from subgrid_observers.velocity import Velocity


class Courant:
    """Courant number ``max_x sum_i |u_i| dt / dx_i`` (Courant, Friedrichs and Lewy 1928) and the largest speed.

    ``dt`` is the step that the run takes next. A pseudo-spectral method reaches wavenumber pi/dx, so its stability
    limit is lower by pi than that of centred differences.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, config: CourantConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return "Courant()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.backend = setup.backend
        self.velocity = Velocity(setup.label, setup.mesh, quantities)
        self.spacing = setup.mesh.spacing[::-1]  # velocity components are ordered (x, y, z), axes (z, y, x)
        return {
            "courant": Quantity((), "", "none", description="Courant number of the next step"),
            "max_speed": Quantity((), "m/s", "none", description="largest speed"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``courant`` and ``max_speed`` [m/s]."""
        velocity = self.velocity.read(view, self.backend)
        rate = sum(np.abs(component) / step for component, step in zip(velocity, self.spacing, strict=True))
        return {
            "courant": float(np.max(rate)) * clock.dt,
            "max_speed": float(np.sqrt(np.max(np.sum(velocity**2, axis=0)))),
        }
