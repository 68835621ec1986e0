"""The one door for plugin authors: everything that a plugin may import from the engine, besides
`subgrid.kernels` and, in tests, `subgrid.testing`."""

from subgrid.backend import Array, Backend
from subgrid.bench import Benchmark, Case, Reading, Rival, Work, Workbench
from subgrid.component import API_VERSION, Check, Component
from subgrid.errors import ConvergenceError, PluginError, RunFolderError, ScenarioError, SubgridError
from subgrid.expect import Expectation, expectations
from subgrid.grid_operator import GridOperator, Wall, walls_of
from subgrid.hookspecs import hookimpl
from subgrid.mesh import Grid
from subgrid.options import Options, Unit
from subgrid.output import RunFolder
from subgrid.particles import ColumnSpec, Particles
from subgrid.protocols import (
    Closure,
    Closures,
    CompiledClosure,
    Correction,
    Corrector,
    EnergyClosure,
    EvolvingClosure,
    Initial,
    InPlaceClosure,
    Integrator,
    LazyFields,
    LinearSolve,
    LinearSolver,
    Observer,
    OwnStep,
    Quantity,
    Rhs,
    Setup,
    SeveralSteps,
    Slot,
    Solution,
    Solver,
    Spread,
    StepReport,
    StiffClosure,
)
from subgrid.rng import Streams
from subgrid.state import ArraySpec, Clock, Fields, ParticleSpec, State, StateSpec

__all__ = [
    "API_VERSION",
    "Array",
    "ArraySpec",
    "Backend",
    "Benchmark",
    "Case",
    "Check",
    "Clock",
    "Closure",
    "Closures",
    "ColumnSpec",
    "CompiledClosure",
    "Component",
    "ConvergenceError",
    "Correction",
    "Corrector",
    "EnergyClosure",
    "EvolvingClosure",
    "Expectation",
    "Fields",
    "Grid",
    "GridOperator",
    "InPlaceClosure",
    "Initial",
    "Integrator",
    "LazyFields",
    "LinearSolve",
    "LinearSolver",
    "Observer",
    "Options",
    "OwnStep",
    "ParticleSpec",
    "Particles",
    "PluginError",
    "Quantity",
    "Reading",
    "Rhs",
    "Rival",
    "RunFolder",
    "RunFolderError",
    "ScenarioError",
    "Setup",
    "SeveralSteps",
    "Slot",
    "Solution",
    "Solver",
    "Spread",
    "State",
    "StateSpec",
    "StepReport",
    "StiffClosure",
    "Streams",
    "SubgridError",
    "Unit",
    "Wall",
    "Work",
    "Workbench",
    "expectations",
    "hookimpl",
    "walls_of",
]
