"""Catalogue of the spectral family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

ONE_DIMENSIONAL: list[Component] = [
    Component(
        "solver",
        "kuramoto_sivashinsky",
        "subgrid_spectral.kuramoto_sivashinsky:KuramotoSivashinsky",
        "subgrid_spectral.config_1d:KuramotoSivashinskyConfig",
        "1D chaos of flame fronts, u_t = -u u_x - u_xx - u_xxxx",
    ),
    Component(
        "solver",
        "kdv",
        "subgrid_spectral.kdv:KdV",
        "subgrid_spectral.config_1d:KdVConfig",
        "1D solitons, u_t + 6 u u_x + u_xxx = 0",
    ),
    Component(
        "solver",
        "burgers",
        "subgrid_spectral.burgers:Burgers",
        "subgrid_spectral.config_1d:BurgersConfig",
        "1D shocks, u_t + u u_x = nu u_xx, with random forcing if asked for",
    ),
    Component(
        "initial",
        "sine",
        "subgrid_spectral.initial_1d:Sine",
        "subgrid_spectral.config_1d:SineConfig",
        "a single wave in 1D",
    ),
    Component(
        "initial",
        "random_fourier",
        "subgrid_spectral.initial_1d:RandomFourier",
        "subgrid_spectral.config_1d:RandomFourierConfig",
        "smooth random waves in 1D",
    ),
    Component(
        "initial",
        "kassam_trefethen",
        "subgrid_spectral.initial_1d:KassamTrefethen",
        "subgrid_spectral.config_1d:KassamTrefethenConfig",
        "cos(x/16) (1 + sin(x/16)) stretched to the domain, the usual Kuramoto-Sivashinsky test",
    ),
    Component(
        "initial",
        "kdv_solitons",
        "subgrid_spectral.kdv_solitons:KdVSolitons",
        "subgrid_spectral.config_1d:SolitonsConfig",
        "exact solitons of the KdV equation by speed and position",
    ),
    Component(
        "initial",
        "cole_hopf",
        "subgrid_spectral.cole_hopf:ColeHopf",
        "subgrid_spectral.config_1d:ColeHopfConfig",
        "start of an exact solution of the Burgers equation",
    ),
    Component(
        "observer",
        "soliton_error",
        "subgrid_spectral.kdv_solitons:SolitonError",
        "subgrid_spectral.config_1d:SolitonsConfig",
        "error, displacement and crest of a KdV run against exact solitons",
    ),
    Component(
        "observer",
        "cole_hopf_error",
        "subgrid_spectral.cole_hopf:ColeHopfError",
        "subgrid_spectral.config_1d:ColeHopfConfig",
        "error of a Burgers run against the Cole-Hopf solution",
    ),
]

TWO_DIMENSIONAL: list[Component] = [
    Component(
        "solver",
        "navier_stokes_2d",
        "subgrid_spectral.navier_stokes:NavierStokes2D",
        "subgrid_spectral.config_2d:NavierStokes2DConfig",
        "2D incompressible flow on a beta-plane, vorticity form",
    ),
    Component(
        "solver",
        "two_layer_qg",
        "subgrid_spectral.quasi_geostrophic:TwoLayerQG",
        "subgrid_spectral.config_2d:TwoLayerQGConfig",
        "two-layer quasi-geostrophic flow with a background shear",
    ),
    Component(
        "corrector",
        "exponential_filter",
        "subgrid_spectral.exponential_filter:ExponentialFilter",
        "subgrid_spectral.config_2d:ExponentialFilterConfig",
        "low-pass filter near the grid scale, as pyqg applies it",
    ),
    Component(
        "observer",
        "exact_solution_error",
        "subgrid_spectral.exact_solution_error:ExactSolutionError",
        "subgrid_spectral.config_2d:ExactSolutionErrorConfig",
        "error of a 2D flow against Taylor-Green, Rossby wave or laminar Kolmogorov flow",
    ),
    Component(
        "initial",
        "taylor_green",
        "subgrid_spectral.initial_2d:TaylorGreen",
        "subgrid_spectral.config_2d:TaylorGreenConfig",
        "Taylor-Green vortices in 2D, an exact solution",
    ),
    Component(
        "initial",
        "mcwilliams",
        "subgrid_spectral.initial_2d:McWilliams",
        "subgrid_spectral.config_2d:McWilliamsConfig",
        "random 2D flow of given energy and spectrum, the start of decaying turbulence",
    ),
    Component(
        "initial",
        "gaussian_vortices",
        "subgrid_spectral.initial_2d:GaussianVortices",
        "subgrid_spectral.config_2d:GaussianVorticesConfig",
        "Gaussian vortices in 2D that merge, pair or drift",
    ),
    Component(
        "initial",
        "fourier_modes",
        "subgrid_spectral.initial_2d:FourierModes",
        "subgrid_spectral.config_2d:FourierModesConfig",
        "a sum of waves in 2D or in two layers; a single one is a Rossby wave",
    ),
    Component(
        "initial",
        "random_potential_vorticity",
        "subgrid_spectral.initial_2d:RandomPotentialVorticity",
        "subgrid_spectral.config_2d:RandomPotentialVorticityConfig",
        "small random potential vorticity in two layers",
    ),
    Component(
        "initial",
        "at_rest",
        "subgrid_spectral.initial_2d:AtRest",
        "subgrid_spectral.config_2d:AtRestConfig",
        "no motion, in 2D or in two layers",
    ),
]

BENCHMARKS: list[Component] = [
    Component(
        "benchmark",
        "navier_stokes",
        "subgrid_spectral.benchmarks:NavierStokesBenchmark",
        "subgrid_spectral.config_benchmarks:NavierStokesBenchmarkConfig",
        "2D Navier-Stokes beside exponax, JAX-CFD and its own transforms",
    ),
    Component(
        "benchmark",
        "kuramoto_sivashinsky",
        "subgrid_spectral.benchmarks:KuramotoSivashinskyBenchmark",
        "subgrid_spectral.config_benchmarks:KuramotoSivashinskyBenchmarkConfig",
        "one ETDRK4 step beside exponax",
    ),
]

COMPONENTS: list[Component] = [*ONE_DIMENSIONAL, *TWO_DIMENSIONAL, *BENCHMARKS]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
