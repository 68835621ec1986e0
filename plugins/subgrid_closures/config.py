"""Options of the classical closures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options, Unit

Averaging = Literal["domain", "local"]


class NoClosureConfig(Options):
    """`none` has no options."""


class ConstantViscosityConfig(Options):
    viscosity: Annotated[float, Unit("m2/s")] = Field(
        1e-3, description="Eddy viscosity; a negative one feeds energy into the flow."
    )


class FilterWidthOptions(Options):
    """The filter width Delta in units of the grid spacing h (geometric mean over the axes)."""

    filter_width_ratio: float = Field(
        1.0,
        gt=0,
        description="Delta / h. Published coefficients belong to one convention: "
        "Delta = h mostly, Delta = 2 h for Gaussian and box filters.",
    )


class SmagorinskyConfig(FilterWidthOptions):
    coefficient: float = Field(0.11, ge=0, description="C_S; 0.08-0.17 in 2D with Delta = h.")
    averaging: Averaging = Field(
        "domain", description="'domain': one viscosity from the rms strain; 'local': pointwise."
    )


class LeithConfig(FilterWidthOptions):
    coefficient: float = Field(0.25, ge=0, description="C_L; 0.17-0.3 with Delta = h, growing with resolution.")
    averaging: Averaging = Field(
        "domain", description="'domain': one viscosity from the mean vorticity gradient; 'local': pointwise."
    )
