"""From a scenario to a simulation that is ready to step: components built, storage allocated, borders checked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np

from subgrid.backend import Array, Backend
from subgrid.blame import Blame
from subgrid.closures import Plugged, SlotTable, missing_inputs
from subgrid.errors import PluginError, ScenarioError
from subgrid.guard import Untouched
from subgrid.kernels.combine import Pointwise
from subgrid.linear_solve import BoundLinearSolve
from subgrid.memory import available_memory
from subgrid.mesh import Grid
from subgrid.protocols import (
    AdaptiveIntegrator,
    Closure,
    Corrector,
    Integrator,
    LazyFields,
    LinearSolver,
    Observer,
    OwnStep,
    Quantity,
    Setup,
    SeveralStepIntegrator,
    Solver,
)
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.scenario import TABLES, Choice, Scenario
from subgrid.schedule import Schedule
from subgrid.state import Fields, State, StateSpec, in_precision

FEWEST_FIELDS = 8
"""Fields that any run keeps in memory: state, stages, slopes, and what the solver derives."""


def _add_linear(rest: Any, symbol: Any, values: Any) -> Any:
    return rest + symbol * values


_ADD_LINEAR = Pointwise(_add_linear)
_UNWATCHED: AbstractContextManager[None] = nullcontext()


class RightHandSide:
    """A solver with its closures, as an integrator sees it. Adds up the time spent."""

    def __init__(
        self, solver: Solver, closures: SlotTable, state: State, owner: str, solve: BoundLinearSolve | None = None
    ) -> None:
        self.solver = solver
        self._state = state
        self._owner = owner
        self._blame = Blame(owner, state)
        self._seen = False
        self.closures = closures
        self.solve = solve
        self.linear = solver.linear
        self.fused: Mapping[str, Any] = {} if closures.plugged else getattr(solver, "fused", {})
        self.seconds = 0.0
        self.closure_seconds = 0.0
        """Time of closures within ``seconds``; observers and frames ask them too."""

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        """Everything but the diagonal linear part."""
        start, before = perf_counter(), self.closures.spent()
        with self._watched(fields), self._blame:
            tendency = self.solver.tendency(fields, t, self.closures, out)
        self.seconds += perf_counter() - start
        self.closure_seconds += self.closures.spent() - before
        return tendency

    def _watched(self, fields: Fields) -> AbstractContextManager[None]:
        """At the first call, look whether the solver writes into the fields that it is handed."""
        if self._seen:
            return _UNWATCHED
        self._seen = True
        return Untouched(self._owner, "the field", fields, self._state)

    def advance(self, fields: Fields, t: float, dt: float, rng: Streams) -> Fields:
        """A whole step of a solver that owns its step."""
        assert isinstance(self.solver, OwnStep)
        start, before = perf_counter(), self.closures.spent()
        with self._watched(fields), self._blame:
            known = {**fields, **self._state.particles}
            advanced = self.solver.advance(known, t, dt, self.closures, self.solve, rng)
        self.seconds += perf_counter() - start
        self.closure_seconds += self.closures.spent() - before
        return advanced

    def total(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        """The whole right-hand side."""
        tendency = dict(self.explicit(fields, t, out))
        for name, symbol in self.linear.items():
            if out is None:
                tendency[name] = _add_linear(tendency[name], symbol, fields[name])
            else:
                _ADD_LINEAR.into([tendency[name], symbol, fields[name]], tendency[name])
        return tendency


@dataclass(frozen=True)
class Attached:
    """A corrector or observer with its label and schedule."""

    label: str
    component: Any
    schedule: Schedule


@dataclass
class Simulation:
    """Everything a run consists of. Only ``state`` changes."""

    scenario: Scenario
    mesh: Grid
    backend: Backend
    solver: Solver
    integrator: Integrator
    closures: SlotTable
    rhs: RightHandSide
    correctors: list[Attached]
    observers: list[Attached]
    observed: dict[str, Mapping[str, Quantity]]
    state: State
    owners: dict[str, str]
    linear_solve: BoundLinearSolve | None = None

    def __post_init__(self) -> None:
        self.adaptive = self.integrator if isinstance(self.integrator, AdaptiveIntegrator) else None
        self.most_steps = 1
        """Most steps that the loop may ask for at once: one where the state decides the size of each."""
        if isinstance(self.integrator, SeveralStepIntegrator) and self.scenario.time.cfl is None:
            self.most_steps = self.integrator.at_once(self.rhs)
        self.spare: Fields | None = None
        self.watched: set[str] = set()
        if self.backend.in_place:
            self.spare = {name: self.backend.copy(values) for name, values in self.state.fields.items()}

    def accept(self, fields: Fields) -> None:
        """Take over the fields of a step. Their former arrays become the next step's workspace."""
        previous = self.state.fields
        if self.spare is not None:
            self.spare = {
                name: previous[name] if fields[name] is self.spare[name] else self.spare[name] for name in fields
            }
        self.state.fields = {**previous, **fields}

    def view(self) -> Mapping[str, Array]:
        """The solver's quantities at this moment: computed when read, shared by all who look."""
        fields, time = self.state.prognostic(), self.state.clock.time

        def derive(name: str) -> Array:
            if self.linear_solve is not None and name in self.linear_solve.quantities:
                return self.linear_solve.derive(name)
            with self.blame(self.scenario.solver.label):
                return self.solver.derive(name, fields, time, self.closures)

        return LazyFields(derive, tuple(self.quantities))

    @cached_property
    def quantities(self) -> Mapping[str, Quantity]:
        """What observers and frames may ask for: the solver's quantities, and the record of the linear solver."""
        return offered(self.solver, self.linear_solve)

    def streams(self, label: str) -> Streams:
        """Random streams of a component at the present step."""
        return Streams(self.scenario.seed, label, self.state.clock.step)

    def blame(self, label: str) -> Blame:
        """Turn an exception that escapes a component into one line that names the plugin, its version and the step."""
        return Blame(self.owners[label], self.state)

    @cached_property
    def schedules(self) -> list[Schedule]:
        """Every schedule that the loop must land on."""
        scenario = self.scenario
        attached = [entry.schedule for entry in (*self.correctors, *self.observers)]
        return [*attached, scenario.output, scenario.checkpoint]


