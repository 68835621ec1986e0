"""Options of the molecular-dynamics family. Units are those of the atoms, with tau = sigma sqrt(m/epsilon)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options


class Langevin(Options):
    """A heat bath that rubs and pushes."""

    temperature: Annotated[float, Field(gt=0, description="k T [epsilon]")]
    friction: Annotated[float, Field(gt=0, description="gamma [1/tau]")] = 1.0


class AtomsConfig(Options):
    """Options of Lennard-Jones atoms."""

    epsilon: Annotated[float, Field(ge=0, description="depth of the potential; 0 for atoms that do not interact")] = 1.0
    sigma: Annotated[float, Field(gt=0, description="distance at which it is zero")] = 1.0
    mass: Annotated[float, Field(gt=0, description="of an atom")] = 1.0
    cutoff: Annotated[float, Field(gt=0, description="largest distance of a pair [sigma]")] = 2.5
    truncation: Annotated[
        Literal["cut", "shifted", "force_shifted"],
        Field(description="the potential ends with a jump, continuously, or with a continuous force"),
    ] = "shifted"
    skin: Annotated[float, Field(ge=0, le=2, description="margin of the neighbour list [sigma]")] = 0.3
    thermostat: Annotated[Langevin | None, Field(description="BAOAB Langevin dynamics; without, velocity Verlet")] = (
        None
    )
    trap: Annotated[
        float, Field(ge=0, description="stiffness k of a harmonic trap about the middle [epsilon/sigma^2]")
    ] = 0.0
    sort_every: Annotated[int, Field(ge=1, description="steps between two orderings of the atoms by cell")] = 100


class CrystalConfig(Options):
    """Atoms on a lattice with one unit cell in each cell of the mesh, and thermal velocities."""

    lattice: Annotated[Literal["face_centred", "simple"], Field(description="4 (in 2D 2) atoms in a cell, or one")] = (
        "face_centred"
    )
    temperature: Annotated[float, Field(ge=0, description="k T of the velocities, exact in each start [epsilon]")] = 1.0
    mass: Annotated[float, Field(gt=0, description="of an atom, as in the solver")] = 1.0
    jitter: Annotated[float, Field(ge=0, le=0.3, description="random displacement over the cell")] = 0.0


class ThermodynamicsConfig(Options):
    """Options of temperature, pressure and energies."""

    tail: Annotated[
        bool, Field(description="add what pairs beyond the cutoff would give, were they spread evenly (3D, 'cut')")
    ] = False


class RadialDistributionConfig(Options):
    """Options of the radial distribution function."""

    largest: Annotated[float, Field(gt=0, description="largest distance, at most half a period")] = 3.0
    bins: Annotated[int, Field(ge=2, le=10000, description="bins over the distance")] = 100
