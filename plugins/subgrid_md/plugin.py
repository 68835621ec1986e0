"""Catalogue of the molecular-dynamics family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _entry(kind: str, name: str, target: str, config: str, summary: str) -> Component:
    return Component(kind, name, f"subgrid_md.{target}", f"subgrid_md.config:{config}", summary)


COMPONENTS: list[Component] = [
    _entry("solver", "lennard_jones", "atoms:LennardJones", "AtomsConfig", "Lennard-Jones atoms, 2D and 3D"),
    _entry("initial", "crystal", "initial:Crystal", "CrystalConfig", "atoms on a lattice with thermal velocities"),
    _entry(
        "observer",
        "thermodynamics",
        "observers:Thermodynamics",
        "ThermodynamicsConfig",
        "temperature, pressure, energies of atoms",
    ),
    _entry(
        "observer",
        "radial_distribution",
        "observers:RadialDistribution",
        "RadialDistributionConfig",
        "distances between atoms",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
