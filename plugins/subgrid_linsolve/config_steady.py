"""Options of steady diffusion: Poisson's equation and Darcy flow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options, Unit

Place = Annotated[
    tuple[Annotated[float, Unit("m")], ...], Field(min_length=1, max_length=3, description="place, ordered (x, y, z)")
]


class Held(Options):
    """Values held on both walls of an axis."""

    type: Literal["dirichlet"]
    low: Annotated[float, Unit(""), Field(description="value on the lower wall")] = 0.0
    high: Annotated[float, Unit(""), Field(description="value on the upper wall")] = 0.0


class Fluxes(Options):
    """Fluxes into the domain through both walls of an axis: permeability times the outward derivative."""

    type: Literal["neumann"]
    low: Annotated[float, Unit("m/s"), Field(description="flux in through the lower wall")] = 0.0
    high: Annotated[float, Unit("m/s"), Field(description="flux in through the upper wall")] = 0.0


WallPair = Annotated[Held | Fluxes, Field(discriminator="type")]


class WallPairs(Options):
    """Conditions by axis. A walled axis that is not named lets nothing through."""

    x: WallPair | None = None
    y: WallPair | None = None
    z: WallPair | None = None


class GaussianSource(Options):
    """strength exp(-|x - center|^2 / (2 width^2))."""

    center: Place
    width: Annotated[float, Unit("m"), Field(gt=0, description="standard deviation")]
    strength: Annotated[float, Unit(""), Field(description="value at the centre")] = 1.0


class Source(Options):
    """The right-hand side: the sum of what is given."""

    uniform: Annotated[float, Unit(""), Field(description="the same everywhere")] = 0.0
    gaussians: tuple[GaussianSource, ...] = ()
    map: Annotated[str | None, Field(description=".npy file with the value of every cell")] = None


class PoissonConfig(Options):
    """-lap p = source."""

    source: Source = Source()
    boundaries: WallPairs = WallPairs()


class UniformPermeability(Options):
    type: Literal["uniform"]
    value: Annotated[float, Unit("m2/s"), Field(gt=0, description="permeability over viscosity")] = 1.0


class LayeredPermeability(Options):
    """Layers of equal thickness across an axis."""

    type: Literal["layers"]
    values: Annotated[
        tuple[Annotated[float, Unit("m2/s"), Field(gt=0)], ...],
        Field(min_length=1, description="from the lower end of the axis to the upper one"),
    ]
    axis: Annotated[Literal["x", "y", "z"], Field(description="axis that the layers lie across")] = "y"


class LogNormalPermeability(Options):
    """exp(g), g a Gaussian field of zero mean, periodic over the domain, drawn from the streams of the run.

    Its covariance is variance exp(-|x - x'|^2 / (2 length^2)) as far as the grid resolves it.
    """

    type: Literal["log_normal"]
    variance: Annotated[float, Unit(""), Field(ge=0, description="variance of the logarithm")] = 1.0
    length: Annotated[float, Unit("m"), Field(gt=0, description="correlation length")] = 0.1


class MappedPermeability(Options):
    type: Literal["map"]
    file: Annotated[str, Field(description=".npy file with the positive value of every cell")]


class DarcyConfig(PoissonConfig):
    """-div(permeability grad p) = source; the flux is -permeability grad p."""

    permeability: Annotated[
        UniformPermeability | LayeredPermeability | LogNormalPermeability | MappedPermeability,
        Field(discriminator="type"),
    ] = UniformPermeability(type="uniform")


class UniformConfig(Options):
    value: Annotated[float, Unit(""), Field(description="u everywhere")] = 0.0
