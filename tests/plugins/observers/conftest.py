"""A setup without a run: mesh, backend and random streams for an observer on its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from subgrid.api import Backend, Grid, Setup, Streams


@pytest.fixture
def make_setup(tmp_path: Path) -> Callable[..., Setup]:
    def make(
        shape: tuple[int, ...], length: tuple[float, ...] | None = None, backend: str = "numpy", dt: float = 0.01
    ) -> Setup:
        two_pi = 6.283185307179586
        mesh = Grid(shape, length or (two_pi,) * len(shape))
        return Setup(mesh, Backend(backend), "observer", Streams(0, "observer"), dt, tmp_path)

    return make
