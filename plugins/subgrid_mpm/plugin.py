"""Catalogue of the material-point family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _entry(kind: str, name: str, target: str, config: str, summary: str) -> Component:
    return Component(kind, name, f"subgrid_mpm.{target}", f"subgrid_mpm.config:{config}", summary)


COMPONENTS: list[Component] = [
    _entry("solver", "mpm", "solver:MaterialPoints", "MaterialPointsConfig", "MLS-MPM with APIC transfers, 2D and 3D"),
    _entry("initial", "bodies", "initial:Bodies", "BodiesConfig", "boxes and balls filled with particles"),
    _entry(
        "initial", "random_bodies", "initial:RandomBodies", "RandomBodiesConfig", "bodies drawn from the run's seed"
    ),
    _entry(
        "closure", "fixed_corotated", "materials:FixedCorotated", "ElasticConfig", "elastic solid that bears inversion"
    ),
    _entry("closure", "neo_hookean", "materials:NeoHookean", "ElasticConfig", "rubber-like elastic solid"),
    _entry(
        "closure", "newtonian_fluid", "materials:NewtonianFluid", "FluidConfig", "weakly compressible viscous fluid"
    ),
    _entry(
        "closure",
        "herschel_bulkley",
        "materials:HerschelBulkley",
        "HerschelBulkleyConfig",
        "viscoplastic fluid with a yield stress; Bingham for n = 1",
    ),
    _entry("closure", "drucker_prager", "materials:DruckerPrager", "DruckerPragerConfig", "dry sand"),
    _entry("closure", "von_mises", "materials:VonMises", "VonMisesConfig", "perfectly plastic solid"),
    _entry(
        "observer", "material_totals", "observers:MaterialTotals", "MaterialTotalsConfig", "mass, momenta and energies"
    ),
    _entry(
        "observer", "material_extent", "observers:MaterialExtent", "MaterialExtentConfig", "front, runout and height"
    ),
    _entry(
        "observer",
        "material_profile",
        "observers:MaterialProfile",
        "MaterialProfileConfig",
        "mean velocity across the mesh",
    ),
    _entry(
        "benchmark",
        "particles",
        "benchmarks:ParticleBenchmark",
        "ParticleBenchmarkConfig",
        "steps of material points beside taichi and Warp",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
