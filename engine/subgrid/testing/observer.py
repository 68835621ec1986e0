"""What observers promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.assembly import Simulation
from subgrid.testing.bits import Copies, assert_same_bits, copied
from subgrid.testing.in_run import SUBJECT, RunConformance, assert_fits


class ObserverConformance(RunConformance):
    """Tests of an observer on the initial state of ``scenario``."""

    kind = "observer"
    keys = {"every": {"steps": 1}}  # noqa: RUF012  read only, as in the base class

    def test_returns_what_it_declares(self, simulation: Simulation) -> None:
        declared, returned = simulation.observed[SUBJECT], observe(simulation)
        assert declared, "an observer declares at least one variable"
        assert set(returned) == set(declared)
        for name, quantity in declared.items():
            assert_fits(simulation.backend.to_numpy(returned[name]), quantity, simulation.mesh, name)

    def test_values_are_finite(self, simulation: Simulation) -> None:
        for name, values in copied(observe(simulation), simulation.backend).items():
            assert np.all(np.isfinite(values)), name

    def test_observing_changes_nothing(self, simulation: Simulation) -> None:
        view = simulation.view()
        needed = {name: view[name] for name in simulation.quantities}
        before = copied(needed, simulation.backend), copied(dict(simulation.state.arrays()), simulation.backend)
        observe(simulation, view)
        assert_same_bits(before[0], copied(needed, simulation.backend), "observe changed what it looked at")
        after = copied(dict(simulation.state.arrays()), simulation.backend)
        assert_same_bits(before[1], after, "observe changed the state")

    def test_observation_depends_on_the_view_only(self, simulation: Simulation, twin: Simulation) -> None:
        first = bits(simulation)
        assert_same_bits(first, bits(simulation), "an earlier observation left traces")
        assert_same_bits(first, bits(twin), "another instance observes something else")


def observe(simulation: Simulation, view: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    observer = next(entry.component for entry in simulation.observers if entry.label == SUBJECT)
    returned: Mapping[str, Any] = observer.observe(view or simulation.view(), simulation.state.clock)
    return returned


def bits(simulation: Simulation) -> Copies:
    return copied(observe(simulation), simulation.backend)
