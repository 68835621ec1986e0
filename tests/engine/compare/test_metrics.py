"""The numbers of a comparison on data with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from subgrid.compare.metrics import (
    Histogram,
    Spectrum,
    correlation,
    crossing_time,
    mean_and_spread,
    spectrum_error,
    tail_error,
)


def spectrum(values: np.ndarray) -> Spectrum:
    return Spectrum(np.arange(float(len(values))), values, np.ones(len(values)))


def gaussian_histogram(std: float) -> Histogram:
    edges = np.linspace(-10.0, 10.0, 801)
    return Histogram(edges, np.diff(norm.cdf(edges, scale=std)))


def test_a_factor_of_ten_is_one_decade_everywhere():
    k = np.arange(1.0, 20.0)
    error = spectrum_error(spectrum(10.0 * k**-3), spectrum(k**-3), 15)
    assert (error.rms, error.low, error.high) == pytest.approx((1.0, 1.0, 1.0))


def test_low_and_high_ends_are_told_apart():
    reference, values = np.ones(12), np.ones(12)
    values[1:5], values[7:11] = 10.0, 0.01  # n = 1 ... 4, and the upper 40 % of n = 1 ... 10
    error = spectrum_error(spectrum(values), spectrum(reference), 11)
    assert error.low == pytest.approx(1.0)
    assert error.high == pytest.approx(-2.0)
    assert error.rms == pytest.approx(np.sqrt((4 * 1 + 4 * 4) / 10))


def test_the_mean_and_wavenumbers_beyond_the_range_do_not_count():
    values = np.ones(12)
    values[0], values[8:] = 50.0, 9.0
    assert spectrum_error(spectrum(values), spectrum(np.ones(12)), 8).rms == 0.0


def test_a_spectrum_with_zeros_has_no_error():
    assert np.isnan(spectrum_error(spectrum(np.zeros(8)), spectrum(np.ones(8)), 8).rms)


def test_multiplicity_weighs_the_total():
    assert Spectrum(np.arange(3.0), np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0])).total == 11.0


@pytest.mark.parametrize("level", [1e-3, 1e-2, 0.5, 0.99, 0.999])
def test_quantiles_of_a_gaussian_histogram(level):
    """Linear within bins of 0.025: the error is at most some 1e-4 of the width."""
    assert gaussian_histogram(1.5).quantile(level) == pytest.approx(norm.ppf(level, scale=1.5), abs=2e-3)


def test_moments_of_a_gaussian_histogram():
    """Sheppard: binning adds width^2/12 = 5e-5 to the variance."""
    histogram = gaussian_histogram(1.5)
    assert histogram.std == pytest.approx(1.5, rel=1e-4)
    assert histogram.kurtosis == pytest.approx(3.0, rel=1e-4)


def test_quantiles_are_unknown_when_the_tail_lies_outside_the_bins():
    edges = np.linspace(-2.0, 2.0, 81)
    histogram = Histogram(edges, np.diff(norm.cdf(edges)))  # 2.3 % on each side are missing
    assert np.isnan(histogram.quantile(1e-2))
    assert np.isnan(histogram.quantile(0.99))


def test_empty_bins_do_not_move_a_quantile():
    histogram = Histogram(np.arange(6.0), np.array([0.5, 0.0, 0.0, 0.0, 0.5]))
    assert histogram.quantile(0.5) == 1.0
    assert histogram.quantile(0.75) == 4.5


def test_tails_ten_percent_too_short():
    reference = {level: norm.ppf(level) for level in (1e-3, 1.0 - 1e-3)}
    assert tail_error(gaussian_histogram(0.9), reference, 1e-3) == pytest.approx(-0.1, abs=1e-3)


def test_tails_that_the_reference_does_not_know():
    assert np.isnan(tail_error(gaussian_histogram(1.0), {}, 1e-3))


def test_correlation_of_shifted_waves_is_the_cosine_of_the_shift():
    x = 2 * np.pi * np.arange(64) / 64
    assert correlation(np.cos(x) + 3.0, 5.0 * np.cos(x + 0.7)) == pytest.approx(np.cos(0.7))


def test_crossing_time_is_linear_between_frames():
    times = np.array([10.0, 11.0, 12.0, 13.0])
    assert crossing_time(times, np.array([1.0, 0.9, 0.7, 0.95]), 0.8) == pytest.approx(1.5)
    assert crossing_time(times, np.array([1.0, 0.95, 0.9, 0.85]), 0.8) == np.inf
    assert crossing_time(times, np.array([0.5, 0.4, 0.3, 0.2]), 0.8) == 0.0


def test_a_single_member_has_no_spread():
    mean, spread = mean_and_spread([2.0])
    assert mean == 2.0
    assert np.isnan(spread)
    assert mean_and_spread([1.0, 3.0]) == pytest.approx((2.0, np.sqrt(2.0)))
