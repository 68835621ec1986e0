"""Particles to grid and back with quadratic B-splines and affine velocities (APIC, MLS-MPM), in NumPy: the definition.

Nodes lie at ``origin + (i - PAD) * spacing``, in an array (nodes of z, of y, of x, 4) with mass and momentum (later
velocity) in its last axis; in two dimensions the last entry stays zero. Particle columns have one row for each
particle, vectors ordered (x, y, z).

Reference: Hu et al., A moving least squares material point method (2018), section 4; Jiang et al., The affine
particle-in-cell method (2015).
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

__all__ = ["CONDITIONS", "PAD", "condition_reference", "gather_reference", "nodes_of", "scatter_reference", "weights"]

Array = Any

PAD = 2
"""Nodes beyond the domain on each side, so that particles on its boundary find all their nodes."""

CONDITIONS = ("sticky", "slip", "separate", "friction")
"""What may hold on a node inside a wall or obstacle, by number."""


def nodes_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Nodes along each axis of a mesh with that many cells."""
    return tuple(n + 1 + 2 * PAD for n in shape)


def weights(position: Array, origin: Array, spacing: float) -> tuple[Array, Array, Array]:
    """First node (n, d), fraction f in [0.5, 1.5) behind it (n, d) and weights (3, n, d) of quadratic B-splines."""
    scaled = (position - np.asarray(origin, position.dtype)) / position.dtype.type(spacing) + PAD
    base = np.floor(scaled - 0.5).astype(np.int64)
    f = (scaled - base).astype(position.dtype)
    return base, f, np.stack([0.5 * (1.5 - f) ** 2, 0.75 - (f - 1.0) ** 2, 0.5 * (f - 0.5) ** 2])


def scatter_reference(
    position: Array, velocity: Array, affine: Array, stress: Array, mass: Array, volume: Array,
    origin: Array, spacing: float, dt: float, grid: Array,
) -> None:  # fmt: skip
    """Add mass and momentum of particles to ``grid``: ``m v + (m C - dt V0 4/h^2 tau) (x_i - x_p)``."""
    base, f, w = weights(position, origin, spacing)
    d = position.shape[1]
    push = mass[:, None, None] * affine - dt * 4.0 / spacing**2 * volume[:, None, None] * stress
    for offset in product(range(3), repeat=d):
        distance = (np.asarray(offset) - f) * spacing
        momentum = mass[:, None] * velocity + np.einsum("nij,nj->ni", push, distance)
        weight = np.prod([w[offset[a], :, a] for a in range(d)], axis=0)
        index = tuple(base[:, a] + offset[a] for a in reversed(range(d)))
        np.add.at(grid, (*index, 0), weight * mass)
        for a in range(d):
            np.add.at(grid, (*index, a + 1), weight * momentum[:, a])


def gather_reference(
    position: Array, velocity: Array, affine: Array, deformation: Array,
    origin: Array, spacing: float, dt: float, grid: Array,
) -> None:  # fmt: skip
    """Take velocities from the nodes and move the particles, all in place.

    ``v = sum w v_i``, ``C = 4/h^2 sum w v_i (x_i - x_p)^T``, ``x += dt v``, ``F <- (1 + dt C) F``. Shapes are those of
    `scatter_reference`; ``deformation`` (n, d, d).
    """
    base, f, w = weights(position, origin, spacing)
    d = position.shape[1]
    velocity[...] = 0.0
    affine[...] = 0.0
    for offset in product(range(3), repeat=d):
        weight = np.prod([w[offset[a], :, a] for a in range(d)], axis=0)
        at_node = grid[tuple(base[:, a] + offset[a] for a in reversed(range(d)))][:, 1 : d + 1]
        velocity += weight[:, None] * at_node
        distance = (np.asarray(offset) - f) * spacing
        affine += (4.0 / spacing**2 * weight)[:, None, None] * at_node[:, :, None] * distance[:, None, :]
    position += dt * velocity
    deformation += dt * affine @ deformation


def condition_reference(velocity: Array, normal: Array, wall: Array, kind: int, friction: float) -> Array:
    """Velocities (m, d) of nodes inside an obstacle that moves with ``wall``; ``normal`` points into the material.

    sticky: that of the wall. slip: no relative velocity along the normal. separate: none into the wall. friction: as
    separate, and the tangential part loses what ``friction`` times the lost normal part takes (Coulomb).
    """
    relative = velocity - wall
    if kind == 0:
        return np.broadcast_to(wall, velocity.shape).astype(velocity.dtype)
    along = np.sum(relative * normal, axis=1, keepdims=True)
    tangential = relative - along * normal
    if kind == 1:
        return wall + tangential
    kept = tangential
    if kind == 3:
        speed = np.linalg.norm(tangential, axis=1, keepdims=True)
        kept = tangential * np.maximum(0.0, 1.0 + friction * along / np.maximum(speed, np.finfo(speed.dtype).tiny))
    return np.where(along < 0.0, wall + kept, velocity)
