"""The sweep file: which keys of a scenario vary, how, and what is taken of the results."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from subgrid.errors import ScenarioError
from subgrid.filekind import SCENARIO, SWEEP, read_kind
from subgrid.options import Options, Unit
from subgrid.overrides import merged, with_overrides
from subgrid.validation import checked, joined, shown

MOST_MEMBERS = 100_000
"""Most members of a sweep: more are a mistake in the file, or are better split over several sweeps."""

PARTS = ("train", "validation", "test")
"""Parts that the members of a sweep may be split into."""

WALL = "wall [s]"
"""Heading of the wall time, which the figure shows where the table has no column."""

Values = Annotated[list[Any], Field(min_length=1, max_length=MOST_MEMBERS)]
Seed = Annotated[int, Field(ge=0, lt=2**64)]


class Draw(Options):
    """Where the values of a key are drawn from: evenly between two bounds, or among choices."""

    min: Annotated[float, Field(description="smallest value")] | None = None
    max: Annotated[float, Field(description="largest value")] | None = None
    scale: Annotated[Literal["linear", "log"], Field(description="in what the draws are even")] = "linear"
    integer: Annotated[bool, Field(description="whole numbers, both bounds included")] = False
    choices: Annotated[Values, Field(description="drawn with equal probability")] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Draw:
        if (self.choices is None) == (self.min is None and self.max is None):
            raise ValueError("give either min and max, or choices")
        if self.choices is not None:
            return self
        if self.min is None or self.max is None:
            raise ValueError(f"{'min' if self.min is None else 'max'} is missing")
        if self.max < self.min:
            raise ValueError(f"max = {self.max:g} is less than min = {self.min:g}")
        if self.scale == "log" and self.min <= 0.0:
            raise ValueError(f"min = {self.min:g} has no logarithm")
        if not math.isfinite(self.max - self.min):
            raise ValueError("the span from min to max is too large")
        if self.integer and (self.min % 1 or self.max % 1 or max(abs(self.min), abs(self.max)) > 2**53):
            raise ValueError("integer = true needs whole numbers as min and max, below 2**53")
        return self


class RandomOptions(Options):
    """Draws of keys, one set of values for each of ``count`` draws."""

    count: Annotated[int, Field(ge=1, le=MOST_MEMBERS, description="number of draws")]
    seed: Annotated[Seed, Field(description="key of the draws")] = 0
    keys: Annotated[dict[str, Draw], Field(min_length=1, description="keys of the scenario, each with its draw")]


class SplitOptions(Options):
    """Parts of the sweep, for data sets: shares of the members, or values that mark a part."""

    train: float | dict[str, Any] = 0.0
    validation: float | dict[str, Any] = 0.0
    test: float | dict[str, Any] = 0.0
    seed: Annotated[Seed, Field(description="key of the shuffle")] = 0
    together: Annotated[
        tuple[str, ...], Field(description="members that agree in these keys come into the same part")
    ] = ()

    @field_validator(*PARTS)
    @classmethod
    def _share_or_lists(cls, value: float | dict[str, Any], info: ValidationInfo) -> float | dict[str, Any]:
        if isinstance(value, float) and not 0.0 <= value <= 1.0:
            raise ValueError("a share lies between 0 and 1")
        if isinstance(value, dict) and not all(isinstance(allowed, list) for allowed in value.values()):
            raise ValueError(f"{info.field_name} is marked by lists of values, such as {{ seed = [1, 2] }}")
        return value

    @model_validator(mode="after")
    def _whole(self) -> SplitOptions:
        total = sum(self.shares.values())
        if self.shares and abs(total - 1.0) > 1e-9:
            raise ValueError(f"the shares add up to {total:g}, not to 1")
        if not self.shares and not self.marked:
            raise ValueError(f"no part is given; choose from {', '.join(PARTS)}")
        return self

    @property
    def shares(self) -> dict[str, float]:
        """Parts that take a share of the members that no other part claims by value."""
        shares = {part: getattr(self, part) for part in PARTS}
        return {part: share for part, share in shares.items() if isinstance(share, float) and share > 0.0}

    @property
    def marked(self) -> dict[str, dict[str, list[Any]]]:
        """Parts that claim members by their values."""
        marks = {part: getattr(self, part) for part in PARTS}
        return {part: mark for part, mark in marks.items() if isinstance(mark, dict)}


class ColumnOptions(Options):
    """A number of each member for the table, from one of its series."""

    of: Annotated[str, Field(description="<observer label>.<variable>, with [index] for one of several")]
    statistic: Annotated[
        Literal["last", "first", "mean", "max", "min"], Field(description="what to take of the series")
    ] = "last"
    after: Annotated[float, Unit("s"), Field(description="leave out earlier times")] | None = None


class FigureOptions(Options):
    """What the figure shows."""

    x: Annotated[str, Field(description="varied key along the axis; default: the first with several numbers")] = ""
    colour: Annotated[str, Field(description="varied key that tells lines apart; default: the next one")] = ""
    y: Annotated[tuple[str, ...], Field(description="columns of the table; default: all")] = ()
    log: Annotated[tuple[str, ...], Field(description="x, or columns, with a logarithmic axis")] = ()


class SweepOptions(Options):
    """A sweep file."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=80, description="short name")] = "sweep"
    description: Annotated[str, Field(description="the question that is asked")] = ""
    base: Annotated[str, Field(min_length=1, description="scenario file, relative to the sweep")] | None = None
    scenario: Annotated[
        dict[str, Any], Field(default_factory=dict, description="scenario given in place of base, or changes to it")
    ]
    seeds: Annotated[tuple[Seed, ...], Field(max_length=MOST_MEMBERS, description="seeds of each combination")] = ()
    grid: Annotated[dict[str, Values], Field(default_factory=dict, description="keys, every combination of values")]
    linked: Annotated[
        tuple[dict[str, Values], ...], Field(description="each: keys whose values go along together, one by one")
    ] = ()
    random: RandomOptions | None = None
    split: SplitOptions | None = None
    table: Annotated[dict[str, ColumnOptions], Field(default_factory=dict, description="columns by their heading")]
    figure: FigureOptions = FigureOptions()
    expect: Annotated[bool, Field(description="keep the numbers of [expect] as columns of the table")] = True

    @model_validator(mode="after")
    def _consistent(self) -> SweepOptions:
        if self.base is None and not self.scenario:
            raise ValueError("give base (a scenario file) or a [scenario] table")
        for index, link in enumerate(self.linked):
            lengths = {key: len(values) for key, values in link.items()}
            if len(set(lengths.values())) != 1:
                told = ", ".join(f"{key} has {length}" for key, length in lengths.items()) or "it is empty"
                raise ValueError(f"linked.{index}: lists that go along together are equally long; {told}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError("seeds: a seed stands there twice")
        self._each_key_once()
        if self.member_count > MOST_MEMBERS:
            raise ValueError(f"{self.member_count} members; a sweep has {MOST_MEMBERS} at most")
        unknown = sorted(self._used_keys() - set(self.varied))
        if unknown:
            raise ValueError(f"{unknown[0]!r} does not vary in this sweep; choose from {', '.join(self.varied)}")
        return self

    def _each_key_once(self) -> None:
        if not self.varied:
            raise ValueError("nothing varies; give seeds, [grid], [[linked]] or [random]")
        twice = [key for key, count in Counter(self.varied).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} varies in two places")
        for key in self.varied:
            inside = [other for other in self.varied if other.startswith(f"{key}.")]
            if inside:
                raise ValueError(f"{inside[0]!r} lies within {key!r}, which varies as well")

    def _used_keys(self) -> set[str]:
        figure = {key for key in (self.figure.x, self.figure.colour) if key}
        if self.split is None:
            return figure
        return figure | {*self.split.together, *(key for mark in self.split.marked.values() for key in mark)}

    @property
    def varied(self) -> list[str]:
        """Every key that varies, the slowest first."""
        linked = [key for link in self.linked for key in link]
        drawn = [] if self.random is None else list(self.random.keys)
        return [*self.grid, *linked, *drawn, *(["seed"] if self.seeds else [])]

    @property
    def member_count(self) -> int:
        lengths = [len(values) for values in self.grid.values()]
        lengths += [len(next(iter(link.values()))) for link in self.linked]
        lengths.append(1 if self.random is None else self.random.count)
        return math.prod(lengths) * max(1, len(self.seeds))


@dataclass(frozen=True)
class SweepFile:
    """A checked sweep file and the scenario data it starts from."""

    options: SweepOptions
    scenario: Mapping[str, Any]
    path: Path

    @property
    def scenario_folder(self) -> Path:
        """Where relative paths in the scenario's own options start from."""
        folder = self.path.parent
        return folder if self.options.base is None else (folder / self.options.base).parent


def load(path: Path, overrides: Sequence[str] = ()) -> SweepFile:
    """Read a sweep file.

    Overrides such as ``random.count=50`` or ``scenario.time.end=5`` change it. Raises ScenarioError with a line for
    every problem.
    """
    data = _with_dotted_keys(with_overrides(read_kind(path, SWEEP), overrides))
    data.setdefault("name", _name(path))
    problems: list[str] = []
    options = checked(SweepOptions, data, "", problems)
    if problems or options is None:
        raise ScenarioError([f"{path}: {problem.lstrip(': ')}" for problem in problems])
    scenario = _base(path, options.base)
    scenario = merged(scenario, options.scenario)
    if not options.expect:
        scenario.pop("expect", None)
    return SweepFile(options, scenario, path)


def _base(path: Path, base: str | None) -> dict[str, Any]:
    if base is None:
        return {}
    try:
        return read_kind(path.parent / base, SCENARIO)
    except ScenarioError as error:
        raise ScenarioError([f"{path}: base: {problem}" for problem in error.problems]) from error


def _name(path: Path) -> str:
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_.-") else "_" for c in path.stem)
    return kept[:80] or "sweep"


def _with_dotted_keys(data: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a file with keys of the scenario in one piece wherever they stand, so that problems name them."""

    def is_draw(value: Any) -> bool:
        return not isinstance(value, Mapping) or not any(isinstance(item, Mapping) for item in value.values())

    def changed(table: Any, key: str, is_leaf: Callable[[Any], bool] = _is_no_table) -> Any:
        if not isinstance(table, Mapping) or not isinstance(table.get(key), Mapping):
            return table
        return {**table, key: flat(table[key], is_leaf)}

    found = dict(changed(data, "grid"))
    if isinstance(found.get("linked"), list):
        found["linked"] = [flat(link, _is_no_table) if isinstance(link, Mapping) else link for link in found["linked"]]
    if "random" in found:
        found["random"] = changed(found["random"], "keys", is_draw)
    for part in PARTS if "split" in found else ():
        found["split"] = changed(found["split"], part)
    return found


def _is_no_table(value: Any) -> bool:
    return not isinstance(value, Mapping)


def flat(table: Mapping[str, Any], is_leaf: Callable[[Any], bool]) -> dict[str, Any]:
    """A table of tables as one of dotted keys: ``solver.viscosity = [..]`` with or without quotes means the same."""
    return dict(_leaves(table, "", is_leaf, 0))


def _leaves(
    table: Mapping[str, Any], path: str, is_leaf: Callable[[Any], bool], depth: int
) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        here = f"{path}.{key}" if path else str(key)
        if is_leaf(value) or not value or depth > 30:
            yield here, value
        else:
            yield from _leaves(value, here, is_leaf, depth + 1)


def described(key: str, value: Any) -> str:
    """A parameter of a member as a table or an error line shows it."""
    return f"{joined('', key)} = {short(value)}"


def short(value: Any) -> str:
    """A value in few characters; components go by their types."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping) and "type" in value:
        rest = ", ".join(f"{key}={short(item)}" for key, item in value.items() if key != "type")
        return f"{value['type']}({rest})" if rest else str(value["type"])
    if isinstance(value, list | tuple):
        return "+".join(map(short, value)) if _components(value) else "[" + ", ".join(map(short, value)) + "]"
    return value if isinstance(value, str) else shown(value)


def _components(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(value, Mapping) for value in values)
