"""Error against Taylor-Green vortices in two dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_stencil.config_incompressible import BoxVorticesErrorConfig
from subgrid_stencil.exact_error import DECLARED, errors


class BoxVorticesError:
    """``error_l2`` and ``error_max`` of the velocity at cell centres against vortices that decay as
    exp(-2 viscosity k^2 t)."""

    needs = ("velocity",)

    def __init__(self, config: BoxVorticesErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"BoxVorticesError(viscosity={self.config.viscosity:g})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        """Raises ScenarioError in three dimensions, where there is no exact solution."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"observers ({setup.label}): needs a grid with two axes, got {setup.mesh.ndim}")
        k, mesh = self.config.wavenumber, setup.mesh
        vectors = [
            start + (np.arange(n) + 0.5) * step
            for start, n, step in zip(mesh.origin, mesh.shape, mesh.spacing, strict=True)
        ]
        y, x = np.meshgrid(*vectors, indexing="ij")
        self.start = self.config.amplitude * np.stack([np.cos(k * x) * np.sin(k * y), -np.sin(k * x) * np.cos(k * y)])
        return DECLARED

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return both errors."""
        decay = math.exp(-2.0 * self.config.viscosity * self.config.wavenumber**2 * clock.time)
        return errors(np.asarray(view["velocity"]), decay * self.start)
