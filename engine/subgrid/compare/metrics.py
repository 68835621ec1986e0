"""The numbers that a comparison is about, as plain functions of spectra, histograms and correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOW_MODES = 4
"""Number of lowest wavenumbers whose mean ratio is given on its own."""
HIGH_SHARE = 0.4
"""Share of the compared wavenumbers, from the top, whose mean ratio is given on its own."""


@dataclass(frozen=True)
class Spectrum:
    """Values at equally spaced wavenumbers [1/m] from zero. ``multiplicity`` weighs each in the sum over modes."""

    wavenumber: Array
    values: Array
    multiplicity: Array

    def up_to(self, count: int) -> Spectrum:
        """The first ``count`` wavenumbers."""
        return Spectrum(self.wavenumber[:count], self.values[:count], self.multiplicity[:count])

    @property
    def total(self) -> float:
        """Sum over modes: the mean square (over two) of what the wavenumbers hold."""
        return float(np.sum(self.multiplicity * self.values))


@dataclass(frozen=True)
class SpectrumError:
    """Decades between two spectra: rms, and the signed means at the low and the high end of the compared range."""

    rms: float
    low: float
    high: float


def spectrum_error(spectrum: Spectrum, reference: Spectrum, count: int) -> SpectrumError:
    """log10(S / S_ref) over the wavenumbers 1 <= n < ``count``.

    NaN when a spectrum is not positive there.
    """
    values, wanted = spectrum.values[1:count], reference.values[1:count]
    if len(values) == 0 or len(values) != len(wanted) or np.any(values <= 0.0) or np.any(wanted <= 0.0):
        return SpectrumError(np.nan, np.nan, np.nan)
    decades = np.log10(values / wanted)
    high = max(1, round(HIGH_SHARE * len(decades)))
    return SpectrumError(
        rms=float(np.sqrt(np.mean(decades**2))),
        low=float(np.mean(decades[:LOW_MODES])),
        high=float(np.mean(decades[-high:])),
    )


@dataclass(frozen=True)
class Histogram:
    """Fraction of samples in adjacent bins."""

    edges: Array
    probability: Array

    @property
    def density(self) -> Array:
        result: Array = self.probability / np.diff(self.edges)
        return result

    @property
    def centres(self) -> Array:
        result: Array = 0.5 * (self.edges[1:] + self.edges[:-1])
        return result

    def _moment(self, order: int, about: float) -> float:
        return float(np.sum(self.probability * (self.centres - about) ** order) / np.sum(self.probability))

    @property
    def std(self) -> float:
        return float(np.sqrt(self._moment(2, self._moment(1, 0.0))))

    @property
    def kurtosis(self) -> float:
        """Fourth central moment over the squared variance; 3 for a Gaussian."""
        mean = self._moment(1, 0.0)
        variance = self._moment(2, mean)
        return self._moment(4, mean) / variance**2 if variance > 0.0 else np.nan

    def quantile(self, level: float) -> float:
        """Value below which a share ``level`` of the samples lies, linear within bins.

        NaN when more samples lie outside the bins than a tenth of the tail asked for.
        """
        outside = 1.0 - float(np.sum(self.probability))
        if outside > 0.1 * min(level, 1.0 - level):
            return float("nan")
        cumulative = np.concatenate([[0.0], np.cumsum(self.probability)])
        filled = np.nonzero(np.diff(cumulative) > 0.0)[0]
        target = level * cumulative[-1]
        # the first bin that reaches the level; empty bins carry no information on where within them it is reached
        index = filled[min(np.searchsorted(cumulative[filled + 1], target), len(filled) - 1)]
        share = (target - cumulative[index]) / (cumulative[index + 1] - cumulative[index])
        return float(self.edges[index] + share * (self.edges[index + 1] - self.edges[index]))


def tail_error(histogram: Histogram, reference: dict[float, float], level: float) -> float:
    """Mean over both tails of the relative error of the quantiles at ``level`` and 1 - ``level``.

    Signed: negative when the tails are too short. NaN where the reference does not know them.
    """
    errors = [histogram.quantile(p) / reference.get(p, np.nan) - 1.0 for p in (level, 1.0 - level)]
    return float(np.mean(errors))


def correlation(field: Array, reference: Array) -> float:
    """Correlation coefficient of two fields over all points; NaN when one is constant."""
    a, b = field - field.mean(), reference - reference.mean()
    norm = float(np.sqrt(np.sum(a**2) * np.sum(b**2)))
    return float(np.sum(a * b) / norm) if norm > 0.0 else float("nan")


def crossing_time(times: Array, correlations: Array, level: float) -> float:
    """First time at which the correlation falls below ``level``, linear between frames; infinite when it never does.

    Times count from the first one.
    """
    elapsed = times - times[0]
    below = np.nonzero(correlations < level)[0]
    if below.size == 0:
        return float("inf")
    i = int(below[0])
    if i == 0:
        return 0.0
    share = (correlations[i - 1] - level) / (correlations[i - 1] - correlations[i])
    return float(elapsed[i - 1] + share * (elapsed[i] - elapsed[i - 1]))


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and the standard deviation between members (NaN for a single one)."""
    array = np.asarray(values, dtype=np.float64)
    spread = float(np.std(array, ddof=1)) if array.size > 1 and np.all(np.isfinite(array)) else float("nan")
    return float(np.mean(array)), spread
