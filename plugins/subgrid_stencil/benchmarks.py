"""Stencil sweeps, ours beside the memory bandwidth and the same in NumPy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from subgrid.api import Case, Reading, Rival, Work, Workbench
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.triad import BYTES as TRIAD_BYTES
from subgrid.kernels.triad import triad
from subgrid_stencil import peers
from subgrid_stencil.config import StencilBenchmarkConfig

HEAT_BYTES = 24
GRAY_SCOTT_BYTES = 48
"""Bytes a sweep must move for each cell in float64, with the reads that writes cause; neighbours come from caches."""

PEARSON = (2e-5 * (256 / 2.5) ** 2, 1e-5 * (256 / 2.5) ** 2, 0.0367, 0.0649)
"""Gray-Scott rates (Du, Dv) / spacing^2, feed and kill."""

BANDWIDTH_SHARE = 0.85
"""Share of the triad's bandwidth that a single sweep shall reach."""


class StencilBenchmark:
    """One forward Euler step of explicit solvers in one sweep: time for a cell, share of the triad's bandwidth."""

    def __init__(self, config: StencilBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"StencilBenchmark({self.config.heat_2d}, {self.config.heat_3d}, {self.config.gray_scott})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        for axes, n in ((2, self.config.heat_2d), (3, self.config.heat_3d)):
            shape = (n,) * axes
            yield self._case(bench, f"heat {axes}D {n}", heat(shape), shape, HEAT_BYTES, heat_peers(shape))
        n = self.config.gray_scott
        taichi = Rival("taichi", lambda: peers.taichi_gray_scott(n, PEARSON), n * n, goal=3.5)
        yield self._case(bench, f"gray_scott 2D {n}", gray_scott(n), (n, n), GRAY_SCOTT_BYTES, [taichi])
        n = self.config.heat_2d
        yield Case(
            f"heat 2D {n}, 2 threads",
            lambda: euler_step(bench, heat((n, n)), threads=2),
            [Rival("1 thread", lambda: euler_step(bench, heat((n, n)), threads=1), n * n, goal=1.6)],
            work=n * n,
            unit="cell",
        )
        large, small = 2 * n, n // 4
        yield Case(
            f"heat 2D {large}, cost of a cell",
            lambda: euler_step(bench, heat((large, large))),
            [Rival(f"at {small}", lambda: euler_step(bench, heat((small, small))), small**2, figure="cost", goal=1.1)],
            work=large**2,
            unit="cell",
        )

    def _case(
        self,
        bench: Workbench,
        name: str,
        data: dict[str, Any],
        shape: tuple[int, ...],
        moved: int,
        others: Sequence[Rival],
    ) -> Case:
        cells = int(np.prod(shape))
        limit = Rival("triad, by bytes moved", triad_of(shape), cells * TRIAD_BYTES // moved, goal=BANDWIDTH_SHARE)
        return Case(name, lambda: euler_step(bench, data), [limit, *others], work=cells, unit="cell")


def heat_peers(shape: tuple[int, ...]) -> list[Rival]:
    """The same step elsewhere, at 80 % of its limit."""
    cells, rate = int(np.prod(shape)), 0.8 / (2 * len(shape))

    def start() -> Any:
        return np.random.default_rng(1).uniform(size=shape)

    faster = (4.0, 8.0, 20.0) if len(shape) == 2 else (None, None, None)
    return [
        Rival("taichi", lambda: peers.taichi_heat(start(), rate), cells, goal=faster[0]),
        Rival("JAX", lambda: peers.jax_heat(start(), rate), cells, goal=faster[1]),
        Rival("py-pde", lambda: peers.pde_heat(start(), rate), cells, goal=faster[2]),
        Rival("NumPy", numpy_heat(shape), cells),
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


def euler_step(bench: Workbench, data: dict[str, Any], threads: int = 0) -> Work:
    """The whole step as the integrator calls it."""
    simulation = bench.simulation({**data, "backend": {"threads": threads}})
    step, fields, out = simulation.rhs.fused["euler"], simulation.state.fields, simulation.spare
    dt = simulation.scenario.time.dt or 0.0
    return lambda: step(fields, out, 0.0, dt)


def triad_of(shape: tuple[int, ...]) -> Callable[[], Work]:
    """The triad over as many elements, on the threads that the sweep uses."""

    def prepare() -> Work:
        threads, cells = len(os.sched_getaffinity(0)), int(np.prod(shape))
        a, b, c = (np.full((cells // shape[-1], shape[-1]), value) for value in (0.0, 1.0, 2.0))
        bands = (1, *a.shape)
        return lambda: in_bands(triad, bands, threads, b, c, 0.5, a)

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
