"""Does the histogram count every point, and do moments and tails match a distribution known in closed form?"""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from subgrid.api import Clock, Quantity
from subgrid_observers.config import VorticityPdfConfig
from subgrid_observers.vorticity_pdf import TAIL_LEVELS, VorticityPdf

QUANTITIES = {"vorticity": Quantity(("y", "x"), "1/s")}


def observe(make_setup, vorticity, **options):
    observer = VorticityPdf(VorticityPdfConfig(**options))
    declared = observer.setup(make_setup(vorticity.shape[-2:]), QUANTITIES)
    result = observer.observe({"vorticity": vorticity}, Clock())
    assert set(result) == set(declared)
    return result, declared


def test_gaussian_field(make_setup):
    """512^2 normal samples of std 2: standard error of the kurtosis is sqrt(24/n) = 0.0096, of q(1e-3) about 0.6 %."""
    vorticity = np.random.default_rng(0).normal(scale=2.0, size=(512, 512))
    result, _ = observe(make_setup, vorticity, std=2.0)
    assert result["std"] == pytest.approx(2.0, rel=5e-3)
    assert result["skewness"] == pytest.approx(0.0, abs=0.02)
    assert result["kurtosis"] == pytest.approx(3.0, abs=0.04)
    gaussian = {1e-4: 3.71902, 1e-3: 3.09023, 1e-2: 2.32635}
    for level, lower, upper in zip(TAIL_LEVELS, result["lower_quantile"], result["upper_quantile"], strict=True):
        assert -lower / 2.0 == pytest.approx(gaussian[level], rel=0.06)
        assert upper / 2.0 == pytest.approx(gaussian[level], rel=0.06)


def test_every_point_is_inside_or_outside(make_setup):
    vorticity = np.random.default_rng(1).normal(size=(64, 64))
    result, _ = observe(make_setup, vorticity, std=1.0, extent=1.5, bins=30)
    assert result["outside"] == pytest.approx(np.mean(np.abs(vorticity) > 1.5))
    assert result["probability"].sum() + result["outside"] == pytest.approx(1.0)


def test_sine_wave_has_the_arcsine_distribution(make_setup):
    """P(w < a) = 1/2 + arcsin(a)/pi for w = sin x; kurtosis 3/2."""
    n = 4096
    vorticity = np.broadcast_to(np.sin(2 * np.pi * (np.arange(n) + 0.5) / n), (2, n))
    edges = (-1.1, -0.5, 0.0, 0.5, 1.1)
    result, declared = observe(make_setup, vorticity, edges=edges)
    np.testing.assert_allclose(result["probability"], [1 / 3, 1 / 6, 1 / 6, 1 / 3], atol=2 / n)
    assert result["kurtosis"] == pytest.approx(1.5)
    np.testing.assert_array_equal(declared["probability"].coordinates["bin_upper"], edges[1:])


def test_without_a_unit_the_shape_is_blind_to_amplitude(make_setup):
    vorticity = np.random.default_rng(2).normal(size=(32, 32))
    weak, _ = observe(make_setup, vorticity)
    strong, _ = observe(make_setup, 8.0 * vorticity)
    np.testing.assert_array_equal(weak["probability"], strong["probability"])


def test_layers_are_described_one_by_one(make_setup):
    vorticity = np.random.default_rng(3).normal(size=(2, 32, 32)) * np.array([1.0, 3.0])[:, None, None]
    observer = VorticityPdf(VorticityPdfConfig(std=1.0))
    declared = observer.setup(make_setup((32, 32)), {"vorticity": Quantity(("layer", "y", "x"), "1/s")})
    result = observer.observe({"vorticity": vorticity}, Clock())
    assert declared["lower_quantile"].dims == ("layer", "level")
    np.testing.assert_allclose(result["std"], vorticity.std(axis=(1, 2)))
    assert result["probability"].shape == (2, 400)


def test_a_constant_field_does_not_divide_by_zero(make_setup):
    result, _ = observe(make_setup, np.zeros((8, 8)))
    assert result["kurtosis"] == 0.0
    assert result["probability"].sum() == 1.0


def test_edges_must_increase():
    with pytest.raises(ValidationError, match="increasing"):
        VorticityPdfConfig(edges=(0.0, 2.0, 1.0))
