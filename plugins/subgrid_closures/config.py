"""Options of the classical closures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options, Unit

Averaging = Literal["domain", "local"]
Estimate = Literal["positive_mean", "mean", "positive_local", "local_ratio"]


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


class DynamicOptions(FilterWidthOptions):
    """What the dynamic procedures share."""

    averaging: Averaging = Field(
        "domain", description="Of |S| or |grad w| in the viscosity; the coefficient has its own choice, `estimate`."
    )
    estimate: Estimate = Field(
        "positive_mean",
        description="How the coefficient c follows from the identity L = c M. 'positive_mean': <(L M)+>/<M^2>; "
        "'mean': <L M>/<M^2>, least squares, may be negative; 'positive_local': (L M)+/<M^2>, a field; "
        "'local_ratio': L M/M^2 clipped to 0 ... largest, a noisy field.",
    )
    test_filter_ratio: float = Field(2.0, gt=1, description="Width of the test filter in units of Delta.")
    largest: float = Field(0.5, gt=0, description="Largest C_S or C_L that estimate = 'local_ratio' may give.")


class DynamicSmagorinskyConfig(DynamicOptions):
    form: Literal["vorticity", "momentum"] = Field(
        "vorticity", description="Identity used: of the vorticity flux divergence, or of the stress (Lilly 1992)."
    )


class DynamicLeithConfig(DynamicOptions):
    """Options of `dynamic_leith`."""


class GradientConfig(FilterWidthOptions):
    order: Literal[2, 4] = Field(2, description="Highest power of Delta kept in the expansion of a Gaussian filter.")


class ZannaBoltonConfig(FilterWidthOptions):
    kappa: Annotated[float, Unit("m2")] | None = Field(
        None, description="Coefficient, negative; by default -(filter_width_ratio h)^2 / 24."
    )


class BackscatterConfig(FilterWidthOptions):
    coefficient: float = Field(0.08, ge=0, description="C_S of the biharmonic Smagorinsky viscosity.")
    returned_fraction: float = Field(
        0.99,
        ge=0,
        le=1.5,
        description="C_B: the part of the dissipated energy given back to the large scales; below 1.",
    )
    layer_thickness: tuple[Annotated[float, Unit("m"), Field(gt=0)], ...] = Field(
        (), description="Thickness of each layer: one energy budget over all layers. Empty: one budget for each layer."
    )


class GentMcWilliamsConfig(Options):
    diffusivity: Annotated[float, Unit("m2/s"), Field(ge=0)] = Field(
        1000.0, description="kappa_GM of the interface height."
    )
    coupling: tuple[Annotated[float, Unit("1/m2"), Field(ge=0)], Annotated[float, Unit("1/m2"), Field(ge=0)]] = Field(
        (3.5555555555555554e-09, 8.888888888888889e-10),
        description="F_1 and F_2 of the two layers, as in the solver; the default is a deformation radius of 15 km "
        "with thicknesses 1 : 4.",
    )


class ApproximateDeconvolutionConfig(FilterWidthOptions):
    filter_width_ratio: float = Field(2.0, gt=0, description="Delta / h of the Gaussian filter that is inverted.")
    order: int = Field(5, ge=0, le=50, description="Terms N of van Cittert's series; 3-5 is usual.")
    relaxation: Annotated[float, Unit("1/s"), Field(ge=0)] = Field(
        1.0, description="chi, the damping rate of what the series cannot recover; 0-5 in turnover units."
    )
