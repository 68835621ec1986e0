"""What initial states promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
        fields = {name: values for name, values in physical.items() if not isinstance(values, Mapping)}
        for name, table in physical.items():
            if name not in fields:
                assert len({len(values) for values in table.values()}) == 1, f"columns of {name} differ in length"
        for name, values in fields.items():
            assert isinstance(values, np.ndarray), f"{name} is a {type(values).__name__}"
            assert values.shape[-simulation.mesh.ndim :] == simulation.mesh.shape
        for name, values in flat(physical).items():
            assert isinstance(values, np.ndarray), f"{name} is a {type(values).__name__}"
            assert np.isrealobj(values)
            assert np.all(np.isfinite(values)), name

    def test_same_streams_give_the_same_bits(self, simulation: Simulation, registry: Registry) -> None:
        first, again = flat(fill(simulation, registry)), flat(fill(simulation, registry))
        assert_same_bits(first, again, "the same seed and label give another state")


def flat(physical: Mapping[str, Any]) -> dict[str, Any]:
    """Arrays by name, the columns of particle sets as ``set.column``."""
    arrays: dict[str, Any] = {}
    for name, values in physical.items():
        table = values if isinstance(values, Mapping) else {"": values}
        arrays |= {f"{name}.{column}".rstrip("."): array for column, array in table.items()}
    return arrays


def fill(simulation: Simulation, registry: Registry) -> Fields:
    """What a new instance gives."""
    choice = simulation.scenario.initial
    initial = registry.create(choice.component, choice.options)
    filled: Fields = initial.fill(setup_of(simulation, choice.label))
    return filled
