"""Shapes of rigid obstacles: distance to their surface and the normal out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrid.api import Grid
from subgrid_mpm.config import Obstacle


def velocity_of(obstacle: Obstacle, d: int) -> Any:
    """Velocity [m/s], shape (d,)."""
    return np.zeros(d) if obstacle.velocity is None else np.array(obstacle.velocity[:d])


def center_of(obstacle: Obstacle, d: int, t: float) -> Any:
    """Its centre [m] at a time, shape (d,)."""
    return np.array(obstacle.center[:d]) + t * velocity_of(obstacle, d)


def half_extent(obstacle: Obstacle, d: int) -> Any:
    """Half the sides of the box around it [m], shape (d,); None for a half-space."""
    if obstacle.shape == "half_space":
        return None
    return np.full(d, obstacle.radius) if obstacle.shape == "ball" else 0.5 * np.array((obstacle.size or ())[:d])


def taken_cells(obstacles: Sequence[Obstacle], mesh: Grid, t: float) -> Any:
    """Share of each cell that lies in one of these obstacles at a time, from the distance of its centre."""
    centres = [axis + (0.5 - mesh.offset) * step for axis, step in zip(mesh.coordinates(), mesh.spacing, strict=True)]
    points = np.stack([axis.ravel() for axis in np.meshgrid(*centres, indexing="ij")[::-1]], axis=1)
    nearest = np.min([distance_and_normal(obstacle, points, t)[0] for obstacle in obstacles], axis=0)
    return np.clip(0.5 - nearest / min(mesh.spacing), 0.0, 1.0).reshape(mesh.shape)


def distance_and_normal(obstacle: Obstacle, points: Any, t: float) -> tuple[Any, Any]:
    """Signed distance (n,), negative inside, and normals (n, d) into the material, at points (n, d)."""
    d = points.shape[1]
    away = points - center_of(obstacle, d, t)
    if obstacle.shape == "half_space":
        normal = np.array(obstacle.normal[:d]) if obstacle.normal else np.zeros(d)
        normal = normal / np.linalg.norm(normal)
        return away @ normal, np.broadcast_to(normal, points.shape)
    if obstacle.shape == "ball":
        radius = np.linalg.norm(away, axis=1)
        return radius - (obstacle.radius or 0.0), away / np.maximum(radius, np.finfo(float).tiny)[:, None]
    beyond = np.abs(away) - 0.5 * np.array((obstacle.size or ())[:d])
    nearest = np.argmax(beyond, axis=1)
    rows = np.arange(len(points))
    normals = np.zeros_like(points)
    normals[rows, nearest] = np.where(away[rows, nearest] < 0.0, -1.0, 1.0)
    return beyond[rows, nearest], normals
