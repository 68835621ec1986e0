"""What a run holds: counted, and given back at once."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench, needed_memory
from subgrid_spectral import benchmarks


@pytest.fixture
def workbench() -> RegistryWorkbench:
    return RegistryWorkbench(Registry.load())


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def test_needed_memory_counts_state_stages_and_frame(workbench: RegistryWorkbench) -> None:
    simulation = workbench.simulation(benchmarks.with_frames(benchmarks.scenario(32)))
    field, frame = 32 * 17 * 16, 32 * 32 * 8
    # ETDRK4: four stage values, four slopes and the new state
    assert needed_memory(simulation) == 9 * field + frame


@pytest.mark.usefixtures("no_collector")
def test_frames_and_inputs_of_closures_are_freed_without_the_collector(workbench: RegistryWorkbench) -> None:
    simulation = workbench.simulation(benchmarks.scenario(32))
    view = simulation.view()
    inputs = simulation.solver.inputs("eddy_viscosity", simulation.state.fields, 0.0)
    kept = [
        weakref.ref(view["vorticity"]),
        weakref.ref(inputs["strain_rate"]),
        weakref.ref(inputs["velocity_gradient"]),
    ]
    del view, inputs
    assert [array() for array in kept] == [None, None, None]
