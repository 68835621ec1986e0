"""Sweeps of the toy oscillators, and of members that break in every way."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from subgrid.registry import Registry
from subgrid.toml_text import write_text

TOYS = (Path(__file__).parents[1] / "toy", Path(__file__).parent / "breaking")

SCENARIO: dict[str, Any] = {
    "mesh": {"type": "grid", "shape": [5], "length": [1.0]},
    "initial": {"type": "ones"},
    "solver": {"type": "oscillators", "omega": 2.0},
    "integrator": {"type": "rk4"},
    "time": {"end": 0.5, "dt": 0.01},
    "observers": [{"type": "modulus", "every": {"time": 0.1}}],
    "checkpoint": {"every": {"steps": 10}},
}

WriteSweep = Callable[..., Path]


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    for folder in TOYS:
        monkeypatch.syspath_prepend(str(folder))
    yield Registry.load()
    sys.modules.pop("breaking_plugin", None)


@pytest.fixture
def write_sweep(tmp_path: Path) -> WriteSweep:
    """``write_sweep(grid=..., scenario={...})`` writes a sweep file; the scenario's tables replace the toy's."""

    def write(name: str = "sweep.toml", scenario: dict[str, Any] | None = None, **content: Any) -> Path:
        path = tmp_path / name
        path.write_text(write_text({**content, "scenario": {**SCENARIO, **(scenario or {})}}))
        return path

    return write
