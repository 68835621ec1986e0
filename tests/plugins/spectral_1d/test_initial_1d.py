"""Starting profiles, their options, and what one-dimensional components refuse."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from subgrid.api import Backend, Grid, ScenarioError, Setup, Streams
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.etd import ETDRK4
from subgrid_spectral.burgers import Burgers
from subgrid_spectral.config_1d import (
    BurgersConfig,
    KassamTrefethenConfig,
    RandomFourierConfig,
    SineConfig,
    SinusoidalForcingConfig,
    SolitonsConfig,
)
from subgrid_spectral.initial_1d import KassamTrefethen, RandomFourier, Sine


def setup(shape=(64,), length=(20.0,), seed=1):
    return Setup(Grid(shape, length), Backend(threads=1), "part", Streams(seed, "part"), 0.1, Path())


def test_random_profile_does_not_depend_on_resolution():
    initial = RandomFourier(RandomFourierConfig(highest_mode=8))
    np.testing.assert_allclose(initial.fill(setup((128,)))["u"][::4], initial.fill(setup((32,)))["u"], atol=1e-13)


def test_random_profile_has_its_rms_no_mean_and_a_seed():
    initial = RandomFourier(RandomFourierConfig(rms=0.3))
    u = initial.fill(setup())["u"]
    assert np.sqrt(np.mean(u**2)) == pytest.approx(0.3, rel=1e-13)
    assert abs(np.mean(u)) < 1e-15
    assert not np.allclose(u, initial.fill(setup(seed=2))["u"])


def test_shift_by_half_gives_the_mirrored_profile():
    x = np.arange(64) * 100.0 / 64
    q = 2.0 * np.pi / 100.0
    u = KassamTrefethen(KassamTrefethenConfig(shift=50.0)).fill(setup(length=(100.0,)))["u"]
    np.testing.assert_allclose(u, -np.cos(q * x) * (1.0 + np.sin(-q * x)), atol=1e-14)


def test_sine_has_its_mean_and_mode():
    u = Sine(SineConfig(amplitude=2.0, mode=3, mean=0.5)).fill(setup())["u"]
    spectrum = np.abs(np.fft.rfft(u)) / 64
    assert (spectrum[0], spectrum[3]) == pytest.approx((0.5, 1.0), rel=1e-13)


def test_stable_step_is_the_advective_limit(line_run):
    run = line_run(Burgers(BurgersConfig(viscosity=1.0)), 64, 2.0 * np.pi).start(np.sin(np.arange(64) * np.pi / 32))
    # ETDRK4 takes diffusion exactly; modes up to 21 advect with |u| <= 1.
    dt = run.solver.stable_dt(run.fields, 0.0, ETDRK4(FixedStepConfig()))
    assert dt == pytest.approx(2.828 / 21.0, rel=1e-12)


@pytest.mark.parametrize("component", [Sine(SineConfig()), RandomFourier(RandomFourierConfig())])
def test_initials_refuse_a_plane(component):
    with pytest.raises(ScenarioError, match="the mesh has 2"):
        component.fill(setup((8, 8), (1.0, 1.0)))


def test_solver_refuses_a_plane():
    with pytest.raises(ScenarioError, match="takes one axis"):
        Burgers(BurgersConfig()).setup(setup((8, 8), (1.0, 1.0)))


def test_solver_names_the_missing_quantity(line_run):
    run = line_run(Burgers(BurgersConfig()), 32, 1.0)
    with pytest.raises(ScenarioError, match="starts from 'u', the initial state gives vorticity"):
        run.solver.encode({"vorticity": np.zeros(32)}, run.backend)


def test_unresolved_modes_are_refused(line_run):
    with pytest.raises(ScenarioError, match="choose at most 7"):
        RandomFourier(RandomFourierConfig(highest_mode=8)).fill(setup((16,)))
    with pytest.raises(ScenarioError, match="choose at most 5"):
        line_run(Burgers(BurgersConfig(forcing=SinusoidalForcingConfig())), 16, 1.0)


@pytest.mark.parametrize(
    ("config", "options", "message"),
    [
        (SolitonsConfig, {"speeds": (4.0, 1.0), "positions": (1.0,)}, "give one of each"),
        (SolitonsConfig, {"speeds": (4.0, 4.0), "positions": (1.0, 2.0)}, "must differ"),
        (RandomFourierConfig, {"lowest_mode": 5, "highest_mode": 4}, "lies below"),
        (SinusoidalForcingConfig, {"lowest_mode": 7}, "lies below"),
        (BurgersConfig, {"viscosity": -1.0}, "greater than or equal to 0"),
        (BurgersConfig, {"viscosty": 1.0}, "Extra inputs"),
    ],
)
def test_options_are_checked(config, options, message):
    with pytest.raises(ValidationError, match=message):
        config(**options)


def test_repr_shows_the_options():
    assert "viscosity=0.01" in repr(Burgers(BurgersConfig()))
