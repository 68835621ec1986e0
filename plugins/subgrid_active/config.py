"""Options of the active-fluid family."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from subgrid.options import Options


class ActiveFluidConfig(Options):
    """Immotile rods in a Stokes flow that they drive and align in (defaults: the published generator, zeta = 1)."""

    alpha: Annotated[
        float, Field(description="dipole strength: below 0 extensile (pushers), above 0 contractile (pullers)")
    ] = -1.0
    beta: Annotated[
        float, Field(ge=0, le=10, description="rigidity and concentration factor of the constraint stress")
    ] = 0.8
    zeta: Annotated[float, Field(ge=0, description="Maier-Saupe steric alignment strength")] = 1.0
    translational_diffusion: Annotated[float, Field(ge=0, description="d_T")] = 0.05
    rotational_diffusion: Annotated[float, Field(ge=0, description="d_R")] = 0.05
    stokes_passes: Annotated[
        int,
        Field(
            ge=1, le=100, description="most solves of the Stokes equation in an evaluation; the first starts from E = 0"
        ),
    ] = 12
    stokes_tolerance: Annotated[
        float,
        Field(ge=0, lt=1, description="relative change of the strain rate that ends the passes; 0 makes all of them"),
    ] = 1e-8


class ActiveMomentsConfig(ActiveFluidConfig):
    """Concentration and second moment, closed by slot `fourth_moment`."""


class ActiveKineticConfig(ActiveFluidConfig):
    """The kinetic theory by its angular moments a_0, a_2, ..., a_2K."""

    angular_modes: Annotated[
        int,
        Field(
            ge=0, le=512, description="K, number of moments beyond the concentration; 0 chooses it from the alignment"
        ),
    ] = 0


class ActiveOrientationsConfig(ActiveFluidConfig):
    """The kinetic theory on a grid of angles."""

    angles: Annotated[
        int, Field(ge=8, le=1024, description="angles over the circle; moments to a third of their number are kept")
    ] = 256


class ChebyshevConfig(Options):
    """Bingham closure by a Chebyshev series in s = |a2|^2/c^2."""

    degree: Annotated[int, Field(ge=4, le=120, description="degree: 40 gives 1e-10, 60 gives 3e-13")] = 60


class PlainClosureConfig(Options):
    """No options."""


class RodStatisticsConfig(Options):
    """Speed and order over the plane."""


class DefectsConfig(Options):
    """Disclinations of the director."""


class ModeGrowthConfig(Options):
    """Growth of one Fourier mode of the second moment."""

    modes: Annotated[tuple[int, int], Field(description="waves across the domain (mx, my)")] = (1, 0)


class ActiveBenchmarkConfig(Options):
    """Cost of the models of an active fluid."""

    points: Annotated[int, Field(ge=8, description="points on each axis")] = 64
    zeta: Annotated[float, Field(ge=0, description="alignment strength, from which the moments follow")] = 1.0
    angles: Annotated[int, Field(ge=8, description="angles of the kinetic theory on a grid")] = 256


class RandomOrientationsConfig(Options):
    """Isotropic rods disturbed by random plane waves in space and orientation."""

    waves: Annotated[int, Field(ge=1, le=64, description="number of random modes")] = 8
    amplitude: Annotated[float, Field(gt=0, description="largest amplitude of a mode is half of this")] = 0.1
    largest_wavenumber: Annotated[int, Field(ge=1, description="waves across the domain along an axis, at most")] = 8
    concentration: Annotated[
        Literal["perturbed", "uniform"],
        Field(
            description="'perturbed': mode i goes with cos(2 theta + r)^(i+1), even powers change c; 'uniform': c = 1"
        ),
    ] = "perturbed"


class IsotropicModeConfig(Options):
    """Isotropic rods and one wave of orientation."""

    modes: Annotated[tuple[int, int], Field(description="waves across the domain (mx, my)")] = (1, 0)
    amplitude: Annotated[float, Field(gt=0, lt=1, description="largest |a2| / c")] = 1e-4
    polarisation: Annotated[Literal["shear", "other"], Field(description="'shear' drives a flow, 'other' does not")] = (
        "shear"
    )
    concentration: Annotated[float, Field(gt=0, description="uniform c")] = 1.0

    @field_validator("modes")
    @classmethod
    def _is_a_wave(cls, modes: tuple[int, int]) -> tuple[int, int]:
        if modes == (0, 0):
            raise ValueError("a wave needs a number other than 0 along an axis")
        return modes


class NematicConfig(Options):
    """Rods aligned everywhere, with one wave of the director's angle."""

    order: Annotated[float, Field(gt=0, lt=1, description="order parameter |a2| / c")] = 0.94554219
    angle: Annotated[float, Field(description="angle of the director with the x axis, in radians")] = 0.0
    modes: Annotated[tuple[int, int], Field(description="waves across the domain (mx, my)")] = (1, 0)
    amplitude: Annotated[float, Field(ge=0, description="largest change of the director's angle, in radians")] = 0.0
    concentration: Annotated[float, Field(gt=0, description="uniform c")] = 1.0
