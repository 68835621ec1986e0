"""Solid bodies on a grid."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from subgrid.api import Array, Grid, ScenarioError
from subgrid_stencil.config_incompressible import BallObstacle, BoxObstacle, Penalty
from subgrid_stencil.staggered import Faces

SAMPLES = 8
"""Points along each axis by which the solid part of a control volume is found."""


def solid_fractions(faces: Faces, obstacle: Penalty) -> dict[int, Array]:
    """Solid part of the control volume of each face, by the axis that it is normal to.

    Raises ScenarioError for bodies that fill the domain, or that no face notices.
    """
    fractions = {axis: _fraction(faces, obstacle, axis) for axis in faces.axes}
    for name, wrong in (("fills the whole domain", 1.0), ("covers no cell of the domain", 0.0)):
        if all(np.all(values == wrong) for values in fractions.values()):
            raise ScenarioError(f"solver.obstacle.bodies: the obstacle {name}; lengths are {faces.mesh.length[::-1]}")
    return fractions


def solid_cells(faces: Faces, obstacle: Penalty) -> Array:
    """Solid part of each cell, shaped like the mesh."""
    return _inside(faces.mesh, faces.mesh.shape, obstacle, None)


def _fraction(faces: Faces, obstacle: Penalty, axis: int) -> Array:
    fraction = _inside(faces.mesh, faces.field_shape(axis), obstacle, axis)
    return fraction.reshape(faces.shape(axis)).astype(faces.dtype)


def _inside(mesh: Grid, shape: tuple[int, ...], obstacle: Penalty, normal: int | None) -> Array:
    """Solid part of volumes about the faces normal to an axis, or of the cells."""
    offsets = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    inside = np.zeros(shape)
    vectors = []
    for number, (start, n, step) in enumerate(zip(mesh.origin, shape, mesh.spacing, strict=True)):
        own = number + 3 - mesh.ndim == normal
        vectors.append((start + (np.arange(n) + (0.0 if own else 0.5)) * step, step))
    for sample in itertools.product(offsets, repeat=mesh.ndim):
        moved = [values + shift * step for (values, step), shift in zip(vectors, sample, strict=True)]
        places = np.meshgrid(*moved, indexing="ij", sparse=True)
        covered = np.zeros(shape, dtype=bool)
        for number, body in enumerate(obstacle.bodies):
            covered |= _covers(body, places, f"solver.obstacle.bodies.{number}")
        inside += covered
    return inside / SAMPLES**mesh.ndim


def _covers(body: Any, places: list[Any], path: str) -> Any:
    names = ("center",) if isinstance(body, BallObstacle) else ("low", "high")
    for name in names:
        if len(getattr(body, name)) != len(places):
            raise ScenarioError(f"{path}.{name}: {len(getattr(body, name))} components on a mesh of {len(places)} axes")
    if isinstance(body, BallObstacle):
        squares = [(x - at) ** 2 for x, at in zip(places, reversed(body.center), strict=True)]
        return sum(squares) <= body.radius**2
    assert isinstance(body, BoxObstacle)
    limits = zip(places, reversed(body.low), reversed(body.high), strict=True)
    return np.logical_and.reduce(np.broadcast_arrays(*[(low <= x) & (x <= high) for x, low, high in limits]))