def offered(solver: Solver, linear_solve: BoundLinearSolve | None) -> Mapping[str, Quantity]:
    """Quantities of a solver and of its linear solver."""
    return {**solver.quantities, **(linear_solve.quantities if linear_solve is not None else {})}


class Assembler:
    """Builds the components of one scenario and collects what is wrong with it."""

    def __init__(self, scenario: Scenario, registry: Registry) -> None:
        self.scenario = scenario
        self.registry = registry
        self.owners: dict[str, str] = {}
        options = scenario.backend
        self.backend = Backend(options.name, options.device, options.precision, options.threads, options.fft)
        self.mesh: Grid = self.create(scenario.mesh).build()
        self._check_memory()
        self.state = State()

    def _check_memory(self) -> None:
        """Refuse a mesh on which even a handful of fields does not fit: the system would kill the process instead."""
        needed = FEWEST_FIELDS * math.prod(self.mesh.shape) * (8 if self.backend.precision == "float64" else 4)
        left = available_memory()
        if self.backend.device == "cpu" and needed > left:
            raise ScenarioError(
                f"mesh.shape: {FEWEST_FIELDS} fields on {' x '.join(map(str, self.mesh.shape))} cells take "
                f"{needed / 2**30:.3g} GiB, {left / 2**30:.3g} GiB are free"
            )

    def create(self, choice: Choice) -> Any:
        component = self.registry.create(choice.component, choice.options)
        owner = self.registry.owner(choice.component)
        self.owners[choice.label] = f"{choice.kind} {choice.label!r} of {owner}"
        return component

    def setup(self, choice: Choice) -> Setup:
        return Setup(
            mesh=self.mesh,
            backend=self.backend,
            label=choice.label,
            rng=Streams(self.scenario.seed, choice.label),
            dt=self.scenario.time.dt or 0.0,
            folder=self.scenario.folder,
        )

    def blame(self, choice: Choice) -> Blame:
        return Blame(self.owners[choice.label], None, TABLES[choice.kind], (choice.label, choice.type))

    def build(self) -> Simulation:
        scenario = self.scenario
        solver: Solver = self.create(scenario.solver)
        with self.blame(scenario.solver):
            fields = self._storage(scenario.solver, solver.setup(self.setup(scenario.solver)))
            self.state.allocate(scenario.solver.label, fields, self.backend)
            solver.slots, solver.quantities, solver.linear  # noqa: B018  what setup has to set
        linear_solve = self._linear_solve(solver)
        closures = SlotTable(solver.slots, [self._plug(choice, solver) for choice in scenario.closures], self.state)
        rhs = RightHandSide(solver, closures, self.state, self.owners[scenario.solver.label], linear_solve)
        integrator = self._integrator(fields, rhs)
        correctors = [self._corrector(choice, solver) for choice in scenario.correctors]
        quantities = offered(solver, linear_solve)
        observers, observed = self._observers(quantities)
        self._check_output(quantities)
        simulation = Simulation(
            scenario=scenario,
            mesh=self.mesh,
            backend=self.backend,
            solver=solver,
            integrator=integrator,
            closures=closures,
            rhs=rhs,
            correctors=correctors,
            observers=observers,
            observed=observed,
            state=self.state,
            owners=self.owners,
            linear_solve=linear_solve,
        )
        self.state.clock.time = scenario.time.start
        return simulation

    def _storage(self, choice: Choice, spec: Any) -> StateSpec:
        """What a component's setup asks for. Raises PluginError when that is no StateSpec."""
        if not isinstance(spec, StateSpec):
            raise PluginError(f"{self.owners[choice.label]}: setup returns {type(spec).__name__}, expected a StateSpec")
        return spec

    def _plug(self, choice: Choice, solver: Solver, wanted: str | None = None) -> Plugged:
        closure: Closure = self.create(choice)
        with self.blame(choice):
            return self._plugged(choice, closure, solver, wanted)

    def _plugged(self, choice: Choice, closure: Closure, solver: Solver, wanted: str | None) -> Plugged:
        answered = [name for name in solver.slots if question(name) in closure.slots]
        first = min(answered, key=lambda name: list(closure.slots).index(question(name)), default=None)
        slot = wanted or choice.slot or first
        if slot not in answered:
            raise ScenarioError(
                f"closures ({choice.label}): {choice.type!r} answers {', '.join(closure.slots)}"
                f"{f', not {slot}' if slot else ''}; "
                f"the solver {self.scenario.solver.type!r} offers {', '.join(solver.slots) or 'no slots'}"
            )
        fallback = (
            None
            if choice.fallback is None
            else self._plug(replace(choice.fallback, weight=choice.weight), solver, slot)
        )
        plugged = Plugged(choice.label, slot, closure, choice.weight, self.owners[choice.label], fallback=fallback)
        # before setup, where a closure made for another kind of flow would fail with less clear words
        if problems := missing_inputs(plugged, solver.slots[slot]):
            raise ScenarioError(problems)
        spec = self._storage(choice, closure.setup(self.setup(choice), solver.slots[slot]))
        self._allocate_memory(choice, replace(spec, columns={}))
        if not spec.columns:
            return plugged
        if not solver.slots[slot].particles:
            raise PluginError(f"{plugged.owner} asks for columns; slot {slot!r} is not over particles")
        plugged = replace(plugged, columns=tuple(spec.columns))
        columns = {plugged.column(name): column for name, column in spec.columns.items()}
        self.state.particles[solver.slots[slot].particles].attach(in_precision(columns, self.backend))
        return plugged

    def _linear_solve(self, solver: Solver) -> BoundLinearSolve | None:
        """The linear solver of a solver that owns its step, where it needs one."""
        scenario, choice = self.scenario, self.scenario.linear_solver
        own = scenario.integrator.type == "own"
        if own and not isinstance(solver, OwnStep):
            raise ScenarioError(f"integrator.type: {scenario.solver.type!r} does not own its step")
        operator = solver.linear_operator if own and isinstance(solver, OwnStep) else None
        if operator is None and choice is not None:
            raise ScenarioError(
                f"linear_solver: {scenario.solver.type!r} with integrator {scenario.integrator.type!r} "
                "solves no linear systems; leave the table out"
            )
        if operator is None:
            return None
        if choice is None:
            names = ", ".join(component.name for component in self.registry.components("linsolve"))
            raise ScenarioError(
                f"linear_solver: missing, {scenario.solver.type!r} needs a table [linear_solver] with a type; "
                f"choose from {names or 'nothing'}"
            )
        linear_solver: LinearSolver = self.create(choice)
        with self.blame(choice):
            spec = self._storage(choice, linear_solver.setup(self.setup(choice), operator))
        streams = Streams(scenario.seed, choice.label)
        bound = BoundLinearSolve(linear_solver, choice.label, streams, self.state, self.owners[choice.label])
        bound.allocate(spec, self.backend)
        return bound

    def _integrator(self, fields: StateSpec, rhs: RightHandSide) -> Integrator:
        choice = self.scenario.integrator
        integrator: Integrator = self.create(choice)
        with self.blame(choice):
            self._allocate_memory(choice, integrator.setup(self.setup(choice), fields, rhs))
        return integrator

    def _corrector(self, choice: Choice, solver: Solver) -> Attached:
        corrector: Corrector = self.create(choice)
        with self.blame(choice):
            self._allocate_memory(choice, corrector.setup(self.setup(choice), solver))
        return Attached(choice.label, corrector, choice.schedule)

    def _observers(
        self, quantities: Mapping[str, Quantity]
    ) -> tuple[list[Attached], dict[str, Mapping[str, Quantity]]]:
        attached, observed = [], {}
        for choice in self.scenario.observers:
            observer: Observer = self.create(choice)
            with self.blame(choice):
                self._check_needs(choice, observer, quantities)
                seen = observed[choice.label] = observer.setup(self.setup(choice), quantities)
                if not isinstance(seen, Mapping) or not all(isinstance(item, Quantity) for item in seen.values()):
                    raise PluginError(f"{self.owners[choice.label]}: setup must return a Quantity for each name")
            attached.append(Attached(choice.label, observer, choice.schedule))
        return attached, observed

    def _check_needs(self, choice: Choice, observer: Observer, quantities: Mapping[str, Quantity]) -> None:
        missing = [name for name in observer.needs if name not in quantities]
        if missing:
            raise ScenarioError(
                f"observers ({choice.label}): {choice.type!r} needs {', '.join(missing)}, "
                f"the solver {self.scenario.solver.type!r} offers {', '.join(quantities)}"
            )

    def _check_output(self, quantities: Mapping[str, Quantity]) -> None:
        unknown = [name for name in self.scenario.output.quantities if name not in quantities]
        if unknown:
            raise ScenarioError(
                f"output.quantities: unknown {', '.join(map(repr, unknown))}; the solver offers {', '.join(quantities)}"
            )

    def _allocate_memory(self, choice: Choice, spec: StateSpec) -> None:
        spec = self._storage(choice, spec)
        if spec.fields or spec.particles or spec.columns:
            raise PluginError(f"{self.owners[choice.label]} asks for fields; only solvers own fields and particles")
        self.state.allocate(choice.label, spec, self.backend)


