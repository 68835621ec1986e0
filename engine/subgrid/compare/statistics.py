"""Time-mean statistics of a run: one spectrum and one distribution, from what its observers stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from subgrid.compare.metrics import Array, Histogram, Spectrum
from subgrid.compare.options import MetricsOptions
from subgrid.errors import ScenarioError
from subgrid.output import RunFolder
from subgrid.protocols import Quantity

TAIL_LEVELS = (1e-3, 1e-2)
"""Probabilities at which the tails of distributions are compared."""


@dataclass(frozen=True)
class Statistics:
    """What is known of a flow in statistical equilibrium. ``quantiles`` maps probabilities to values, ``means`` the
    series of `MetricsOptions.means` to their means over time."""

    spectrum: Spectrum | None
    histogram: Histogram | None
    quantiles: Mapping[float, float]
    std: float
    kurtosis: float
    samples: int
    means: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls, spectrum: Spectrum | None, histogram: Histogram | None, samples: int, means: Mapping[str, float]
    ) -> Statistics:
        if histogram is None:
            return cls(spectrum, None, {}, float("nan"), float("nan"), samples, means)
        levels = [*TAIL_LEVELS, *(1.0 - level for level in TAIL_LEVELS)]
        quantiles = {level: histogram.quantile(level) for level in levels}
        return cls(spectrum, histogram, quantiles, histogram.std, histogram.kurtosis, samples, means)


def of_run(run: RunFolder, metrics: MetricsOptions) -> Statistics | None:
    """Means over a run's series from ``metrics.after`` on; None when it ended before or stores none of them.

    Raises ScenarioError when a variable does not exist or is no spectrum or histogram.
    """
    tables = {}
    for key, path in metrics.series.items():
        label, _, variable = path.partition(".")
        if label not in run.labels():
            continue
        series, info = run.series(label), run.series_info(label)
        _require(variable, info, f"metrics.{key}")
        chosen = from_time(series["time"], metrics.after)
        if not chosen.any():
            return None
        tables[key] = (series[variable][chosen], info[variable])
    return of_series(tables) if tables else None


def of_series(tables: Mapping[str, tuple[Array, Quantity]]) -> Statistics:
    """Means over the rows, and over axes such as layers, of a ``spectrum``, a ``pdf``, and others, single numbers."""
    spectrum = histogram = None
    samples = 0
    if "spectrum" in tables:
        rows, info = tables["spectrum"]
        spectrum, samples = _spectrum(_mean(rows), info), len(rows)
    if "pdf" in tables:
        rows, info = tables["pdf"]
        histogram, samples = _histogram(_mean(rows), info), samples or len(rows)
    means = {key: float(np.mean(rows)) for key, (rows, _) in tables.items() if key not in ("spectrum", "pdf")}
    return Statistics.of(spectrum, histogram, samples, means)


def pooled(members: Sequence[Statistics]) -> Statistics:
    """Mean over the members of an ensemble, each with the same weight."""
    spectrum = histogram = None
    spectra = [member.spectrum for member in members if member.spectrum is not None]
    if spectra:
        values = np.mean([one.values for one in spectra], axis=0)
        spectrum = Spectrum(spectra[0].wavenumber, values, spectra[0].multiplicity)
    histograms = [member.histogram for member in members if member.histogram is not None]
    if histograms:
        probability = np.mean([one.probability for one in histograms], axis=0)
        histogram = Histogram(histograms[0].edges, probability)
    means = {path: float(np.mean([member.means[path] for member in members])) for path in members[0].means}
    return Statistics.of(spectrum, histogram, sum(member.samples for member in members), means)


def from_time(times: Array, after: float | None) -> Any:
    """Mask of the times that count, with room for round-off."""
    return np.ones(times.shape, dtype=bool) if after is None else times >= after - 1e-9 * max(1.0, abs(after))


def _require(variable: str, info: Mapping[str, Quantity], where: str) -> None:
    if variable not in info:
        raise ScenarioError(f"{where}: the observer has no variable {variable!r}; choose from {', '.join(info)}")


def _mean(rows: Array) -> Array:
    result: Array = rows.reshape(-1, rows.shape[-1]).mean(axis=0)
    return result


def _spectrum(values: Array, info: Quantity) -> Spectrum:
    if "wavenumber" not in info.coordinates:
        raise ScenarioError(f"metrics.spectrum: a variable over {', '.join(info.dims)} is no spectrum")
    wavenumber = np.asarray(info.coordinates["wavenumber"])
    return Spectrum(wavenumber, values, np.asarray(info.coordinates.get("multiplicity", np.ones_like(wavenumber))))


def _histogram(probability: Array, info: Quantity) -> Histogram:
    if not {"bin_lower", "bin_upper"} <= set(info.coordinates):
        raise ScenarioError(f"metrics.pdf: a variable over {', '.join(info.dims)} is no histogram")
    edges = np.append(info.coordinates["bin_lower"], info.coordinates["bin_upper"][-1])
    return Histogram(edges, probability)
