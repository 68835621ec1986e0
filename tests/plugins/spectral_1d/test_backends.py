"""One source on NumPy and torch: equal results, in place or not, and gradients through a rollout."""

import numpy as np
import pytest

from subgrid.api import Backend, StateSpec
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
    "kuramoto_sivashinsky": lambda: KuramotoSivashinsky(KuramotoSivashinskyConfig(dispersion=0.3)),
    "kdv": lambda: KdV(KdVConfig(dealias="none")),
    "burgers": lambda: Burgers(BurgersConfig(forcing=SinusoidalForcingConfig())),
}
SMOOTH = RandomFourier(RandomFourierConfig(highest_mode=4, rms=0.5))


class EddyDiffusion:
    """Tendency nu u_xx, the simplest closure with a known effect."""

    slots = ("subgrid_forcing",)
    inputs = ("curvature",)

    def __init__(self, viscosity):
        self.viscosity = viscosity

    def setup(self, setup, slot):
        return StateSpec()

    def evaluate(self, inputs, memory):
        return self.viscosity * inputs["curvature"]


@pytest.fixture
def torch_backend():
    pytest.importorskip("torch")
    return Backend("torch", threads=1)


@pytest.mark.parametrize("name", SOLVERS)
@pytest.mark.parametrize("n", [64, 45])
def test_torch_equals_numpy(line_run, torch_backend, name, n):
    runs = [line_run(SOLVERS[name](), n, 20.0, backend) for backend in (Backend(threads=1), torch_backend)]
    for run in runs:
        run.start(SMOOTH).advance(20, 0.02)
    plain, torch = runs
    np.testing.assert_allclose(torch.values(), plain.values(), rtol=0.0, atol=1e-12)
    for quantity in plain.solver.quantities:
        np.testing.assert_allclose(torch.values(quantity), plain.values(quantity), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SOLVERS)
def test_writing_into_out_changes_nothing(line_run, name):
    run = line_run(SOLVERS[name](), 45, 20.0, closure=EddyDiffusion(0.1)).start(SMOOTH)
    fresh = run.solver.tendency(run.fields, 0.3, run.closures)["u"]
    out = {"u": np.full_like(fresh, np.nan)}
    assert run.solver.tendency(run.fields, 0.3, run.closures, out)["u"] is out["u"]
    # The two come from different FFT libraries.
    np.testing.assert_allclose(out["u"], fresh, rtol=0.0, atol=1e-14 * np.abs(fresh).max())


def test_gradient_of_a_rollout_with_respect_to_viscosity(line_run, torch_backend):
    import torch

    run = line_run(Burgers(BurgersConfig(viscosity=1.0)), 32, 2.0 * np.pi, torch_backend)
    symbol = run.solver.linear["u"]

    def energy(viscosity):
        run.solver.linear = {"u": viscosity * symbol}
        return run.start(np.sin(run.x)).advance(20, 0.05).quantity("energy")

    viscosity = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(energy(viscosity), viscosity)
    step = 1e-4
    with torch.no_grad():
        difference = (energy(viscosity + step) - energy(viscosity - step)) / (2.0 * step)
    assert gradient.item() == pytest.approx(difference.item(), rel=1e-5)


@pytest.mark.parametrize("torch_world", [False, True])
def test_diffusive_closure_equals_more_viscosity(line_run, request, torch_world):
    backend = request.getfixturevalue("torch_backend") if torch_world else Backend(threads=1)
    plain = line_run(Burgers(BurgersConfig(viscosity=0.1)), 64, 2.0 * np.pi, backend)
    closed = line_run(Burgers(BurgersConfig(viscosity=0.06)), 64, 2.0 * np.pi, backend, EddyDiffusion(0.04))
    results = [run.start(np.sin(run.x)).advance(200, 0.005).values() for run in (plain, closed)]
    # The closure is stepped explicitly: fourth-order errors of 0.005 steps remain.
    np.testing.assert_allclose(results[1], results[0], atol=1e-8)
    assert closed.values("energy_rate_closure") == pytest.approx(
        closed.values("energy_rate_viscosity") * 0.04 / 0.06, rel=1e-6
    )


def test_closure_may_answer_a_domain_mean(line_run):
    class Uniform(EddyDiffusion):
        def evaluate(self, inputs, memory):
            return self.viscosity * inputs["curvature"][..., :1] * 0.0 + 2.0

    run = line_run(Burgers(BurgersConfig()), 32, 2.0 * np.pi, closure=Uniform(1.0)).start(np.zeros(32))
    np.testing.assert_allclose(run.advance(10, 0.1).values(), 2.0, rtol=1e-14)
