"""Velocity on the faces of cells: shapes, padding by the conditions on the sides, and what lives at cell centres.

Padded arrays follow `subgrid.kernels.staggered`: cell ``i`` and its lower face stand at index ``i + 1`` along every
axis of the mesh. Components are numbered by the axis (z, y, x) that they are normal to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrid.api import Array, Grid, ScenarioError
from subgrid.kernels.staggered import padded_shape
from subgrid_stencil.config_incompressible import (
    AT_REST,
    AxisFlowConditions,
    FlowCondition,
    FlowConditions,
    Inflow,
    MovingWall,
    NoSlip,
    Slip,
)
from subgrid_stencil.pressure import Sides
from subgrid_stencil.walls import value_in_time

__all__ = ["Faces", "Side", "lower_faces"]

PATH = "solver.boundaries"


@dataclass(frozen=True)
class Side:
    """One side of the domain. ``along`` gives the velocity of wall or inflow by axis (z, y, x) at time t; ``grip`` is
    True where the tangential velocity is held, False where its gradient vanishes; an open side lets fluid out."""

    along: tuple[Callable[[float], float], ...]
    grip: bool
    open: bool = False
    inflow: float = 0.0


class Faces:
    """The staggered arrangement on a grid with its conditions.

    Raises ScenarioError for conditions on periodic or missing axes, velocities that do not fit, and inflow that has
    nowhere to go.
    """

    def __init__(self, mesh: Grid, conditions: FlowConditions, dtype: Any) -> None:
        self.mesh, self.dtype, missing = mesh, dtype, 3 - mesh.ndim
        self.cells = (1,) * missing + mesh.shape
        self.axes = tuple(range(missing, 3))
        self.periodic = (True,) * missing + tuple(side == "periodic" for side in mesh.boundaries)
        self.spacing = (1.0,) * missing + mesh.spacing
        self.sides = tuple(self._sides(axis, conditions) for axis in range(3))
        self.padded = padded_shape(self.cells)
        strides = (self.padded[1] * self.padded[2], self.padded[2], 1)
        self.strides = tuple(step if axis in self.axes else 0 for axis, step in enumerate(strides))
        self._check_balance()

    def shape(self, axis: int) -> tuple[int, ...]:
        """Shape (z, y, x) of the component normal to ``axis``: a walled axis has one face more than cells."""
        extra = [int(other == axis and not self.periodic[axis]) for other in range(3)]
        return tuple(n + more for n, more in zip(self.cells, extra, strict=True))

    def field_shape(self, axis: int) -> tuple[int, ...]:
        """The same over the axes of the mesh."""
        return self.shape(axis)[3 - self.mesh.ndim :]

    def pressure_sides(self) -> list[Sides]:
        """What the pressure sees at both ends of each axis of the mesh."""
        names: list[Sides] = []
        for axis in self.axes:
            ends = self.sides[axis]
            names.append("periodic" if ends is None else _NAMES[ends[0].open, ends[1].open])
        return names

    def pad(self, component: Array, axis: int, t: float) -> Array:
        """The component normal to ``axis`` with its ghosts; what nobody reads is zero."""
        shape, out = self.shape(axis), np.zeros(self.padded, dtype=self.dtype)
        out[tuple(slice(1, n + 1) if a in self.axes else slice(None) for a, n in enumerate(shape))] = component
        for other in self.axes:
            self._fill_ghosts(out, axis, other, t)
        return out

    def pad_cells(self, values: Array) -> Array:
        """Values at cell centres with one ghost on each side: wrapped, or as beside the wall."""
        result = np.zeros(self.padded, dtype=self.dtype)
        result[self.interior()] = values
        for axis in self.axes:
            n, wraps = self.cells[axis], self.periodic[axis]
            low, high, above = (_at(result, axis, index) for index in (0, n + 1, n + 2))
            low[...] = _at(result, axis, n if wraps else 1)
            high[...] = _at(result, axis, 1 if wraps else n)
            above[...] = _at(result, axis, 2 if wraps else n)
        return result

    def interior(self, axis: int | None = None) -> tuple[slice, ...]:
        """Cells in a padded array; or the faces that the component normal to ``axis`` has."""
        shape = self.cells if axis is None else self.shape(axis)
        return tuple(slice(1, n + 1) if a in self.axes else slice(None) for a, n in enumerate(shape))

    def centered(self, component: Array, axis: int) -> Array:
        """Means over the two faces of each cell."""
        return 0.5 * (self.below(component, axis) + self.above(component, axis))

    def below(self, component: Array, axis: int) -> Array:
        """The lower face of each cell."""
        return component if self.periodic[axis] else _range(component, axis, 0, self.cells[axis])

    def above(self, component: Array, axis: int) -> Array:
        """The upper face of each cell."""
        if self.periodic[axis]:
            return np.roll(component, -1, axis)
        return _range(component, axis, 1, self.cells[axis] + 1)

    def hold(self, component: Array, axis: int) -> None:
        """Set the faces on closed sides to the velocity of wall or inflow."""
        if self.sides[axis] is not None:
            for index, side in zip((0, self.cells[axis]), self.sides[axis], strict=True):
                if not side.open:
                    _at(component, axis, index)[...] = side.inflow

    def release(self, rate: Array, axis: int) -> None:
        """Set rates of change to zero on closed sides."""
        if self.sides[axis] is not None:
            for index, side in zip((0, self.cells[axis]), self.sides[axis], strict=True):
                if not side.open:
                    _at(rate, axis, index)[...] = 0.0

    def subtract_gradient(self, rate: Array, pressure: Array, axis: int) -> None:
        """Take the pressure gradient from a component; open sides have pressure zero half a cell away."""
        n, scale = self.cells[axis], self.dtype(1.0 / self.spacing[axis])
        if self.sides[axis] is None:
            rate -= scale * (pressure - np.roll(pressure, 1, axis))
            return
        _range(rate, axis, 1, n)[...] -= scale * (_range(pressure, axis, 1, n) - _range(pressure, axis, 0, n - 1))
        low, high = self.sides[axis]
        if low.open:
            _at(rate, axis, 0)[...] -= 2.0 * scale * _at(pressure, axis, 0)
        if high.open:
            _at(rate, axis, n)[...] += 2.0 * scale * _at(pressure, axis, n - 1)

    def _fill_ghosts(self, out: Array, axis: int, other: int, t: float) -> None:
        n = self.cells[other]
        if self.sides[other] is None:
            for ghost, source in ((0, n), (n + 1, 1), (n + 2, 2)):
                _at(out, other, ghost)[...] = _at(out, other, source)
            return
        if other == axis:
            # read at open sides only, where nothing changes across the face
            _at(out, axis, 0)[...] = _at(out, axis, 1)
            _at(out, axis, n + 2)[...] = _at(out, axis, n + 1)
            return
        for ghost, inner, side in zip((0, n + 1), (1, n), self.sides[other], strict=True):
            values = _at(out, other, inner)
            if side.grip:
                _at(out, other, ghost)[...] = self.dtype(2.0 * side.along[axis](t)) - values
            else:
                _at(out, other, ghost)[...] = values
        _at(out, other, n + 2)[...] = 0.0

    def _sides(self, axis: int, conditions: FlowConditions) -> tuple[Side, Side] | None:
        name = "zyx"[axis]
        stated: AxisFlowConditions | None = getattr(conditions, name)
        if stated is not None and axis not in self.axes:
            raise ScenarioError(f"{PATH}.{name}: the mesh has no axis {name}; it has {', '.join(self.mesh.axes)}")
        if self.periodic[axis]:
            if stated is not None:
                raise ScenarioError(
                    f"{PATH}.{name}: axis {name} is periodic, no condition can hold there; "
                    f"set mesh.boundaries.{name} = 'wall'"
                )
            return None
        stated = stated or AxisFlowConditions(low=AT_REST, high=AT_REST)
        return self._side(stated.low, axis, f"{PATH}.{name}.low", 1.0), self._side(
            stated.high, axis, f"{PATH}.{name}.high", -1.0
        )

    def _side(self, stated: FlowCondition, axis: int, path: str, inward: float) -> Side:
        rest = (value_in_time(0.0),) * 3
        if isinstance(stated, NoSlip):
            return Side(rest, grip=True)
        if isinstance(stated, Slip):
            return Side(rest, grip=False)
        if not isinstance(stated, MovingWall | Inflow):
            return Side(rest, grip=False, open=True)
        if len(stated.velocity) != self.mesh.ndim:
            raise ScenarioError(
                f"{path}.velocity: {len(stated.velocity)} components on a mesh of {self.mesh.ndim} axes"
            )
        by_axis = list(rest)
        for number, value in enumerate(stated.velocity):
            by_axis[2 - number] = value_in_time(value)
        if isinstance(stated, MovingWall):
            if stated.velocity[2 - axis] != 0.0:
                raise ScenarioError(f"{path}.velocity: a wall cannot move across itself, got {stated.velocity}")
            return Side(tuple(by_axis), grip=True)
        normal = stated.velocity[2 - axis]
        if inward * normal <= 0.0:
            raise ScenarioError(f"{path}.velocity: {stated.velocity} does not enter the domain; use 'outflow' to leave")
        return Side(tuple(by_axis), grip=True, inflow=normal)

    def _check_balance(self) -> None:
        sides = [side for pair in self.sides if pair is not None for side in pair]
        total = 0.0
        for axis in self.axes:
            if self.sides[axis] is not None:
                low, high = self.sides[axis]
                area = float(np.prod([self.mesh.length[a - 3] for a in self.axes if a != axis]))
                total += (low.inflow - high.inflow) * area
        if total != 0.0 and not any(side.open for side in sides):
            raise ScenarioError(f"{PATH}: fluid enters ({total:g} in volume per time) but no side is of type 'outflow'")


def lower_faces(mesh: Grid, axis: int) -> tuple[Any, ...]:
    """Coordinates (in axis order) of the lower faces, normal to ``axis`` (z, y, x: 0 to 2), of all cells."""
    vectors = []
    for number, (start, n, step) in enumerate(zip(mesh.origin, mesh.shape, mesh.spacing, strict=True)):
        offset = 0.0 if number + 3 - mesh.ndim == axis else 0.5
        vectors.append(start + (np.arange(n) + offset) * step)
    return tuple(np.meshgrid(*vectors, indexing="ij"))


_NAMES: dict[tuple[bool, bool], Sides] = {
    (False, False): "closed-closed",
    (False, True): "closed-open",
    (True, False): "open-closed",
    (True, True): "open-open",
}


def _at(values: Array, axis: int, index: int) -> Array:
    return _range(values, axis, index, index + 1)


def _range(values: Array, axis: int, first: int, last: int) -> Array:
    index = [slice(None)] * 3
    index[axis] = slice(first, last)
    return values[tuple(index)]
