"""Lyapunov spectra against those published for Kuramoto-Sivashinsky, without perturbations of the mean."""

import numpy as np
import pytest

from subgrid_spectral.burgers import Burgers
from subgrid_spectral.config_1d import BurgersConfig, KuramotoSivashinskyConfig
from subgrid_spectral.kuramoto_sivashinsky import KuramotoSivashinsky
from subgrid_spectral.lyapunov import (
    TangentFlow,
    kaplan_yorke,
    kuramoto_sivashinsky_spectrum,
    lyapunov_spectrum,
    main,
)


def test_kaplan_yorke_interpolates():
    assert kaplan_yorke(np.array([0.3, 0.0, -0.4, -1.0])) == pytest.approx(2.75)
    assert kaplan_yorke(np.array([-0.3, -1.0])) == 0.0


def test_kaplan_yorke_needs_enough_exponents():
    with pytest.raises(ValueError, match="compute more"):
        kaplan_yorke(np.array([0.3, 0.0]))


def test_exponents_of_a_flow_at_rest_are_the_decay_rates(line_run):
    run = line_run(Burgers(BurgersConfig(viscosity=0.1)), 16, 2.0 * np.pi)
    spectrum = lyapunov_spectrum(run.solver, np.zeros(16), 6, time=20.0, dt=0.1, transient=200.0)
    np.testing.assert_allclose(spectrum.exponents, [-0.1, -0.1, -0.4, -0.4, -0.9, -0.9], rtol=1e-10)


def test_tangent_is_the_derivative_of_the_step(line_run):
    run = line_run(KuramotoSivashinsky(KuramotoSivashinskyConfig()), 64, 22.0)
    rng = np.random.default_rng(3)
    v, w = (np.fft.rfft(rng.standard_normal(8) @ np.cos(np.outer(np.arange(1, 9), run.x)))[:22] for _ in range(2))
    flow, size = TangentFlow(run.solver, 0.25), 1e-6
    tangent = flow.step(np.stack([v, w]))[1]
    plus, minus = (flow.step((v + sign * size * w)[None])[0] for sign in (1.0, -1.0))
    np.testing.assert_allclose((plus - minus) / (2.0 * size), tangent, atol=1e-7 * np.abs(tangent).max())


def test_short_average_at_length_22():
    """Within four standard errors of the long average, and the four exponents at and near zero within them as well."""
    spectrum = kuramoto_sivashinsky_spectrum(22.0, 64, time=2000.0, seed=1)
    published = [0.048, 0.0, 0.0, -0.003, -0.189, -0.256, -0.290, -0.310]  # Cvitanovic, Davidchack, Siminos 2010
    # The errors of the block averages, 0.002 to 0.005 here; 0.0015 keeps the test sound where blocks agree by chance.
    np.testing.assert_array_less(
        np.abs(spectrum.exponents[:8] - published), 4.0 * np.maximum(spectrum.errors[:8], 0.0015)
    )
    assert spectrum.dimension == pytest.approx(4.25, abs=0.1)  # three times the scatter over seeds


def test_command_prints_a_table(capsys):
    main(["--length", "22", "--cells", "32", "--time", "50", "--count", "6"])
    printed = capsys.readouterr().out
    assert "Kaplan-Yorke dimension" in printed
    assert len([line for line in printed.splitlines() if line.strip()[:1].isdigit()]) == 6


def test_command_says_when_exponents_are_too_few(capsys):
    main(["--length", "22", "--cells", "32", "--time", "50", "--count", "1"])
    assert "compute more of them" in capsys.readouterr().out


def test_too_many_exponents_are_refused(line_run):
    run = line_run(Burgers(BurgersConfig()), 16, 1.0)
    with pytest.raises(ValueError, match=r"must lie in 1\.\.10"):
        lyapunov_spectrum(run.solver, np.zeros(16), 11, time=100.0)


@pytest.mark.slow
def test_spectrum_at_length_22():
    spectrum = kuramoto_sivashinsky_spectrum(22.0, 64, time=1e5, seed=1)
    print(f"L = 22: {np.round(spectrum.exponents[:10], 4)} +- {np.round(spectrum.errors[:10], 4)}")
    print(f"dimension {spectrum.dimension:.3f} +- {spectrum.dimension_error:.3f}")
    # 0.049 +- 0.002 and 4.25 +- 0.02: averages over 2e4 to 4e4, whose sampling error is 0.001.
    assert spectrum.exponents[0] == pytest.approx(0.049, abs=0.002)
    assert spectrum.dimension == pytest.approx(4.25, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "cells", "time", "largest", "dimension"),
    [(36.0, 96, 1e4, 0.079, 7.19), (60.0, 128, 6e3, 0.087, 12.5), (100.0, 192, 3e3, 0.091, 21.7)],
)
def test_spectrum_of_longer_domains(length, cells, time, largest, dimension):
    spectrum = kuramoto_sivashinsky_spectrum(length, cells, time)
    print(f"L = {length}: {np.round(spectrum.exponents[:10], 3)} +- {spectrum.errors[0]:.4f}")
    print(f"dimension {spectrum.dimension:.2f} +- {spectrum.dimension_error:.2f}")
    # The figures are averages over equal times with sampling errors like ours: three standard errors of the difference.
    scale = 3.0 * np.sqrt(2.0)
    assert spectrum.exponents[0] == pytest.approx(largest, abs=scale * spectrum.errors[0])
    assert spectrum.dimension == pytest.approx(dimension, abs=max(0.2, scale * spectrum.dimension_error))
