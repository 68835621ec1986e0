"""The time loop: one function that reads top to bottom, and the few decisions it takes.

Order within a step, and why it stands so. Closures that evolve go first, because the step shall see their new memory.
The integrator proposes a step, which the error controller may refuse and shorten. The clock moves before correctors, so
that they and everything after them see the time of the state they are given. Correctors act in file order. Only then is
the state looked at: first whether it is finite, so that no observer, frame or checkpoint ever stores a broken one.
Frames come after observers, and the checkpoint last, so that it knows every row that belongs to its step.

Where nothing of this is due for some steps, and the integrator can take several in one sweep through memory, the loop
asks it for them at once. Such a block ends where the first schedule, the end of the run or the last allowed step says,
and takes the same steps to the last bit as one by one. Signals and the wall-time limit are looked at between blocks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NamedTuple, Protocol, cast

import numpy as np

from subgrid.assembly import Simulation
from subgrid.backend import Array
from subgrid.errors import NonFiniteError, PluginError
from subgrid.guard import Untouched, are_moderate, is_finite, unlike
from subgrid.protocols import Correction, SeveralStepIntegrator
from subgrid.schedule import Schedule
from subgrid.stability import stable_dt
from subgrid.state import Fields

SHORTEST_STEP = 1e-12
"""Smallest step, in units of the time span of the run, before an adaptive run gives up."""

UNWATCHED: AbstractContextManager[None] = nullcontext()


class Recorder(Protocol):
    """Where the loop sends what it saw; implemented by the run folder."""

    def series(self, label: str, values: Mapping[str, Any]) -> None: ...

    def frame(self, view: Mapping[str, Array]) -> None: ...

    def checkpoint(self) -> None: ...


class Planned(NamedTuple):
    """A step: where it starts, its size, and the time it reaches."""

    time: float
    dt: float
    reached: float


@dataclass
class Ledger:
    """Wall time [s] by component, and what was done in it."""

    seconds: dict[str, float] = field(default_factory=dict)
    accepted: int = 0
    rejected: int = 0
    evaluations: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    particles_removed: dict[str, int] = field(default_factory=dict)

    def add(self, label: str, start: float) -> None:
        self.seconds[label] = self.seconds.get(label, 0.0) + perf_counter() - start


def advance(
    simulation: Simulation,
    recorder: Recorder,
    ledger: Ledger,
    stop: Callable[[], bool] = lambda: False,
    last_step: int | None = None,
) -> bool:
    """Step until the end time. Returns False when ``stop`` asked to end earlier, which it does after ``last_step``.

    Raises NonFiniteError when the solution breaks down, and PluginError when a component does.
    """
    clock, end = simulation.state.clock, simulation.scenario.time.end
    target = next_event(simulation)
    while clock.time < end:
        if stop():
            return False
        block = plan_block(simulation, target, last_step)
        dt = take_block(simulation, ledger, block) if block else take_step(simulation, ledger, target)
        landed = clock.time >= target
        correct(simulation, ledger, landed, dt)
        try:
            check_finite(simulation, landed)
        except NonFiniteError:
            retrace(simulation, block)
            raise
        record(simulation, recorder, ledger, landed)
        if landed:
            target = next_event(simulation)
    return True


def record(simulation: Simulation, recorder: Recorder, ledger: Ledger, landed: bool) -> None:
    """Observers, frame and checkpoint that are due now."""
    scenario, view = simulation.scenario, simulation.view()
    for entry in simulation.observers:
        if due(simulation, entry.schedule, landed):
            start = perf_counter()
            with watched(simulation, entry.label, entry.component.needs, view), simulation.blame(entry.label):
                seen = entry.component.observe(view, simulation.state.clock)
            check_seen(simulation, entry.label, seen)
            recorder.series(entry.label, seen)
            ledger.add(entry.label, start)
    if due(simulation, scenario.output, landed):
        start = perf_counter()
        recorder.frame(view)
        ledger.add("output", start)
    if due(simulation, scenario.checkpoint, landed):
        start = perf_counter()
        recorder.checkpoint()
        ledger.add("checkpoint", start)


def record_last(simulation: Simulation, recorder: Recorder, ledger: Ledger) -> None:
    """A frame of the state at the end of the run, unless one was due there.

    It comes after the last checkpoint, which does not know it: when the run is resumed to go on further, the frame is
    dropped with all other rows behind the checkpoint, and the run has the frames of one that never ended there.
    """
    output = simulation.scenario.output
    if output.last and output.quantities and not due(simulation, output, landed=True):
        start = perf_counter()
        recorder.frame(simulation.view())
        ledger.add("output", start)


def due(simulation: Simulation, schedule: Schedule, landed: bool) -> bool:
    """Whether a schedule falls on the present step; times are only looked at where the loop landed on one."""
    if not landed and (schedule.every is None or schedule.every.steps is None):
        return False
    clock = simulation.state.clock
    return schedule.due(simulation.scenario.time.start, clock.time, clock.step)


def next_event(simulation: Simulation) -> float:
    """The next time that the loop must land on; the end itself, when only round-off keeps an event apart from it."""
    time, now = simulation.scenario.time, simulation.state.clock.time
    earliest = min((schedule.next_time(time.start, now) for schedule in simulation.schedules), default=math.inf)
    round_off = SHORTEST_STEP * max(abs(time.end), time.end - time.start)
    return time.end if earliest > time.end - round_off else earliest


def take_step(simulation: Simulation, ledger: Ledger, target: float) -> float:
    """Advance closures, fields and clock by an accepted step that ends at ``target`` at the latest; return its size."""
    state, integrator = simulation.state, simulation.integrator
    clock, time = state.clock, simulation.scenario.time
    label = simulation.scenario.integrator.label
    memory = state.memory.setdefault(label, {})
    adaptive = simulation.adaptive
    proposed = propose_dt(simulation, ledger)
    removed = {name: particles.removed for name, particles in state.particles.items()}
    while True:
        dt, reached = land(simulation, clock.time, clock.step, proposed, target)
        before = evolve_closures(simulation, ledger, dt)
        if before and adaptive is not None:
            memory.update(adaptive.disturbed())
        start = perf_counter()
        with watched(simulation, label), simulation.blame(label):
            report = integrator.step(
                simulation.rhs, state.fields, memory, clock.time, dt, simulation.streams(label), simulation.spare
            )
        ledger.add("integrator", start)
        ledger.evaluations += report.evaluations
        if adaptive is None or report.error is None:
            break
        accepted, following, updates = adaptive.controller.propose(dt, report.error, memory)
        memory.update(updates)
        if accepted:
            # a step that was cut short to land somewhere says little about the next one
            clock.dt = max(following, proposed) if dt < proposed else following
            break
        ledger.rejected += 1
        proposed = following
        state.memory.update(before)
        if not proposed > SHORTEST_STEP * (time.end - time.start):
            raise NonFiniteError(
                f"step {clock.step}: the step size fell to {proposed:.3g} at t = {clock.time:.9g}; "
                f"the tolerance of {label!r} cannot be met there"
            )
    check_fields(simulation, label, report.fields)
    simulation.accept(report.fields)
    memory.update(report.memory)
    ledger.accepted += 1
    for name, earlier in removed.items():
        left = state.particles[name].removed - earlier
        ledger.particles_removed[name] = ledger.particles_removed.get(name, 0) + left
    clock.time = reached
    clock.step += 1
    return dt


def plan_block(simulation: Simulation, target: float, last_step: int | None) -> list[Planned]:
    """Steps that may be taken at once, because nothing is due before the last of them; none when they are too few.

    Correctors act on steps that are taken singly.
    """
    clock = simulation.state.clock
    if simulation.most_steps < 2 or clock.dt == 0.0:
        return []
    limits: list[float] = [simulation.most_steps]
    limits += [schedule.next_step(clock.step) - clock.step for schedule in simulation.schedules]
    limits += [entry.schedule.next_step(clock.step) - clock.step - 1 for entry in simulation.correctors]
    if last_step is not None:
        limits.append(last_step - clock.step)
    if any(entry.schedule.empty for entry in simulation.correctors):
        return []
    block: list[Planned] = []
    time = clock.time
    while len(block) < min(limits) and time < target:
        dt, reached = land(simulation, time, clock.step + len(block), clock.dt, target)
        block.append(Planned(time, dt, reached))
        time = reached
    if simulation.correctors and time >= target:
        block.pop()
    return block if len(block) > 1 else []


def take_block(simulation: Simulation, ledger: Ledger, block: list[Planned]) -> float:
    """Take several steps at once; return the size of the last."""
    state, label = simulation.state, simulation.scenario.integrator.label
    integrator = cast(SeveralStepIntegrator, simulation.integrator)
    assert simulation.spare is not None
    start = perf_counter()
    with simulation.blame(label):
        times, sizes = [step.time for step in block], [step.dt for step in block]
        report = integrator.steps(simulation.rhs, state.fields, times, sizes, simulation.spare)
    ledger.add("integrator", start)
    ledger.evaluations += report.evaluations
    ledger.accepted += len(block)
    simulation.accept(report.fields)
    state.clock.time = block[-1].reached
    state.clock.step += len(block)
    return block[-1].dt


def retrace(simulation: Simulation, block: list[Planned]) -> None:
    """Take the steps of a block that ended badly again, one by one: NonFiniteError then names the one that failed."""
    if not block:
        return
    state, label, spare = simulation.state, simulation.scenario.integrator.label, simulation.spare
    assert spare is not None
    # a block leaves the fields it started from as they were, and they are the workspace now
    simulation.accept(dict(spare))
    state.clock.step -= len(block)
    for step in block:
        report = simulation.integrator.step(
            simulation.rhs, state.fields, {}, step.time, step.dt, simulation.streams(label), simulation.spare
        )
        simulation.accept(report.fields)
        state.clock.time = step.reached
        state.clock.step += 1
        check_finite(simulation)


def propose_dt(simulation: Simulation, ledger: Ledger) -> float:
    """Size of the next step before it is cut to land on an event."""
    state, time = simulation.state, simulation.scenario.time
    if time.cfl is not None:
        start = perf_counter()
        limit = stable_dt(simulation)
        ledger.add("step size", start)
        dt = min(time.cfl * limit, time.dt or math.inf, time.end - time.start)
        if not dt > SHORTEST_STEP * (time.end - time.start):
            check_finite(simulation)
            raise NonFiniteError(
                f"step {state.clock.step}: the stable step fell to {dt:.3g} at t = {state.clock.time:.9g}, "
                f"as it does when a solution blows up; a time.cfl below {time.cfl:g} may keep it"
            )
        state.clock.dt = dt
    elif state.clock.dt == 0.0:
        if time.dt is None and simulation.adaptive is not None:
            state.clock.dt = simulation.adaptive.initial_dt(simulation.rhs, state.fields, state.clock.time)
        else:
            state.clock.dt = time.dt or time.end - time.start
    return state.clock.dt


def land(simulation: Simulation, time: float, step: int, dt: float, target: float) -> tuple[float, float]:
    """The step to take from ``time``, after ``step`` steps, and the time it reaches: ``target`` exactly when the step
    comes close to it or would pass it."""
    if simulation.integrator.variable_step:
        reached = time + dt
        if reached >= target - 1e-6 * dt:
            return target - time, target
        return dt, reached
    # counting steps keeps long runs on their grid of times, where adding them up would drift away
    reached = simulation.scenario.time.start + (step + 1) * dt
    return dt, target if abs(reached - target) <= 1e-6 * dt else reached


def evolve_closures(simulation: Simulation, ledger: Ledger, dt: float) -> dict[str, Fields]:
    """Advance the memory of closures that have one, and return what it was before."""
    state, clock = simulation.state, simulation.state.clock
    before: dict[str, Fields] = {}
    for entry, closure in simulation.closures.evolving:
        start = perf_counter()
        memory = state.memory.get(entry.label, {})
        before[entry.label] = memory
        inputs = simulation.solver.inputs(entry.slot, state.prognostic(), clock.time)
        with simulation.blame(entry.label):
            changed = closure.advance(inputs, memory, clock.time, dt, simulation.streams(entry.label))
        check_memory(simulation, entry.label, memory, changed)
        state.memory[entry.label] = {**memory, **changed}
        ledger.add(entry.label, start)
    return before


def correct(simulation: Simulation, ledger: Ledger, landed: bool, dt: float) -> None:
    """Apply the correctors that are due after a step of size ``dt``, in file order; a refusal is counted."""
    state = simulation.state
    for entry in simulation.correctors:
        if not (entry.schedule.empty or due(simulation, entry.schedule, landed)):
            continue
        start = perf_counter()
        memory = state.memory.get(entry.label, {})
        with watched(simulation, entry.label), simulation.blame(entry.label):
            correction = entry.component.correct(state, memory, state.clock.time, dt, simulation.streams(entry.label))
        if not isinstance(correction, Correction):
            raise PluginError(f"{simulation.owners[entry.label]}: returns {type(correction).__name__}, no Correction")
        if correction.refused:
            ledger.refused[entry.label] = ledger.refused.get(entry.label, 0) + 1
        if correction.memory:
            check_memory(simulation, entry.label, memory, correction.memory)
            memory.update(correction.memory)
        if correction.fields:
            check_fields(simulation, entry.label, correction.fields)
            check_corrected(simulation, entry.label, correction.fields)
            state.fields.update(correction.fields)
            if simulation.adaptive is not None:
                state.memory[simulation.scenario.integrator.label].update(simulation.adaptive.disturbed())
        ledger.add(entry.label, start)


def watched(
    simulation: Simulation, label: str, needs: Sequence[str] = (), view: Mapping[str, Array] | None = None
) -> AbstractContextManager[None]:
    """At the first call of a component, look whether it writes into the state or into what it looks at."""
    if label in simulation.watched:
        return UNWATCHED
    simulation.watched.add(label)
    arrays = {**simulation.state.fields, **{name: view[name] for name in needs if view is not None}}
    return Untouched(simulation.owners[label], "the field", arrays, simulation.state)


def check_fields(simulation: Simulation, label: str, fields: Fields) -> None:
    """Raise PluginError when a component hands back fields of another kind than the state has."""
    known = simulation.state.fields
    for name, values in fields.items():
        if name not in known:
            problem = f"field {name!r}, which the state does not have; it has {', '.join(known)}"
        else:
            problem = unlike(values, known[name])
            problem = problem and f"field {name!r} as {problem}"
        if problem:
            raise PluginError(f"{simulation.owners[label]}: returns at step {simulation.state.clock.step} {problem}")


def check_corrected(simulation: Simulation, label: str, fields: Fields) -> None:
    """Raise PluginError when a corrector makes a sound field non-finite."""
    for name, values in fields.items():
        if not isinstance(values, np.ndarray) or is_finite(values):
            continue
        if are_moderate([simulation.state.fields[name]]):
            raise PluginError(
                f"{simulation.owners[label]}: makes field {name!r} non-finite at step {simulation.state.clock.step}"
            )


def check_seen(simulation: Simulation, label: str, seen: Any) -> None:
    """Raise PluginError when an observer does not return what it declared: names, dims, numbers."""
    declared, owner = simulation.observed[label], simulation.owners[label]
    step = simulation.state.clock.step
    if not isinstance(seen, Mapping):
        raise PluginError(f"{owner}: returns {type(seen).__name__} at step {step}, expected values by name")
    if seen.keys() != declared.keys():
        raise PluginError(
            f"{owner}: returns {', '.join(seen) or 'nothing'} at step {step}, declared {', '.join(declared)}"
        )
    for name, values in seen.items():
        if np.asarray(simulation.backend.to_numpy(values)).dtype.kind not in "biufc":
            raise PluginError(f"{owner}: returns {name!r} at step {step} as text or objects, expected numbers")
        shape, dims = getattr(values, "shape", ()), declared[name].dims
        if len(shape) != len(dims) and not isinstance(values, list | tuple):
            raise PluginError(
                f"{owner}: returns {name!r} with shape {tuple(shape)} at step {step}, its dims are {dims}"
            )


def check_memory(simulation: Simulation, label: str, memory: Fields, changed: Fields) -> None:
    """Raise PluginError when a component hands back memory of another kind, which could not be resumed."""
    for name, values in changed.items():
        declared = memory.get(name)
        if declared is None:
            raise PluginError(f"{simulation.owners[label]}: returns memory {name!r}, which it did not ask for in setup")
        shape, dtype = getattr(values, "shape", None), getattr(values, "dtype", type(values).__name__)
        if dtype != declared.dtype or shape != declared.shape:
            raise PluginError(
                f"{simulation.owners[label]}: memory {name!r} became {dtype} with shape {_tuple(shape)} at step "
                f"{simulation.state.clock.step}, it was {declared.dtype} with shape {_tuple(declared.shape)}"
            )


def _tuple(shape: Any) -> tuple[int, ...]:
    return tuple(shape or ())


def check_finite(simulation: Simulation, thorough: bool = True) -> None:
    """Raise NonFiniteError naming step, field and first index when a field holds a NaN or an infinity.

    Particles are looked at by their column ``position``, where any number that breaks down arrives a step later, and by
    all their columns when ``thorough``.
    """
    xp, state = simulation.backend.xp, simulation.state
    for name, particles in state.particles.items():
        for column in particles.specs if thorough or "position" not in particles.specs else ("position",):
            if not math.isfinite(particles[column].sum(dtype=np.float64)):
                finite = np.isfinite(particles[column].reshape(len(particles), -1)).all(axis=1)
                raise NonFiniteError(
                    f"step {state.clock.step}, t = {state.clock.time:.9g}: column {column!r} of particles {name!r} is "
                    f"not finite, first at id {int(particles['id'][np.argmin(finite)])}"
                )
    for name, values in state.fields.items():
        total = values.sum()
        # the sum of a field with a NaN or an infinity is never finite, and is much cheaper than looking at every entry
        if math.isfinite(abs(total)):
            continue
        broken = ~xp.isfinite(values)
        if xp.any(broken):
            index = tuple(int(i[0]) for i in xp.nonzero(broken))
            raise NonFiniteError(
                f"step {state.clock.step}, t = {state.clock.time:.9g}: "
                f"field {name!r} is not finite, first at index {index}"
            )