def question(slot: str) -> str:
    """What is asked in a slot: the part of ``question/set`` that closures answer."""
    return slot.partition("/")[0]


def assemble(scenario: Scenario, registry: Registry) -> Simulation:
    """Build a simulation with allocated, still empty state.

    Raises ScenarioError or PluginError, each line naming what does not fit.
    """
    return Assembler(scenario, registry).build()


def initialise(simulation: Simulation, registry: Registry) -> None:
    """Fill the fields from the scenario's initial component.

    Raises PluginError when it gives non-finite values or shapes that do not fit the mesh.
    """
    choice = simulation.scenario.initial
    initial = registry.create(choice.component, choice.options)
    owner = f"initial {choice.type!r} of {registry.owner(choice.component)}"
    simulation.owners[choice.label] = owner
    setup = Setup(
        mesh=simulation.mesh,
        backend=simulation.backend,
        label=choice.label,
        rng=simulation.streams(choice.label),
        dt=simulation.scenario.time.dt or 0.0,
        folder=simulation.scenario.folder,
    )
    with Blame(owner, simulation.state, TABLES[choice.kind], (choice.label, choice.type)):
        physical = initial.fill(setup)
        if not isinstance(physical, Mapping):
            raise PluginError(f"{owner}: gives {type(physical).__name__}, expected arrays by name")
        for name, values in _flat(physical):
            if not np.all(np.isfinite(values)):
                raise PluginError(f"{owner}: gives non-finite values of {name!r}")
        encoded = simulation.solver.encode(physical, simulation.backend)
    for name, expected in simulation.state.fields.items():
        if name not in encoded or tuple(encoded[name].shape) != tuple(expected.shape):
            raise PluginError(f"{owner}: does not give {name!r} with shape {tuple(expected.shape)}")
        if encoded[name].dtype != expected.dtype:
            raise PluginError(f"{owner}: gives {name!r} as {encoded[name].dtype}, expected {expected.dtype}")
        simulation.state.fields[name] = simulation.backend.copy(encoded[name])
    for name, particles in simulation.state.particles.items():
        columns = encoded.get(name)
        if not isinstance(columns, Mapping):
            raise PluginError(f"{owner}: gives no particles of the set {name!r}")
        try:
            particles.reserve(max((len(values) for values in columns.values()), default=0))
            particles.add(**columns)
        except ValueError as error:
            raise PluginError(f"{owner}: particles {name!r}: {error}") from error


def _flat(physical: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Arrays of an initial component, those of particle sets as ``set.column``."""
    for name, values in physical.items():
        if isinstance(values, Mapping):
            yield from ((f"{name}.{column}", array) for column, array in values.items())
        else:
            yield name, values
