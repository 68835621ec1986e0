"""Rollouts: the steps that a run takes, from any state, differentiable on torch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.assembly import assemble, initialise
from subgrid.errors import ScenarioError
from subgrid.loop import Ledger, advance
from subgrid.registry import Registry
from subgrid.rollout import Rollout
from subgrid.scenario import Scenario, parse
from subgrid.testing import FLOW_2D
from subgrid.testing.in_run import NoRecorder


def flow(integrator: str = "rk4", backend: str = "numpy", **time: Any) -> tuple[Scenario, Registry]:
    registry = Registry.load()
    changed = {"integrator": {"type": integrator}, "backend": {"name": backend, "threads": 1}}
    return parse({**FLOW_2D, **changed, "time": {**FLOW_2D["time"], **time}}, registry, Path()), registry


@pytest.mark.parametrize("integrator", ["rk4", "sbdf2"])
def test_steps_are_those_of_a_run(integrator: str) -> None:
    scenario, registry = flow(integrator)
    simulation = assemble(scenario, registry)
    initialise(simulation, registry)
    start = simulation.view()["vorticity"].copy()
    advance(simulation, NoRecorder(), Ledger())
    rollout = Rollout(scenario, registry)
    for _ in range(2):  # from the start again, with nothing left of the first time
        rollout.start({"vorticity": start})
        *_, last = rollout.steps(8)
        np.testing.assert_allclose(last["vorticity"], simulation.view()["vorticity"], rtol=0, atol=1e-12)
    assert rollout.simulation.state.clock.time == pytest.approx(0.16)


def test_time_is_that_of_the_window() -> None:
    scenario, registry = flow()
    rollout = Rollout(scenario, registry)
    rollout.start({"vorticity": np.ones((16, 12))}, time=0.1)
    next(iter(rollout.steps(1)))
    assert rollout.simulation.state.clock.time == pytest.approx(0.12)
    assert rollout.inputs("subgrid_forcing")["vorticity"].shape == (16, 12)


def test_torch_steps_can_be_differentiated() -> None:
    torch = pytest.importorskip("torch")
    scenario, registry = flow("sbdf2", "torch")
    rollout = Rollout(scenario, registry)
    x, y = np.meshgrid(np.arange(12.0), np.arange(16.0))
    pattern = torch.asarray(np.sin(2 * np.pi * x / 12) + np.cos(4 * np.pi * y / 16))

    def energy(amplitude: Any) -> Any:
        rollout.start({"vorticity": amplitude * pattern})
        *_, last = rollout.steps(5)
        return torch.sum(last["vorticity"] ** 2)

    amplitude = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    energy(amplitude).backward()
    with torch.no_grad():
        difference = (energy(amplitude + 1e-5) - energy(amplitude - 1e-5)) / 2e-5
    assert amplitude.grad.item() == pytest.approx(difference.item(), rel=1e-7)


def test_steps_of_unknown_size_are_refused() -> None:
    with pytest.raises(ScenarioError, match=r"time\.dt: a rollout needs a fixed step"):
        Rollout(*flow(cfl=0.5))
    with pytest.raises(ScenarioError, match=r"integrator\.type: 'tsit5' sets its own steps"):
        Rollout(*flow("tsit5"))
