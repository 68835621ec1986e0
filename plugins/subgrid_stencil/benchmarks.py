"""Stencil sweeps, ours beside the memory bandwidth and beside other packages."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from subgrid.api import Case, Reading, Rival, Work, Workbench
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_window import Tiling
from subgrid.kernels.triad import BYTES as TRIAD_BYTES
from subgrid.kernels.triad import triad as stream
from subgrid_stencil import peers
from subgrid_stencil.config import StencilBenchmarkConfig

HEAT_BYTES = 24
GRAY_SCOTT_BYTES = 48
WAVE_BYTES = 48
"""Bytes a sweep would move for each cell in float64 with ordinary stores, which read what they write; neighbours come
from caches. Shares count these bytes, so that large fields, which go past the caches, may come out above one."""

PEARSON = (2e-5 * (256 / 2.5) ** 2, 1e-5 * (256 / 2.5) ** 2, 0.0367, 0.0649)
"""Gray-Scott rates (Du, Dv) / spacing^2, feed and kill."""

TRIAD_ENTRIES = 1 << 24
"""Entries of each of the triad's arrays, 128 MiB: several times the largest cache."""

BANDWIDTH_SHARE = 0.85
"""Share of the triad's bandwidth that a single sweep shall reach."""

ONE_THREAD_SHARE = 0.8
"""The same on one thread, which arithmetic limits as well."""

MEMORY_SIZE = 160
"""Cells along an axis of the run whose memory is measured: 31 MiB a field, and a few seconds."""


