"""The mesh component ``grid``: a uniform grid, periodic or walled along each axis, from a scenario."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from subgrid.options import Options, Unit

if TYPE_CHECKING:
    from subgrid.mesh import Grid

AXES = ("z", "y", "x")
LARGEST = 2**31
"""Most cells of a grid."""

Length = Annotated[float, Unit("m"), Field(gt=0)]


Boundary = Annotated[Literal["periodic", "wall"], Field(description="both sides of the axis")]


class AxisBoundaries(Options):
    """Whether an axis closes on itself or ends at walls. What holds at a wall is an option of the solver."""

    x: Boundary = "periodic"
    y: Boundary = "periodic"
    z: Boundary = "periodic"

    @field_validator("x", "y", "z", mode="before")
    @classmethod
    def _both_sides(cls, value: Any) -> Any:
        if isinstance(value, list | tuple | dict):
            raise ValueError(
                "an axis is 'periodic' or 'wall' on both sides, never one of each; "
                "conditions of the two walls are options of the solver"
            )
        return value


class GridConfig(Options):
    """Options of a uniform Cartesian grid. Axes are ordered (z, y, x): in two dimensions ``shape = [ny, nx]``."""

    shape: Annotated[
        tuple[Annotated[int, Field(gt=0, le=LARGEST)], ...],
        Field(min_length=1, max_length=3, description="number of cells along each axis, x last"),
    ]
    length: Annotated[
        tuple[Length, ...], Field(min_length=1, max_length=3, description="extent along each axis, for example '2 pi'")
    ]
    origin: Annotated[
        tuple[Annotated[float, Unit("m")], ...], Field(max_length=3, description="lower corner; default: zero")
    ] = ()
    offset: Annotated[
        Literal["node", "cell"], Field(description="values live at the lower corners or at the centres of cells")
    ] = "node"
    boundaries: Annotated[AxisBoundaries, Field(description="periodic or wall along each axis")] = AxisBoundaries()

    @model_validator(mode="after")
    def _one_entry_for_each_axis(self) -> GridConfig:
        for name in ("length", "origin"):
            count = len(getattr(self, name))
            if count != len(self.shape) and (count or name == "length"):
                raise ValueError(f"{name} has {count} entries, shape has {len(self.shape)}")
        for axis in AXES[: 3 - len(self.shape)]:
            if getattr(self.boundaries, axis) != "periodic":
                raise ValueError(f"boundaries.{axis}: a grid of {len(self.shape)} axes has no {axis}")
        if self.offset == "node" and any(getattr(self.boundaries, axis) == "wall" for axis in AXES):
            raise ValueError("offset: walls lie half a spacing from the nearest values; use offset = 'cell'")
        if math.prod(self.shape) > LARGEST:
            raise ValueError(f"shape: {math.prod(self.shape)} cells are more than {LARGEST}")
        for n, length in zip(self.shape, self.length, strict=True):
            if not (length / n) ** 2 > 0.0:
                raise ValueError(f"length: {length:g} is too short for {n} cells")
        return self


class GridMesh:
    """Builds the grid that a scenario asks for."""

    def __init__(self, config: GridConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"GridMesh(shape={self.config.shape}, length={self.config.length})"

    def build(self) -> Grid:
        """The immutable mesh."""
        from subgrid.mesh import Grid

        config = self.config
        return Grid(
            shape=config.shape,
            length=config.length,
            origin=config.origin,
            boundaries=tuple(getattr(config.boundaries, axis) for axis in AXES[3 - len(config.shape) :]),
            offset={"node": 0.0, "cell": 0.5}[config.offset],
        )
