"""Neighbours beside SciPy's k-d tree, and steps of smoothed particles beside taichi."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import numpy as np

from subgrid.api import Case, Reading, Rival, Streams, Work, Workbench
from subgrid.kernels.neighbours import Box, within
from subgrid_sph import kernels
from subgrid_sph.config import NeighbourBenchmarkConfig, SmoothedBenchmarkConfig
from subgrid_sph.reference import kernel_scale

TREE, PEER, TWO_THREADS = 5.0, 2.5, 1.6
"""Smallest speedups wanted: over the k-d tree, over taichi, and by a second thread."""

SOUND_SPEED = 10.0


class NeighbourBenchmark:
    """All pairs of random points within a radius that holds about 29 others, double precision, nothing kept.

    ``query_pairs`` of the tree knows no threads; ``query_ball_point`` has as many as ours, but answers in lists.
    """

    def __init__(self, config: NeighbourBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"NeighbourBenchmark({self.config.points})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        threads = len(os.sched_getaffinity(0))
        for points in self.config.points:
            for d, periodic in ((2, False), (3, False), (3, True)):
                x, radius, box = cloud(points, d, periodic)
                rivals = [
                    Rival("cKDTree.query_pairs, serial", tree_pairs(x, radius, periodic), points, goal=TREE),
                    Rival("both ways, one thread", search(x, radius, box, 1, half=False), points),
                    Rival("each once, one thread", search(x, radius, box, 1, half=True), points),
                    Rival("both ways", search(x, radius, box, threads, half=False), points),
                ]
                if points <= 200_000:
                    rivals.append(
                        Rival("cKDTree.query_ball_point", tree_lists(x, radius, periodic, threads), points, goal=TREE)
                    )
                name = f"neighbours {d}D {'periodic' if periodic else 'open'} {points} points"
                yield Case(name, search(x, radius, box, threads, half=True), rivals, work=points, unit="point")


def cloud(points: int, d: int, periodic: bool) -> tuple[Any, float, Box]:
    """Random points of a unit box, the radius of 29 neighbours, and the box."""
    volume = math.pi if d == 2 else 4.0 / 3.0 * math.pi
    box = Box((0.0,) * d, (1.0,) * d, (periodic,) * d)
    return np.random.default_rng(0).random((points, d)), (29.0 / points / volume) ** (1.0 / d), box


def search(x: Any, radius: float, box: Box, threads: int, half: bool) -> Callable[[], Work]:
    """Ours: pairs once, or both ways."""

    def prepare() -> Work:
        return lambda: within(x, radius, box, half=half, threads=threads)

    return prepare


def tree_pairs(x: Any, radius: float, periodic: bool) -> Callable[[], Work]:
    """SciPy: building the tree and all pairs once, as an array."""

    def prepare() -> Work:
        from scipy.spatial import cKDTree

        size = 1.0 if periodic else None
        return lambda: cKDTree(x, boxsize=size).query_pairs(radius, output_type="ndarray")

    return prepare


def tree_lists(x: Any, radius: float, periodic: bool, threads: int) -> Callable[[], Work]:
    """SciPy: building the tree and the neighbours of each point, as lists, on as many threads as ours."""

    def prepare() -> Work:
        from scipy.spatial import cKDTree

        size = 1.0 if periodic else None
        return lambda: cKDTree(x, boxsize=size).query_ball_point(x, radius, workers=threads)

    return prepare


class SmoothedBenchmark:
    """A step of delta-SPH in a periodic box in double precision, with all that belongs to it; ns a particle.

    The neighbour sum is that for the density rates alone, neighbours or cells being given to both.
    """

    def __init__(self, config: SmoothedBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"SmoothedBenchmark({self.config.particles_2d}, {self.config.particles_3d})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        threads = len(os.sched_getaffinity(0))
        sides = (2, round(self.config.particles_2d ** (1 / 2))), (3, round(self.config.particles_3d ** (1 / 3)))
        for d, side in sides:
            particles = side**d
            goal = TWO_THREADS if threads == 2 else None
            for what, ours in (("step", our_step), ("neighbour sum", our_sum)):
                rivals = [
                    Rival("taichi", peer(bench, d, side, what == "step"), particles, goal=PEER),
                    Rival("one thread", ours(bench, d, side, 1), particles, goal=goal),
                ]
                name = f"sph {what} {d}D {particles} particles"
                yield Case(name, ours(bench, d, side, threads), rivals, work=particles, unit="particle")


def ratio(d: int) -> float:
    """h over the spacing: 44 neighbours in 2D, 110 in 3D."""
    return 2.0 if d == 2 else 1.5


def data(d: int, side: int, threads: int) -> dict[str, Any]:
    """A periodic box full of fluid at unit density."""
    return {
        "mesh": {"type": "grid", "shape": [side] * d, "length": [1.0] * d, "offset": "cell"},
        "initial": {"type": "fluid_blocks", "density": 1.0, "jitter": 0.2},
        "solver": {"type": "delta_sph", "density": 1.0, "sound_speed": SOUND_SPEED, "smoothing": ratio(d)},
        "integrator": {"type": "own"},
        "time": {"end": 1e6, "dt": step(d, side)},
        "backend": {"threads": threads},
    }


def step(d: int, side: int) -> float:
    """The usual step for speeds of one."""
    return 0.25 * ratio(d) / side / (SOUND_SPEED + 1.0)


def fluid(bench: Workbench, d: int, side: int, threads: int) -> Any:
    """A simulation in a smooth motion, which goes through the lists of neighbours as a flow does."""
    simulation = bench.simulation(data(d, side, threads))
    particles = simulation.state.particles["fluid"]
    x = 2.0 * math.pi * particles["position"]
    particles["velocity"][:, 0] = -np.cos(x[:, 0]) * np.sin(x[:, 1])
    particles["velocity"][:, 1] = np.sin(x[:, 0]) * np.cos(x[:, 1])
    return simulation


def our_step(bench: Workbench, d: int, side: int, threads: int) -> Callable[[], Work]:
    """The whole step as the integrator calls it."""

    def prepare() -> Work:
        simulation = fluid(bench, d, side, threads)
        numbers, dt = count(), step(d, side)
        state, rhs = simulation.state, simulation.rhs
        return lambda: rhs.advance(state.fields, 0.0, dt, Streams(0, "bench", next(numbers)))

    return prepare


def our_sum(bench: Workbench, d: int, side: int, threads: int) -> Callable[[], Work]:
    """The sum for the density rates, of particles sorted by cell."""

    def prepare() -> Work:
        simulation = fluid(bench, d, side, threads)
        solver, particles = simulation.solver, simulation.state.particles["fluid"]
        solver.sort(particles)
        record, density, near = solver.together(particles, simulation.state.particles["wall"])
        out, rest = np.empty_like(density), np.zeros(3)
        diffusion, scale = 0.1 * solver.h * SOUND_SPEED, kernel_scale(d, solver.h)

        def work(first: int, last: int) -> None:
            kernels.delta_rates(record, *near, scale, len(out), diffusion, rest, out, first, last)

        return lambda: solver.share(len(out), work)

    return prepare


def peer(bench: Workbench, d: int, side: int, whole_step: bool) -> Callable[[], Work]:
    """taichi on the same particles."""

    def prepare() -> Work:
        from subgrid_sph.peers import taichi_fluid

        particles = fluid(bench, d, side, 1).state.particles["fluid"]
        position, velocity = particles["position"].copy(), particles["velocity"].copy()
        return taichi_fluid(position, velocity, ratio(d) / side, 1.0 / side, SOUND_SPEED, step(d, side), whole_step)

    return prepare
