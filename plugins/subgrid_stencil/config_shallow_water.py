"""Options of the shallow water solver, its initial states and observer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options, Unit
from subgrid_stencil.config import Vector

Side = Annotated[
    Literal["wall", "outflow"], Field(description="a wall that reflects, or an end where waves leave (zero gradient)")
]
Depth = Annotated[float, Unit("m"), Field(ge=0, description="depth of water")]


class Ends(Options):
    """What stands at both ends of an axis."""

    low: Side = "wall"
    high: Side = "wall"


class ShallowWaterBoundaries(Options):
    """Ends by axis. A walled axis that is not named has walls."""

    x: Ends | None = None
    y: Ends | None = None


class Hill(Options):
    """A Gaussian hill on the bed."""

    center: Vector
    width: Annotated[float, Unit("m"), Field(gt=0, description="standard deviation")]
    height: Annotated[float, Unit("m"), Field(description="height of the top; negative for a hollow")]


class Bowl(Options):
    """A paraboloid depth (|x - center|^2 / radius^2 - 1): a bed whose level is 0 at ``radius``."""

    center: Vector
    radius: Annotated[float, Unit("m"), Field(gt=0, description="where the bed crosses the level 0")]
    depth: Annotated[float, Unit("m"), Field(gt=0, description="depth of the middle below the level 0")]


class Bed(Options):
    """Height of the bed [m]: the sum of what is given."""

    hills: tuple[Hill, ...] = ()
    bowl: Bowl | None = None
    map: Annotated[str | None, Field(description=".npy file with the height [m] of every cell")] = None


class ShallowWaterConfig(Options):
    """Coefficients of h_t + div(h u) = 0, (h u)_t + div(h u u) + grad(g h^2 / 2) = -g h grad(bed)."""

    gravity: Annotated[float, Unit("m/s2"), Field(gt=0, description="g")] = 9.81
    limiter: Annotated[
        Literal["mc", "minmod", "none"],
        Field(description="slopes within cells: monotonised central, minmod, or none (first order)"),
    ] = "mc"
    dry_depth: Annotated[float, Unit("m"), Field(gt=0, description="water below this depth does not move")] = 1e-8
    bed: Bed = Bed()
    boundaries: ShallowWaterBoundaries = ShallowWaterBoundaries()


class DamBreakConfig(Options):
    """Water at rest at two depths on both sides of a dam across x that is gone at t = 0."""

    left: Depth = 1.0
    right: Depth = 0.1
    position: Annotated[float, Unit("m"), Field(description="x of the dam")] = 0.0


class LakeConfig(Options):
    """Water at rest, or with a bump of its surface."""

    level: Annotated[float, Unit("m"), Field(description="height of the surface; higher ground is dry")] = 1.0
    bump: Hill | None = None


class DamBreakErrorConfig(DamBreakConfig):
    """The exact solution on a flat bed (Ritter 1892 where one side is dry, Stoker 1957 where both are wet)."""

    gravity: Annotated[float, Unit("m/s2"), Field(gt=0, description="g")] = 9.81
