"""Starting profiles of one-dimensional equations without a closed-form solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Fields, Grid, ScenarioError, Setup
from subgrid_spectral.config_1d import KassamTrefethenConfig, RandomFourierConfig, SineConfig


def line(setup: Setup) -> tuple[NDArray[np.float64], float]:
    """Coordinates (nx,) and length [m] of a one-dimensional mesh. Raises ScenarioError for other meshes."""
    grid: Grid = setup.mesh
    if grid.ndim != 1:
        raise ScenarioError(f"mesh.shape: {setup.label} fills one axis, the mesh has {grid.ndim}: {grid.shape}")
    return grid.coordinates()[0], grid.length[0]


class Sine:
    """A single wave u = mean + amplitude sin(2 pi mode x / length + phase) [m/s]."""

    def __init__(self, config: SineConfig) -> None:
        self.config = config

    def fill(self, setup: Setup) -> Fields:
        x, length = line(setup)
        angle = 2.0 * np.pi * self.config.mode * x / length + self.config.phase
        return {"u": self.config.mean + self.config.amplitude * np.sin(angle)}

    def __repr__(self) -> str:
        return f"Sine(amplitude={self.config.amplitude}, mode={self.config.mode})"


class RandomFourier:
    """Smooth random waves of zero mean, u = sum_m m**(-slope) (a_m cos(k_m x) + b_m sin(k_m x)) scaled to ``rms``.

    a_m and b_m are normal numbers from the run's streams, so the profile depends on seed and label but not on the
    number of cells. Raises ScenarioError when the grid does not resolve the highest mode.
    """

    def __init__(self, config: RandomFourierConfig) -> None:
        self.config = config

    def fill(self, setup: Setup) -> Fields:
        x, length = line(setup)
        if 2 * self.config.highest_mode >= len(x):
            raise ScenarioError(
                f"initial.highest_mode: {self.config.highest_mode} is not resolved by {len(x)} cells; "
                f"choose at most {(len(x) - 1) // 2}"
            )
        modes = np.arange(self.config.lowest_mode, self.config.highest_mode + 1)
        numbers = setup.rng.generator("profile").standard_normal((2, len(modes))) * modes ** (-self.config.slope)
        numbers *= self.config.rms * np.sqrt(2.0 / np.sum(numbers**2))
        angle = 2.0 * np.pi / length * np.outer(modes, x)
        return {"u": numbers[0] @ np.cos(angle) + numbers[1] @ np.sin(angle)}

    def __repr__(self) -> str:
        return f"RandomFourier(modes={self.config.lowest_mode}-{self.config.highest_mode}, rms={self.config.rms})"


class KassamTrefethen:
    """The profile u = A cos(q s) (1 + sin(q s)), q = 2 pi / length, s = x + shift.

    See Kassam and Trefethen 2005, SIAM J. Sci. Comput. 26, 1214, section 5: the classical test has length 32 pi.
    A shift by half the length gives the profile -A cos(q x) (1 - sin(q x)).
    """

    def __init__(self, config: KassamTrefethenConfig) -> None:
        self.config = config

    def fill(self, setup: Setup) -> Fields:
        x, length = line(setup)
        angle = 2.0 * np.pi / length * (x + self.config.shift)
        return {"u": self.config.amplitude * np.cos(angle) * (1.0 + np.sin(angle))}

    def __repr__(self) -> str:
        return f"KassamTrefethen(amplitude={self.config.amplitude}, shift={self.config.shift})"
