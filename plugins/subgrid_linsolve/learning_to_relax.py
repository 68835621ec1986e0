"""The experiments of Learning to Relax: iterations of SOR with a fixed, the best, a learnt and the optimal omega.

``python -m subgrid_linsolve.learning_to_relax`` prints the table for shifted Laplacians, and with ``--run FOLDER``
draws the omegas that a run of a scenario chose.

M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to relax: setting solver parameters across a sequence of linear
system instances, ICLR 2024.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from subgrid.api import Backend, Grid, GridOperator, RunFolder, Setup, Solution, State, Streams
from subgrid_linsolve.config import BanditConfig, ContextualBanditConfig, RelaxationConfig
from subgrid_linsolve.relaxation import Sor
from subgrid_linsolve.sor_bandit import SorBandit, SorBanditContextual

POINTS = 10
SHIFTS: Mapping[str, tuple[float, float]] = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
"""Parameters of the Beta distribution of the shift -0.15 + 0.6 Beta(a, b): high and low variance."""
FIXED = (1.0, 1.2, 1.4, 1.6, 1.8)
CONTEXTS = {"lowest_context": 0.25 / 3.85, "highest_context": 0.85 / 4.45}
"""Diagonal dominance at the least and the largest shift: (c + 0.4)/(c + 4), as the mean row sum is 40 walls in 100."""


@dataclass(frozen=True)
class System:
    """One member of a sequence."""

    matrix: sparse.csr_array
    rhs: Any


def shifted_laplacians(variance: str, count: int, seed: int) -> Iterator[System]:
    """Systems ``(A + c_t I) x = b_t`` with the 5-point Laplacian A on 10 x 10 inner nodes and Gaussian b_t."""
    random = np.random.default_rng(seed)
    laplacian = GridOperator((POINTS, POINTS), (1.0, 1.0), ("dirichlet_node", "dirichlet_node")).to_sparse()
    diagonal = laplacian.indices == np.repeat(np.arange(POINTS**2), np.diff(laplacian.indptr))
    for shift in -0.15 + 0.6 * random.beta(*SHIFTS[variance], size=count):
        matrix = laplacian.copy()
        matrix.data[diagonal] += shift
        yield System(matrix, random.standard_normal(POINTS**2))


def policies() -> dict[str, Any]:
    """Solvers by what the table calls them."""
    fixed = {f"omega {omega}": Sor(RelaxationConfig(omega=omega)) for omega in FIXED}
    return {
        **fixed,
        "Tsallis-INF": SorBandit(BanditConfig()),
        "Tsallis-INF-CB": SorBanditContextual(ContextualBanditConfig(policy="bins", pieces=5, **CONTEXTS)),
        "ChebCB": SorBanditContextual(ContextualBanditConfig(**CONTEXTS)),
        "optimal": Sor(RelaxationConfig(omega="optimal")),
    }


def iterations(solver: Any, systems: Sequence[System], seed: int) -> list[int]:
    """Iterations of each solve of a sequence, from zero, by a solver that remembers the earlier ones."""
    shape = systems[0].rhs.shape
    setup = Setup(Grid(shape, (1.0,) * len(shape)), Backend(threads=1), "solver", Streams(seed, "solver"), 0.0, Path())
    state = State()
    state.allocate("solver", solver.setup(setup, systems[0].matrix), setup.backend)
    memory, counts = state.memory.get("solver", {}), []
    for number, system in enumerate(systems):
        streams = Streams(seed, "solver", number)
        solution: Solution = solver.solve(system.matrix, system.rhs, np.zeros(shape), memory, streams)
        assert solution.converged
        memory.update(solution.memory)
        counts.append(solution.iterations)
    return counts


def mean_iterations(variance: str, count: int, trials: int) -> dict[str, tuple[float, float]]:
    """Mean iterations per solve by policy, and their standard deviation between trials."""
    means: dict[str, list[float]] = {name: [] for name in policies()}
    for trial in range(trials):
        systems = list(shifted_laplacians(variance, count, trial))
        for name, solver in policies().items():
            means[name].append(float(np.mean(iterations(solver, systems, trial))))
    return {name: (float(np.mean(values)), float(np.std(values))) for name, values in means.items()}


def table(columns: Mapping[str, Mapping[str, tuple[float, float]]]) -> str:
    """Mean iterations of all policies, with a column for each distribution of the shift."""
    lines = [f"{'mean iterations':16s}" + "".join(f"{f'{name} variance':>20s}" for name in columns)]
    for policy in policies():
        cells = (f"{mean:.1f} +- {spread:.1f}" for mean, spread in (column[policy] for column in columns.values()))
        lines.append(f"{policy:16s}" + "".join(f"{cell:>20s}" for cell in cells))
    return "\n".join(lines)


def draw_run(folder: Path, label: str, target: Path) -> None:
    """Figure of omega and iterations over a run that was watched by an observer `linear_solver`. Needs extra viz."""
    from matplotlib.figure import Figure

    series = RunFolder(folder).series(label)
    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(series["time"], series["omega"], ".", markersize=3)
    above.set_ylabel("omega")
    below.plot(series["time"], series["iterations"], ".", markersize=3)
    below.set_ylabel("iterations of the step")
    below.set_xlabel("time")
    figure.savefig(target, dpi=150)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the experiments."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_linsolve.learning_to_relax", description=main.__doc__)
    parser.add_argument("--solves", type=int, default=5000, help="length of a sequence")
    parser.add_argument("--trials", type=int, default=4, help="number of sequences")
    parser.add_argument("--run", type=Path, help="run folder to draw instead")
    parser.add_argument("--label", default="linear_solver", help="label of its observer")
    parser.add_argument("--figure", type=Path, default=Path("omega.png"), help="file for the figure")
    given = parser.parse_args(arguments)
    if given.run is None:
        print(table({variance: mean_iterations(variance, given.solves, given.trials) for variance in SHIFTS}))
    else:
        draw_run(given.run, given.label, given.figure)


if __name__ == "__main__":
    main()
