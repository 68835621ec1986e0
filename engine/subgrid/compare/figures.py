"""Figures of a comparison. matplotlib is imported here and only here, with the Agg renderer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from subgrid.compare.evaluation import VariantResult, common_frames
from subgrid.compare.metrics import Array, Spectrum
from subgrid.compare.options import MetricsOptions
from subgrid.kernels.resample import SpectralResampling
from subgrid.mesh import Grid
from subgrid.output import RunFolder

if TYPE_CHECKING:
    from subgrid.compare.comparison import Comparison

STYLE = {
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "legend.fontsize": 8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.4,
    "savefig.dpi": 200,
    "figure.dpi": 100,
}
# Tol's "bright" and "muted" hues: told apart in print and by colour-blind readers.
COLOURS = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#EE8866", "#44AA99", "#882255", "#999933")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (5, 1.2, 1.2, 1.2)))
MARKERS = "osD^vP*X<>"
PANELS_PER_ROW = 5
PANEL_POINTS = 240


def draw(comparison: Comparison, metrics: MetricsOptions) -> list[Path]:
    """Write every figure that the results allow into ``figures/`` and return their paths."""
    folder = comparison.folder / "figures"
    folder.mkdir(exist_ok=True)
    figures: dict[str, Callable[[Comparison, MetricsOptions], Figure | None]] = {
        "spectra": draw_spectra,
        "distributions": draw_distributions,
        "correlation": draw_correlation,
        "cost": draw_cost,
        "panels": draw_panels,
    }
    written = []
    with matplotlib.rc_context(STYLE):
        for name, make in figures.items():
            path = folder / f"{name}.png"
            path.unlink(missing_ok=True)
            figure = make(comparison, metrics)
            if figure is not None:
                figure.savefig(path, bbox_inches="tight")
                written.append(path)
    return written


def looks(results: Sequence[VariantResult]) -> dict[str, dict[str, Any]]:
    """Line colour, dashes and marker of each variant, the same in every figure."""
    return {
        result.name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": DASHES[(i // 3) % len(DASHES)],
            "marker": MARKERS[i % len(MARKERS)],
        }
        for i, result in enumerate(results)
    }


def line(look: Mapping[str, Any]) -> dict[str, Any]:
    return {"color": look["color"], "linestyle": look["linestyle"]}


def draw_spectra(comparison: Comparison, metrics: MetricsOptions) -> Figure | None:
    """Mean spectra with the reference, and the ratio to it below."""
    spectra = [(r, pair) for r in comparison.results if (pair := _spectra(r)) is not None]
    if not spectra or metrics.spectrum is None:
        return None
    figure = Figure(figsize=(6.4, 6.2))
    upper, lower = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [2.2, 1], "hspace": 0.06})
    style, units = looks(comparison.results), _units(spectra[0][0], metrics)
    first, (_, reference) = max(spectra, key=lambda entry: entry[0].compared)
    unit = reference.wavenumber[1]
    whole = next(iter(comparison.references.values())).spectrum or reference
    upper.loglog(whole.wavenumber[1:] / unit, whole.values[1:], color="black", linewidth=0.9, zorder=1)
    n, values = reference.wavenumber[1 : first.compared] / unit, reference.values[1 : first.compared]
    upper.loglog(n, values, color="black", linewidth=2.6, label="reference", zorder=1)
    edge = float(whole.wavenumber[-1] / unit)
    floor, ceiling = whole.values[1:].min(), reference.values.max()
    extreme = 2.0
    for result, (own, known) in spectra:
        values = own.values[1 : result.compared]
        wanted = known.values[1 : result.compared]
        modes = np.arange(1, result.compared)
        upper.loglog(modes, values, label=result.name, **line(style[result.name]))
        lower.loglog(modes, values / wanted, **line(style[result.name]))
        floor, ceiling = min(floor, values.min()), max(ceiling, values.max())
        extreme = max(extreme, float(np.exp(np.abs(np.log(values / wanted)).max())))
    _slope_guide(upper, whole.wavenumber[1:] / unit, whole.values[1:], metrics.spectrum)
    upper.set_ylim(floor / 2.0, ceiling * 2.5)
    upper.set_ylabel(f"{_label(metrics.spectrum)} $S(n)$ [{units['spectrum'] or '1'}]")
    upper.legend(ncols=2, frameon=False, loc="lower left")
    lower.axhline(1.0, color="black", linewidth=0.8)
    bound = min(1.2 * extreme, 20.0)
    lower.set_ylim(1.0 / bound, bound)
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if 1.0 / bound < tick < bound]
    lower.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    lower.minorticks_off()
    lower.set_ylabel("$S/S_{\\rm ref}$")
    lower.set_xlabel("wavenumber $n = |k|L/2\\pi$")
    cut = first.compared - 0.5
    octaves = [2**i for i in range(12) if 2**i <= edge]
    for axes in (upper, lower):
        axes.axvspan(cut, 2.0 * edge, color="0.93", zorder=0)
        axes.set_xlim(0.9, edge)
        axes.set_xticks(octaves, [str(n) for n in octaves])
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
    upper.annotate(
        "reference only", (math.sqrt(cut * edge), ceiling * 1.6), ha="center", va="center", fontsize=7, color="0.45"
    )
    upper.set_title(_caption(comparison, metrics), loc="left")
    return figure


def _spectra(result: VariantResult) -> tuple[Spectrum, Spectrum] | None:
    """Spectra of a variant and of its reference, where there are both."""
    if result.statistics is None or result.reference is None:
        return None
    own, known = result.statistics.spectrum, result.reference.spectrum
    return None if own is None or known is None else (own, known)


def _slope_guide(axes: Any, n: Array, values: Array, name: str) -> None:
    """The power law that Kraichnan (1967) and Batchelor (1969) expect in the enstrophy range: E ~ k^-3, Z ~ k^-1."""
    slope = -3.0 if "energy" in name else -1.0 if "enstrophy" in name else None
    first = 2 * int(np.argmax(values)) + 1  # an octave above the peak, which forcing makes
    if slope is None or n.size < 6 or first >= n.size:
        return
    start = n[first]
    guide = np.array([start, min(start * 4.0, n[-1])])
    anchor = 2.0 * float(np.interp(start, n, values))
    axes.loglog(guide, anchor * (guide / start) ** slope, color="0.35", linewidth=0.9)
    law = "k^{-3}" if slope == -3.0 else "k^{-1}"
    axes.annotate(
        f"${law}$",
        (math.sqrt(guide[0] * guide[1]), anchor * math.sqrt(guide[1] / guide[0]) ** slope),
        textcoords="offset points",
        xytext=(4, 4),
        color="0.35",
    )


def draw_distributions(comparison: Comparison, metrics: MetricsOptions) -> Figure | None:
    """Probability densities on a logarithmic axis, with the Gaussian of the reference's variance."""
    measured = [r for r in comparison.results if r.statistics is not None and r.statistics.histogram is not None]
    if not measured:
        return None
    figure = Figure(figsize=(6.4, 5.4))
    axes = figure.subplots()
    style, units = looks(comparison.results), _units(measured[0], metrics)
    known = measured[0].reference
    peak, width, smallest = 0.0, 0.0, math.inf
    quantile_note = ""
    if known is not None and known.histogram is not None:
        x, density = smoothed(known.histogram.centres, known.histogram.density)
        axes.semilogy(x, density, color="black", linewidth=2.4, label="reference, filtered", zorder=1)
        peak, width = density.max(), float(np.abs(x).max())
        smallest = float(density.min())
    for result in measured:
        assert result.statistics is not None
        assert result.statistics.histogram is not None
        x, density = smoothed(result.statistics.histogram.centres, result.statistics.histogram.density)
        axes.semilogy(x, density, label=result.name, **line(style[result.name]))
        peak, width = max(peak, density.max()), max(width, float(np.abs(x).max()))
        smallest = min(smallest, float(density.min()))
    if known is not None and math.isfinite(known.std):
        x = np.linspace(-width, width, 401)
        gaussian = np.exp(-0.5 * (x / known.std) ** 2) / (known.std * math.sqrt(2.0 * math.pi))
        axes.semilogy(x, gaussian, color="0.55", linewidth=0.9, linestyle=":", label="Gaussian, reference variance")
        for level, value in known.quantiles.items():
            if math.isfinite(value) and level in (1e-3, 1.0 - 1e-3):
                axes.axvline(value, color="0.75", linewidth=0.8, zorder=0)
                quantile_note = "; grey: 0.1 % quantiles of the reference"
    axes.set_xlim(-1.05 * width, 1.05 * width)
    axes.set_ylim(max(smallest / 2.0, 1e-5 * peak), 2.0 * peak)
    axes.set_xlabel((f"{metrics.field} [{units['field'] or '1'}]" if metrics.field else "value") + quantile_note)
    axes.set_ylabel("probability density")
    axes.legend(ncols=3, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.14))
    axes.set_title(_caption(comparison, metrics), loc="left")
    return figure


