"""Runs with unequal nx, ny, nz, layers and components, and particles that leave."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid.testing import BURGERS, FLOW_2D, TWO_LAYERS

OPEN = {"low": {"type": "open"}, "high": {"type": "open"}}
BOX: Mapping[str, Any] = {
    "name": "box",
    "mesh": {
        "type": "grid",
        "shape": [3, 4, 6],
        "length": [0.75, 1.0, 1.2],
        "origin": [-1.0, 0.5, 2.0],
        "offset": "cell",
        "boundaries": {"x": "wall"},
    },
    "initial": {"type": "gaussian"},
    "solver": {"type": "heat"},
    "integrator": {"type": "euler"},
    "time": {"end": 0.004, "dt": 0.001},
    "output": {"every": {"steps": 1}, "quantities": ["u"]},
}
SAND: Mapping[str, Any] = {
    "name": "sand",
    "mesh": {
        "type": "grid",
        "shape": [12, 16],
        "length": [0.75, 1.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {
        "type": "bodies",
        "bodies": [{"shape": "ball", "center": [0.75, 0.4], "radius": 0.12, "velocity": [4.0, 0.0]}],
    },
    "solver": {"type": "mpm", "walls": {"x": OPEN, "y": OPEN}},
    "closures": [{"type": "fixed_corotated", "young_modulus": 100.0, "poisson_ratio": 0.3}],
    "integrator": {"type": "own"},
    "time": {"end": 0.12, "dt": 0.002},  # by then all of it has left
    "output": {"every": {"steps": 10}, "quantities": ["material_position", "material_stress", "material_id"]},
}
FLOW = {
    **FLOW_2D,
    "name": "flow",
    "output": {"every": {"steps": 2}, "quantities": ["vorticity", "velocity"]},
    "observers": [{"type": "energy", "every": {"steps": 1}}, {"type": "energy_spectrum", "every": {"steps": 2}}],
}
LAYERS = {**TWO_LAYERS, "output": {"every": {"steps": 2}, "quantities": ["potential_vorticity", "velocity"]}}
WAVE = {**BURGERS, "output": {"every": {"steps": 2}, "quantities": ["u"]}}
CHANNEL: Mapping[str, Any] = {
    "name": "channel",
    "mesh": {
        "type": "grid",
        "shape": [4, 6, 10],
        "length": [0.4, 0.6, 1.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "fluid_at_rest", "velocity": [1.0, 0.0, 0.0]},
    "solver": {
        "type": "incompressible_navier_stokes",
        "viscosity": 0.01,
        "boundaries": {
            "x": {"low": {"type": "inflow", "velocity": [1.0, 0.0, 0.0]}, "high": {"type": "outflow"}},
            "y": {"low": {"type": "slip"}, "high": {"type": "outflow"}},
        },
        "obstacle": {"time": 0.01, "bodies": [{"type": "ball", "center": [0.3, 0.35, 0.2], "radius": 0.12}]},
    },
    "integrator": {"type": "rk4"},
    "time": {"end": 0.004, "dt": 0.001},
    "output": {"every": {"steps": 2}, "quantities": ["velocity", "pressure"]},
}
BEACH: Mapping[str, Any] = {
    "name": "beach",
    "mesh": {
        "type": "grid",
        "shape": [5, 16],
        "length": [0.5, 1.6],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "dam_break", "position": 0.45, "right": 0.0},
    "solver": {"type": "shallow_water", "boundaries": {"x": {"high": "outflow"}}},
    "integrator": {"type": "ssp_rk3"},
    "time": {"end": 0.16, "dt": 0.004},
    "output": {"every": {"steps": 10}, "quantities": ["depth"]},
}
SCENARIOS = {"channel": CHANNEL, "beach": BEACH, "box": BOX, "sand": SAND, "flow": FLOW, "layers": LAYERS, "wave": WAVE}


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of the runs above by name."""
    registry, folder = Registry.load(), tmp_path_factory.mktemp("runs")
    for name, scenario in SCENARIOS.items():
        run(parse(dict(scenario), registry, folder), folder / name, registry)
    for seed in (1, 2):
        short = {**FLOW, "seed": seed, "solver": {**FLOW["solver"], "viscosity": 0.01 * seed}}
        run(parse(short, registry, folder), folder / f"flow{seed}", registry)
    return {path.name: path for path in folder.iterdir()}
