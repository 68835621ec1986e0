"""From a sweep file to its members: every combination of values, checked as scenarios, each with a folder."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from subgrid import __version__
from subgrid.assembly import assemble
from subgrid.errors import PluginError, RunFolderError, ScenarioError, SubgridError
from subgrid.expect import variable_of
from subgrid.overrides import with_values
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.scenario import Scenario, parse, to_toml
from subgrid.suggest import choose_from
from subgrid.sweep.options import WALL, Draw, RandomOptions, SplitOptions, SweepFile, SweepOptions, described
from subgrid.toml_text import LARGEST_FILE, value_text
from subgrid.validation import shown

SHOWN_PROBLEMS = 20
"""Different problems that are told one by one."""

MOST_BROKEN = 200
"""Members with problems after which no further ones are looked at."""

MOST_TRIES = 32
"""Tries for each draw that has to differ from the others."""

_NUMBER = re.compile(r"(?<![\w.])-?\d+(\.\d+)?(e[+-]?\d+)?")


@dataclass(frozen=True)
class Member:
    """One run of a sweep: ``parameters`` are the values of the varied keys, ``scenario`` the resolved text of it all.

    ``key`` changes with everything that the result follows from, except for the versions, which the whole sweep shares.
    """

    number: int
    parameters: Mapping[str, Any]
    scenario: str
    part: str
    key: str
    folder: Path = Path()

    @property
    def title(self) -> str:
        told = ", ".join(described(key, value) for key, value in self.parameters.items())
        return f"{self.folder.name} ({told})"


@dataclass
class Problem:
    """What is wrong with some members, in the words for the first; ``differ`` says that others have other numbers."""

    text: str
    members: list[Mapping[str, Any]] = field(default_factory=list)
    differ: bool = False

    def add(self, text: str, parameters: Mapping[str, Any]) -> None:
        self.differ = self.differ or text != self.text
        if not self.members or self.members[-1] is not parameters:
            self.members.append(parameters)


@dataclass(frozen=True)
class Plan:
    """The members of a sweep in the order of the file, and the plugins (name to version) that they need."""

    members: tuple[Member, ...]
    versions: Mapping[str, str]
    expectations: tuple[str, ...]


def plan(file: SweepFile, registry: Registry) -> Plan:
    """Build and check the scenario of every member before any starts.

    Raises ScenarioError or PluginError with the problems of members, each with its parameters.
    """
    problems: dict[str, Problem] = {}
    plugin_problems: list[str] = []
    broken = 0
    members: list[Member] = []
    versions = {"subgrid": __version__}
    expectations: dict[str, None] = {}
    combinations = list(parameters_of(file))
    parts = split(file.options.split, combinations)
    for number, (parameters, part) in enumerate(zip(combinations, parts, strict=True)):
        try:
            scenario = _scenario(file, parameters, registry)
            _check_columns(file, scenario)
        except ScenarioError as error:
            broken += 1
            for problem in error.problems:
                problems.setdefault(_kind_of(problem), Problem(problem)).add(problem, parameters)
        except PluginError as error:
            broken += 1
            plugin_problems.append(str(error))
        else:
            text = to_toml(scenario)
            key = hashlib.sha256(text.encode()).hexdigest()
            members.append(Member(number, parameters, text, part, key))
            versions |= _versions(scenario, registry)
            expectations |= dict.fromkeys(scenario.expect)
        if broken >= MOST_BROKEN:
            break
    if problems:
        raise ScenarioError(list(_told(list(problems.values()), file, len(combinations), broken)))
    if plugin_problems:
        raise PluginError("\n".join(dict.fromkeys(plugin_problems)))
    _refuse_twins(file, members)
    unknown = [*_unknown_variables(file, _scenario(file, combinations[0], registry), registry)]
    unknown += _unknown_headings(file.options, [*expectations, *file.options.table])
    if unknown:
        raise ScenarioError([f"{file.path}: {problem}" for problem in unknown])
    return Plan(tuple(members), versions, tuple(expectations))


def _kind_of(problem: str) -> str:
    """A problem without its numbers, which may follow from what varies: those of one key and kind are told once."""
    key, separator, rest = problem.partition(": ")
    return key + separator + _NUMBER.sub("#", rest)


def _told(problems: Sequence[Problem], file: SweepFile, count: int, broken: int) -> Iterator[str]:
    """Each problem once, with the members that have it."""
    for problem in problems[:SHOWN_PROBLEMS]:
        members = problem.members
        first = ", ".join(described(key, value) for key, value in members[0].items())
        if len(members) == count > 1:
            where = f"all {count} members"
        elif len(members) == 1:
            where = f"member with {first}"
        else:
            number = f"{len(members)} or more" if broken >= MOST_BROKEN else len(members)
            where = f"{number} of {count} members"
        if len(members) > 1 and (problem.differ or len(members) < count):
            where += f", the first with {first}"
        if problem.differ:
            where += "; the numbers of the others differ"
        yield f"{file.path}: {problem.text} ({where})"
    if len(problems) > SHOWN_PROBLEMS:
        yield f"{file.path}: ... and {len(problems) - SHOWN_PROBLEMS} problems more"


def _scenario(file: SweepFile, parameters: Mapping[str, Any], registry: Registry) -> Scenario:
    # one thread each: the cores are shared out between members, and results do not depend on who runs beside
    threads = {"threads": 1, **file.scenario.get("backend", {})}
    data = with_values({**file.scenario, "name": file.options.name, "backend": threads}, parameters)
    return parse(data, registry, file.scenario_folder)


def _check_columns(file: SweepFile, scenario: Scenario) -> None:
    labels = [observer.label for observer in scenario.observers]
    problems = [
        f"table.{name}.of: no observer is labelled {label!r}; {choose_from(label, labels)}"
        for name, column in file.options.table.items()
        if (label := column.of.partition(".")[0]) not in labels
    ]
    if problems:
        raise ScenarioError(problems)


def _unknown_variables(file: SweepFile, first: Scenario, registry: Registry) -> Iterator[str]:
    """What [table] and [expect] ask of observers that they do not declare, told by the setup of the first member."""
    asked = {f"table.{name}.of": column.of for name, column in file.options.table.items()}
    asked |= {f"expect.{name}.of": expect.of for name, expect in first.expect.items()}
    if not asked:
        return
    try:
        observed = assemble(first, registry).observed
    except SubgridError:
        return  # a member that cannot be set up is told as one that failed
    for key, of in asked.items():
        try:
            label, variable, index = variable_of(key, of)
        except ScenarioError as error:
            yield from error.problems
            continue
        declared = observed[label]
        if variable in ("time", "step"):
            continue
        if variable not in declared:
            yield f"{key}: {label!r} has no variable {variable!r}; {choose_from(variable, declared)}"
        elif len(index) != len(declared[variable].dims):
            over = ", ".join(declared[variable].dims)
            shape = f"has values over {over}, so add [index]" if over else "is one number, without an index"
            yield f"{key}: {of!r} does not pick one number; {variable!r} {shape}"


def _unknown_headings(options: SweepOptions, headings: Sequence[str]) -> Iterator[str]:
    """Columns that [figure] names and the table will not have."""
    columns = [*headings, WALL]
    for key, names, known in (
        ("y", options.figure.y, columns),
        ("log", options.figure.log, ["x", *options.varied, *columns]),
    ):
        for name in names:
            if name not in known:
                yield f"figure.{key}: the table has no column {shown(name)}; {choose_from(name, known)}"


def _versions(scenario: Scenario, registry: Registry) -> dict[str, str]:
    owners = [registry.owner(choice.component) for choice in scenario.choices()]
    return {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in owners}


def _refuse_twins(file: SweepFile, members: Sequence[Member]) -> None:
    first: dict[str, Member] = {}
    for member in members:
        twin = first.setdefault(member.key, member)
        if twin is not member:
            told = ", ".join(described(key, value) for key, value in member.parameters.items())
            raise ScenarioError(
                f"{file.path}: two members are the same run (members {twin.number} and {member.number}: {told})"
            )


def parameters_of(file: SweepFile) -> Iterator[dict[str, Any]]:
    """Parameters of each member: grid, linked lists, draws and seeds, the last varying fastest.

    All combinations of a grid see the same draws, so that they can be compared draw by draw.
    """
    options = file.options
    axes: list[list[dict[str, Any]]] = [[{key: value} for value in values] for key, values in options.grid.items()]
    for link in options.linked:
        axes.append([dict(zip(link, values, strict=True)) for values in zip(*link.values(), strict=True)])
    if options.random is not None:
        axes.append(draws(options.random))
    if options.seeds:
        axes.append([{"seed": seed} for seed in options.seeds])
    for combination in itertools.product(*axes):
        yield {key: value for values in combination for key, value in values.items()}


def draws(options: RandomOptions) -> list[dict[str, Any]]:
    """``count`` different sets of values. Each key has its own stream, and further draws leave the present ones alone.

    Raises ScenarioError when there are not that many.
    """
    tries = options.count
    while True:
        columns = [
            _drawn(draw, Streams(options.seed, key).generator("sweep"), tries) for key, draw in options.keys.items()
        ]
        rows = [dict(zip(options.keys, values, strict=True)) for values in zip(*columns, strict=True)]
        # of few choices the same come again and again, and the same run need not be done twice
        distinct = {value_text(row): row for row in rows}
        if len(distinct) >= options.count:
            return list(distinct.values())[: options.count]
        if tries >= MOST_TRIES * options.count:
            raise ScenarioError(
                f"random.count: {options.count} different draws are asked for, {tries} tries gave {len(distinct)}"
            )
        tries *= 2


def _drawn(draw: Draw, generator: np.random.Generator, count: int) -> list[Any]:
    uniform = generator.random(count)
    if draw.choices is not None:
        return [draw.choices[int(u * len(draw.choices))] for u in uniform]
    assert draw.min is not None
    assert draw.max is not None
    low, high = (draw.min, draw.max + 1.0) if draw.integer else (draw.min, draw.max)
    if draw.scale == "log":
        values = np.exp(math.log(low) + uniform * (math.log(high) - math.log(low)))
    else:
        values = low + uniform * (high - low)
    values = np.clip(np.floor(values) if draw.integer else values, draw.min, draw.max)
    return [int(value) if draw.integer else float(value) for value in values]


def split(options: SplitOptions | None, combinations: Sequence[Mapping[str, Any]]) -> list[str]:
    """The part of each member, empty where the file states no split.

    A part with values claims every member that has them. The rest is shuffled, groups that belong together as one,
    and shared out, so that each part is as close to its share as whole groups permit.
    """
    if options is None:
        return [""] * len(combinations)
    parts = [_claimed(options, parameters) for parameters in combinations]
    groups: dict[str, list[int]] = {}
    for index, parameters in enumerate(combinations):
        if not parts[index]:
            name = [value_text(parameters[key]) for key in options.together] if options.together else [str(index)]
            groups.setdefault("\0".join(name), []).append(index)
    if groups and not options.shares:
        told = ", ".join(described(key, value) for key, value in combinations[next(iter(groups.values()))[0]].items())
        raise ScenarioError(f"split: no part takes the member with {told}; give one part a share of 1")
    names = list(groups)
    order = Streams(options.seed, "split").generator("shuffle").permutation(len(names))
    shares = _shared_out(options.shares, len(names))
    for position, part in zip(order, shares, strict=True):
        for index in groups[names[position]]:
            parts[index] = part
    return parts


def _claimed(options: SplitOptions, parameters: Mapping[str, Any]) -> str:
    for part, mark in options.marked.items():
        if all(parameters[key] in allowed for key, allowed in mark.items()):
            return part
    return ""


def _shared_out(shares: Mapping[str, float], count: int) -> list[str]:
    """``count`` names of parts, in numbers as close to the shares as whole numbers are."""
    exact = {part: share * count for part, share in shares.items()}
    numbers = {part: math.floor(number + 1e-9) for part, number in exact.items()}
    for part in sorted(exact, key=lambda name: numbers[name] - exact[name])[: count - sum(numbers.values())]:
        numbers[part] += 1
    return [part for part, number in numbers.items() for _ in range(number)]


def with_folders(members: Sequence[Member], folder: Path) -> tuple[list[Member], list[Path]]:
    """The members with their folders below ``folder``, and the folders there that belong to no member.

    A member keeps the folder that holds its scenario already, so that a file which gained members goes on from what
    there is; new ones get the next numbers.
    """
    known = _known(folder)
    wanted = {member.key for member in members}
    left = [path for key, path in known.items() if key not in wanted]
    width = max(4, len(str(len(members) + len(left))))
    taken = {int(path.name) for path in known.values()}
    free = (number for number in itertools.count() if number not in taken)
    placed = []
    for member in members:
        path = known.get(member.key) or folder / f"{next(free):0{width}d}"
        placed.append(replace(member, folder=path))
    return placed, left


def _known(folder: Path) -> dict[str, Path]:
    """Folders of members by the key of the scenario in them."""
    found = {}
    try:
        paths = sorted(path for path in folder.iterdir() if path.name.isdecimal()) if folder.is_dir() else []
        for path in paths:
            file = path / "scenario.toml"
            if file.is_file() and file.stat().st_size <= LARGEST_FILE:
                found[hashlib.sha256(file.read_bytes()).hexdigest()] = path
    except OSError as error:
        raise RunFolderError(f"{error.filename or folder}: {error.strerror}") from error
    return found
