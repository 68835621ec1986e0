"""Charts of what observers returned, as SVG: curves over time, and spectra or profiles at the end of a run."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

from subgrid.api import Quantity, RunFolder
from subgrid_view.colours import HUES
from subgrid_view.reading import Array, foreign
from subgrid_view.text import plain, with_units

MOST_CHARTS = 16
MOST_CURVES = 8
MOST_POINTS = 800
FAR = 4.0
STYLE = {
    "font.size": 9, "axes.linewidth": 0.7, "lines.linewidth": 1.3, "svg.fonttype": "path", "axes.spines.top": False,
    "axes.spines.right": False, "svg.hashsalt": "subgrid",
}  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A drawn chart and what it shows."""

    svg: bytes
    title: str
    caption: str


def charts_of(run: RunFolder) -> tuple[list[Chart], int]:
    """The charts of a run's series, at most ``MOST_CHARTS``, and how many more there would be."""
    drawn: list[Chart] = []
    left_out = 0
    with foreign(run.path):
        for label in run.labels():
            info, series = run.series_info(label), run.series(label)
            for name, quantity in info.items():
                for chart in _charts(label, name, quantity, series):
                    if len(drawn) < MOST_CHARTS:
                        drawn.append(chart())
                    else:
                        left_out += 1
    return drawn, left_out


def _charts(label: str, name: str, quantity: Quantity, series: Mapping[str, Array]) -> Iterator[Any]:
    values, times = np.asarray(series[name], dtype=np.float64), np.asarray(series["time"], dtype=np.float64)
    if len(times) == 0 or quantity.location == "particle":
        return
    title = plain(f"{label}: {name}", 80)
    if values.ndim == 1:
        if len(times) > 1:
            yield lambda: _over_time(title, quantity, times, values[:, None])
    elif values.ndim == 2 and quantity.dims[0] in quantity.coordinates:
        yield lambda: _over_coordinate(title, quantity, times, values)
    elif values.ndim == 2 and values.shape[1] <= MOST_CURVES and len(times) > 1:
        yield lambda: _over_time(title, quantity, times, values)


def _over_time(title: str, quantity: Quantity, times: Array, values: Array) -> Chart:
    keep = np.unique(np.linspace(0, len(times) - 1, MOST_POINTS).round().astype(int))
    with rc_context(STYLE):
        figure, axes = _axes()
        for i, curve in enumerate(values.T):
            axes.plot(
                times[keep],
                curve[keep],
                color=HUES[i % len(HUES)],
                label=_words(f"{quantity.dims[0]} {i}") if quantity.dims else None,
            )
        if values.shape[1] > 1:
            axes.legend(frameon=False, fontsize=8)
        axes.set_xlabel("t")
        axes.set_ylabel(_words(with_units(title.partition(": ")[2], quantity.units)))
        beyond = _limited(axes, values[keep])
        return Chart(_svg(figure), title, plain(f"{quantity.description} {beyond}".strip(), 180))


def _limited(axes: Any, values: Array) -> str:
    """Keep a few values far off the others (an impulsive start) from setting the scale, and say how many are beyond.

    The axis shows the central 98 % with a margin, if all values would need an axis `FAR` times as long.
    """
    seen = values[np.isfinite(values)]
    if seen.size == 0:
        return ""
    # the nearest values themselves, so that in a short series a single one can lie beyond
    low, high = np.quantile(seen, 0.01, method="higher"), np.quantile(seen, 0.99, method="lower")
    margin = 0.1 * (high - low)
    if not 0.0 < FAR * (high - low) < np.ptp(seen):
        return ""
    beyond = (seen < low - margin) | (seen > high + margin)
    axes.set_ylim(low - margin, high + margin)
    farthest = seen[beyond][np.argmax(np.abs(seen[beyond] - 0.5 * (low + high)))]
    return f"({beyond.sum()} of {seen.size} values beyond, to {farthest:.3g})"


def _over_coordinate(title: str, quantity: Quantity, times: Array, values: Array) -> Chart:
    """The mean over the second half of the time, on logarithmic axes where that fits."""
    dim = quantity.dims[0]
    x = np.asarray(quantity.coordinates[dim], dtype=np.float64)
    mean = values[times >= 0.5 * (times[0] + times[-1])].mean(axis=0)
    with rc_context(STYLE):
        figure, axes = _axes()
        seen = np.isfinite(x) & np.isfinite(mean)
        steep = seen & (x > 0.0) & (mean > 0.0)
        log = steep.sum() > 3 and mean[steep].max() > 100.0 * mean[steep].min() and not (mean[seen] < 0.0).any()
        chosen = steep if log else seen
        axes.plot(x[chosen], mean[chosen], color=HUES[0])
        if log:
            axes.set_yscale("log")
            if not (x[seen] < 0.0).any():
                axes.set_xscale("log")
            axes.set_ylim(bottom=max(mean[steep].min(), 1e-14 * mean[steep].max()))
        axes.set_xlabel(_words(plain(dim, 40)))
        axes.set_ylabel(_words(with_units(title.partition(": ")[2], quantity.units)))
        since = 0.5 * (times[0] + times[-1])
        return Chart(_svg(figure), title, plain(f"mean over t ≥ {since:.4g}. {quantity.description}", 120))


def _axes() -> tuple[Figure, Any]:
    figure = Figure(figsize=(4.2, 2.7), layout="constrained")
    axes = figure.subplots()
    axes.grid(True, color="0.92", linewidth=0.6)
    return figure, axes


def _words(text: str) -> str:
    """Text that matplotlib takes for no formula."""
    return text.replace("$", r"\$")


def _svg(figure: Figure) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format="svg", metadata={"Date": None})
    return target.getvalue()


def finite(value: object) -> float:
    """A number from a file, NaN for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
