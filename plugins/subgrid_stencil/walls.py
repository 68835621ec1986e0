"""From the conditions of a scenario to the ghost layers of a field."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from subgrid.api import Grid, ScenarioError, Setup
from subgrid.kernels.stencil_ghosts import GhostLayers, WallCondition
from subgrid_stencil.config_boundaries import (
    AxisConditions,
    Condition,
    Dirichlet,
    FieldConditions,
    Neumann,
    Robin,
    Table,
)


def ghost_layers(setup: Setup, conditions: FieldConditions, width: int, path: str = "solver.boundaries") -> GhostLayers:
    """Ghost layers of one field on the mesh of a run.

    Raises ScenarioError for conditions on an axis that is periodic or that the mesh does not have, and for axes with
    fewer cells than a stencil needs.
    """
    mesh = setup.mesh
    for axis in ("x", "y", "z"):
        if getattr(conditions, axis) is not None:
            _check_walled(mesh, axis, path)
    for axis, n in zip(mesh.axes, mesh.shape, strict=True):
        if n < 2 * width + 1:
            raise ScenarioError(f"mesh.shape: {setup.label} needs at least {2 * width + 1} cells along {axis}, got {n}")
    pairs = [_pair(mesh, axis, conditions) for axis in mesh.axes]
    return GhostLayers(mesh, pairs, width, setup.backend)


def _check_walled(mesh: Grid, axis: str, path: str) -> None:
    if axis not in mesh.axes:
        raise ScenarioError(f"{path}.{axis}: the mesh has no axis {axis}; it has {', '.join(mesh.axes)}")
    if mesh.boundaries[mesh.axes.index(axis)] == "periodic":
        raise ScenarioError(
            f"{path}.{axis}: axis {axis} is periodic, no condition can hold there; set mesh.boundaries.{axis} = 'wall'"
        )


def _pair(mesh: Grid, axis: str, conditions: FieldConditions) -> tuple[WallCondition, WallCondition] | None:
    if mesh.boundaries[mesh.axes.index(axis)] == "periodic":
        return None
    stated = getattr(conditions, axis) or AxisConditions()
    return wall(stated.low), wall(stated.high)


def wall(condition: Condition) -> WallCondition:
    """The condition as alpha u + beta u_n = value(t)."""
    if isinstance(condition, Dirichlet):
        return WallCondition(1.0, 0.0, value_in_time(condition.value))
    if isinstance(condition, Neumann):
        return WallCondition(0.0, 1.0, value_in_time(condition.slope))
    if isinstance(condition, Robin):
        return WallCondition(condition.alpha, condition.beta, value_in_time(condition.value))
    return WallCondition(0.0, 1.0, value_in_time(0.0))


def value_in_time(value: float | Table) -> Callable[[float], float]:
    """A constant, or linear interpolation in a table."""
    if isinstance(value, Table):
        times, values = np.array(value.times), np.array(value.values)
        return lambda t: float(np.interp(t, times, values))
    return lambda t: value
