"""Steps of material points beside peers, over sizes and over threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

from subgrid.api import Case, Reading, Rival, Streams, Work, Workbench
from subgrid_mpm.config import ParticleBenchmarkConfig

MODULUS = 400.0
GRAVITY = 9.8

PEER_2D, PEER_3D = 2.5, 2.0
"""Smallest speedups over taichi that are wanted."""

TWO_THREADS, GROWTH = 1.6, 1.15
"""Smallest speedup by a second thread, and largest growth of the cost of a particle over the sizes."""

FIRST_START, CACHED_START = 15.0, 1.5
"""Longest times [s] of a whole process that takes one step."""


class ParticleBenchmark:
    """A step of a weakly compressible fluid in single precision, sorting every 20 steps included; ns a particle."""

    def __init__(self, config: ParticleBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ParticleBenchmark({self.config.particles_2d}, {self.config.grid_3d})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        threads = len(os.sched_getaffinity(0))
        sizes = [(2, round((n / 2.0) ** 0.5 / 2.0) * 2) for n in self.config.particles_2d]
        for d, cells in (*sizes, (3, self.config.grid_3d)):
            particles = number(d, cells)
            rivals = [
                Rival("taichi", peer(bench, d, cells, "taichi_fluid"), particles, goal=PEER_2D if d == 2 else PEER_3D),
                *([Rival("Warp, one thread", peer(bench, d, cells, "warp_fluid"), particles, goal=PEER_3D)] * (d == 3)),
                Rival("reproducible", ours(bench, d, cells, threads, {"reproducible": True}), particles, "cost"),
                Rival("one thread", ours(bench, d, cells, 1), particles, goal=TWO_THREADS if threads == 2 else None),
            ]
            name = f"mpm {d}D {particles} particles"
            yield Case(name, ours(bench, d, cells, threads), rivals, work=particles, unit="particle")
        few, many = number(2, 72), number(2, 708)
        yield Case(
            f"mpm 2D {many} particles, one thread",
            ours(bench, 2, 708, 1),
            [Rival(f"{few} particles, one thread", ours(bench, 2, 72, 1), few, "cost", GROWTH)],
            work=many,
            unit="particle",
        )
        yield Reading("mpm 2D, a step with kernels to compile", lambda: first_start(bench), "s", FIRST_START, 1)
        yield Reading("mpm 2D, a step with kernels in the cache", lambda: cached_start(bench), "s", CACHED_START)


def number(d: int, cells: int) -> int:
    """Particles of the block: half of each side in 2D, in 3D a cube with a quarter of n^3 of them."""
    return int(side_cells(d, cells) * 2) ** d


def side_cells(d: int, cells: int) -> int:
    """Cells along each side of the block."""
    return round(cells * (0.707 if d == 2 else 0.46))


def data(d: int, cells: int, threads: int, options: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A block of fluid that falls in a box."""
    side, axes = side_cells(d, cells) / cells, "xyz"[:d]
    low = round(0.5 * (1.0 - side) * cells) / cells
    body = {"center": [low + 0.5 * side] * d, "size": [side] * d, "density": 1.0}
    return {
        "mesh": {
            "type": "grid",
            "shape": [cells] * d,
            "length": [1.0] * d,
            "offset": "cell",
            "boundaries": dict.fromkeys(axes, "wall"),
        },
        "initial": {"type": "bodies", "bodies": [body]},
        "solver": {"type": "mpm", "gravity": [*([0.0] * (d - 1)), -GRAVITY], **(options or {})},
        "closures": [{"type": "newtonian_fluid", "bulk_modulus": MODULUS}],
        "integrator": {"type": "own"},
        "time": {"end": 1e6, "dt": step(cells)},
        "backend": {"precision": "float32", "threads": threads},
    }


def step(cells: int) -> float:
    """A tenth of the time in which sound crosses a cell."""
    return 0.1 / cells / MODULUS**0.5


def ours(
    bench: Workbench, d: int, cells: int, threads: int, options: Mapping[str, Any] | None = None
) -> Callable[[], Work]:
    """The whole step as the integrator calls it."""

    def prepare() -> Work:
        simulation = bench.simulation(data(d, cells, threads, options))
        numbers, dt = count(), step(cells)
        state, rhs = simulation.state, simulation.rhs
        return lambda: rhs.advance(state.fields, 0.0, dt, Streams(0, "bench", next(numbers)))

    return prepare


def cached_start(bench: Workbench) -> float:
    """Wall time [s] of a process that takes one step in 2D."""
    return bench.first_step_seconds(data(2, 68, 1))


def first_start(bench: Workbench) -> float:
    """The same with an empty cache of kernels."""
    kept = os.environ.get("NUMBA_CACHE_DIR")
    try:
        with TemporaryDirectory() as folder:
            os.environ["NUMBA_CACHE_DIR"] = folder
            return cached_start(bench)
    finally:
        os.environ.pop("NUMBA_CACHE_DIR")
        if kept is not None:
            os.environ["NUMBA_CACHE_DIR"] = kept


def peer(bench: Workbench, d: int, cells: int, name: str) -> Callable[[], Work]:
    """A peer on the same particles: the name of its function in `subgrid_mpm.peers`."""

    def prepare() -> Work:
        from subgrid_mpm import peers

        particles = bench.simulation(data(d, cells, 1)).state.particles["material"]
        work: Work = getattr(peers, name)(particles["position"], cells, step(cells), MODULUS, GRAVITY)
        return work

    return prepare
