"""The one door for plugin authors: everything that a plugin may import from the engine, besides
`subgrid.kernels` and, in tests, `subgrid.testing`."""

from subgrid.backend import Array, Backend
from subgrid.bench import Benchmark, Case, Reading, Rival, Work, Workbench
from subgrid.component import API_VERSION, Component
from subgrid.errors import ConvergenceError, PluginError, ScenarioError, SubgridError
from subgrid.grid_operator import GridOperator
from subgrid.hookspecs import hookimpl
from subgrid.mesh import Grid
from subgrid.options import Options, Unit
from subgrid.output import RunFolder
from subgrid.particles import ColumnSpec, Particles
from subgrid.protocols import (
    Closure,
    Closures,
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
    RangedClosure,
    Rhs,
    Setup,
    Slot,
    Solution,
    Solver,
    Spread,
    StepReport,
    StiffClosure,
    TracedClosure,
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
    "Clock",
    "Closure",
    "Closures",
    "ColumnSpec",
    "Component",
    "ConvergenceError",
    "Correction",
    "Corrector",
    "EnergyClosure",
    "EvolvingClosure",
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
    "RangedClosure",
    "Reading",
    "Rhs",
    "Rival",
    "RunFolder",
    "ScenarioError",
    "Setup",
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
    "TracedClosure",
    "Unit",
    "Work",
    "Workbench",
    "hookimpl",
]
