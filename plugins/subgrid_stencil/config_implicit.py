"""Options of the solvers that diffuse by implicit steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit
from subgrid_stencil.config import AdvectionDiffusionConfig, GaussianSource
from subgrid_stencil.config_boundaries import FieldConditions, Table

Scheme = Annotated[Literal["backward_euler", "crank_nicolson"], Field(description="implicit scheme, of order 1 or 2")]


class CirclingSource(Options):
    """A smooth bump of heat that circles around the centre, in the plane of x and y; lengths are fractions of the
    shortest side."""

    strength: Annotated[float, Field(description="largest rate of heating [1/s]")] = 32.0
    radius: Annotated[float, Field(gt=0, le=0.5, description="radius of the bump")] = 0.125
    orbit: Annotated[float, Field(ge=0, le=0.5, description="radius of its circle")] = 0.25
    frequency: Annotated[float, Field(description="revolutions in a unit of time [1/s]")] = 8.0


class ImplicitDiffusionConfig(Options):
    """Coefficients of u_t = kappa(t) lap u + source, kappa(t) = diffusivity (1 + modulation sin(2 pi t / period))."""

    diffusivity: Annotated[
        Annotated[float, Unit("m2/s")] | Table, Field(description="a number, or values at times [m2/s]")
    ] = 1.0
    modulation: Annotated[float, Field(ge=0, lt=1, description="relative amplitude of kappa's oscillation")] = 0.0
    period: Annotated[float, Unit("s"), Field(gt=0, description="period of kappa's oscillation")] = 1.0
    scheme: Scheme = "crank_nicolson"
    source: GaussianSource | None = None
    circling_source: CirclingSource | None = None
    boundaries: FieldConditions = FieldConditions()

    @model_validator(mode="after")
    def _positive(self) -> ImplicitDiffusionConfig:
        values = self.diffusivity.values if isinstance(self.diffusivity, Table) else (self.diffusivity,)
        if min(values) < 0.0:
            raise ValueError(f"diffusivity: {min(values):g} is negative")
        return self


class ImplicitAdvectionDiffusionConfig(AdvectionDiffusionConfig):
    """Coefficients of u_t + div(velocity u) = diffusivity lap u."""

    time_scheme: Scheme = "crank_nicolson"


class BumpConfig(Options):
    """amplitude exp(1 - 1/(1 - r^2 / radius^2)) in the middle of the domain."""

    radius: Annotated[float, Field(gt=0, le=0.5, description="in units of the shortest side")] = 0.25
    amplitude: Annotated[float, Field(description="value at the centre")] = 1.0
