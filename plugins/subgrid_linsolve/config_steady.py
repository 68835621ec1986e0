"""Options of steady diffusion: Poisson's equation and Darcy flow."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Place = Annotated[
    tuple[Annotated[float, Unit("m")], ...], Field(min_length=1, max_length=3, description="place, ordered (x, y, z)")
]


class Held(Options):
    """p = value on the wall."""

    type: Literal["dirichlet"]
    value: Annotated[float, Unit(""), Field(description="p on the wall")] = 0.0


class Flux(Options):
    """A flux into the domain through the wall: permeability times the outward derivative."""

    type: Literal["neumann"]
    flux: Annotated[float, Unit("m/s"), Field(description="flux in through the wall; 0 lets nothing through")] = 0.0


class Leak(Options):
    """alpha p + beta (flux in) = value on the wall, with flux in = permeability times the outward derivative.

    A wall of conductance c before a place where p is held at p0 has alpha = c, beta = 1 and value = c p0.
    """

    type: Literal["robin"]
    alpha: Annotated[float, Unit(""), Field(ge=0, description="factor of p")] = 1.0
    beta: Annotated[float, Unit("s/m"), Field(ge=0, description="factor of the flux in")] = 1.0
    value: Annotated[float, Unit(""), Field(description="right-hand side")] = 0.0

    @model_validator(mode="after")
    def _something(self) -> Leak:
        if self.alpha == 0.0 and self.beta == 0.0:
            raise ValueError("alpha and beta are both zero: that is no condition")
        return self


WallCondition = Annotated[Held | Flux | Leak, Field(discriminator="type")]

CLOSED = Flux(type="neumann")


class AxisWalls(Options):
    """Conditions on the two walls of an axis.

    ``{ type = "dirichlet", low = 1.0, high = 0.0 }`` is short for two walls of one type with these values (of
    ``neumann``: fluxes).
    """

    low: Annotated[WallCondition, Field(description="at the lower end")] = CLOSED
    high: Annotated[WallCondition, Field(description="at the upper end")] = CLOSED

    @model_validator(mode="before")
    @classmethod
    def _both_of_one_type(cls, stated: Any) -> Any:
        if not isinstance(stated, dict) or "type" not in stated:
            return stated
        kind, rest = stated["type"], {name: value for name, value in stated.items() if name not in ("type", *_SIDES)}
        number = "flux" if kind == "neumann" else "value"
        return rest | {side: {"type": kind, number: stated.get(side, 0.0)} for side in _SIDES}


_SIDES = ("low", "high")


class WallConditions(Options):
    """Conditions by axis. A walled axis that is not named lets nothing through."""

    x: AxisWalls | None = None
    y: AxisWalls | None = None
    z: AxisWalls | None = None


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
    boundaries: WallConditions = WallConditions()


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
