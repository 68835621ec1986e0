"""The figure of a sweep: a panel for each column of the table, over one varied key and coloured by another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from subgrid.sweep.options import WALL, SweepOptions, short
from subgrid.sweep.table import Row, SweepTable

MOST_PANELS = 12
MOST_TICKS = 7
MOST_COLOURS = 10
"""Values of the colour key that get a legend; more become a colour bar."""


def draw(table: SweepTable, options: SweepOptions, path: Path) -> Path:
    """Draw the finished members into a PNG file: points for members, lines through means over the rest."""
    rows = [row for row in table.rows if row.status == "finished"]
    x = options.figure.x or _first_numeric(table, rows)
    colour = options.figure.colour or _next_key(table, rows, x)
    columns = list(options.figure.y or table.columns or [WALL])[:MOST_PANELS]
    across = min(3, len(columns))
    down = math.ceil(len(columns) / across)
    figure = Figure(figsize=(5.2 * across, 3.8 * down), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(options.description or options.name)
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for ax, column in zip(axes, columns, strict=False):
        _panel(figure, ax, rows, x, column, colour)
        ax.set_title(column)
        ax.set_xlabel(x)
        if column in options.figure.log:
            ax.set_yscale("log")
        if "x" in options.figure.log or x in options.figure.log:
            ax.set_xscale("log")
            _label_values(ax, rows, x)
    for ax in axes[len(columns) :]:
        ax.axis("off")
    figure.savefig(path, dpi=110)
    return path


def _panel(figure: Figure, ax: Any, rows: Sequence[Row], x: str, column: str, colour: str) -> None:
    points = [(row, _y(row, column)) for row in rows]
    points = [(row, y) for row, y in points if math.isfinite(y)]
    if not points:
        ax.text(0.5, 0.5, "no finished member has it", ha="center", va="center", transform=ax.transAxes)
        return
    names = _categories([row for row, _ in points], x)
    if names:
        ax.set_xticks(range(len(names)), names, rotation=20, ha="right")
    places = [_place(row, x, names) for row, _ in points]
    heights = [y for _, y in points]
    labels = [short(row.parameters[colour]) if colour else "" for row, _ in points]
    groups = list(dict.fromkeys(labels))
    if len(groups) > MOST_COLOURS and not _categories([row for row, _ in points], colour):
        shades = [float(row.parameters[colour]) for row, _ in points]
        drawn = ax.scatter(places, heights, c=shades, s=14, cmap="viridis")
        figure.colorbar(drawn, ax=ax, label=colour)
        return
    for index, group in enumerate(groups[: 2 * MOST_COLOURS]):
        chosen = [i for i, label in enumerate(labels) if label == group]
        _group(ax, [places[i] for i in chosen], [heights[i] for i in chosen], f"C{index % 10}", group)
    if colour:
        ax.legend(title=colour, fontsize="small", title_fontsize="small")


def _group(ax: Any, places: Sequence[float], heights: Sequence[float], colour: str, label: str) -> None:
    ax.plot(places, heights, "o", ms=4, color=colour, alpha=0.6, label=label)
    by_place: dict[float, list[float]] = {}
    for place, height in zip(places, heights, strict=True):
        by_place.setdefault(place, []).append(height)
    if 1 < len(by_place) < len(places) or 1 < len(by_place) <= 30:
        line = sorted(by_place)
        ax.plot(line, [sum(by_place[place]) / len(by_place[place]) for place in line], "-", lw=1, color=colour)


def _label_values(ax: Any, rows: Sequence[Row], x: str) -> None:
    """Ticks of a logarithmic axis: at the values of the key where these are few, else at the powers of ten."""
    if _categories(rows, x):
        return
    values = sorted({float(row.parameters[x]) for row in rows})
    ax.xaxis.set_minor_formatter(NullFormatter())
    steps = [math.log10(b / a) for a, b in itertools.pairwise(values) if a > 0.0]
    span = sum(steps)
    # a label takes up to a seventh of a panel
    if 1 < len(values) <= MOST_TICKS and len(steps) == len(values) - 1 and min(steps) > span / MOST_TICKS:
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.xaxis.set_minor_locator(NullLocator())
    elif span < 2.0:  # powers of ten would be one tick or none
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _y(row: Row, column: str) -> float:
    return row.seconds if column == WALL else row.values.get(column, math.nan)


def _first_numeric(table: SweepTable, rows: Sequence[Row]) -> str:
    several = [key for key in table.varied if len({short(row.parameters[key]) for row in rows}) > 1]
    numeric = [key for key in several if not _categories(rows, key)]
    return next((key for key in numeric if key != "seed"), (several or list(table.varied))[0])


def _next_key(table: SweepTable, rows: Sequence[Row], x: str) -> str:
    """Another key that takes several values; seeds are realisations, and get no colour."""
    for key in table.varied:
        if key not in (x, "seed") and len({short(row.parameters[key]) for row in rows}) > 1:
            return key
    return ""


def _categories(rows: Sequence[Row], key: str) -> list[str]:
    """Names along an axis when the values of a key are no numbers."""
    values = [row.parameters[key] for row in rows]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return []
    return list(dict.fromkeys(map(short, values)))


def _place(row: Row, key: str, names: Sequence[str]) -> float:
    return float(names.index(short(row.parameters[key]))) if names else float(row.parameters[key])
