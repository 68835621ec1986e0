"""The table of a sweep: a row for each member, with its parameters, how it ended, and the numbers asked for."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from subgrid.errors import RunFolderError, ScenarioError
from subgrid.expect import check, measured
from subgrid.output import RunFolder
from subgrid.scenario import Expect
from subgrid.sweep.index import Entry
from subgrid.sweep.options import WALL, SweepOptions, short

SHOWN_ROWS = 60
"""Most rows that a terminal is shown; the files have all."""

MISSED = "!"
"""Behind a number of [expect] that lies outside its tolerance."""


@dataclass(frozen=True)
class Row:
    """A member in the table. ``missed`` names the expectations that it does not meet."""

    member: str
    part: str
    parameters: dict[str, Any]
    status: str
    message: str
    step: int
    seconds: float
    values: dict[str, float]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class SweepTable:
    """Members as rows. ``columns`` are the headings of measured numbers: those of [expect], then those of [table]."""

    varied: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def render(self, width: int | None = None, rows: int | None = None) -> str:
        """The table as text; ``width`` None lets it be as wide as it needs, ``rows`` None shows all."""
        from rich.console import Console

        target = io.StringIO()
        console = Console(file=target, width=width or 400, force_terminal=False, highlight=False)
        self.show(console, rows)
        return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"

    def show(self, console: Any, rows: int | None = None) -> None:
        """Print to a rich console."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        split = any(row.part for row in self.rows)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        texts = ["member", *(["part"] if split else []), *self.varied]
        for heading in (*texts, "status", "steps", WALL, *self.columns):
            number = heading in ("steps", WALL, *self.columns)
            table.add_column(Text(heading), justify="right" if number else "left", no_wrap=True, vertical="bottom")
        shown = self.rows if rows is None else self.rows[:rows]
        for row in shown:
            cells = [row.member, *([row.part] if split else []), *(short(row.parameters[key]) for key in self.varied)]
            cells += [row.status, str(row.step) if row.step >= 0 else "-", f"{row.seconds:.1f}"]
            table.add_row(*map(Text, [*cells, *(_cell(row, column) for column in self.columns)]))
        natural = console.measure(table, options=console.options.update(width=2000)).maximum
        table.width = natural
        console.print(table, crop=False, soft_wrap=natural > console.width)
        if len(shown) < len(self.rows):
            console.print(f"... and {len(self.rows) - len(shown)} members more in table.txt")
        if any(row.missed for row in self.rows):
            console.print(f"{MISSED} outside the tolerance that [expect] states", markup=False)

    def csv(self) -> str:
        """One line for each member, unrounded; lists and tables as the file has them."""
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["member", "part", *self.varied, "status", "steps", "wall_seconds", *self.columns, "missed"])
        for row in self.rows:
            parameters = [_plain(row.parameters[key]) for key in self.varied]
            values = [_plain(row.values.get(column, math.nan)) for column in self.columns]
            ended = [row.status, row.step, repr(row.seconds)]
            writer.writerow([row.member, row.part, *parameters, *ended, *values, " ".join(row.missed)])
        return target.getvalue()

    def data(self) -> dict[str, Any]:
        """Everything as plain data; what is missing is null."""
        return {
            "varied": list(self.varied),
            "columns": list(self.columns),
            "members": [
                {
                    "member": row.member,
                    "part": row.part or None,
                    "parameters": {key: _json(value) for key, value in row.parameters.items()},
                    "status": row.status,
                    "message": row.message,
                    "steps": row.step,
                    "wall_seconds": row.seconds,
                    "values": {column: _json(row.values.get(column, math.nan)) for column in self.columns},
                    "missed": list(row.missed),
                }
                for row in self.rows
            ],
        }


def tabulate(
    entries: Sequence[Entry], options: SweepOptions, expectations: Sequence[str]
) -> tuple[SweepTable, list[str]]:
    """The table of a sweep, and a line for each number that could not be taken (once for all members)."""
    problems: dict[str, None] = {}
    rows = tuple(_row(entry, options, problems) for entry in entries)
    return SweepTable(tuple(options.varied), (*expectations, *options.table), rows), list(problems)


def _row(entry: Entry, options: SweepOptions, problems: dict[str, None]) -> Row:
    member, ending = entry.member, entry.ending
    values: dict[str, float] = {}
    missed: list[str] = []
    if ending.status == "finished":
        for name, (value, ok) in _expected(entry, problems).items():
            values[name] = value
            if not ok:
                missed.append(name)
        for name, column in options.table.items():
            try:
                number = measured(f"table.{name}.of", column.of, column.statistic, column.after, member.folder)
                values[name] = math.nan if number is None else number
            except (ScenarioError, RunFolderError) as error:
                problems[str(error)] = None
    return Row(
        member.folder.name,
        member.part,
        dict(member.parameters),
        ending.status,
        ending.message,
        ending.step,
        ending.seconds,
        values,
        tuple(missed),
    )


def _expected(entry: Entry, problems: dict[str, None]) -> dict[str, tuple[float, bool]]:
    """Value of each number of [expect], and whether it is met, read from the resolved scenario of the member."""
    found: dict[str, tuple[float, bool]] = {}
    try:
        for name, table in RunFolder(entry.member.folder).scenario().get("expect", {}).items():
            number = check(name, Expect.model_validate(table), entry.member.folder)
            if number.ok is not None:
                found[name] = (number.value, number.ok)
    except (ScenarioError, RunFolderError) as error:
        problems[str(error)] = None
    return found


def _cell(row: Row, column: str) -> str:
    value = row.values.get(column, math.nan)
    shown = "-" if math.isnan(value) else f"{value:.6g}"
    return f"{shown} {MISSED}" if column in row.missed else shown


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else repr(value)
    return short(value) if isinstance(value, list | tuple | dict) else str(value)


def _json(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int | str | bool) or value is None else short(value)
