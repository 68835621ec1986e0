"""The compiled ETDRK4 step is the plain one, to rounding, and is offered only where it may be taken."""

import numpy as np
import pytest

from subgrid.api import Backend
from subgrid.kernels.etdrk4_1d import fused_etdrk4
from subgrid_spectral.burgers import Burgers
from subgrid_spectral.config_1d import (
    BurgersConfig,
    KdVConfig,
    KuramotoSivashinskyConfig,
    RandomFourierConfig,
    SinusoidalForcingConfig,
)
from subgrid_spectral.initial_1d import RandomFourier
from subgrid_spectral.kdv import KdV
from subgrid_spectral.kuramoto_sivashinsky import KuramotoSivashinsky

SOLVERS = {
    "kuramoto_sivashinsky": lambda **options: KuramotoSivashinsky(KuramotoSivashinskyConfig(**options)),
    "kdv": lambda **options: KdV(KdVConfig(**options)),
    "burgers": lambda **options: Burgers(BurgersConfig(viscosity=0.2, **options)),
}


# Each size and kind of symbol is compiled anew, for some seconds: real and complex, odd and even powers, each once.
@pytest.mark.parametrize(
    ("n", "name", "dealias"),
    [
        (128, "kuramoto_sivashinsky", "two_thirds"),
        (128, "burgers", "none"),
        (64, "kdv", "none"),
        (256, "kdv", "two_thirds"),
    ],
)
def test_step_equals_the_plain_one(line_run, n, name, dealias):
    run = line_run(SOLVERS[name](dealias=dealias), n, 22.0)
    initial = RandomFourier(RandomFourierConfig(highest_mode=n // 2 - 1, slope=0.5))
    plain = run.start(initial).advance(1, 0.01, fused=False).fields["u"]
    compiled = run.start(initial).advance(1, 0.01).fields["u"]
    # Rounding of two transforms of this size, far from chaos' growth over a single step.
    assert np.abs(compiled - plain).max() <= 1e-14 * np.abs(plain).max()


@pytest.mark.parametrize("n", [8, 64, 512])
def test_every_power_of_two_works(line_run, n):
    run = line_run(SOLVERS["kuramoto_sivashinsky"](), n, n / 3.0)
    u = np.cos(2.0 * np.pi * run.x / run.length) + np.sin(4.0 * np.pi * run.x / run.length)
    plain = run.start(u).advance(5, 0.1, fused=False).fields["u"]
    compiled = run.start(u).advance(5, 0.1).fields["u"]
    assert np.abs(compiled - plain).max() <= 1e-13 * np.abs(plain).max()


def test_run_repeats_bit_for_bit(line_run):
    run = line_run(SOLVERS["kuramoto_sivashinsky"](), 128, 32.0 * np.pi)
    initial = RandomFourier(RandomFourierConfig())
    first = run.start(initial).advance(2000, 0.25).fields["u"].copy()
    np.testing.assert_array_equal(run.start(initial).advance(2000, 0.25).fields["u"], first)


def test_state_is_left_alone(line_run):
    run = line_run(SOLVERS["kuramoto_sivashinsky"](), 64, 22.0).start(RandomFourier(RandomFourierConfig()))
    v, out = run.fields["u"].copy(), np.empty_like(run.fields["u"])
    zeros = np.zeros(33)
    run.solver.fused["etdrk4"](run.fields["u"], out, zeros + 1.0, zeros, zeros, zeros, zeros, zeros, 0.0, 0.1)
    np.testing.assert_array_equal(run.fields["u"], v)
    np.testing.assert_array_equal(out, v)  # E = 1 and no rates


def test_blow_up_stays_visible(line_run):
    run = line_run(SOLVERS["burgers"](), 64, 22.0).start(np.full(64, np.nan))
    assert not np.isfinite(run.advance(1, 0.1).fields["u"]).any()


@pytest.mark.parametrize(
    ("n", "options", "backend"),
    [
        (96, {}, Backend()),
        (64, {"forcing": SinusoidalForcingConfig()}, Backend()),
        (64, {}, Backend(precision="float32")),
    ],
)
def test_plain_steps_are_taken_elsewhere(line_run, n, options, backend):
    run = line_run(SOLVERS["burgers"](**options), n, 22.0, backend)
    assert run.solver.fused == {}
    assert np.isfinite(run.start(np.sin(run.x)).advance(3, 0.1).values()).all()


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="powers of two from 8, not 96"):
        fused_etdrk4(np.zeros(49), 32)
