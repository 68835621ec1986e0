"""Options of the smoothed-particle family."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Vector = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
Side = Literal["x_low", "x_high", "y_low", "y_high", "z_low", "z_high"]
Axis = Literal["x", "y", "z"]


class FluidConfig(Options):
    """What both schemes ask for."""

    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rho0, at rest")] = 1000.0
    sound_speed: Annotated[float, Unit("m/s"), Field(gt=0, description="c0, at least ten times the fastest flow")] = (
        10.0
    )
    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="kinematic, laminar")] = 0.0
    gravity: Annotated[Vector, Field(description="body force by mass [m/s2], (x, y[, z])")] = (0.0, 0.0, 0.0)
    smoothing: Annotated[float, Field(ge=1.0, le=3.0, description="smoothing length h over the particle spacing")] = 2.0
    skin: Annotated[float, Field(ge=0.0, le=1.0, description="margin of the neighbour list, over 2 h")] = 0.1
    sort_every: Annotated[int, Field(ge=1, description="steps between two orderings of the particles by cell")] = 20


class DeltaConfig(FluidConfig):
    """Options of delta-SPH."""

    exponent: Annotated[int, Field(ge=1, le=10, description="gamma of the equation of state")] = 7
    artificial_viscosity: Annotated[float, Field(ge=0, le=1, description="alpha")] = 0.02
    density_diffusion: Annotated[float, Field(ge=0, le=0.5, description="delta")] = 0.1
    walls: Annotated[
        Literal["free_slip", "no_slip", "dynamic"],
        Field(
            description="pressure extrapolated to the wall, which is smooth or holds the fluid; or walls with a density"
        ),
    ] = "free_slip"


class TransportConfig(FluidConfig):
    """Options of the transport-velocity scheme."""

    walls: Annotated[Literal["free_slip", "no_slip"], Field(description="smooth, or hold the fluid")] = "no_slip"
    background: Annotated[float, Field(ge=0, le=10, description="background pressure over rho0 c0^2")] = 1.0


class Block(Options):
    """A box full of fluid or of wall."""

    center: Annotated[Vector, Field(description="its centre [m]")]
    size: Annotated[Vector, Field(description="its sides [m]")]
    velocity: Annotated[Vector | None, Field(description="[m/s]; at rest without")] = None

    @model_validator(mode="after")
    def _has_sides(self) -> Block:
        if min(self.size) <= 0:
            raise ValueError("size: every side is longer than zero")
        return self


class Lid(Options):
    """A wall of the mesh that slides along itself."""

    side: Annotated[Side, Field(description="which wall")]
    velocity: Annotated[Vector, Field(description="[m/s], along the wall")]


class Rest(Options):
    """Density of a fluid at rest below a surface, by the equation of state of the solver."""

    surface: Annotated[float, Field(description="height of the surface along the last axis [m]")]
    gravity: Annotated[float, Field(gt=0, description="downwards [m/s2]")]
    sound_speed: Annotated[float, Unit("m/s"), Field(gt=0, description="c0 of the solver")]
    exponent: Annotated[int, Field(ge=1, le=10, description="gamma of the solver")] = 7


class FluidBlocksConfig(Options):
    """Fluid at the centres of the cells of the mesh, and walls about the mesh."""

    fluid: Annotated[tuple[Block, ...], Field(description="boxes of fluid; without, the whole mesh")] = ()
    solid: Annotated[tuple[Block, ...], Field(description="boxes of wall inside the mesh")] = ()
    open: Annotated[tuple[Side, ...], Field(description="ends of the mesh, along axes with walls, that have none")] = ()
    lids: Annotated[tuple[Lid, ...], Field(description="walls that slide")] = ()
    layers: Annotated[int, Field(ge=1, le=12, description="layers of wall particles; they must cover 2 h")] = 5
    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rho0 of the solver")] = 1000.0
    rest: Annotated[Rest | None, Field(description="start with the pressure of rest")] = None
    jitter: Annotated[float, Field(ge=0, le=0.5, description="random displacement over the spacing")] = 0.0


class VortexParticlesConfig(Options):
    """Taylor-Green vortices on particles that have settled from a disturbed lattice."""

    velocity: Annotated[float, Unit("m/s"), Field(gt=0, description="largest speed U")] = 1.0
    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rho0 of the solver")] = 1.0
    jitter: Annotated[float, Field(ge=0, le=0.5, description="random displacement over the spacing")] = 0.2
    relaxation: Annotated[int, Field(ge=0, le=5000, description="steps of settling")] = 200
    smoothing: Annotated[float, Field(ge=1.0, le=3.0, description="h over the spacing while settling")] = 2.0


class FluidTotalsConfig(Options):
    """Options of the sums over fluid particles."""

    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rho0 of the solver")] = 1000.0


class FluidExtentConfig(Options):
    """Options of front and height."""

    axis: Annotated[Axis, Field(description="along which the fluid spreads")] = "x"


class VortexDecayConfig(Options):
    """Options of the comparison with decaying Taylor-Green vortices."""

    velocity: Annotated[float, Unit("m/s"), Field(gt=0, description="largest speed U at the start")] = 1.0
    viscosity: Annotated[float, Unit("m2/s"), Field(gt=0, description="kinematic")] = 0.01


class ChannelErrorConfig(Options):
    """Options of the comparison with the start-up of Poiseuille flow between walls across y."""

    force: Annotated[float, Field(gt=0, description="body force by mass along x [m/s2]")] = 0.08
    viscosity: Annotated[float, Unit("m2/s"), Field(gt=0, description="kinematic")] = 0.1


class HydrostaticErrorConfig(Options):
    """Options of the comparison with a fluid at rest."""

    surface: Annotated[float, Field(description="height of the surface along the last axis [m]")]
    gravity: Annotated[float, Field(gt=0, description="downwards [m/s2]")]
    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rho0 of the solver")] = 1000.0


class SmoothedBenchmarkConfig(Options):
    """Sizes of the workloads."""

    particles_2d: Annotated[int, Field(ge=100, description="particles in 2D")] = 99856
    particles_3d: Annotated[int, Field(ge=1000, description="particles in 3D")] = 97336


class NeighbourBenchmarkConfig(Options):
    """Sizes of the workloads."""

    points: Annotated[tuple[int, ...], Field(min_length=1, description="numbers of points")] = (100_000, 1_000_000)
