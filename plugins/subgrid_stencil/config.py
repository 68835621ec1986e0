"""Options of the stencil solvers, their initial states and observers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit
from subgrid_stencil.config_boundaries import FieldConditions

Vector = Annotated[
    tuple[Annotated[float, Unit("m")], ...], Field(min_length=1, max_length=3, description="place, ordered (x, y, z)")
]
Diffusivity = Annotated[float, Unit("m2/s"), Field(ge=0, description="factor of the Laplacian")]
Velocity = Annotated[
    tuple[Annotated[float, Unit("m/s")], ...], Field(max_length=3, description="uniform flow, ordered (x, y, z)")
]


class GaussianSource(Options):
    """A steady source rate exp(-|x - center|^2 / (2 width^2))."""

    rate: Annotated[float, Unit("1/s"), Field(description="rate at the centre, unit of u per s")] = 1.0
    center: Vector
    width: Annotated[float, Unit("m"), Field(gt=0, description="standard deviation")] = 0.1


class HeatConfig(Options):
    """Coefficients of u_t = diffusivity lap u + source."""

    diffusivity: Diffusivity = 1.0
    source: GaussianSource | None = None
    boundaries: FieldConditions = FieldConditions()


class AdvectionDiffusionConfig(Options):
    """Coefficients of u_t + div(velocity u) = diffusivity lap u."""

    diffusivity: Diffusivity = 0.01
    velocity: Velocity = (1.0,)
    scheme: Annotated[
        Literal["central2", "central4", "upwind3"],
        Field(description="face values of the advective flux: centred of order 2 or 4, or upwind-biased of order 3"),
    ] = "central2"
    boundaries: FieldConditions = FieldConditions()


class WaveConfig(Options):
    """Speed of u_tt = speed^2 lap u."""

    speed: Annotated[float, Unit("m/s"), Field(gt=0, description="speed of waves")] = 1.0
    boundaries: FieldConditions = FieldConditions()


class GrayScottConditions(Options):
    """Conditions on walls for both species."""

    u: FieldConditions = FieldConditions()
    v: FieldConditions = FieldConditions()


class GrayScottConfig(Options):
    """Coefficients of u_t = Du lap u - u v^2 + F (1 - u), v_t = Dv lap v + u v^2 - (F + k) v."""

    diffusivity_u: Diffusivity = 2e-5
    diffusivity_v: Diffusivity = 1e-5
    feed: Annotated[float, Unit("1/s"), Field(ge=0, description="F")] = 0.0367
    kill: Annotated[float, Unit("1/s"), Field(ge=0, description="k")] = 0.0649
    boundaries: GrayScottConditions = GrayScottConditions()


class Ball(Options):
    """A ball (disc, interval) of another diffusivity."""

    center: Vector
    radius: Annotated[float, Unit("m"), Field(gt=0, description="cells with centres within it belong to the ball")]
    diffusivity: Diffusivity


class FisherKolmogorovConfig(Options):
    """Coefficients of u_t = div(D(x) grad u) + growth u (1 - u)."""

    diffusivity: Diffusivity = 1.0
    growth: Annotated[float, Unit("1/s"), Field(ge=0, description="rate of growth of small u")] = 1.0
    regions: Annotated[
        tuple[Ball, ...], Field(description="places of other diffusivity; later ones lie on top of earlier ones")
    ] = ()
    map: Annotated[
        str | None, Field(description=".npy file with the diffusivity [m2/s] of every cell; regions lie on top of it")
    ] = None
    boundaries: FieldConditions = FieldConditions()


class StandingModeConfig(Options):
    """mean + amplitude times a product over the axes of cos or sin of pi mode (x - origin) / length.

    Cosines suit closed walls, sines walls with u = 0; along a periodic axis modes are even.
    """

    modes: Annotated[
        tuple[Annotated[int, Field(ge=0, le=100_000)], ...],
        Field(max_length=3, description="half waves along (x, y, z); axes not named are uniform"),
    ] = (2,)
    form: Annotated[Literal["cosine", "sine"], Field(description="cos or sin along every named axis")] = "cosine"
    amplitude: Annotated[float, Unit(""), Field(description="height of the mode")] = 1.0
    mean: Annotated[float, Unit(""), Field(description="uniform value added")] = 0.0


class StandingModeErrorConfig(StandingModeConfig):
    """The exact solution from `StandingModeConfig` at t = 0: it decays by diffusion, or swings as a wave."""

    diffusivity: Diffusivity = 1.0
    speed: (
        Annotated[float, Unit("m/s"), Field(gt=0, description="speed of waves; given, the mode swings, else it decays")]
        | None
    ) = None


class GaussianConfig(Options):
    """background + amplitude exp(-|x - center|^2 / (2 width^2)), with its images along periodic axes."""

    center: Vector = (0.5, 0.5, 0.5)
    width: Annotated[float, Unit("m"), Field(gt=0, description="standard deviation")] = 0.1
    amplitude: Annotated[float, Unit(""), Field(description="height")] = 1.0
    background: Annotated[float, Unit(""), Field(description="value far away")] = 0.0


class GaussianErrorConfig(GaussianConfig):
    """The exact solution from `GaussianConfig` at t = 0 when a uniform flow carries it and diffusion spreads it."""

    diffusivity: Diffusivity = 0.01
    velocity: Velocity = (1.0,)


class GrayScottSeedConfig(Options):
    """u = 1 and v = 0 but for a central block, with noise on both: the start of Pearson (1993)."""

    cells: Annotated[int, Field(ge=1, le=2**31, description="cells along each side of the block")] = 20
    u: Annotated[float, Unit(""), Field(description="u in the block")] = 0.5
    v: Annotated[float, Unit(""), Field(description="v in the block")] = 0.25
    noise: Annotated[float, Unit(""), Field(ge=0, le=1, description="relative amplitude of uniform noise")] = 0.01


class FrontConfig(Options):
    """u = height for x below position, zero beyond."""

    position: Annotated[float, Unit("m"), Field(description="place of the step")] = 0.5
    height: Annotated[float, Unit(""), Field(description="u behind the front")] = 1.0


Size = Annotated[int, Field(ge=16, le=16384, description="cells along each axis")]


class StencilBenchmarkConfig(Options):
    """Sizes of the stencil benchmarks."""

    heat_2d: Size = 2048
    heat_3d: Size = 256
    gray_scott: Size = 1024

    @model_validator(mode="after")
    def _in_memory(self) -> StencilBenchmarkConfig:
        if self.heat_3d > 1024:
            raise ValueError(f"heat_3d = {self.heat_3d}: more than 1024 cells along each of three axes do not fit")
        return self
