"""Time-mean statistics of a run: one spectrum and one distribution, from what its observers stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """What is known of a flow in statistical equilibrium. ``quantiles`` maps probabilities to values."""

    spectrum: Spectrum
    histogram: Histogram | None
    quantiles: Mapping[float, float]
    std: float
    kurtosis: float
    samples: int

    @classmethod
    def of(cls, spectrum: Spectrum, histogram: Histogram, samples: int) -> Statistics:
        levels = [*TAIL_LEVELS, *(1.0 - level for level in TAIL_LEVELS)]
        quantiles = {level: histogram.quantile(level) for level in levels}
        return cls(spectrum, histogram, quantiles, histogram.std, histogram.kurtosis, samples)


def of_run(run: RunFolder, metrics: MetricsOptions) -> Statistics | None:
    """Means over a run's series from ``metrics.after`` on; None when it ended before.

    Raises ScenarioError when a variable does not exist or is no spectrum or histogram.
    """
    tables = {}
    for key in ("spectrum", "pdf"):
        label, _, variable = getattr(metrics, key).partition(".")
        series, info = run.series(label), run.series_info(label)
        _require(variable, info, f"metrics.{key}")
        chosen = from_time(series["time"], metrics.after)
        if not chosen.any():
            return None
        tables[key] = (series[variable][chosen], info[variable])
    return of_series(*tables["spectrum"], *tables["pdf"])


def of_series(spectra: Array, spectrum_info: Quantity, histograms: Array, histogram_info: Quantity) -> Statistics:
    """Means over the rows, and over axes such as layers, of a spectrum and a histogram."""
    return Statistics.of(
        _spectrum(_mean(spectra), spectrum_info), _histogram(_mean(histograms), histogram_info), len(spectra)
    )


def pooled(members: Sequence[Statistics]) -> Statistics:
    """Mean over the members of an ensemble, each with the same weight."""
    first = members[0]
    values = np.mean([member.spectrum.values for member in members], axis=0)
    spectrum = Spectrum(first.spectrum.wavenumber, values, first.spectrum.multiplicity)
    histograms = [member.histogram for member in members if member.histogram is not None]
    probability = np.mean([histogram.probability for histogram in histograms], axis=0)
    samples = sum(member.samples for member in members)
    return Statistics.of(spectrum, Histogram(histograms[0].edges, probability), samples)


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
