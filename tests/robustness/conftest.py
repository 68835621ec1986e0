"""Runs of the toy oscillators in hostile surroundings."""

from pathlib import Path
from typing import Any

import pytest

from subgrid.registry import Registry
from subgrid.scenario import Scenario, parse

TOY = Path(__file__).parents[1] / "engine" / "toy"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(str(TOY))
    return Registry.load()


@pytest.fixture
def oscillators(registry: Registry) -> Any:
    """``oscillators(**changes)``: a scenario that writes frames, series and checkpoints often."""

    def make(**changes: Any) -> Scenario:
        data: dict[str, Any] = {
            "mesh": {"type": "grid", "shape": [2000], "length": [1.0]},
            "initial": {"type": "ones"},
            "solver": {"type": "oscillators", "omega": 2.0},
            "integrator": {"type": "rk4"},
            "time": {"end": 1.0, "dt": 0.01},
            "observers": [{"type": "modulus", "every": {"steps": 1}}],
            "output": {"every": {"steps": 2}, "quantities": ["y_real"]},
            "checkpoint": {"every": {"steps": 10}},
        }
        return parse({**data, **changes}, registry, Path("."))

    return make
