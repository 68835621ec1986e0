"""What initial states promise."""

from __future__ import annotations

import numpy as np

from subgrid.assembly import Simulation
from subgrid.registry import Registry
from subgrid.state import Fields
from subgrid.testing.bits import assert_same_bits
from subgrid.testing.in_run import RunConformance
from subgrid.testing.solver import setup_of


class InitialConformance(RunConformance):
    """Tests of an initial state for the solver of ``scenario``."""

    kind = "initial"

    def test_gives_finite_numpy_arrays_over_the_mesh(self, simulation: Simulation, registry: Registry) -> None:
        physical = fill(simulation, registry)
        assert physical
        for name, values in physical.items():
            assert isinstance(values, np.ndarray), f"{name} is a {type(values).__name__}"
            assert values.shape[-simulation.mesh.ndim :] == simulation.mesh.shape
            assert np.isrealobj(values)
            assert np.all(np.isfinite(values)), name

    def test_same_streams_give_the_same_bits(self, simulation: Simulation, registry: Registry) -> None:
        first, again = fill(simulation, registry), fill(simulation, registry)
        assert_same_bits(first, again, "the same seed and label give another state")


def fill(simulation: Simulation, registry: Registry) -> Fields:
    """What a new instance gives."""
    choice = simulation.scenario.initial
    initial = registry.create(choice.component, choice.options)
    filled: Fields = initial.fill(setup_of(simulation, choice.label))
    return filled
