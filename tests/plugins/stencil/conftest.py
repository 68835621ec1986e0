"""Small runs of the stencil solvers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import loop
from subgrid.assembly import Simulation, assemble, initialise
from subgrid.registry import Registry
from subgrid.scenario import parse
from subgrid.testing.in_run import NoRecorder

Build = Callable[..., Simulation]


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.load()


@pytest.fixture
def build(registry: Registry, tmp_path: Path) -> Build:
    """A simulation from tables; ``u`` replaces the initial field."""

    def make(
        solver: dict[str, Any],
        shape: tuple[int, ...],
        length: tuple[float, ...] | None = None,
        walls: str = "",
        u: Callable[..., Any] | None = None,
        time: dict[str, Any] | None = None,
        integrator: str = "rk4",
        initial: dict[str, Any] | None = None,
        backend: dict[str, Any] | None = None,
    ) -> Simulation:
        data = {
            "backend": {"threads": 1, **(backend or {})},
            "mesh": {
                "type": "grid",
                "shape": list(shape),
                "length": list(length or (1.0,) * len(shape)),
                "offset": "cell",
                "boundaries": dict.fromkeys(walls, "wall"),
            },
            "initial": initial or {"type": "gaussian"},
            "solver": solver,
            "integrator": {"type": integrator},
            "time": time or {"end": 0.1, "cfl": 0.5},
        }
        simulation = assemble(parse(data, registry, tmp_path), registry)
        initialise(simulation, registry)
        if u is not None:
            simulation.state.fields["u"] = np.ascontiguousarray(u(*reversed(simulation.mesh.meshgrid())))
        return simulation

    return make


@pytest.fixture
def advance() -> Callable[[Simulation], Simulation]:
    """Run to the end and give the simulation back."""

    def run(simulation: Simulation) -> Simulation:
        loop.advance(simulation, NoRecorder(), loop.Ledger())
        return simulation

    return run
