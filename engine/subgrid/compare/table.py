"""The table of a comparison: on a terminal, as text, as CSV and, with everything unrounded, as JSON."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from subgrid.compare.evaluation import VariantResult


@dataclass(frozen=True)
class Column:
    """A metric as it is shown: heading, unit of thought in one sentence, and number format."""

    key: str
    heading: str
    meaning: str
    number: str


ACCURACY = (
    Column("spectrum_error", "spectrum\nerror", "rms of log10(S/S_ref) over 1 <= n < floor(N/3), in decades", ".3f"),
    Column("spectrum_low", "low\nn", "mean log10(S/S_ref) of the four longest waves", "+.2f"),
    Column("spectrum_high", "high\nn", "mean log10(S/S_ref) of the upper 40 % of compared wavenumbers", "+.2f"),
    Column("resolved_ratio", "resolved\nratio", "sum of the spectrum below N/3 over the reference's", ".2f"),
    Column("tail_error_0.001", "tails\n1e-3", "mean relative error of the 0.1 % and 99.9 % quantiles", "+.1%"),
    Column("tail_error_0.01", "tails\n1e-2", "mean relative error of the 1 % and 99 % quantiles", "+.1%"),
    Column("std", "std", "standard deviation of the field", "#.3g"),
    Column("kurtosis", "kurtosis", "kurtosis of the field (Gaussian: 3)", ".2f"),
    Column("correlation_time", "t(corr)", "time until the correlation with the reference falls below the level", ".2f"),
)
COST = (
    Column("wall_seconds", "wall\n[s]", "wall time of a run; runs go side by side", ".1f"),
    Column("steps", "steps", "time steps", ".0f"),
    Column("evaluations", "evaluations", "evaluations of the right-hand side", ".0f"),
    Column("peak_memory_mb", "peak\n[MB]", "peak memory of the process", ".0f"),
)
COLUMNS = (*ACCURACY, *COST)
RATIOS = ("spectrum_error", "tail_error_0.001", "tail_error_0.01", "correlation_time", *(c.key for c in COST))


@dataclass(frozen=True)
class Part:
    """One of the tables that a comparison is shown as; line breaks in ``headings`` may be spaces."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ComparisonTable:
    """Variants as rows: accuracy, cost, and both as ratios to the baseline. ``notes`` stand below."""

    results: Sequence[VariantResult]
    baseline: str
    notes: tuple[str, ...]

    @property
    def means(self) -> tuple[Column, ...]:
        """Two columns for each series of single numbers: its mean over time, and that relative to the reference's."""
        keys = dict.fromkeys(key for result in self.results for key in result.numbers if key.startswith("mean"))
        return tuple(_mean_column(key) for key in keys)

    def cell(self, result: VariantResult, column: Column) -> str:
        """A value with its spread between seeds, a dash where there is none."""
        value = result.numbers.get(column.key, math.nan)
        if math.isnan(value):
            return "-"
        if math.isinf(value):
            return "never"
        spread = result.spread.get(column.key, math.nan)
        shown = _number(value, column)
        if math.isnan(spread) or spread == 0.0:
            return shown
        number = ".1g" if column.number.endswith("g") else column.number.removeprefix("+")
        return f"{shown} ±{format(spread, number)}"

    def ratio(self, result: VariantResult, key: str) -> float:
        """Size of a metric over that of the baseline; NaN where one of them is missing."""
        first = next(other for other in self.results if other.name == self.baseline)
        value, base = (abs(r.numbers.get(key, math.nan)) for r in (result, first))
        return value / base if base > 0 and math.isfinite(base) else math.nan

    def render(self, width: int | None = None) -> str:
        """The table as text; ``width`` None lets it be as wide as it needs."""
        from rich.console import Console

        target = io.StringIO()
        console = Console(file=target, width=width or 200, force_terminal=False, highlight=False)
        self.show(console)
        return "\n".join(line.rstrip() for line in target.getvalue().splitlines()) + "\n"

    def show(self, console: Any) -> None:
        """Print to a rich console."""
        for part in self.parts():
            _print(console, part)
        for note in self.notes:
            console.print(note, soft_wrap=True, markup=False)

    def parts(self) -> list[Part]:
        """The tables that it is shown as: accuracy, cost, and both relative to the baseline."""
        shown = []
        for title, columns in (("Accuracy", (*ACCURACY, *self.means)), ("Cost", COST)):
            used = [column for column in columns if any(self.cell(result, column) != "-" for result in self.results)]
            rows = [[result.name, result.outcome, *(self.cell(result, c) for c in used)] for result in self.results]
            references = self._reference_row(used) if title == "Accuracy" else []
            shown.append(Part(title, ["variant", "outcome", *(c.heading for c in used)], [*rows, *references]))
        used = [
            c for c in COLUMNS if c.key in RATIOS and any(not math.isnan(self.ratio(r, c.key)) for r in self.results)
        ]
        rows = [[result.name, *(_factor(self.ratio(result, c.key)) for c in used)] for result in self.results]
        if used:
            shown.append(Part(f"Relative to {self.baseline!r}", ["variant", *(c.heading for c in used)], rows))
        return shown

    def _reference_row(self, used: Sequence[Column]) -> list[list[str]]:
        known = next((result.reference for result in self.results if result.reference is not None), None)
        if known is None or len({result.mesh for result in self.results if result.mesh is not None}) > 1:
            return []  # on every mesh the filtered reference is another one
        values = {"std": known.std, "kurtosis": known.kurtosis, "resolved_ratio": 1.0}
        values |= {f"mean:{path}": value for path, value in known.means.items()}
        cells = [_number(values[c.key], c) if math.isfinite(values.get(c.key, math.nan)) else "" for c in used]
        return [["(reference)", "", *cells]]

    def csv(self) -> str:
        """One line for each variant: every value, its spread, and its ratio to the baseline, unrounded."""
        target = io.StringIO()
        writer = csv.writer(target, lineterminator="\n")
        keys = [column.key for column in (*COLUMNS, *self.means)]
        writer.writerow(
            ["variant", "outcome", *keys, *(f"{key}_spread" for key in keys), *(f"{key}_ratio" for key in RATIOS)]
        )
        for result in self.results:
            values = [result.numbers.get(key, math.nan) for key in keys]
            spreads = [result.spread.get(key, math.nan) for key in keys]
            ratios = [self.ratio(result, key) for key in RATIOS]
            writer.writerow([result.name, result.outcome, *map(_plain, (*values, *spreads, *ratios))])
        return target.getvalue()

    def data(self) -> dict[str, Any]:
        """Everything as plain data; what is missing or infinite is null, see ``outcome`` and ``correlation_held``."""
        return {
            "baseline": self.baseline,
            "metrics": {column.key: column.meaning for column in (*COLUMNS, *self.means)},
            "headings": {column.key: column.heading for column in (*COLUMNS, *self.means)},
            "tables": [asdict(part) for part in self.parts()],
            "notes": list(self.notes),
            "variants": {result.name: self._variant(result) for result in self.results},
        }

    def _variant(self, result: VariantResult) -> dict[str, Any]:
        content: dict[str, Any] = {
            "outcome": result.outcome,
            "values": {key: _json(value) for key, value in result.numbers.items()},
            "spread": {key: _json(value) for key, value in result.spread.items()},
            "ratio": {key: _json(self.ratio(result, key)) for key in RATIOS},
            "correlation_held": math.isinf(result.numbers.get("correlation_time", 0.0)),
            "runs": [
                {"folder": str(folder), "status": e.status, "message": e.message, "time": _json(e.time), "step": e.step}
                for folder, e in zip(result.folders, result.endings, strict=True)
            ],
            "correlation": [
                {"time": trace.times.tolist(), "value": [_json(value) for value in trace.correlations.tolist()]}
                for trace in result.traces
            ],
        }
        for name, statistics in (("statistics", result.statistics), ("reference", result.reference)):
            if statistics is not None:
                spectrum = statistics.spectrum
                content[name] = {
                    "wavenumber": [] if spectrum is None else spectrum.wavenumber.tolist(),
                    "spectrum": [] if spectrum is None else spectrum.values.tolist(),
                    "multiplicity": [] if spectrum is None else spectrum.multiplicity.tolist(),
                    "std": _json(statistics.std),
                    "kurtosis": _json(statistics.kurtosis),
                    "quantiles": {f"{level:g}": _json(value) for level, value in statistics.quantiles.items()},
                    "samples": statistics.samples,
                    "means": {path: _json(value) for path, value in statistics.means.items()},
                }
        return content


def _mean_column(key: str) -> Column:
    kind, _, path = key.partition(":")
    name = path.partition(".")[2].replace("_", "\n")
    if kind == "mean":
        return Column(key, name, f"mean of {path} over time", "#.3g")
    return Column(key, f"{name}\nerror", f"mean of {path} over time, relative error", "+.1%")


def _print(console: Any, part: Part) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=part.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in part.headings:
        text = heading in ("variant", "outcome")
        table.add_column(Text(heading), justify="left" if text else "right", no_wrap=True, vertical="bottom")
    for row in part.rows:
        table.add_row(*map(Text, row))
    # on a narrow terminal lines may wrap, but numbers are never cut short
    natural = console.measure(table, options=console.options.update(width=1000)).maximum
    table.width = natural
    console.print(table, crop=False, soft_wrap=natural > console.width)


def _number(value: float, column: Column) -> str:
    return format(value, column.number).rstrip(".")


def _factor(value: float) -> str:
    return "-" if math.isnan(value) else "inf" if math.isinf(value) else f"{value:.3g}x"


def _plain(value: float) -> str:
    return "" if math.isnan(value) else repr(value)


def _json(value: float) -> float | None:
    return value if math.isfinite(value) else None
