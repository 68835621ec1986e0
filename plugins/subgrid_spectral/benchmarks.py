"""Benchmarks of the spectral family beside exponax, JAX-CFD and the transforms alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from subgrid.api import Case, Reading, Rival, Work, Workbench
from subgrid_spectral import peers
from subgrid_spectral.config_benchmarks import KuramotoSivashinskyBenchmarkConfig, NavierStokesBenchmarkConfig
from subgrid_spectral.fused_advection import fused_basdevant

__all__ = ["KuramotoSivashinskyBenchmark", "NavierStokesBenchmark"]

VISCOSITY = 1e-3
STEP = 1e-3
SCAN_STEPS = 1000

FIRST_STEP_SECONDS = 1.5
"""Longest time [s] from the start of ``subgrid run`` to the end of a run of one step, with kernels cached."""


class NavierStokesBenchmark:
    """Two-dimensional Navier-Stokes flow in vorticity form, double precision.

    Compared are evaluations of everything but the diagonal linear part, from spectrum to spectrum and dealiased by the
    2/3 rule, whole ETDRK4 steps, and both with the transforms that they contain.
    """

    def __init__(self, config: NavierStokesBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"NavierStokesBenchmark(sizes={self.config.sizes})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        for fft in self.config.fft:
            for n in self.config.sizes:
                yield self._right_hand_side(bench, n, fft)
            yield self._step(bench, self.config.step_size, fft)
            yield self._scaling(bench, self.config.scaling_size, fft)
        n = self.config.memory_size
        yield Reading(
            f"navier-stokes {n}^2 run: memory / state, stages, frame",
            lambda: bench.memory_ratio(with_frames(scenario(n)), with_frames(scenario(32))),
            goal=1.5,
            rounds=3,
        )
        yield Reading(
            "navier-stokes 64^2: subgrid run of one step, cached",
            lambda: bench.first_step_seconds(scenario(64)),
            "s",
            FIRST_STEP_SECONDS,
        )

    def _right_hand_side(self, bench: Workbench, n: int, fft: str) -> Case:
        spectrum = partial(initial_spectrum, bench, n)
        faster = {256: (1.6, 2.0), 512: (2.0, None)}.get(n, (None, None))
        return Case(
            f"navier-stokes {n}^2 right-hand side, {fft}",
            lambda: right_hand_side(bench, n, fft),
            [
                Rival("exponax", lambda: peers.exponax_tendency(spectrum(), n), goal=faster[0]),
                Rival("jax-cfd", lambda: peers.jax_cfd_tendency(spectrum(), n, VISCOSITY), goal=faster[1]),
                Rival("its 4 transforms", lambda: transforms(bench, n, fft, 1), figure="cost", goal=1.4),
                Rival("4 transforms of the library", lambda: library_transforms(bench, n, fft), figure="cost"),
            ],
            unit="evaluation",
        )

    def _step(self, bench: Workbench, n: int, fft: str) -> Case:
        exponax = partial(peers.exponax_step, n=n, dt=STEP, viscosity=VISCOSITY)
        return Case(
            f"navier-stokes {n}^2 ETDRK4 step, {fft}",
            lambda: step(bench, scenario(n, fft)),
            [
                Rival("exponax", lambda: exponax(initial_spectrum(bench, n))),
                Rival("its 16 transforms", lambda: transforms(bench, n, fft, 4), figure="cost", goal=1.3),
            ],
        )

    def _scaling(self, bench: Workbench, n: int, fft: str) -> Case:
        return Case(
            f"navier-stokes {n}^2 right-hand side, {fft}, 2 threads",
            lambda: right_hand_side(bench, n, fft, threads=2),
            [Rival("1 thread", lambda: right_hand_side(bench, n, fft, threads=1), goal=1.5)],
            unit="evaluation",
        )


class KuramotoSivashinskyBenchmark:
    """One ETDRK4 step of the Kuramoto-Sivashinsky equation in Fourier space.

    exponax is called from Python step by step, as our loop does it, and in one compiled scan, which our loop cannot do
    because it looks at the state after every step. Beside the step as the loop calls it stands the kernel alone.
    """

    def __init__(self, config: KuramotoSivashinskyBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"KuramotoSivashinskyBenchmark(points={self.config.points}, length={self.config.length:g})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        n, length = self.config.points, self.config.length
        data = ks_scenario(n, length)
        dt = data["time"]["dt"]

        def rivals(goal: float | None) -> list[Rival]:
            def spectrum() -> Any:
                return bench.simulation(data).state.fields["u"]

            scan = partial(peers.exponax_ks_scan, n=n, length=length, dt=dt, steps=SCAN_STEPS)
            return [
                Rival("exponax step", lambda: peers.exponax_ks_step(spectrum(), n, length, dt), goal=goal),
                Rival("exponax in lax.scan", lambda: scan(spectrum()), work=SCAN_STEPS, goal=goal),
            ]

        yield Case(f"kuramoto-sivashinsky {n} ETDRK4 step", lambda: step(bench, data), rivals(4.0))
        yield Case(f"kuramoto-sivashinsky {n} compiled kernel", lambda: compiled_step(bench, data), rivals(None))
        yield Reading(
            f"kuramoto-sivashinsky {n}: subgrid run of one step, cached",
            lambda: bench.first_step_seconds(data),
            "s",
            FIRST_STEP_SECONDS,
        )


def scenario(n: int, fft: str = "scipy", threads: int = 0) -> dict[str, Any]:
    """Decaying turbulence on n^2 points."""
    return {
        "backend": {"fft": fft, "threads": threads},
        "mesh": {"type": "grid", "shape": [n, n], "length": ["2 pi", "2 pi"]},
        "initial": {"type": "mcwilliams", "cutoff": min(42, n // 3 - 1)},
        "solver": {"type": "navier_stokes_2d", "viscosity": VISCOSITY},
        "integrator": {"type": "etdrk4"},
        "time": {"end": 10 * STEP, "dt": STEP},
    }


def with_frames(data: dict[str, Any]) -> dict[str, Any]:
    """The scenario with a frame of vorticity every second step and a checkpoint every fifth."""
    output = {"every": {"steps": 2}, "quantities": ["vorticity"]}
    return {**data, "output": output, "checkpoint": {"every": {"steps": 5}}}


def ks_scenario(n: int, length: float) -> dict[str, Any]:
    """Chaos of the Kuramoto-Sivashinsky equation."""
    return {
        "mesh": {"type": "grid", "shape": [n], "length": [length]},
        "initial": {"type": "random_fourier"},
        "solver": {"type": "kuramoto_sivashinsky"},
        "integrator": {"type": "etdrk4"},
        "time": {"end": 1.0, "dt": 0.0625},
    }


def initial_spectrum(bench: Workbench, n: int) -> Any:
    """The vorticity spectrum that everyone starts from."""
    return bench.simulation(scenario(n)).state.fields["vorticity"]


def right_hand_side(bench: Workbench, n: int, fft: str, threads: int = 0) -> Work:
    """One evaluation of everything but the linear part."""
    simulation = bench.simulation(scenario(n, fft, threads))
    rhs, fields, out = simulation.rhs, simulation.state.fields, simulation.spare
    return lambda: rhs.explicit(fields, 0.0, out)


def step(bench: Workbench, data: dict[str, Any]) -> Work:
    """One step of the integrator, called as the time loop calls it."""
    simulation = bench.simulation(data)
    state, dt = simulation.state, simulation.scenario.time.dt or 0.0
    advance, streams = simulation.integrator.step, simulation.streams("etdrk4")
    memory = state.memory.get("etdrk4", {})
    return lambda: advance(simulation.rhs, state.fields, memory, 0.0, dt, streams, simulation.spare)


def compiled_step(bench: Workbench, data: dict[str, Any]) -> Work:
    """The compiled step alone. Its coefficients are those of L = 0, which take the same time."""
    simulation = bench.simulation(data)
    kernel, dt = simulation.rhs.fused["etdrk4"], simulation.scenario.time.dt or 0.0
    ones = np.ones(simulation.state.fields["u"].shape)
    coefficients = (ones, ones, dt / 2 * ones, dt / 6 * ones, dt / 6 * ones, dt / 6 * ones)
    v, out = simulation.state.fields["u"], (simulation.spare or {})["u"]
    return lambda: kernel(v, out, *coefficients, 0.0, dt)


def transforms(bench: Workbench, n: int, fft: str, stages: int) -> Work:
    """The transforms of ``stages`` evaluations as the solver does them, two back and two forth, and nothing else."""
    solver = bench.simulation(scenario(n, fft)).solver
    once = fused_basdevant(solver.basis, solver.keep).transforms

    def work() -> None:
        for _ in range(stages):
            once()

    return work


def library_transforms(bench: Workbench, n: int, fft: str) -> Work:
    """Four plain calls of the library: all columns, new arrays."""
    simulation = bench.simulation(scenario(n, fft))
    basis, spectrum = simulation.solver.basis, simulation.state.fields["vorticity"]
    values = basis.backward(spectrum)

    def work() -> None:
        for _ in range(2):
            basis.backward(spectrum)
            basis.forward(values)

    return work
