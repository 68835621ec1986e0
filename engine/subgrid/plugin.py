"""Catalogue of what ships with the core: the grid, time integrators and the restart of a field from a run folder."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

_FIXED_STEP = "subgrid.integrators.config:FixedStepConfig"
_EMBEDDED = "subgrid.integrators.config:EmbeddedConfig"

_INTEGRATORS = [
    ("own", "own:Own", _FIXED_STEP, "the solver takes its own steps, such as implicit ones"),
    ("euler", "explicit_rk:Euler", _FIXED_STEP, "forward Euler, order 1"),
    ("rk4", "explicit_rk:RK4", _FIXED_STEP, "classical Runge-Kutta, order 4"),
    ("ssp_rk3", "explicit_rk:SSPRK3", _FIXED_STEP, "strong-stability-preserving Runge-Kutta, order 3, three stages"),
    ("ssp_rk43", "explicit_rk:SSPRK43", _FIXED_STEP, "strong-stability-preserving Runge-Kutta, order 3, four stages"),
    ("tsit5", "embedded:Tsit5", _EMBEDDED, "Tsitouras 5(4) with error control and dense output"),
    ("dormand_prince", "embedded:DormandPrince", _EMBEDDED, "Dormand-Prince 5(4) with error control and dense output"),
    ("ab2", "adams_bashforth:AB2", _FIXED_STEP, "Adams-Bashforth, order 2, one evaluation per step"),
    ("ab3", "adams_bashforth:AB3", _FIXED_STEP, "Adams-Bashforth, order 3, one evaluation per step"),
    ("cnab2", "imex:CNAB2", _FIXED_STEP, "Crank-Nicolson with Adams-Bashforth, order 2"),
    ("sbdf2", "imex:SBDF2", _FIXED_STEP, "semi-implicit backward differences, order 2"),
    ("sbdf2_variable", "imex:SBDF2Variable", _FIXED_STEP, "the same for steps of changing size"),
    ("ars343", "imex:ARS343", _FIXED_STEP, "implicit-explicit Runge-Kutta of Ascher, Ruuth and Spiteri, order 3"),
    ("etdrk2", "etd:ETDRK2", _FIXED_STEP, "exponential Runge-Kutta, order 2"),
    ("etdrk4", "etd:ETDRK4", _FIXED_STEP, "exponential Runge-Kutta, order 4"),
]

COMPONENTS: list[Component] = [
    Component(
        "mesh",
        "grid",
        "subgrid.grid:GridMesh",
        "subgrid.grid:GridConfig",
        "uniform periodic grid in 1, 2 or 3 dimensions",
    ),
    Component(
        "initial",
        "from_run",
        "subgrid.initial_from_run:FromRun",
        "subgrid.initial_from_run_config:FromRunConfig",
        "a frame of another run, filtered or padded onto this grid",
    ),
    *[
        Component("integrator", name, f"subgrid.integrators.{target}", config, summary)
        for name, target, config, summary in _INTEGRATORS
    ],
    Component(
        "benchmark",
        "engine",
        "subgrid.benchmarks:EngineBenchmark",
        "subgrid.benchmarks_config:EngineBenchmarkConfig",
        "what the loop adds to a step, a checkpoint, the start of the command line",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