class StencilBenchmark:
    """Forward Euler steps of explicit solvers: a single one beside the memory bandwidth, and as many as a run takes in
    one sweep beside other packages; all times are for one cell and step."""

    def __init__(self, config: StencilBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"StencilBenchmark({self.config.heat_2d}, {self.config.heat_3d}, {self.config.gray_scott})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        for axes, n in ((2, self.config.heat_2d), (3, self.config.heat_3d)):
            shape = (n,) * axes
            yield _single(bench, f"heat {axes}D {n}", heat(shape), HEAT_BYTES)
            yield _several(bench, f"heat {axes}D {n}", heat(shape), 1, heat_peers(shape))
        n = self.config.gray_scott
        yield _single(bench, f"gray_scott 2D {n}", gray_scott(n), GRAY_SCOTT_BYTES)
        yield _several(bench, f"gray_scott 2D {n}", gray_scott(n), 2, gray_scott_peers(n))
        yield _memory(bench, min(self.config.heat_3d, MEMORY_SIZE))
        n = self.config.heat_2d
        one = Rival("1 thread", triad(1), TRIAD_ENTRIES)
        yield Case("triad, 2 threads: the limit of one step", triad(2), [one], work=TRIAD_ENTRIES, unit="entry")
        for prepare, name in ((euler_step, "one step"), (euler_steps, "several")):
            yield _threads(bench, prepare, name, n)
            yield _growth(bench, prepare, name, n)
        yield _single(bench, f"heat 2D {2 * n}, one thread", heat((2 * n,) * 2), HEAT_BYTES, 1)
        yield _single(bench, f"wave 2D {2 * n}, one thread", wave(2 * n), WAVE_BYTES, 1)


def _single(bench: Workbench, name: str, data: dict[str, Any], moved: int, threads: int = 0) -> Case:
    """One step beside the triad over arrays that no cache holds, on the same threads."""
    cells = math.prod(data["mesh"]["shape"])
    goal = ONE_THREAD_SHARE if threads == 1 else BANDWIDTH_SHARE
    limit = Rival("triad, by bytes moved", triad(threads), TRIAD_ENTRIES * TRIAD_BYTES // moved, goal=goal)
    prepare = own_step if data["integrator"]["type"] == "own" else euler_step
    return Case(f"{name}, one step", lambda: prepare(bench, data, threads), [limit], work=cells, unit="cell")


def _several(bench: Workbench, name: str, data: dict[str, Any], fields: int, others: Sequence[Rival]) -> Case:
    """As many steps as the loop asks for at once, beside other packages."""
    steps, cells = most_steps(data, fields), math.prod(data["mesh"]["shape"])
    return Case(f"{name}, {steps} at once", lambda: euler_steps(bench, data), others, work=cells * steps, unit="cell")


def _threads(bench: Workbench, prepare: Callable[..., Work], name: str, n: int) -> Case:
    data = heat((n, n))
    one, two = (n * n * (most_steps(data, 1, threads) if prepare is euler_steps else 1) for threads in (1, 2))
    rival = Rival("1 thread", lambda: prepare(bench, data, 1), one, goal=1.6)
    return Case(f"heat 2D {n}, 2 threads, {name}", lambda: prepare(bench, data, 2), [rival], work=two, unit="cell")


def _growth(bench: Workbench, prepare: Callable[..., Work], name: str, n: int) -> Case:
    large, small = heat((2 * n, 2 * n)), heat((n // 4, n // 4))
    more, less = ((most_steps(data, 1) if prepare is euler_steps else 1) for data in (large, small))
    rival = Rival(f"at {n // 4}", lambda: prepare(bench, small), (n // 4) ** 2 * less, figure="cost", goal=1.1)
    work = (2 * n) ** 2 * more
    return Case(
        f"heat 2D {2 * n}, cost of a cell, {name}", lambda: prepare(bench, large), [rival], work=work, unit="cell"
    )


def _memory(bench: Workbench, n: int) -> Reading:
    """Growth of a process by a run with frames and checkpoints, over its state, one more copy of it and a frame."""

    def recorded(n: int) -> dict[str, Any]:
        data = heat((n, n, n))
        data["time"]["end"] = 20 * data["time"]["dt"]
        every = {"every": {"steps": 10}}
        return {**data, "output": {**every, "quantities": ["u"]}, "checkpoint": every}

    def ratio() -> float:
        # the workbench counts four such fields, one of them for a slope, which steps in one sweep do without
        return bench.memory_ratio(recorded(n), recorded(12)) * 4.0 / 3.0

    return Reading(f"heat 3D {n} run: memory / state, copy, frame", ratio, goal=1.05, rounds=3)


def most_steps(data: dict[str, Any], fields: int, threads: int = 0) -> int:
    """Steps that the solver takes at once on these threads, 0 for all."""
    planes, *rows, nx = data["mesh"]["shape"]
    shape = (planes, rows[0] if rows else 1, nx)
    return Tiling.of(shape, fields, 8, threads or len(os.sched_getaffinity(0))).steps


def heat_peers(shape: tuple[int, ...]) -> list[Rival]:
    """The same steps elsewhere, at 80 % of their limit."""
    cells, rate = math.prod(shape), 0.8 / (2 * len(shape))

    def start() -> Any:
        return np.random.default_rng(1).uniform(size=shape)

    return [
        Rival("taichi", lambda: peers.taichi_heat(start(), rate), cells * peers.STEPS, goal=4.0),
        Rival("JAX", lambda: peers.jax_heat(start(), rate), cells * peers.STEPS, goal=8.0),
        Rival("py-pde", lambda: peers.pde_heat(start(), rate), cells * peers.STEPS, goal=20.0),
        Rival("Warp (one thread)", lambda: peers.warp_heat(start(), rate), cells * peers.STEPS),
        Rival("NumPy", numpy_heat(shape), cells),
    ]


def gray_scott_peers(n: int) -> list[Rival]:
    """Gray-Scott elsewhere, at Pearson's rates."""

    def start() -> tuple[Any, Any]:
        u, v = np.random.default_rng(1).uniform(0.2, 0.5, size=(2, n, n))
        return u, v

    work = n * n * peers.STEPS
    return [
        Rival("taichi", lambda: peers.taichi_gray_scott(*start(), PEARSON), work, goal=3.5),
        Rival("JAX", lambda: peers.jax_gray_scott(*start(), PEARSON), work),
        Rival("Warp (one thread)", lambda: peers.warp_gray_scott(*start(), PEARSON), work),
    ]


def heat(shape: tuple[int, ...]) -> dict[str, Any]:
    """A step of forward Euler at 80 % of its limit, periodic."""
    axes = len(shape)
    dt = 0.8 / (2 * axes * shape[0] ** 2)
    return {
        "mesh": {"type": "grid", "shape": list(shape), "length": [1.0] * axes},
        "initial": {"type": "gaussian"},
        "solver": {"type": "heat"},
        "integrator": {"type": "euler"},
        "time": {"end": 10 * dt, "dt": dt},
    }


def gray_scott(n: int) -> dict[str, Any]:
    """Pearson's rates and spacing, periodic."""
    return {
        "mesh": {"type": "grid", "shape": [n, n], "length": [2.5 * n / 256] * 2},
        "initial": {"type": "gray_scott_seed", "cells": min(20, n)},
        "solver": {"type": "gray_scott"},
        "integrator": {"type": "euler"},
        "time": {"end": 10.0, "dt": 1.0},
    }


def wave(n: int) -> dict[str, Any]:
    """A step of the leapfrog at half its limit, periodic."""
    dt = 0.5 / (n * 2**0.5)
    return {
        "mesh": {"type": "grid", "shape": [n, n], "length": [1.0, 1.0]},
        "initial": {"type": "gaussian"},
        "solver": {"type": "wave"},
        "integrator": {"type": "own"},
        "time": {"end": 10 * dt, "dt": dt},
    }


def euler_step(bench: Workbench, data: dict[str, Any], threads: int = 0) -> Work:
    """A whole step as the integrator calls it."""
    simulation = bench.simulation({**data, "backend": {"threads": threads}})
    step, fields, out = simulation.rhs.fused["euler"], simulation.state.fields, simulation.spare
    dt = simulation.scenario.time.dt or 0.0
    return lambda: step(fields, out, 0.0, dt)


def euler_steps(bench: Workbench, data: dict[str, Any], threads: int = 0) -> Work:
    """As many steps as the loop asks for at once."""
    simulation = bench.simulation({**data, "backend": {"threads": threads}})
    several, fields, out = simulation.rhs.fused["euler_steps"], simulation.state.fields, simulation.spare
    dt = simulation.scenario.time.dt or 0.0
    times, sizes = [dt * step for step in range(several.most)], [dt] * several.most
    return lambda: several.take(fields, out, times, sizes)


def own_step(bench: Workbench, data: dict[str, Any], threads: int = 0) -> Work:
    """A step of a solver that owns it."""
    simulation = bench.simulation({**data, "backend": {"threads": threads}})
    fields, streams, dt = simulation.state.fields, simulation.streams("own"), simulation.scenario.time.dt or 0.0
    return lambda: simulation.integrator.step(simulation.rhs, fields, {}, 0.0, dt, streams, simulation.spare)


def triad(threads: int) -> Callable[[], Work]:
    """The triad on as many threads; 0 are all."""

    def prepare() -> Work:
        a, b, c = (np.full((4096, TRIAD_ENTRIES // 4096), value) for value in (0.0, 1.0, 2.0))
        bands, count = (1, *a.shape), threads or len(os.sched_getaffinity(0))
        return lambda: in_bands(stream, bands, count, b, c, 0.5, a)

    return prepare


def numpy_heat(shape: tuple[int, ...]) -> Callable[[], Work]:
    """The same step as a user writes it with slices of a padded array."""

    def prepare() -> Work:
        u, v = np.ones([n + 2 for n in shape]), np.ones([n + 2 for n in shape])
        inner = (slice(1, -1),) * len(shape)

        def moved(axis: int, step: int) -> Any:
            index = list(inner)
            index[axis] = slice(1 + step, u.shape[axis] - 1 + step)
            return u[tuple(index)]

        def work() -> None:
            rate = sum(moved(axis, -1) - 2.0 * u[inner] + moved(axis, 1) for axis in range(len(shape)))
            v[inner] = u[inner] + 0.1 * rate

        return work

    return prepare
