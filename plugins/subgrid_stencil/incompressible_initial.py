"""Starting flows of the staggered solver."""

from __future__ import annotations

import numpy as np

from subgrid.api import Fields, Grid, ScenarioError, Setup
from subgrid_stencil.config_incompressible import BoxVorticesConfig, FluidAtRestConfig
from subgrid_stencil.initial import Real
from subgrid_stencil.staggered import lower_faces

__all__ = ["BoxVortices", "FluidAtRest", "vortices"]


class FluidAtRest:
    """A uniform velocity, by default none, with noise where asked for."""

    def __init__(self, config: FluidAtRestConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"FluidAtRest(velocity={self.config.velocity}, noise={self.config.noise:g})"

    def fill(self, setup: Setup) -> Fields:
        """``lower_face_velocity`` [m/s], (component, ...). Raises ScenarioError for too many components."""
        mesh, stated = setup.mesh, self.config.velocity
        if len(stated) > mesh.ndim:
            raise ScenarioError(f"initial.velocity: {len(stated)} components on a mesh of {mesh.ndim} axes")
        velocity = np.zeros((mesh.ndim, *mesh.shape))
        for number, value in enumerate(stated):
            velocity[number] = value
        if self.config.noise:
            velocity += self.config.noise * setup.rng.generator("noise").standard_normal(velocity.shape)
        return {"lower_face_velocity": velocity}


class BoxVortices:
    """Taylor-Green vortices on the faces of the grid."""

    def __init__(self, config: BoxVorticesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"BoxVortices(amplitude={self.config.amplitude:g}, wavenumber={self.config.wavenumber:g})"

    def fill(self, setup: Setup) -> Fields:
        """``lower_face_velocity`` [m/s], (component, ...)."""
        mesh = setup.mesh
        axes = range(2, 2 - mesh.ndim, -1)
        return {"lower_face_velocity": np.stack([vortices(mesh, self.config, axis) for axis in axes])}


def vortices(mesh: Grid, config: BoxVorticesConfig, axis: int) -> Real:
    """The component normal to ``axis`` (z, y, x: 0 to 2) on lower faces."""
    k = config.wavenumber
    *z, y, x = lower_faces(mesh, axis)
    height = np.cos(k * z[0]) if z else np.ones_like(x)
    if axis == 2:
        return config.amplitude * np.cos(k * x) * np.sin(k * y) * height
    if axis == 1:
        return -config.amplitude * np.sin(k * x) * np.cos(k * y) * height
    return np.zeros_like(x)
