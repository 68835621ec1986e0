"""Catalogue of the linear-solver family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _entry(kind: str, name: str, target: str, config: str, summary: str, **extra: object) -> Component:
    return Component(kind, name, f"subgrid_linsolve.{target}", f"subgrid_linsolve.config:{config}", summary, **extra)  # type: ignore[arg-type]


def _steady(kind: str, name: str, target: str, config: str, summary: str) -> Component:
    return Component(kind, name, f"subgrid_linsolve.{target}", f"subgrid_linsolve.config_steady:{config}", summary)


_AMG = {"requires": ("pyamg",), "extra": "amg"}

COMPONENTS: list[Component] = [
    _entry("linsolve", "fft_poisson", "direct:FftPoisson", "FftPoissonConfig", "FFT, DCT or DST by boundary type"),
    _entry("linsolve", "sparse_lu", "direct:SparseLu", "SparseLuConfig", "LU factors, kept while the matrix stays"),
    _entry("linsolve", "cg", "krylov:Cg", "CgConfig", "conjugate gradients"),
    _entry("linsolve", "pcg", "krylov:Pcg", "PcgConfig", "conjugate gradients with Jacobi, IC(0), SSOR or AMG"),
    _entry("linsolve", "amg", "amg:Amg", "AmgConfig", "algebraic multigrid V-cycles (PyAMG)", **_AMG),
    _entry("linsolve", "multigrid", "multigrid:Multigrid", "MultigridConfig", "geometric multigrid V-cycles in 2D"),
    _entry("linsolve", "sor", "relaxation:Sor", "RelaxationConfig", "over-relaxation; omega = 1 is Gauss-Seidel"),
    _entry("linsolve", "ssor", "relaxation:Ssor", "RelaxationConfig", "symmetric over-relaxation"),
    _entry("linsolve", "gmres", "krylov:Gmres", "GmresConfig", "minimal residuals, also without symmetry"),
    _entry("linsolve", "sor_bandit", "sor_bandit:SorBandit", "BanditConfig", "SOR that learns omega"),
    _entry(
        "linsolve",
        "sor_bandit_contextual",
        "sor_bandit:SorBanditContextual",
        "ContextualBanditConfig",
        "SOR that learns omega as a function of the matrix",
    ),
    _entry(
        "linsolve",
        "pcg_bandit",
        "sor_bandit:PcgBandit",
        "PcgBanditConfig",
        "conjugate gradients with SSOR that learns its omega",
    ),
    _steady("solver", "poisson", "steady:Poisson", "PoissonConfig", "Poisson's equation between walls, 1D to 3D"),
    _steady("solver", "darcy", "steady:Darcy", "DarcyConfig", "steady flow through a porous medium, 1D to 3D"),
    _steady("initial", "uniform", "initial:Uniform", "UniformConfig", "u is the same everywhere"),
    _entry(
        "observer",
        "linear_solver",
        "observer:LinearSolverObserver",
        "LinearSolverObserverConfig",
        "iterations, residual and omega of the linear solver",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
