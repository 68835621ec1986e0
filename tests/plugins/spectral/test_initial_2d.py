"""Starting flows: energies, spectra, and grids that share their common modes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, Grid, ScenarioError, Setup, Streams
from subgrid.kernels.fourier import FourierBasis
from subgrid_spectral import config_2d as config
from subgrid_spectral import initial_2d as initial


def on_grid(
    shape: tuple[int, int],
    length: tuple[float, float] = (2.0 * np.pi, 2.0 * np.pi),
    seed: int = 1,
    origin: tuple[float, float] = (0.0, 0.0),
    offset: float = 0.0,
) -> Setup:
    grid = Grid(shape, length, origin=origin, offset=offset)
    return Setup(grid, Backend(threads=1), "initial", Streams(seed, "initial"), 0.1, Path())


def low_modes(values: Any, count: int) -> Any:
    spectrum = np.fft.fft2(values) / (values.shape[-2] * values.shape[-1])
    modes = np.arange(-count, count + 1)
    return spectrum[..., modes[:, None], modes[None, :]]


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (initial.McWilliams(config.McWilliamsConfig()), "vorticity"),
        (initial.RandomPotentialVorticity(config.RandomPotentialVorticityConfig(cutoff=20)), "potential_vorticity"),
    ],
)
def test_random_starts_share_their_modes_between_grids(start: Any, name: str) -> None:
    fine = low_modes(start.fill(on_grid((128, 128)))[name], 10)
    for shape in ((32, 32), (22, 75)):
        coarse = low_modes(start.fill(on_grid(shape))[name], 10)
        assert np.abs(coarse - fine).max() < 1e-13 * np.abs(fine).max()
    other = low_modes(start.fill(on_grid((32, 32), seed=2))[name], 10)
    assert np.abs(other - fine).max() > 0.1 * np.abs(fine).max()


def test_random_starts_do_not_move_with_the_grid() -> None:
    """Cell centres see the same function as nodes: compare with a grid twice as fine, whose nodes are at both."""
    start = initial.McWilliams(config.McWilliamsConfig(cutoff=7))
    fine = start.fill(on_grid((64, 64)))["vorticity"]
    centred = start.fill(on_grid((32, 32), offset=0.5))["vorticity"]
    assert np.abs(centred - fine[1::2, 1::2]).max() < 1e-12 * np.abs(fine).max()


def test_mcwilliams_energy_and_spectrum() -> None:
    setup = on_grid((96, 128), (2.0 * np.pi, 4.0 * np.pi))
    w = initial.McWilliams(config.McWilliamsConfig(energy=0.7, cutoff=30)).fill(setup)["vorticity"]
    basis = FourierBasis(setup.mesh, setup.backend)
    spectrum = basis.forward(w)
    assert 0.5 * basis.mean_product(basis.inverse_k_sq * spectrum, spectrum) == pytest.approx(0.7, rel=1e-12)
    psi_sq = np.abs(spectrum * basis.inverse_k_sq) ** 2
    k_sq = basis.k_sq
    shape = np.sqrt(k_sq) * (1.0 + k_sq**2 / 6.0**4) * psi_sq
    np.testing.assert_allclose(shape[1:31, 1:31], shape[1, 1], rtol=1e-10)


def test_random_potential_vorticity_has_its_rms_in_both_layers() -> None:
    start = initial.RandomPotentialVorticity(config.RandomPotentialVorticityConfig(amplitude=2e-6))
    q = start.fill(on_grid((64, 48), (1e6, 1e6)))["potential_vorticity"]
    assert np.sqrt(np.mean(q**2, axis=(1, 2))) == pytest.approx([2e-6, 2e-6], rel=1e-12)
    assert abs(np.mean(q[0] * q[1])) < 0.5 * 4e-12


def test_gaussian_vortices_have_the_energy_and_place_asked_for() -> None:
    vortices = ({"x": 3.0, "y": 3.5, "radius": 0.4, "amplitude": -3.0},)
    start = initial.GaussianVortices(
        config.GaussianVorticesConfig(vortices=vortices, quantity="vorticity", energy=None)
    )
    setup = on_grid((128, 96))
    w = start.fill(setup)["vorticity"]
    y, x = setup.mesh.meshgrid()
    mean = 3.0 * np.pi * 0.4**2 / (2.0 * np.pi) ** 2
    assert np.abs(w - mean + 3.0 * np.exp(-((x - 3.0) ** 2 + (y - 3.5) ** 2) / 0.16)).max() < 1e-8
    basis = FourierBasis(setup.mesh, setup.backend)
    merger = basis.forward(initial.GaussianVortices(config.GaussianVorticesConfig()).fill(setup)["vorticity"])
    assert 0.5 * basis.mean_product(basis.inverse_k_sq * merger, merger) == pytest.approx(1.0, rel=1e-12)


def test_vortices_that_cancel_cannot_be_given_energy() -> None:
    vortex = {"x": 1.0, "y": 2.0}
    start = config.GaussianVorticesConfig(vortices=(vortex, {**vortex, "amplitude": -1.0}))
    with pytest.raises(ScenarioError, match=r"initial\.energy"):
        initial.GaussianVortices(start).fill(on_grid((32, 32)))


def test_fourier_modes_by_layer() -> None:
    waves = ({"modes": (5, 0), "amplitude": 2.0}, {"modes": (1, -2), "phase": 0.3, "layer": 2})
    setup = on_grid((24, 32), (3.0, 7.0))
    y, x = setup.mesh.meshgrid()
    upper = 2.0 * np.cos(10.0 * np.pi * x / 7.0)
    lower = np.cos(2.0 * np.pi * x / 7.0 - 4.0 * np.pi * y / 3.0 + 0.3)
    layered = initial.FourierModes(config.FourierModesConfig(waves=waves, quantity="potential_vorticity")).fill(setup)
    np.testing.assert_allclose(layered["potential_vorticity"], [upper, lower], atol=1e-13)
    flat = initial.FourierModes(config.FourierModesConfig(waves=waves)).fill(setup)
    np.testing.assert_allclose(flat["vorticity"], upper + lower, atol=1e-13)


def test_shells_of_a_smaller_cutoff_come_first() -> None:
    small, large = initial.modes_by_shell(3), initial.modes_by_shell(5)
    assert small[0].size == ((2 * 3 + 1) ** 2 - 1) // 2
    for few, many in zip(small, large, strict=True):
        assert np.array_equal(few, many[: few.size])


@pytest.mark.parametrize(
    ("start", "name", "shape"),
    [
        (initial.AtRest(config.AtRestConfig()), "vorticity", (16, 24)),
        (initial.AtRest(config.AtRestConfig(quantity="potential_vorticity")), "potential_vorticity", (2, 16, 24)),
    ],
)
def test_at_rest(start: Any, name: str, shape: tuple[int, ...]) -> None:
    values = start.fill(on_grid((16, 24)))[name]
    assert values.shape == shape
    assert not values.any()
