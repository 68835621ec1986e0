"""Initial states of the stencil solvers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Fields, Grid, ScenarioError, Setup
from subgrid_stencil.config import FrontConfig, GaussianConfig, GrayScottSeedConfig, StandingModeConfig

Real = NDArray[np.float64]

IMAGES = 4
"""Periodic images on each side; their error is exp(-(4 L)^2 / (2 width^2))."""


class StandingMode:
    """A product of cosines or sines, the eigenmode of a box."""

    def __init__(self, config: StandingModeConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"StandingMode(modes={self.config.modes}, form={self.config.form})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh. Raises ScenarioError where modes do not fit the mesh."""
        return {"u": self.config.mean + self.config.amplitude * mode_shape(setup.mesh, self.config)}


class Gaussian:
    """A Gaussian; also the seed of a growth."""

    def __init__(self, config: GaussianConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Gaussian(center={self.config.center}, width={self.config.width:g})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        config = self.config
        values = gaussian(setup.mesh, config.center, config.width)
        return {"u": config.background + config.amplitude * values}


class GrayScottSeed:
    """A block of activator in a sea of substrate, with noise drawn from the streams of the run."""

    def __init__(self, config: GrayScottSeedConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"GrayScottSeed(cells={self.config.cells}, noise={self.config.noise:g})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` and ``v`` over the mesh. Raises ScenarioError when the block is larger than the mesh."""
        config, shape = self.config, setup.mesh.shape
        if config.cells > min(shape):
            raise ScenarioError(f"initial.cells: a block of {config.cells} cells does not fit into {shape}")
        block = tuple(slice((n - config.cells) // 2, (n - config.cells) // 2 + config.cells) for n in shape)
        u, v = np.ones(shape), np.zeros(shape)
        u[block], v[block] = config.u, config.v
        draws = setup.rng.generator("noise").uniform(-1.0, 1.0, size=(2, *shape))
        return {"u": u * (1.0 + config.noise * draws[0]), "v": v * (1.0 + config.noise * draws[1])}


class Front:
    """A step across x."""

    def __init__(self, config: FrontConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Front(position={self.config.position:g})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh; the cell that holds the step takes its mean value."""
        mesh = setup.mesh
        x, dx = mesh.meshgrid()[-1], mesh.spacing[-1]
        covered = np.clip((self.config.position - (x - 0.5 * dx)) / dx, 0.0, 1.0)
        return {"u": self.config.height * covered}


def mode_shape(mesh: Grid, config: StandingModeConfig) -> Real:
    """Product over the named axes, shape of the mesh. Raises ScenarioError where modes do not fit the mesh."""
    if len(config.modes) > mesh.ndim:
        raise ScenarioError(f"modes: {len(config.modes)} entries on a mesh of {mesh.ndim} axes")
    shape = np.ones(mesh.shape)
    wave = {"cosine": np.cos, "sine": np.sin}[config.form]
    for axis, mode in zip(reversed(range(mesh.ndim)), config.modes, strict=False):
        if mesh.boundaries[axis] == "periodic" and mode % 2:
            raise ScenarioError(f"modes: {mode} half waves do not close along the periodic axis {mesh.axes[axis]}")
        angle = np.pi * mode * (mesh.coordinates()[axis] - mesh.origin[axis]) / mesh.length[axis]
        along = [1] * mesh.ndim
        along[axis] = mesh.shape[axis]
        shape = shape * wave(angle).reshape(along)
    return shape


def wavenumber_squared(mesh: Grid, modes: Sequence[int]) -> float:
    """Sum over the axes of (pi mode / length)^2."""
    return float(sum((np.pi * mode / extent) ** 2 for mode, extent in zip(modes, reversed(mesh.length), strict=False)))


def gaussian(mesh: Grid, center: Sequence[float], width: float) -> Real:
    """exp(-|x - center|^2 / (2 width^2)), shape of the mesh, with images along periodic axes."""
    values = np.ones(mesh.shape)
    for axis, at in zip(reversed(range(mesh.ndim)), _fitting(mesh, center, "center"), strict=True):
        x, extent = mesh.coordinates()[axis], mesh.length[axis]
        periodic = mesh.boundaries[axis] == "periodic"
        offset = np.round(np.mean(x) / extent - at / extent) * extent if periodic else 0.0
        images = range(-IMAGES, IMAGES + 1) if periodic else (0,)
        line = sum(np.exp(-0.5 * ((x - at - offset - image * extent) / width) ** 2) for image in images)
        along = [1] * mesh.ndim
        along[axis] = mesh.shape[axis]
        values = values * np.reshape(line, along)
    return values


def squared_distance(mesh: Grid, center: Sequence[float], path: str) -> Real:
    """|x - center|^2, shape of the mesh. Raises ScenarioError when the centre has too few coordinates."""
    places = zip(reversed(mesh.meshgrid()), _fitting(mesh, center, path), strict=True)
    return np.asarray(sum((x - at) ** 2 for x, at in places))


def _fitting(mesh: Grid, center: Sequence[float], path: str) -> Sequence[float]:
    if len(center) < mesh.ndim:
        raise ScenarioError(f"{path}: {len(center)} coordinates on a mesh of {mesh.ndim} axes")
    return center[: mesh.ndim]
