"""Initial states of diffusion between walls, and first guesses."""

from __future__ import annotations

import numpy as np

from subgrid.api import Fields, Grid, ScenarioError, Setup
from subgrid_linsolve.config import BumpConfig, DiffusionModeConfig
from subgrid_linsolve.config_steady import UniformConfig
from subgrid_linsolve.systems import Real


def bump(grid: Grid, centre: tuple[float, float], radius: float) -> Real:
    """``exp(1 - 1/(1 - r^2/radius^2))`` within the radius, zero outside; infinitely smooth.

    ``centre`` is relative to the middle of the domain; it and ``radius`` are in units of the shorter side.
    """
    side = min(grid.length)
    middle = [start + 0.5 * length for start, length in zip(grid.origin, grid.length, strict=True)]
    y, x = ((at - mid) / side - c for at, mid, c in zip(grid.meshgrid(), middle, centre, strict=True))
    inside = np.clip(1.0 - (x**2 + y**2) / radius**2, 0.0, None)
    return np.where(inside > 0.0, np.exp(1.0 - 1.0 / np.where(inside > 0.0, inside, 1.0)), 0.0)


class DiffusionMode:
    """A product of eigenfunctions of the Laplacian between walls, which keeps its shape as it decays.

    Along an axis of length L: ``sin(m pi x/L)`` (dirichlet), ``cos(m pi x/L)`` (neumann), ``cos(2 pi m x/L)``
    (periodic).
    ``fill`` raises ScenarioError for a mesh that has not two axes.
    """

    def __init__(self, config: DiffusionModeConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"DiffusionMode(mode={self.config.mode}, walls={self.config.walls})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        grid = setup.mesh
        if grid.ndim != 2:
            raise ScenarioError(f"mesh.shape: {setup.label!r} needs two axes, the mesh has {grid.ndim}")
        u = np.full(grid.shape, self.config.amplitude)
        axes = zip(grid.meshgrid(), grid.origin, grid.length, self.config.walls, self.config.mode, strict=True)
        for at, start, length, wall, mode in axes:
            phase = np.pi * mode * (at - start) / length
            u *= np.sin(phase) if wall == "dirichlet" else np.cos(phase if wall == "neumann" else 2.0 * phase)
        return {"u": u}


class Bump:
    """A smooth bump of finite size in the middle, ``amplitude exp(1 - 1/(1 - r^2/radius^2))``.

    ``fill`` raises ScenarioError for a mesh that has not two axes.
    """

    def __init__(self, config: BumpConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Bump(radius={self.config.radius}, amplitude={self.config.amplitude})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"mesh.shape: {setup.label!r} needs two axes, the mesh has {setup.mesh.ndim}")
        return {"u": self.config.amplitude * bump(setup.mesh, (0.0, 0.0), self.config.radius)}


class Uniform:
    """The same value everywhere, by default zero."""

    def __init__(self, config: UniformConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Uniform(value={self.config.value:g})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        return {"u": np.full(setup.mesh.shape, self.config.value)}
