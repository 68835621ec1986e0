"""A step of the Bingham closure beside the kinetic theory, by its moments and on a grid of angles."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from subgrid.api import Case, Reading, Rival, Streams, Work, Workbench
from subgrid_active.config import ActiveBenchmarkConfig

CLOSURE_STEP, KINETIC_STEP = 4e-3, 11e-3
"""Longest times [s] wanted for a step at 64 x 64 on one thread."""

OVER_ANGLES, OVER_MOMENTS = 10.0, 3.0
"""Smallest speedups wanted of the Bingham closure over the kinetic theory: on the published angles, and by moments."""

DT = 0.01
SPIN_UP = 5
"""Steps taken before the clock runs."""


class ActiveBenchmark:
    """A step of SBDF2 of each model from the same start, on one thread."""

    def __init__(self, config: ActiveBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ActiveBenchmark(points={self.config.points}, zeta={self.config.zeta:g}, angles={self.config.angles})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        n, zeta = self.config.points, self.config.zeta
        limits = (CLOSURE_STEP, KINETIC_STEP) if n == 64 else (None, None)
        moments = {"type": "active_moments", "zeta": zeta}
        kinetic = {"type": "active_kinetic", "zeta": zeta}
        grid = {"type": "active_orientations", "zeta": zeta, "angles": self.config.angles}
        bingham = [{"type": "bingham"}]
        rivals = [
            Rival("kinetic, moments", steps(bench, n, kinetic, []), goal=OVER_MOMENTS),
            Rival(f"kinetic, {self.config.angles} angles", steps(bench, n, grid, []), goal=OVER_ANGLES),
        ]
        yield Case(
            f"active bingham {n}^2",
            steps(bench, n, moments, bingham),
            rivals,
            goal=limits[0],
        )
        yield Case(f"active kinetic {n}^2", steps(bench, n, kinetic, []), goal=limits[1])


def steps(bench: Workbench, n: int, solver: Mapping[str, Any], closures: list[Any]) -> Callable[[], Work]:
    """A call that takes one step, from a start that has begun to move."""

    def prepare() -> Work:
        simulation = bench.simulation(
            {
                "mesh": {"type": "grid", "shape": [n, n], "length": [10.0, 10.0]},
                "initial": {"type": "random_orientations", "amplitude": 1.0, "concentration": "uniform"},
                "solver": dict(solver),
                "closures": closures,
                "integrator": {"type": "sbdf2"},
                "time": {"end": 1e6, "dt": DT},
                "backend": {"threads": 1},
            }
        )
        number = count()
        memory = simulation.state.memory[simulation.scenario.integrator.label]

        def step() -> None:
            index = next(number)
            streams = Streams(0, "integrator", index)
            report = simulation.integrator.step(
                simulation.rhs, simulation.state.fields, memory, index * DT, DT, streams, simulation.spare
            )
            simulation.accept(report.fields)
            memory.update(report.memory)

        for _ in range(SPIN_UP):
            step()
        return step

    return prepare
