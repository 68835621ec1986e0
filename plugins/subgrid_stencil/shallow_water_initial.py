"""Starting states of shallow water, and the exact dam break."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.optimize import brentq

from subgrid.api import Array, Clock, Fields, Quantity, Setup
from subgrid_stencil.config_shallow_water import DamBreakConfig, DamBreakErrorConfig, LakeConfig
from subgrid_stencil.initial import Real, squared_distance

__all__ = ["DamBreak", "DamBreakError", "Lake", "dam_break_depth"]


class DamBreak:
    """Two depths at rest."""

    def __init__(self, config: DamBreakConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"DamBreak(left={self.config.left:g}, right={self.config.right:g})"

    def fill(self, setup: Setup) -> Fields:
        """``depth`` [m] over the mesh."""
        x = setup.mesh.meshgrid()[-1]
        return {"depth": np.where(x < self.config.position, self.config.left, self.config.right)}


class Lake:
    """A level surface, or one with a bump."""

    def __init__(self, config: LakeConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Lake(level={self.config.level:g})"

    def fill(self, setup: Setup) -> Fields:
        """``surface`` [m] over the mesh; where the bed is higher there is no water."""
        surface = np.full(setup.mesh.shape, self.config.level)
        bump = self.config.bump
        if bump is not None:
            distance = squared_distance(setup.mesh, bump.center, "initial.bump.center")
            surface += bump.height * np.exp(-0.5 * distance / bump.width**2)
        return {"surface": surface}


class DamBreakError:
    """``error_l1``: the integral of |h - exact| over x, mean over y."""

    needs = ("depth",)

    def __init__(self, config: DamBreakErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"DamBreakError(left={self.config.left:g}, right={self.config.right:g})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        self.x = setup.mesh.coordinates()[-1]
        self.extent = setup.mesh.length[-1]
        return {"error_l1": Quantity((), "m2", "none", description="integral of |h - exact| over x")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return the error."""
        exact = dam_break_depth(self.config, self.x, clock.time)
        return {"error_l1": self.extent * float(np.mean(np.abs(np.asarray(view["depth"]) - exact)))}


def dam_break_depth(config: DamBreakErrorConfig, x: Real, t: float) -> Real:
    """Exact depth at time t on a flat bed that never ends."""
    if config.left < config.right:
        mirrored = config.model_copy(update={"left": config.right, "right": config.left, "position": -config.position})
        return dam_break_depth(mirrored, -x, t)
    g, high, low = config.gravity, config.left, config.right
    distance = x - config.position
    if t <= 0.0 or high == low:
        return np.where(distance < 0.0, high, low)
    speed, xi = math.sqrt(g * high), distance / t
    fan = (2.0 * speed - xi) ** 2 / (9.0 * g)
    if low == 0.0:
        return np.where(xi < -speed, high, np.where(xi < 2.0 * speed, fan, 0.0))
    middle, velocity = middle_state(g, high, low)
    shock = middle * velocity / (middle - low)
    celerity = math.sqrt(g * middle)
    behind = np.where(xi < velocity - celerity, fan, middle)
    return np.where(xi < -speed, high, np.where(xi < shock, behind, low))


def middle_state(gravity: float, high: float, low: float) -> tuple[float, float]:
    """Depth and velocity between rarefaction and shock: 2 (sqrt(g hl) - sqrt(g hm)) is the speed behind the shock."""

    def excess(depth: float) -> float:
        behind = (depth - low) * math.sqrt(0.5 * gravity * (1.0 / depth + 1.0 / low))
        return 2.0 * (math.sqrt(gravity * high) - math.sqrt(gravity * depth)) - behind

    depth = float(brentq(excess, low, high, xtol=1e-14 * high))
    return depth, 2.0 * (math.sqrt(gravity * high) - math.sqrt(gravity * depth))
