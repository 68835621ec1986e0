"""Do spectra put energy where it is, and do they sum to the mean square?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import Clock, Quantity, ScenarioError
from subgrid_observers.config import EnergySpectrumConfig, EnstrophySpectrumConfig, PowerSpectrumConfig
from subgrid_observers.spectrum import EnergySpectrum, EnstrophySpectrum, PowerSpectrum

FIELD_2D = {"vorticity": Quantity(("y", "x"), "1/s"), "velocity": Quantity(("component", "y", "x"), "m/s")}
PARSEVAL = 1e-13  # round-off of a transform and a sum over some thousand modes


def observe(observer: Any, setup: Any, quantities: dict[str, Quantity], **fields: Any) -> tuple[Any, Quantity]:
    declared = observer.setup(setup, quantities)["spectrum"]
    values = observer.observe(fields, Clock())["spectrum"]
    assert values.shape[-1] == len(declared.coordinates["wavenumber"])
    return values, declared


@pytest.mark.parametrize("form", ["isotropic", "axis_averaged", "x", "y"])
@pytest.mark.parametrize("shape", [(24, 24), (15, 15), (24, 15), (16, 18)])
def test_spectrum_with_multiplicity_sums_to_the_enstrophy(make_setup, form, shape):
    vorticity = np.random.default_rng(1).normal(size=shape)
    observer = EnstrophySpectrum(EnstrophySpectrumConfig(form=form))
    spectrum, declared = observe(observer, make_setup(shape), FIELD_2D, vorticity=vorticity)
    total = np.sum(declared.coordinates["multiplicity"] * spectrum)
    assert total == pytest.approx(0.5 * np.mean(vorticity**2), rel=PARSEVAL)


def test_isotropic_sum_holds_in_an_elongated_box(make_setup):
    vorticity = np.random.default_rng(2).normal(size=(12, 40))
    setup = make_setup((12, 40), (1.0, 3.0))
    spectrum, declared = observe(EnstrophySpectrum(EnstrophySpectrumConfig()), setup, FIELD_2D, vorticity=vorticity)
    assert spectrum.sum() == pytest.approx(0.5 * np.mean(vorticity**2), rel=PARSEVAL)
    assert declared.coordinates["wavenumber"][1] == pytest.approx(2.0 * np.pi / 3.0)


def test_a_plane_wave_fills_one_shell(make_setup):
    setup = make_setup((32, 48))
    y, x = setup.mesh.meshgrid()
    spectrum, _ = observe(
        EnstrophySpectrum(EnstrophySpectrumConfig()), setup, FIELD_2D, vorticity=np.cos(3 * x + 4 * y)
    )
    assert spectrum[5] == pytest.approx(0.25, rel=PARSEVAL)
    assert np.abs(np.delete(spectrum, 5)).max() < 1e-30


def test_one_dimensional_spectra_tell_the_axes_apart(make_setup):
    setup = make_setup((32, 48))
    y, x = setup.mesh.meshgrid()
    vorticity = np.cos(3 * x + 4 * y)
    for form, k in (("x", 3), ("y", 4)):
        observer = EnstrophySpectrum(EnstrophySpectrumConfig(form=form))
        spectrum, _ = observe(observer, setup, FIELD_2D, vorticity=vorticity)
        assert 2 * spectrum[k] == pytest.approx(0.25, rel=PARSEVAL)


def test_axis_averaged_is_the_published_definition(make_setup):
    """Z(k) = (1/2) [mean over axis 0 + mean over axis 1 of |w_hat|^2 / 2] / N^3 (Mojgani et al. 2023, public code)."""
    n = 20
    vorticity = np.random.default_rng(3).normal(size=(n, n))
    power = np.abs(np.fft.fft2(vorticity)) ** 2 / 2
    published = 0.5 * (power.mean(axis=0) + power.mean(axis=1)) / n**3
    # negative wavenumbers mirror positive ones in the sum over the other axis
    observer = EnstrophySpectrum(EnstrophySpectrumConfig(form="axis_averaged"))
    spectrum, _ = observe(observer, make_setup((n, n)), FIELD_2D, vorticity=vorticity)
    np.testing.assert_allclose(spectrum[: n // 2], published[: n // 2], rtol=1e-12)


def test_energy_spectrum_sums_components(make_setup):
    setup = make_setup((32, 32))
    y, x = setup.mesh.meshgrid()
    velocity = np.stack([np.sin(4 * y), 0.5 * np.sin(2 * x)])
    spectrum, _ = observe(EnergySpectrum(EnergySpectrumConfig()), setup, FIELD_2D, velocity=velocity)
    assert spectrum[4] == pytest.approx(0.25, rel=PARSEVAL)
    assert spectrum[2] == pytest.approx(0.0625, rel=PARSEVAL)


def test_layers_are_kept(make_setup):
    quantities = {"velocity": Quantity(("component", "layer", "y", "x"), "m/s")}
    velocity = np.random.default_rng(4).normal(size=(2, 3, 16, 16))
    spectrum, declared = observe(
        EnergySpectrum(EnergySpectrumConfig()), make_setup((16, 16)), quantities, velocity=velocity
    )
    assert declared.dims == ("layer", "wavenumber")
    np.testing.assert_allclose(spectrum.sum(axis=-1), 0.5 * np.mean(np.sum(velocity**2, axis=0), axis=(-2, -1)))


def test_one_dimensional_field(make_setup):
    setup = make_setup((64,), (22.0,))
    (x,) = setup.mesh.coordinates()
    u = 3.0 + 2.0 * np.cos(5 * 2 * np.pi * x / 22.0)
    spectrum, declared = observe(PowerSpectrum(PowerSpectrumConfig()), setup, {"u": Quantity(("x",), "m/s")}, u=u)
    assert spectrum[0] == pytest.approx(4.5)
    assert spectrum[5] == pytest.approx(1.0)
    assert declared.units == "m/s m/s"


def test_torch_gives_the_same_numbers(make_setup):
    torch = pytest.importorskip("torch")
    vorticity = np.random.default_rng(5).normal(size=(16, 16))
    results = [
        observe(
            EnstrophySpectrum(EnstrophySpectrumConfig()), make_setup((16, 16), backend=name), FIELD_2D, vorticity=w
        )[0]
        for name, w in (("numpy", vorticity), ("torch", torch.asarray(vorticity)))
    ]
    np.testing.assert_array_equal(*results)


def test_axis_averaged_refuses_unequal_sides(make_setup):
    observer = EnstrophySpectrum(EnstrophySpectrumConfig(form="axis_averaged"))
    with pytest.raises(ScenarioError, match="equal side lengths"):
        observer.setup(make_setup((16, 16), (1.0, 2.0)), FIELD_2D)
