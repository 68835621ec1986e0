"""Options of incompressible flow on a staggered grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit
from subgrid_stencil.config import Diffusivity, Vector
from subgrid_stencil.config_boundaries import Table

Speed = Annotated[float, Unit("m/s")]
Velocity = Annotated[tuple[Speed, ...], Field(min_length=1, max_length=3, description="velocity, ordered (x, y, z)")]


class NoSlip(Options):
    """A wall at rest: u = 0."""

    type: Literal["no_slip"]


class Slip(Options):
    """A wall without friction: no flow through it, no shear along it."""

    type: Literal["slip"]


class MovingWall(Options):
    """A wall that moves in its own plane."""

    type: Literal["moving_wall"]
    velocity: Annotated[
        tuple[Speed | Table, ...],
        Field(min_length=1, max_length=3, description="velocity of the wall, ordered (x, y, z); 0 across the wall"),
    ]


class Inflow(Options):
    """Fluid enters with a uniform velocity."""

    type: Literal["inflow"]
    velocity: Velocity


class Outflow(Options):
    """Fluid leaves: zero gradient of velocity, pressure 0 on the face."""

    type: Literal["outflow"]


FlowCondition = Annotated[NoSlip | Slip | MovingWall | Inflow | Outflow, Field(discriminator="type")]
"""What one side of the domain does to the flow."""

AT_REST = NoSlip(type="no_slip")


class AxisFlowConditions(Options):
    """Conditions on the two sides of an axis."""

    low: Annotated[FlowCondition, Field(description="at the lower end")] = AT_REST
    high: Annotated[FlowCondition, Field(description="at the upper end")] = AT_REST


class FlowConditions(Options):
    """Conditions by axis. A walled axis that is not named has walls at rest."""

    x: AxisFlowConditions | None = None
    y: AxisFlowConditions | None = None
    z: AxisFlowConditions | None = None


class BallObstacle(Options):
    """A ball (in 2D a disc, the section of a cylinder)."""

    type: Literal["ball"]
    center: Vector
    radius: Annotated[float, Unit("m"), Field(gt=0, description="radius")]


class BoxObstacle(Options):
    """A box with edges along the axes."""

    type: Literal["box"]
    low: Vector
    high: Vector

    @model_validator(mode="after")
    def _ordered(self) -> BoxObstacle:
        if len(self.low) != len(self.high) or any(a >= b for a, b in zip(self.low, self.high, strict=True)):
            raise ValueError(f"low {self.low} must lie below high {self.high} along every axis")
        return self


Obstacle = Annotated[BallObstacle | BoxObstacle, Field(discriminator="type")]


class Penalty(Options):
    """Solid bodies at rest by volume penalisation: -(solid fraction / time) u (Angot, Bruneau and Fabrie 1999).

    The flow in a body decays within ``time``, and its boundary layer has a thickness of sqrt(viscosity time). Explicit
    schemes need steps below ``real_extent`` times ``time``.
    """

    bodies: Annotated[tuple[Obstacle, ...], Field(min_length=1, description="the solid is their union")]
    time: Annotated[float, Unit("s"), Field(gt=0, description="time in which flow in a body decays")]


class SmokeSource(Options):
    """A ball in which smoke is made at a uniform rate."""

    center: Vector
    radius: Annotated[float, Unit("m"), Field(gt=0, description="radius")]
    rate: Annotated[float, Unit("1/s"), Field(ge=0, description="concentration made per second")] = 1.0


class Smoke(Options):
    """A scalar carried by the flow, which it lifts: acceleration ``buoyancy`` times concentration along the last of the
    axes (x, y, z) that the mesh has. No smoke passes walls; inflow brings none."""

    diffusivity: Diffusivity = 0.0
    buoyancy: Annotated[float, Unit("m/s2"), Field(description="upward acceleration of unit concentration")] = 1.0
    sources: tuple[SmokeSource, ...] = ()
    scheme: Annotated[
        Literal["van_leer", "central2"],
        Field(description="advective flux: limited upwind (van Leer 1974), which keeps bounds, or centred"),
    ] = "van_leer"


class IncompressibleNavierStokesConfig(Options):
    """Coefficients of u_t + div(u u) = -grad p + viscosity lap u + force, div u = 0, density 1."""

    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="kinematic viscosity")] = 0.01
    force: Annotated[
        tuple[Annotated[float, Unit("m/s2")], ...],
        Field(max_length=3, description="uniform acceleration, ordered (x, y, z)"),
    ] = ()
    boundaries: FlowConditions = FlowConditions()
    obstacle: Penalty | None = None
    smoke: Smoke | None = None


class FluidAtRestConfig(Options):
    """A uniform velocity, with walls and bodies at work from the first step; without smoke."""

    velocity: Annotated[
        tuple[Speed, ...], Field(max_length=3, description="velocity, ordered (x, y, z); made divergence-free")
    ] = ()
    noise: Annotated[
        float, Unit("m/s"), Field(ge=0, description="standard deviation of noise in each component, to break symmetry")
    ] = 0.0


class BoxVorticesConfig(Options):
    """Taylor-Green vortices: u = A cos(k x) sin(k y) [cos(k z)], v = -A sin(k x) cos(k y) [cos(k z)].

    In 2D an exact solution that decays as exp(-2 viscosity k^2 t); in 3D the start of a transition.
    """

    amplitude: Speed = 1.0
    wavenumber: Annotated[float, Unit("1/m"), Field(gt=0, description="k along every axis")] = 1.0


class BoxVorticesErrorConfig(BoxVorticesConfig):
    """The exact solution in 2D."""

    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="kinematic viscosity")] = 0.01


class CavityReferenceConfig(Options):
    """Published centre lines of the flow in a square cavity [0, 1]^2 whose upper wall moves at unit speed."""

    reynolds: Annotated[Literal[100, 400, 1000], Field(description="Reynolds number of the table")] = 100
