"""Options of the observers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Form = Literal["isotropic", "axis_averaged", "x", "y"]


class EnergyConfig(Options):
    """Options of `Energy`: none."""


class EnstrophyConfig(Options):
    """Options of `Enstrophy`: none."""


class DomainMeanConfig(Options):
    """Options of `DomainMean`."""

    quantities: Annotated[
        tuple[str, ...], Field(min_length=1, description="names of quantities that the solver derives")
    ] = ("energy",)
    power: Annotated[Literal[1, 2], Field(description="1 averages the quantity, 2 its square")] = 1


class EnergySpectrumConfig(Options):
    """Options of `EnergySpectrum`."""

    form: Annotated[Form, Field(description="shells of |k|, or one-dimensional spectra along the axes")] = "isotropic"


class EnstrophySpectrumConfig(Options):
    """Options of `EnstrophySpectrum`."""

    form: Annotated[Form, Field(description="shells of |k|, or one-dimensional spectra along the axes")] = "isotropic"


class PowerSpectrumConfig(Options):
    """Options of `PowerSpectrum`."""

    quantity: Annotated[str, Field(min_length=1, description="scalar field of the solver")] = "u"
    form: Annotated[Form, Field(description="shells of |k|, or one-dimensional spectra along the axes")] = "isotropic"


class VorticityPdfConfig(Options):
    """Options of `VorticityPdf`."""

    quantity: Annotated[str, Field(min_length=1, description="scalar field of the solver")] = "vorticity"
    std: Annotated[
        Annotated[float, Unit("1/s"), Field(gt=0)] | None,
        Field(description="unit of the bins; without it each field is measured in its own standard deviations"),
    ] = None
    extent: Annotated[float, Field(gt=0, description="bins reach from -extent to +extent, in units of std")] = 10.0
    bins: Annotated[int, Field(ge=2, le=100_000, description="number of equal bins")] = 400
    edges: Annotated[
        tuple[Annotated[float, Unit("1/s")], ...],
        Field(description="bin edges, increasing; replaces std, extent and bins"),
    ] = ()

    @model_validator(mode="after")
    def _increasing(self) -> VorticityPdfConfig:
        if self.edges and (
            len(self.edges) < 3 or any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False))
        ):
            raise ValueError("edges must be at least three increasing numbers")
        return self


class CourantConfig(Options):
    """Options of `Courant`: none."""


class BudgetConfig(Options):
    """Options of `Budget`."""

    of: Annotated[
        tuple[Literal["energy", "enstrophy"], ...],
        Field(description="what is budgeted; default: whichever the solver accounts for"),
    ] = ()


class ReferenceCorrelationConfig(Options):
    """Options of `ReferenceCorrelation`."""

    run: Annotated[str, Field(min_length=1, description="run folder of the reference, relative to the scenario")]
    quantity: Annotated[str, Field(min_length=1, description="field to compare")] = "vorticity"
