"""Comparing what a finished run stored with the ``[expect]`` table of its scenario."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subgrid.errors import RunFolderError, ScenarioError
from subgrid.output import RunFolder
from subgrid.scenario import Expect

STATISTICS: Mapping[str, Callable[[Any], Any]] = {
    "last": lambda values: values[-1],
    "first": lambda values: values[0],
    "mean": np.mean,
    "max": np.max,
    "min": np.min,
}
"""What may be taken of a series."""


@dataclass(frozen=True)
class Expectation:
    """One line of ``[expect]`` after the run; ``tolerance`` is absolute. ``ok`` is None when the run ended before the
    time that it asks for."""

    name: str
    value: float
    expected: float
    tolerance: float
    ok: bool | None
    source: str


def expectations(run: RunFolder) -> list[Expectation]:
    """What the scenario of a stored run expects, beside what the run gave.

    Raises RunFolderError when the scenario cannot be read, ScenarioError when a variable does not exist.
    """
    tables = run.scenario().get("expect", {})
    try:
        expected = {str(name): Expect(**table) for name, table in tables.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise RunFolderError(f"{run.path / 'scenario.toml'}: [expect] cannot be read") from error
    return [check(name, expect, run.path) for name, expect in expected.items()]


def check(name: str, expect: Expect, folder: Path) -> Expectation:
    """Compare one expected number with the series of a finished run.

    Raises ScenarioError when the variable does not exist.
    """
    value = measured(f"expect.{name}.of", expect.of, expect.statistic, expect.after, folder)
    tolerance = expect.abs if expect.abs is not None else (expect.rel or 0.0) * abs(expect.value)
    if value is None:
        return Expectation(name, math.nan, expect.value, tolerance, None, expect.source)
    return Expectation(name, value, expect.value, tolerance, abs(value - expect.value) <= tolerance, expect.source)


def measured(key: str, of: str, statistic: str, after: float | None, folder: Path) -> float | None:
    """A number from the series of a run, ``None`` when the series ends before ``after``.

    ``of`` reads ``label.variable`` or ``label.variable[index]``, ``statistic`` is one of `STATISTICS`, and ``key`` says
    where the question stands. Raises ScenarioError when the variable does not exist.
    """
    label, variable, index = variable_of(key, of)
    series = RunFolder(folder).series(label)
    if variable not in series:
        offered = ", ".join(sorted(set(series) - {"time", "step"}))
        raise ScenarioError(f"{key}: {label!r} has no variable {variable!r}; choose from {offered}")
    values = series[variable]
    if values.ndim - 1 != len(index) or any(i >= n for i, n in zip(index, values.shape[1:], strict=False)):
        shape = "x".join(map(str, values.shape[1:])) or "one number"
        raise ScenarioError(f"{key}: {of!r} does not pick one number; {variable!r} has {shape}")
    for i in index:
        values = values[:, i]
    if after is not None:
        values = values[series["time"] >= after * (1.0 - 1e-12)]
    return float(STATISTICS[statistic](values)) if len(values) else None


def variable_of(key: str, of: str) -> tuple[str, str, tuple[int, ...]]:
    """Observer label, variable and index of ``label.variable`` or ``label.variable[0]``.

    Raises ScenarioError, led by ``key``, for whatever reads otherwise.
    """
    match = re.fullmatch(r"([\w-]+)\.(\w+)(?:\[([\d, ]+)\])?", of)
    if match is None:
        raise ScenarioError(f"{key}: {of!r} does not read label.variable or label.variable[index]")
    index = tuple(int(number) for number in (match[3] or "").replace(",", " ").split())
    return match[1], match[2], index
