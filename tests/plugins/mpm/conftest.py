"""Small runs of material points."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subgrid.assembly import Simulation, assemble, initialise
from subgrid.registry import Registry
from subgrid.scenario import parse

Make = Callable[..., Simulation]


@pytest.fixture
def make(registry: Registry) -> Make:
    """``make(bodies, closures, **tables)``: a simulation in a walled unit box of 20 cells along each axis."""

    def simulation(bodies: list[dict[str, Any]], closures: list[dict[str, Any]], **tables: Any) -> Simulation:
        d = len(bodies[0]["center"])
        data: dict[str, Any] = {
            "mesh": {
                "type": "grid",
                "shape": [20] * d,
                "length": [1.0] * d,
                "offset": "cell",
                "boundaries": dict.fromkeys("xyz"[:d], "wall"),
            },
            "initial": {"type": "bodies", "bodies": bodies},
            "solver": {"type": "mpm"},
            "integrator": {"type": "own"},
            "closures": closures,
            "time": {"end": 0.1, "dt": 1e-3},
            "backend": {"threads": 1},
        }
        for name, table in tables.items():
            data[name] = {**data.get(name, {}), **table} if isinstance(table, dict) else table
        built = assemble(parse(data, registry, Path(".")), registry)
        initialise(built, registry)
        return built

    return simulation
