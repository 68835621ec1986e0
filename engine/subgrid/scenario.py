"""Scenarios: what a run consists of, read from TOML and checked as a whole.

Everything wrong is reported at once, one line each: the key path, the value, and what is allowed.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from subgrid.component import Component
from subgrid.errors import PluginError, ScenarioError
from subgrid.filekind import SCENARIO, read_kind
from subgrid.options import Options, Unit
from subgrid.overrides import with_overrides
from subgrid.registry import Registry
from subgrid.schedule import Schedule
from subgrid.suggest import choose_from
from subgrid.toml_text import write_text
from subgrid.validation import Model, checked, joined, shown

SINGLE_KINDS = ("mesh", "initial", "solver", "integrator")
OPTIONAL_TABLES = {"linear_solver": "linsolve"}
"""Tables of one component that a scenario may leave out, and the kind that each asks for."""
LISTED_KINDS = {"closures": "closure", "correctors": "corrector", "observers": "observer"}
TABLES = {kind: kind for kind in SINGLE_KINDS} | {
    kind: table for table, kind in (*OPTIONAL_TABLES.items(), *LISTED_KINDS.items())
}
"""Table of a scenario that holds components of a kind."""
DEEPEST = 32
"""Most levels of tables and lists in a scenario."""
MOST_LINES = 60
"""Most problems that are reported one by one."""
MOST_EVENTS = 1e9
"""Most events of one schedule in a run."""
STEP_FIT = 1e-9
"""Relative tolerance within which a time counts as a whole number of fixed steps."""

PLAIN = (str, bool, int, float, datetime.date, datetime.time)
"""Scalars that TOML knows (a datetime is a date)."""

Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=80)]


class Header(Options):
    """What stands above the tables of a scenario."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=80, description="short name")] = "scenario"
    description: Annotated[str, Field(description="what the scenario shows")] = ""
    seed: Annotated[int, Field(ge=0, lt=2**64, description="key of all random streams")] = 0


class BackendOptions(Options):
    """The array world of the run."""

    name: Annotated[Literal["numpy", "torch"], Field(description="array library")] = "numpy"
    device: Annotated[Literal["cpu", "cuda"], Field(description="where arrays live; cuda needs torch")] = "cpu"
    precision: Annotated[Literal["float64", "float32"], Field(description="precision of real fields")] = "float64"
    threads: Annotated[int, Field(ge=0, le=4096, description="threads; 0 is every core of the process")] = 0
    fft: Annotated[Literal["scipy", "fftw"], Field(description="transform of NumPy runs; fftw needs pyfftw")] = "scipy"

    @model_validator(mode="after")
    def _device_of_library(self) -> BackendOptions:
        if self.name == "numpy" and self.device != "cpu":
            raise ValueError(f"'numpy' computes on 'cpu', not on '{self.device}'; use name = 'torch'")
        if self.name == "torch" and self.fft != "scipy":
            raise ValueError(f"fft = '{self.fft}' is for name = 'numpy'; torch has its own transform")
        return self


class TimeOptions(Options):
    """The time span and what sets the step.

    Fixed steps: ``dt``. Steps from the solver's stability limit: ``cfl``, with ``dt`` as upper limit if given. Adaptive
    integrators set their own steps from their error estimate, with ``dt`` as first step if given.
    """

    start: Annotated[float, Unit("s"), Field(description="time of the initial state")] = 0.0
    end: Annotated[float, Unit("s"), Field(description="time to stop at")]
    dt: Annotated[float, Unit("s"), Field(gt=0, description="fixed, first or largest step")] | None = None
    cfl: Annotated[float, Unit(""), Field(gt=0, le=1, description="part of the solver's stability limit")] | None = None
    max_steps: Annotated[int, Field(gt=0, lt=2**63, description="stop after this many steps")] | None = None

    @model_validator(mode="after")
    def _forward(self) -> TimeOptions:
        if not self.end > self.start:
            raise ValueError(f"end = {self.end:g} must lie after start = {self.start:g}")
        if not math.isfinite(self.end - self.start):
            raise ValueError("the span from start to end is too large")
        if self.dt is not None and self.dt < self.resolution:
            raise ValueError(f"dt = {self.dt:g} is lost to rounding in times up to {self.end:g}")
        return self

    @property
    def resolution(self) -> float:
        """Smallest difference of times that still means something: a few roundings of the largest."""
        return 16.0 * math.ulp(max(abs(self.start), abs(self.end)))


