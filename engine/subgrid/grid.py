"""The mesh component ``grid``: a uniform periodic grid from a scenario."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from subgrid.options import Options, Unit

if TYPE_CHECKING:
    from subgrid.mesh import Grid

LARGEST = 2**31
"""Most cells of a grid."""

Length = Annotated[float, Unit("m"), Field(gt=0)]


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
    boundaries: Annotated[
        tuple[str, ...], Field(max_length=3, description="condition along each axis; default: periodic")
    ] = ()

    @field_validator("boundaries")
    @classmethod
    def _available(cls, boundaries: tuple[str, ...]) -> tuple[str, ...]:
        others = sorted(set(boundaries) - {"periodic"})
        if others:
            raise ValueError(f"{others[0][:60]!r} is not available yet; the only boundary so far is 'periodic'")
        return boundaries

    @model_validator(mode="after")
    def _one_entry_for_each_axis(self) -> GridConfig:
        for name in ("length", "origin", "boundaries"):
            count = len(getattr(self, name))
            if count != len(self.shape) and (count or name == "length"):
                raise ValueError(f"{name} has {count} entries, shape has {len(self.shape)}")
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
            boundaries=config.boundaries,
            offset={"node": 0.0, "cell": 0.5}[config.offset],
        )