def smoothed(centres: Array, density: Array, bins: int = 48) -> tuple[Array, Array]:
    """Adjacent bins merged until about ``bins`` of them span the samples, empty ones left out."""
    filled = np.nonzero(density > 0)[0]
    low, high = filled[0], filled[-1] + 1
    group = max(1, (high - low) // bins)
    count = (high - low) // group
    window = slice(low, low + count * group)
    x = centres[window].reshape(count, group).mean(axis=1)
    merged = density[window].reshape(count, group).mean(axis=1)
    return x[merged > 0], merged[merged > 0]


def draw_correlation(comparison: Comparison, metrics: MetricsOptions) -> Figure | None:
    """Correlation with the reference over time since the common start; thin lines are single seeds."""
    traced = [r for r in comparison.results if any(trace.times.size > 1 for trace in r.traces)]
    if not traced:
        return None
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    style = looks(comparison.results)
    latest = 0.0
    for result in traced:
        for i, trace in enumerate(trace for trace in result.traces if trace.times.size > 1):
            elapsed = trace.times - trace.times[0]
            label = result.name if i == 0 else None
            axes.plot(elapsed, trace.correlations, label=label, **line(style[result.name]))
            lost = np.nonzero(trace.correlations < 0.3)[0]
            latest = max(latest, elapsed[lost[0]] if lost.size else elapsed[-1])
    axes.axhline(metrics.correlation, color="0.5", linewidth=0.8, linestyle=":")
    axes.set_xlim(0.0, latest)  # a frame, so that no curve is cut between two of them
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("time since the common start")
    axes.set_ylabel(f"correlation of {metrics.field}")
    axes.legend(ncols=2, frameon=False, loc="lower left")
    axes.set_title(f"{comparison.name}: distance from the filtered reference", loc="left")
    return figure


def draw_cost(comparison: Comparison, metrics: MetricsOptions) -> Figure | None:
    """Spectrum error against wall time: good and cheap is the lower left."""
    points = [r for r in comparison.results if math.isfinite(r.numbers.get("spectrum_error", math.nan))]
    if not points:
        return None
    figure = Figure(figsize=(5.6, 4.2))
    axes = figure.subplots()
    style = looks(comparison.results)
    for result in points:
        x, y = result.numbers["wall_seconds"], result.numbers["spectrum_error"]
        spread = [result.spread.get(key, math.nan) for key in ("wall_seconds", "spectrum_error")]
        bars = [0.0 if math.isnan(value) else value for value in spread]
        look = style[result.name]
        if any(bars):
            axes.errorbar(x, y, xerr=bars[0], yerr=bars[1], fmt="none", ecolor=look["color"])
        axes.plot(x, y, look["marker"], color=look["color"], markersize=7, label=result.name)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_ylim(low / 1.3, high * 1.3)
    for which in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        which(FuncFormatter(lambda value, _: f"{value:.2g}"))
    axes.set_xlim(0.0, 1.15 * max(result.numbers["wall_seconds"] for result in points))
    axes.set_xlabel("wall time of a run [s]")
    axes.set_ylabel("spectrum error [decades rms]")
    axes.grid(True, which="both", color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.legend(frameon=False, fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_title(_caption(comparison, metrics), loc="left")
    return figure


def draw_panels(comparison: Comparison, metrics: MetricsOptions) -> Figure | None:
    """The field of the reference (filtered) and of each variant at the same time: on one colour scale, or as lines."""
    shown = [r for r in comparison.results if r.mesh is not None and r.mesh.ndim in (1, 2)]
    if not shown or metrics.field is None:
        return None
    titles, fields, when = _panel_fields(comparison, shown, metrics, metrics.field)
    units = _units(shown[0], metrics)["field"]
    if not fields:
        return None
    if shown[0].mesh is not None and shown[0].mesh.ndim == 1:
        return _lines(titles, fields, shown, f"{metrics.field} [{units or '1'}]", when)
    limit = float(np.quantile(np.abs(fields[0]), 0.995))
    columns = min(PANELS_PER_ROW, len(fields))
    rows = math.ceil(len(fields) / columns)
    figure = Figure(figsize=(1.9 * columns + 0.8, 2.1 * rows + 0.4), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
    mesh = shown[0].mesh
    assert mesh is not None
    image = None
    for axes, title, field in zip(grid, titles, fields, strict=False):
        if np.isfinite(field).all() and field.size:
            image = axes.imshow(
                _interpolated(field, mesh),
                origin="lower",
                cmap="RdBu_r",
                vmin=-limit,
                vmax=limit,
                extent=(0.0, mesh.length[1], 0.0, mesh.length[0]),
                interpolation="bilinear",
            )
        else:
            axes.text(0.5, 0.5, "blown up", ha="center", va="center", transform=axes.transAxes, color="0.4")
        axes.set_title(title, fontsize=8)
    for axes in grid:
        axes.set_xticks([])
        axes.set_yticks([])
    for axes in grid[len(fields) :]:
        axes.set_axis_off()
    if image is not None:
        figure.colorbar(
            image, ax=list(grid), shrink=0.8, aspect=30, label=f"{metrics.field} [{units or '1'}]", extend="both"
        )
    figure.suptitle(f"{metrics.field}, {when}", fontsize=10)
    return figure


def _lines(
    titles: Sequence[str], fields: Sequence[Array], shown: Sequence[VariantResult], label: str, when: str
) -> Figure:
    """One-dimensional fields above each other, the reference (if there is one) as a black line."""
    figure = Figure(figsize=(6.4, 3.8))
    axes = figure.subplots()
    style = looks(shown)
    mesh = shown[0].mesh
    assert mesh is not None
    for i, (title, field) in enumerate(zip(titles, fields, strict=True)):
        if field.size == 0 or not np.isfinite(field).all():
            continue
        (x,) = Grid(field.shape, mesh.length, mesh.origin, mesh.boundaries).coordinates()
        variant = i - (len(fields) - len(shown))
        look = {"color": "black", "linewidth": 2.2} if variant < 0 else line(style[shown[variant].name])
        axes.plot(x, field, label=title.replace("\n", ", "), **look)
    axes.set_xlim(mesh.origin[0], mesh.origin[0] + mesh.length[0])
    axes.set_xlabel("x")
    axes.set_ylabel(label)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, -0.16))
    axes.set_title(when, loc="left")
    return figure


def _panel_fields(
    comparison: Comparison, shown: Sequence[VariantResult], metrics: MetricsOptions, name: str
) -> tuple[list[str], list[Array], str]:
    """Titles, fields and time of the panels: where the typical variant has just lost the reference, else the end."""
    runs = [RunFolder(result.folders[0]) for result in shown]
    longest = max((run.frame_times() for run in runs), key=len)
    if longest.size == 0:
        return [], [], ""
    lost = [r.numbers["correlation_time"] for r in shown if math.isfinite(r.numbers.get("correlation_time", math.nan))]
    time = float(longest[-1])
    if lost:
        time = float(longest[np.argmin(np.abs(longest - longest[0] - np.median(lost)))])
    titles, fields = [], []
    seed = next(iter(comparison.references))
    mesh = shown[0].mesh
    assert mesh is not None
    known = comparison.references[seed].frames(mesh)
    when = f"t = {time:.4g}" if known is None else f"{time - longest[0]:.4g} after the common start"
    if known is not None:
        match = common_frames(np.array([time]), known.times)
        if match:
            titles.append(f"reference, filtered to {'x'.join(map(str, reversed(mesh.shape)))}")
            fields.append(_plane(known[match[0][1]], mesh.ndim))
    for result, run in zip(shown, runs, strict=True):
        match = common_frames(np.array([time]), run.frame_times())
        titles.append(result.name + _correlation_note(result, time))
        fields.append(_plane(run.frame(name, match[0][1]), mesh.ndim) if match else np.zeros((0,) * mesh.ndim))
    return titles, fields, when


def _correlation_note(result: VariantResult, time: float) -> str:
    for trace in result.traces[:1]:
        match = common_frames(np.array([time]), trace.times)
        if match:
            return f"\ncorrelation {trace.correlations[match[0][1]]:.2f}"
    return ""


def _interpolated(field: Array, mesh: Grid) -> Array:
    """The trigonometric interpolant of a periodic field on a grid fine enough to look at."""
    if field.shape != mesh.shape:
        return field
    factor = max(1, math.ceil(PANEL_POINTS / max(mesh.shape)))
    fine = Grid(tuple(factor * n for n in mesh.shape), mesh.length, mesh.origin, mesh.boundaries)
    return SpectralResampling(Grid(mesh.shape, mesh.length, mesh.origin, mesh.boundaries), fine)(field)


def _units(result: VariantResult, metrics: MetricsOptions) -> dict[str, str]:
    """Units of the spectrum and of the field."""
    run = RunFolder(result.folders[0])
    label, _, variable = (metrics.spectrum or "").partition(".")
    return {
        "spectrum": run.series_info(label)[variable].units if label else "",
        "field": run.quantities()[metrics.field].units if metrics.field else "",
    }


def _plane(field: Array, ndim: int) -> Array:
    """The first slice over the mesh: the upper layer of a layered field."""
    result: Array = np.asarray(field, dtype=np.float64).reshape(-1, *field.shape[-ndim:])[0]
    return result


def _label(path: str) -> str:
    return path.partition(".")[0].replace("_", " ")


def _caption(comparison: Comparison, metrics: MetricsOptions) -> str:
    since = "" if metrics.after is None else f", t ≥ {metrics.after:g}"
    return f"{comparison.name}: time means{since}"
