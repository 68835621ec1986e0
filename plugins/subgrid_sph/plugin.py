"""Catalogue of the smoothed-particle family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _entry(kind: str, name: str, target: str, config: str, summary: str) -> Component:
    return Component(kind, name, f"subgrid_sph.{target}", f"subgrid_sph.config:{config}", summary)


COMPONENTS: list[Component] = [
    _entry("solver", "delta_sph", "delta:DeltaSPH", "DeltaConfig", "smoothed particles with a free surface, 2D and 3D"),
    _entry(
        "solver",
        "transport_sph",
        "transport:TransportSPH",
        "TransportConfig",
        "smoothed particles that fill their domain, 2D and 3D",
    ),
    _entry("initial", "fluid_blocks", "initial:FluidBlocks", "FluidBlocksConfig", "boxes of fluid, and walls"),
    _entry(
        "initial",
        "vortex_particles",
        "initial:VortexParticles",
        "VortexParticlesConfig",
        "Taylor-Green vortices on settled particles",
    ),
    _entry(
        "observer", "fluid_totals", "observers:FluidTotals", "FluidTotalsConfig", "mass, momentum, energies, density"
    ),
    _entry("observer", "fluid_extent", "observers:FluidExtent", "FluidExtentConfig", "front and height of a fluid"),
    _entry("observer", "vortex_decay", "observers:VortexDecay", "VortexDecayConfig", "distance from decaying vortices"),
    _entry(
        "observer", "channel_error", "observers:ChannelError", "ChannelErrorConfig", "distance from channel start-up"
    ),
    _entry(
        "observer",
        "hydrostatic_error",
        "observers:HydrostaticError",
        "HydrostaticErrorConfig",
        "distance from a fluid at rest",
    ),
    _entry(
        "benchmark",
        "neighbours",
        "benchmarks:NeighbourBenchmark",
        "NeighbourBenchmarkConfig",
        "pairs within a radius beside a k-d tree",
    ),
    _entry(
        "benchmark", "sph", "benchmarks:SmoothedBenchmark", "SmoothedBenchmarkConfig", "steps of fluid beside taichi"
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