class OutputOptions(Schedule):
    """Which of the solver's quantities are stored as frames, and when: on schedule, and when the run has ended."""

    quantities: Annotated[tuple[str, ...], Field(description="names of quantities that the solver derives")] = ()
    precision: Annotated[Literal["float32", "float64"], Field(description="precision on disk")] = "float64"
    last: Annotated[bool, Field(description="store the state at the end even where every and at do not meet it")] = True

    @property
    def schedule(self) -> Schedule:
        return Schedule(every=self.every, at=self.at)

    @model_validator(mode="after")
    def _complete(self) -> OutputOptions:
        if len(set(self.quantities)) < len(self.quantities):
            raise ValueError("quantities: a name stands there twice")
        if bool(self.quantities) == self.empty:
            missing = "when to store them: every or at" if self.empty else "what to store: quantities"
            raise ValueError(f"it is not said {missing}")
        return self


class CheckpointOptions(Schedule):
    """When restart points are written, besides those at the start, the end and an interruption."""

    keep: Annotated[int, Field(ge=1, le=1_000_000, description="newest checkpoints to keep")] = 2

    @property
    def schedule(self) -> Schedule:
        return Schedule(every=self.every, at=self.at)


class Expect(Options):
    """A number that the finished run must reproduce, with tolerance and source."""

    of: Annotated[str, Field(description="<observer label>.<variable>")]
    statistic: Annotated[
        Literal["last", "first", "mean", "max", "min"], Field(description="what to take of the series")
    ] = "last"
    after: Annotated[float, Unit("s"), Field(description="leave out earlier times")] | None = None
    value: Annotated[float, Unit(""), Field(description="the expected number")]
    rel: Annotated[float, Unit(""), Field(ge=0, description="relative tolerance")] | None = None
    abs: Annotated[float, Unit(""), Field(ge=0, description="absolute tolerance")] | None = None
    source: Annotated[str, Field(min_length=1, description="where the number comes from")]

    @model_validator(mode="after")
    def _one_tolerance(self) -> Expect:
        if (self.rel is None) == (self.abs is None):
            raise ValueError("give a tolerance, either rel or abs")
        return self


class ComponentKeys(Options):
    """The engine's keys in the table of any component."""

    type: Annotated[str, Field(description="name of the component")]
    label: Annotated[Label, Field(description="its own name in this run; default: the type")] | None = None


class FallbackKeys(ComponentKeys):
    """The engine's keys in the table of a closure that stands in for another."""

    fallback: (
        Annotated[
            dict[str, Any],
            Field(description="table of the closure that answers when this one gives no admissible answer"),
        ]
        | None
    ) = None


class ClosureKeys(FallbackKeys):
    """The engine's keys in the table of a closure."""

    slot: Annotated[str, Field(description="question that it answers; default: the first that fits")] | None = None
    weight: Annotated[float, Unit(""), Field(description="factor of its answer in the slot's sum")] = 1.0


class TimedKeys(ComponentKeys, Schedule):
    """The engine's keys in the table of a corrector or observer."""


KEYS: Mapping[str, type[ComponentKeys]] = {
    **dict.fromkeys((*SINGLE_KINDS, *OPTIONAL_TABLES.values()), ComponentKeys),
    "closure": ClosureKeys,
    "corrector": TimedKeys,
    "observer": TimedKeys,
}


@dataclass(frozen=True)
class Choice:
    """A component that the scenario chose, with its checked options.

    ``slot``, ``weight`` and ``fallback`` are for closures, ``schedule`` for observers, and for correctors (where empty
    means every step).
    """

    kind: str
    type: str
    label: str
    component: Component
    options: Options
    slot: str | None = None
    weight: float = 1.0
    schedule: Schedule = field(default_factory=Schedule)
    fallback: Choice | None = None

    def chain(self) -> Iterator[Choice]:
        """The component, its fall-back, and so on."""
        yield self
        if self.fallback is not None:
            yield from self.fallback.chain()


