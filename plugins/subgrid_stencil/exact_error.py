"""Errors against exact solutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, Setup
from subgrid_stencil.config import GaussianErrorConfig, StandingModeErrorConfig
from subgrid_stencil.initial import Real, gaussian, mode_shape, wavenumber_squared

DECLARED = {
    "error_l2": Quantity((), "", "none", description="root mean square difference to the exact solution"),
    "error_max": Quantity((), "", "none", description="largest difference to the exact solution"),
}


def errors(u: Real, exact: Real) -> dict[str, float]:
    """Both norms of the difference."""
    difference = np.asarray(u, dtype=np.float64) - exact
    return {"error_l2": float(np.sqrt(np.mean(difference**2))), "error_max": float(np.abs(difference).max())}


class StandingModeError:
    """``error_l2`` and ``error_max`` of u against a mode that decays as exp(-diffusivity k^2 t) or swings as
    cos(speed k t)."""

    needs = ("u",)

    def __init__(self, config: StandingModeErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"StandingModeError(modes={self.config.modes})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.to_numpy = setup.backend.to_numpy
        self.shape = self.config.amplitude * mode_shape(setup.mesh, self.config)
        self.k_squared = wavenumber_squared(setup.mesh, self.config.modes)
        return DECLARED

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return both errors."""
        if self.config.speed is None:
            factor = math.exp(-self.config.diffusivity * self.k_squared * clock.time)
        else:
            factor = math.cos(self.config.speed * math.sqrt(self.k_squared) * clock.time)
        return errors(self.to_numpy(view["u"]), self.config.mean + factor * self.shape)


class GaussianError:
    """``error_l2`` and ``error_max`` of u against a Gaussian that moves and spreads: with s^2 = width^2 + 2 D t it is
    (width / s)^d exp(-|x - center - velocity t|^2 / (2 s^2)) in d dimensions."""

    needs = ("u",)

    def __init__(self, config: GaussianErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"GaussianError(diffusivity={self.config.diffusivity:g}, velocity={self.config.velocity})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.to_numpy, self.mesh = setup.backend.to_numpy, setup.mesh
        self.exact(0.0)
        return DECLARED

    def exact(self, t: float) -> Real:
        """The solution at time t."""
        config = self.config
        velocity = (*config.velocity, 0.0, 0.0, 0.0)
        center = [at + c * t for at, c in zip(config.center, velocity, strict=False)]
        width = math.sqrt(config.width**2 + 2.0 * config.diffusivity * t)
        height = config.amplitude * (config.width / width) ** self.mesh.ndim
        return config.background + height * gaussian(self.mesh, center, width)

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return both errors."""
        return errors(self.to_numpy(view["u"]), self.exact(clock.time))
