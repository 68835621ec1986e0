"""Catalogue of the stencil family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _entry(kind: str, name: str, module: str, target: str, summary: str) -> Component:
    return Component(
        kind, name, f"subgrid_stencil.{module}:{target}", f"subgrid_stencil.config:{target}Config", summary
    )


def _implicit(kind: str, name: str, module: str, target: str, summary: str) -> Component:
    config = f"subgrid_stencil.config_implicit:{target}Config"
    return Component(kind, name, f"subgrid_stencil.{module}:{target}", config, summary)


def _flow(kind: str, name: str, module: str, target: str, summary: str) -> Component:
    config = f"subgrid_stencil.config_incompressible:{target}Config"
    return Component(kind, name, f"subgrid_stencil.{module}:{target}", config, summary)


def _water(kind: str, name: str, module: str, target: str, summary: str) -> Component:
    config = f"subgrid_stencil.config_shallow_water:{target}Config"
    return Component(kind, name, f"subgrid_stencil.{module}:{target}", config, summary)


COMPONENTS: list[Component] = [
    _entry("solver", "heat", "heat", "Heat", "diffusion with walls and a source, 1D to 3D"),
    _entry(
        "solver",
        "advection_diffusion",
        "advection_diffusion",
        "AdvectionDiffusion",
        "uniform flow and diffusion in flux form, order 2 to 4, 1D to 3D",
    ),
    _entry("solver", "wave", "wave", "Wave", "wave equation with walls, 1D to 3D"),
    _entry("solver", "gray_scott", "gray_scott", "GrayScott", "patterns of two reacting and diffusing species"),
    _entry(
        "solver",
        "fisher_kolmogorov",
        "fisher_kolmogorov",
        "FisherKolmogorov",
        "logistic growth that spreads through heterogeneous tissue, 1D to 3D",
    ),
    _implicit("solver", "implicit_diffusion", "implicit", "ImplicitDiffusion", "diffusion by implicit steps, 1D to 3D"),
    _implicit(
        "solver",
        "implicit_advection_diffusion",
        "implicit",
        "ImplicitAdvectionDiffusion",
        "uniform flow and diffusion by implicit steps, 1D to 3D",
    ),
    _implicit("initial", "bump", "bump", "Bump", "a smooth bump of finite size"),
    _entry("initial", "standing_mode", "initial", "StandingMode", "an eigenmode of a box"),
    _entry("initial", "gaussian", "initial", "Gaussian", "a Gaussian, also the seed of a growth"),
    _entry("initial", "gray_scott_seed", "initial", "GrayScottSeed", "a noisy block in a homogeneous state"),
    _entry("initial", "front", "initial", "Front", "a step across x"),
    _entry(
        "observer",
        "standing_mode_error",
        "exact_error",
        "StandingModeError",
        "error against a mode that decays or swings",
    ),
    _entry(
        "observer", "gaussian_error", "exact_error", "GaussianError", "error against a moving and spreading Gaussian"
    ),
    _flow(
        "solver",
        "incompressible_navier_stokes",
        "incompressible",
        "IncompressibleNavierStokes",
        "flow on a staggered grid with walls, bodies, smoke and closures, 2D and 3D",
    ),
    _flow("initial", "fluid_at_rest", "incompressible_initial", "FluidAtRest", "a uniform flow, by default none"),
    _flow("initial", "box_vortices", "incompressible_initial", "BoxVortices", "Taylor-Green vortices on faces"),
    _flow(
        "observer", "box_vortices_error", "box_vortices_error", "BoxVorticesError", "error against decaying vortices"
    ),
    _flow("observer", "cavity_reference", "cavity", "CavityReference", "the lid-driven cavity beside published lines"),
    _water("solver", "shallow_water", "shallow_water", "ShallowWater", "water over a bed that may fall dry, 1D and 2D"),
    _water("initial", "dam_break", "shallow_water_initial", "DamBreak", "two depths on both sides of a dam"),
    _water("initial", "lake", "shallow_water_initial", "Lake", "water at rest over the bed, or with a bump"),
    _water(
        "observer", "dam_break_error", "shallow_water_initial", "DamBreakError", "error against the exact dam break"
    ),
    _entry("benchmark", "stencil", "benchmarks", "StencilBenchmark", "stencil sweeps beside the memory bandwidth"),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