@dataclass(frozen=True)
class Scenario:
    """A checked scenario. Relative paths in options start from ``folder``."""

    name: str
    description: str
    seed: int
    backend: BackendOptions
    mesh: Choice
    initial: Choice
    solver: Choice
    integrator: Choice
    time: TimeOptions
    closures: tuple[Choice, ...]
    correctors: tuple[Choice, ...]
    observers: tuple[Choice, ...]
    output: OutputOptions
    checkpoint: CheckpointOptions
    expect: Mapping[str, Expect]
    folder: Path
    linear_solver: Choice | None = None

    def choices(self) -> Iterator[Choice]:
        """Every component, in the order of the scenario."""
        yield from (self.mesh, self.initial, self.solver, self.integrator)
        if self.linear_solver is not None:
            yield self.linear_solver
        for closure in self.closures:
            yield from closure.chain()
        yield from (*self.correctors, *self.observers)


def load(path: Path | str, registry: Registry, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario file and apply ``key.path=value`` overrides.

    Raises ScenarioError with a line for every problem, or PluginError when a component's plugin is broken.
    """
    path = Path(path)
    data = read_kind(path, SCENARIO)
    data.setdefault("name", re.sub(r"[^A-Za-z0-9_.-]", "_", path.stem)[:80])
    try:
        return parse(data, registry, path.parent, overrides)
    except ScenarioError as error:
        raise ScenarioError([f"{path}: {problem}" for problem in error.problems]) from error


def parse(data: Mapping[str, Any], registry: Registry, folder: Path, overrides: Sequence[str] = ()) -> Scenario:
    """Check plain data, as TOML gives it, and find its components. Raises as `load` does."""
    _check_plain(data)
    data = with_overrides(data, overrides)
    _check_plain(data)
    return _Reader(registry).read(data, folder)


class _Reader:
    """Reads one scenario and collects what is wrong with it."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.problems: list[str] = []
        self.plugin_problems: list[str] = []

    def read(self, data: dict[str, Any], folder: Path) -> Scenario:
        tables = (*SINGLE_KINDS, *OPTIONAL_TABLES, *LISTED_KINDS, "backend", "time", "output", "checkpoint", "expect")
        header = checked(Header, {key: data[key] for key in data if key not in tables}, "", self.problems, tables)
        backend = self._options(data, "backend", BackendOptions)
        time = self._options(data, "time", TimeOptions)
        output = self._options(data, "output", OutputOptions)
        checkpoint = self._options(data, "checkpoint", CheckpointOptions)
        drafts = dict(self._choices(data))
        choices = self._labelled(drafts)
        expect = self._expectations(data, [choice.label for choice in choices.values() if choice.kind == "observer"])
        self._raise_problems()
        assert header
        assert backend
        assert time
        assert output
        assert checkpoint
        scenario = Scenario(
            name=header.name,
            description=header.description,
            seed=header.seed,
            backend=backend,
            mesh=choices["mesh"],
            initial=choices["initial"],
            solver=choices["solver"],
            integrator=choices["integrator"],
            time=time,
            closures=tuple(
                _with_fallbacks(path, choices) for path, choice in choices.items() if _is_plugged(path, choice)
            ),
            correctors=tuple(choice for choice in choices.values() if choice.kind == "corrector"),
            observers=tuple(choice for choice in choices.values() if choice.kind == "observer"),
            output=output,
            checkpoint=checkpoint,
            expect=expect,
            folder=folder,
            linear_solver=choices.get("linear_solver"),
        )
        self.problems += _event_problems(scenario)
        self._raise_problems()
        self.problems += _step_problems(scenario, self.registry)
        self._raise_problems()
        return scenario

    def _raise_problems(self) -> None:
        lines = self.problems + self.plugin_problems
        if len(lines) > MOST_LINES:
            lines = [*lines[:MOST_LINES], f"... and {len(lines) - MOST_LINES} problems more"]
        if self.problems:
            raise ScenarioError(lines)
        if lines:
            raise PluginError("\n".join(lines))

    def _table(self, value: Any, path: str) -> Mapping[str, Any] | None:
        if isinstance(value, Mapping):
            return value
        self.problems.append(f"{path}: {shown(value)} is not a table")
        return None

    def _options(self, data: Mapping[str, Any], key: str, model: type[Model]) -> Model | None:
        table = self._table(data.get(key, {}), key)
        return None if table is None else checked(model, table, key, self.problems)

    def _choices(self, data: Mapping[str, Any]) -> Iterator[tuple[str, Choice]]:
        """Every component that can be read, by its path, with an empty label where none is given."""
        for kind in SINGLE_KINDS:
            if kind not in data:
                names = ", ".join(component.name for component in self.registry.components(kind))
                self.problems.append(f"{kind}: missing table [{kind}] with a type; choose from {names or 'nothing'}")
                continue
            choice = self._choice(kind, data[kind], kind)
            if choice is not None:
                yield kind, choice
        for key, kind in OPTIONAL_TABLES.items():
            choice = self._choice(kind, data[key], key) if key in data else None
            if choice is not None:
                yield key, choice
        for key, kind in LISTED_KINDS.items():
            entries = data.get(key, [])
            if not isinstance(entries, list | tuple):
                self.problems.append(f"{key}: {shown(entries)} is not a list; write [[{key}]] for each entry")
                continue
            for index, entry in enumerate(entries):
                path, model = f"{key}.{index}", KEYS[kind]
                while entry is not None:
                    choice = self._choice(kind, entry, path, model)
                    if choice is not None:
                        yield path, choice
                    entry = entry.get("fallback") if kind == "closure" and isinstance(entry, Mapping) else None
                    path, model = f"{path}.fallback", FallbackKeys

    def _choice(
        self, kind: str, value: Any, path: str, model_of_keys: type[ComponentKeys] | None = None
    ) -> Choice | None:
        table = self._table(value, path)
        if table is None:
            return None
        keys_model = model_of_keys or KEYS[kind]
        names = keys_model.model_fields
        keys = checked(keys_model, {key: table[key] for key in table if key in names}, path, self.problems)
        component = self._component(kind, table.get("type"), path)
        if component is None:
            return None
        try:
            model = self.registry.options_class(component)
        except PluginError as error:
            self.plugin_problems.append(f"{path}: {error}")
            return None
        own = {key: table[key] for key in table if key not in names}
        options = checked(model, own, path, self.problems, names)
        if keys is None or options is None:
            return None
        choice = Choice(kind, component.name, keys.label or "", component, options)
        if isinstance(keys, ClosureKeys):
            choice = replace(choice, slot=keys.slot, weight=keys.weight)
        if isinstance(keys, TimedKeys):
            choice = replace(choice, schedule=Schedule(every=keys.every, at=keys.at))
            if kind == "observer" and choice.schedule.empty:
                self.problems.append(
                    f"{path}: it is not said when: every = {{steps = ..}}, every = {{time = ..}} or at"
                )
        return choice

    def _component(self, kind: str, name: Any, path: str) -> Component | None:
        if not isinstance(name, str):
            return None  # the engine's keys have been checked already, and complained
        try:
            return self.registry.find(kind, name)
        except ScenarioError as error:
            self.problems.append(f"{path}.type: {error}")
            return None

    def _labelled(self, drafts: Mapping[str, Choice]) -> dict[str, Choice]:
        """Give every choice a label of its own: the stated one, else the type, with a number when that is taken."""
        taken: dict[str, str] = {}
        for path, choice in drafts.items():
            if choice.label in taken:
                self.problems.append(f"{path}.label: {choice.label!r} is the label of {taken[choice.label]} already")
            elif choice.label:
                taken[choice.label] = path
        labelled = {}
        for path, choice in drafts.items():
            label = choice.label or _free(choice.type, taken)
            taken.setdefault(label, path)
            labelled[path] = replace(choice, label=label)
        return labelled

    def _expectations(self, data: Mapping[str, Any], labels: list[str]) -> dict[str, Expect]:
        observers = data.get("observers", [])
        labels_known = isinstance(observers, list | tuple) and len(labels) == len(observers)
        expectations = {}
        for name, value in (self._table(data.get("expect", {}), "expect") or {}).items():
            path = joined("expect", name)
            table = self._table(value, path)
            expect = None if table is None else checked(Expect, table, path, self.problems)
            if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
                self.problems.append(f"{path}: a name has letters, digits, '_' and '-' only")
            if expect is None:
                continue
            label, dot, variable = expect.of.rpartition(".")
            if not (dot and variable):
                self.problems.append(f"{path}.of: {shown(expect.of)} is not <observer label>.<variable>")
            elif label not in labels and labels_known:
                self.problems.append(f"{path}.of: no observer is labelled {label[:60]!r}; {choose_from(label, labels)}")
            expectations[name] = expect
        return expectations


def _is_plugged(path: str, choice: Choice) -> bool:
    """Whether a choice is a closure of the scenario's list, and no fall-back."""
    return choice.kind == "closure" and not path.endswith(".fallback")


def _with_fallbacks(path: str, choices: Mapping[str, Choice]) -> Choice:
    """A closure with the one that stands in for it, which stands among the choices under a path of its own."""
    following = f"{path}.fallback"
    return replace(choices[path], fallback=_with_fallbacks(following, choices) if following in choices else None)


def _free(wanted: str, taken: Mapping[str, str]) -> str:
    count, label = 1, wanted
    while label in taken:
        count += 1
        label = f"{wanted}_{count}"
    return label


def _check_plain(data: Mapping[str, Any]) -> None:
    """Refuse what is not plain data, or nested too deeply to be walked safely."""
    level: list[tuple[str, Any]] = [("", data)]
    problems: list[str] = []
    for _ in range(DEEPEST):
        following: list[tuple[str, Any]] = []
        for path, value in level:
            if isinstance(value, Mapping):
                following += [(joined(path, str(key)), item) for key, item in value.items()]
                problems += [f"{joined(path, str(key))}: a key must be text" for key in value if not _is_text(key)]
            elif isinstance(value, list | tuple):
                following += [(joined(path, index), item) for index, item in enumerate(value)]
            elif value is None or not isinstance(value, PLAIN) or (isinstance(value, str) and not _is_text(value)):
                what = "text that is not Unicode" if isinstance(value, str) else type(value).__name__
                problems.append(f"{path}: {'no value' if value is None else f'a scenario cannot hold {what}'}")
        level = following
    if level:
        problems.append(f"{level[0][0][:100]}: nested deeper than {DEEPEST} levels")
    if problems:
        raise ScenarioError(problems[:MOST_LINES])


def _is_text(value: Any) -> bool:
    """Whether a value is a string without lone surrogates (which the command line may hand over)."""
    try:
        return isinstance(value, str) and bool(value.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False


def _event_problems(scenario: Scenario) -> list[str]:
    """Events that never come, or so many that the run would never end."""
    time, problems = scenario.time, []
    for path, schedule in _schedules(scenario):
        interval = schedule.every.time if schedule.every else None
        shortest = max(time.resolution, (time.end - time.start) / MOST_EVENTS)
        if interval is not None and interval < shortest:
            problems.append(
                f"{path}.every.time: {interval:g} is too short for this run; at least {shortest:.3g} (unit: s)"
            )
        for index, event in enumerate(schedule.at):
            if event < time.start:
                problems.append(f"{path}.at.{index}: {event:g} lies before time.start = {time.start:g}")
    return problems


def _step_problems(scenario: Scenario, registry: Registry) -> list[str]:
    """What does not fit between the integrator and the table of times; imports the integrator.

    Integrators that cannot shorten a step need every time to be a whole number of steps.
    """
    time, name = scenario.time, scenario.integrator.type
    component = scenario.integrator.component
    integrator = registry.create(component, scenario.integrator.options)
    for promised in ("adaptive", "variable_step"):
        if not isinstance(getattr(integrator, promised, None), bool):
            raise PluginError(f"{registry.owner(component)}: integrator '{name}' does not say whether it is {promised}")
    if integrator.adaptive:
        if time.cfl is not None:
            return [f"time.cfl: '{name}' sets its steps from its error estimate; leave out cfl (dt is its first step)"]
        return []
    if not integrator.variable_step and time.cfl is not None:
        return [f"time.cfl: '{name}' cannot change its step; give dt instead"]
    if time.dt is None and time.cfl is None:
        alternative = ", or cfl" if integrator.variable_step else ""
        return [f"time.dt: missing, '{name}' needs it{alternative} (unit: s)"]
    if integrator.variable_step or time.dt is None:
        return []
    problems = [] if _fits(time.end - time.start, time.dt) else [_misfit_end(time, time.dt, name)]
    for path, schedule in _schedules(scenario):
        problems += _misfit_events(path, schedule, time, time.dt, name)
    return problems


def _schedules(scenario: Scenario) -> Iterator[tuple[str, Schedule]]:
    for key, choices in (("correctors", scenario.correctors), ("observers", scenario.observers)):
        for index, choice in enumerate(choices):
            yield f"{key}.{index}", choice.schedule
    yield "output", scenario.output.schedule
    yield "checkpoint", scenario.checkpoint.schedule


def _fits(span: float, dt: float) -> bool:
    steps = span / dt
    return math.isfinite(steps) and round(steps) >= 1 and abs(steps - round(steps)) <= STEP_FIT * steps


def _nearest(span: float, dt: float) -> tuple[str, str]:
    """The nearest step that divides a span, and the nearest span that the step divides."""
    steps = max(1.0, float(round(span / dt))) if math.isfinite(span / dt) else 1.0
    return f"{span / steps:.12g}", f"{steps * dt:.12g}"


def _misfit_end(time: TimeOptions, dt: float, name: str) -> str:
    step, span = _nearest(time.end - time.start, dt)
    return (
        f"time.dt: {dt:.12g} does not divide the span {time.end - time.start:.12g} from start to end, "
        f"and '{name}' cannot shorten a step; use dt = {step}, or a span of {span}"
    )


def _misfit_events(path: str, schedule: Schedule, time: TimeOptions, dt: float, name: str) -> list[str]:
    problems = []
    interval = schedule.every.time if schedule.every else None
    if interval is not None and not _fits(interval, dt):
        step, span = _nearest(interval, dt)
        problems.append(
            f"{path}.every.time: {interval:.12g} is not a whole number of steps dt = {dt:.12g}, "
            f"and '{name}' cannot shorten a step; use dt = {step}, or time = {span}"
        )
    for index, event in enumerate(schedule.at):
        if time.start < event <= time.end and not _fits(event - time.start, dt):
            step, span = _nearest(event - time.start, dt)
            problems.append(
                f"{path}.at.{index}: {event:.12g} is not reached by steps dt = {dt:.12g} from {time.start:.12g}, "
                f"and '{name}' cannot shorten a step; use dt = {step}, or {float(span) + time.start:.12g}"
            )
    return problems


def to_toml(scenario: Scenario) -> str:
    """The resolved scenario, all defaults written: `load` gives an equal one back (from the same folder)."""
    return write_text(to_data(scenario))


def to_data(scenario: Scenario) -> dict[str, Any]:
    """The resolved scenario as plain data that `parse` understands."""
    data: dict[str, Any] = {"name": scenario.name, "description": scenario.description, "seed": scenario.seed}
    data["backend"] = scenario.backend.model_dump()
    for choice in (scenario.mesh, scenario.initial, scenario.solver, scenario.integrator):
        data[choice.kind] = _choice_data(choice)
    if scenario.linear_solver is not None:
        data["linear_solver"] = _choice_data(scenario.linear_solver)
    data["time"] = scenario.time.model_dump()
    for key, choices in (
        ("closures", scenario.closures),
        ("correctors", scenario.correctors),
        ("observers", scenario.observers),
    ):
        if choices:
            data[key] = [_choice_data(choice) for choice in choices]
    data["output"] = scenario.output.model_dump()
    data["checkpoint"] = scenario.checkpoint.model_dump()
    if scenario.expect:
        data["expect"] = {name: expect.model_dump() for name, expect in scenario.expect.items()}
    return {key: _without_none(value) for key, value in data.items()}


def _choice_data(choice: Choice, stands_in: bool = False) -> dict[str, Any]:
    data: dict[str, Any] = {"type": choice.type, "label": choice.label}
    if choice.kind == "closure" and not stands_in:
        data |= {"slot": choice.slot, "weight": choice.weight}
    if choice.fallback is not None:
        data["fallback"] = _choice_data(choice.fallback, stands_in=True)
    if choice.kind in ("corrector", "observer"):
        data |= choice.schedule.model_dump()
    for name, value in choice.options.model_dump().items():
        # "no limit" may be a default, but cannot be read: scenarios refuse infinity and NaN
        if not (isinstance(value, float) and not math.isfinite(value)):
            data[name] = value
    return data


def _without_none(value: Any) -> Any:
    """Tables without keys that have no value: TOML has no null, and leaving a key out means the same here."""
    if isinstance(value, Mapping):
        return {str(key): _without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value
