"""Small runs of smoothed particles."""

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
    """``make(shape, solver, initial, **tables)``: on cells of a tenth, walled along the axes in ``walls``."""

    def simulation(
        shape: list[int], solver: dict[str, Any], initial: dict[str, Any] | None = None, walls: str = "", **tables: Any
    ) -> Simulation:
        data: dict[str, Any] = {
            "mesh": {
                "type": "grid",
                "shape": shape,
                "length": [0.1 * n for n in shape],
                "offset": "cell",
                "boundaries": dict.fromkeys(walls, "wall"),
            },
            "initial": {"type": "fluid_blocks", **(initial or {})},
            "solver": solver,
            "integrator": {"type": "own"},
            "time": {"end": 0.1, "cfl": 0.5},
            "backend": {"threads": 1},
            **tables,
        }
        simulation = assemble(parse(data, registry, Path(".")), registry)
        initialise(simulation, registry)
        return simulation

    return simulation
