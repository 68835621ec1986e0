"""Catalogue of the active-fluid family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _component(kind: str, name: str, target: str, options: str, summary: str) -> Component:
    return Component(kind, name, f"subgrid_active.{target}", f"subgrid_active.config:{options}", summary)


COMPONENTS = [
    _component(
        "solver", "active_kinetic", "kinetic:ActiveKinetic", "ActiveKineticConfig",
        "active rods in Stokes flow: the kinetic theory by its angular moments",
    ),
    _component(
        "solver", "active_moments", "moments:ActiveMoments", "ActiveMomentsConfig",
        "active rods in Stokes flow: concentration and second moment, closed by a fourth moment",
    ),
    _component(
        "solver", "active_orientations", "orientation_grid:ActiveOrientations", "ActiveOrientationsConfig",
        "active rods in Stokes flow: the kinetic theory on a grid of angles, for comparison",
    ),
    _component(
        "closure", "bingham", "bingham:Bingham", "ChebyshevConfig",
        "fourth moment of the Bingham distribution (maximum entropy)",
    ),
    Component(
        "closure", "learned_equivariant", "subgrid_active.learned:LearnedEquivariant",
        "subgrid_active.learned_config:LearnedConfig",
        "fourth moment by a small network of invariants in an isotropic basis, with trained weights",
    ),
    Component(
        "closure", "learned_residual", "subgrid_active.learned:LearnedResidual",
        "subgrid_active.learned_config:LearnedConfig",
        "Bingham's fourth moment and a learned residual, with trained weights",
    ),
    _component(
        "closure", "quadratic", "plain_closures:Quadratic", "PlainClosureConfig",
        "fourth moment of aligned rods, a2^2 / c (Doi)",
    ),
    _component(
        "closure", "quasi_linear", "plain_closures:QuasiLinear", "PlainClosureConfig",
        "no fourth moment: tensors linear in the second moment",
    ),
    _component(
        "initial", "random_orientations", "initial:RandomOrientations", "RandomOrientationsConfig",
        "isotropic rods disturbed by random waves in space and orientation",
    ),
    _component(
        "initial", "isotropic_mode", "initial:IsotropicMode", "IsotropicModeConfig",
        "isotropic rods and one wave of orientation",
    ),
    _component(
        "initial", "nematic", "initial:Nematic", "NematicConfig",
        "aligned rods and one wave of the director's angle",
    ),
    _component(
        "observer", "rod_statistics", "observers:RodStatistics", "RodStatisticsConfig",
        "mean speed, mean and largest order parameter of active rods",
    ),
    _component(
        "observer", "defects", "observers:Defects", "DefectsConfig",
        "number of disclinations of charge +1/2 and -1/2",
    ),
    _component(
        "observer", "mode_growth", "observers:ModeGrowth", "ModeGrowthConfig",
        "amplitude and rate of growth of one Fourier mode of the second moment",
    ),
    _component(
        "benchmark", "active_fluid", "benchmarks:ActiveBenchmark", "ActiveBenchmarkConfig",
        "steps of active fluids: Bingham closure beside the kinetic theory, by moments and by angles",
    ),
]  # fmt: skip


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
