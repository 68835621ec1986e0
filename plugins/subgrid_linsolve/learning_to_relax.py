"""The experiments of Learning to Relax: iterations of SOR with a fixed, the best, a learnt and the optimal omega.

``python -m subgrid_linsolve.learning_to_relax`` prints the table for heat transients, with ``--shifted`` that of the
paper's shifted Laplacians, with ``--heat`` that of its heat equation, with ``--conjugate-gradients`` that of
SSOR-preconditioned conjugate gradients, and with ``--run FOLDER ...`` draws the omegas that runs of a scenario chose.

M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to relax: setting solver parameters across a sequence of linear
system instances, ICLR 2024.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.fft import dstn, idstn
from scipy.sparse.linalg import splu

from subgrid.api import Backend, Grid, GridOperator, RunFolder, Setup, Solution, State, Streams
from subgrid_linsolve.config import BanditConfig, ContextualBanditConfig, PcgBanditConfig, PcgConfig, RelaxationConfig
from subgrid_linsolve.krylov import Pcg
from subgrid_linsolve.relaxation import Sor
from subgrid_linsolve.sor_bandit import PcgBandit, SorBandit, SorBanditContextual, diagonal_dominance

POINTS = 10
SHIFTS: Mapping[str, tuple[float, float]] = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
"""Parameters of the Beta distribution of the shift -0.15 + 0.6 Beta(a, b): high and low variance."""
FIXED = (1.0, 1.2, 1.4, 1.6, 1.8)
GRID = tuple(float(omega) for omega in np.linspace(1.0, 1.95, 20))
"""The learners' default choices, and those among which the best fixed omega is found in hindsight."""
CONTEXTS = {"lowest_context": 0.25 / 3.85, "highest_context": 0.85 / 4.45}
"""Diagonal dominance at the least and the largest shift: (c + 0.4)/(c + 4), as the mean row sum is 40 walls in 100."""


@dataclass(frozen=True)
class System:
    """One member of a sequence, with its first guess."""

    matrix: sparse.csr_array
    rhs: Any
    guess: Any


@dataclass(frozen=True)
class HeatTransient:
    """Implicit steps of ``u_t = kappa(t) div(D grad u) + source`` in a unit box, from the present field as first guess.

    kappa = 1 + modulation sin(2 pi (periods t / end + phase)); D is 1, or log-normal of unit variance with a
    correlation length of 0.1; the source circles. Seeds change the phases and the medium.
    """

    shape: tuple[int, ...]
    dt: float
    walls: str = "dirichlet"
    theta: float = 0.5
    modulation: float = 0.9
    periods: float = 2.0
    varying_medium: bool = False


TRANSIENTS: Mapping[str, HeatTransient] = {
    "32 x 32, dt = 0.02": HeatTransient((32, 32), 0.02),
    "24 x 40, dt = 0.002": HeatTransient((24, 40), 0.002),
    "40 x 40, dt = 0.02, constant": HeatTransient((40, 40), 0.02, modulation=0.0),
    "32 x 24, no flux, 6 periods": HeatTransient((32, 24), 0.01, walls="neumann", periods=6.0),
    "28 x 36, medium, backward Euler": HeatTransient((28, 36), 0.01, theta=1.0, varying_medium=True),
    "12 x 14 x 16, dt = 0.02": HeatTransient((12, 14, 16), 0.02, modulation=0.7),
}


def heat_systems(case: HeatTransient, count: int, seed: int) -> Iterator[System]:
    """Systems of the first ``count`` steps, each with the exact solution of the step before as first guess."""
    random = np.random.default_rng(seed)
    spacing = tuple(1.0 / n for n in case.shape)
    places = np.meshgrid(*[(np.arange(n) + 0.5) / n for n in case.shape], indexing="ij")
    phases = random.uniform(size=2)
    medium = _medium(case, random)
    boundaries = (case.walls,) * len(case.shape)

    def operator(factor: float, shift: float) -> GridOperator:
        faces = tuple(factor * values for values in medium) if medium else factor
        return GridOperator(case.shape, spacing, boundaries, faces, shift)

    def kappa(t: float) -> float:
        angle = 2.0 * np.pi * (case.periods * t / (count * case.dt) + phases[0])
        return float(1.0 + case.modulation * np.sin(angle))

    def source(t: float) -> Any:
        angle = 2.0 * np.pi * (8.0 * t + phases[1])
        centre = (0.5 + 0.25 * np.sin(angle), 0.5 + 0.25 * np.cos(angle), 0.5)
        distance = sum((x - at) ** 2 for x, at in zip(places, centre, strict=False))
        return 32.0 * np.exp(-0.5 * distance / 0.05**2)

    u = np.exp(-20.0 * sum((x - 0.5) ** 2 for x in places))
    minus_laplacian = operator(1.0, 0.0)
    for step in range(count):
        t, theta = step * case.dt, case.theta
        rhs = u + theta * case.dt * source(t + case.dt)
        if theta < 1.0:
            rhs += (1.0 - theta) * case.dt * (source(t) - kappa(t) * minus_laplacian.apply(u))
        matrix = operator(theta * case.dt * kappa(t + case.dt), 1.0).to_sparse()
        yield System(matrix, rhs.ravel(), u.ravel())
        u = splu(matrix.tocsc()).solve(rhs.ravel()).reshape(case.shape)


def _medium(case: HeatTransient, random: np.random.Generator) -> tuple[Any, ...]:
    """Log-normal diffusivity on the faces across each axis, or nothing."""
    if not case.varying_medium:
        return ()
    waves = np.meshgrid(*[2.0 * np.pi * np.fft.fftfreq(n, 1.0 / n) for n in case.shape], indexing="ij", sparse=True)
    spectrum = np.exp(-0.25 * 0.1**2 * sum(k**2 for k in waves)) * np.fft.fftn(random.standard_normal(case.shape))
    field_of_logarithms = np.fft.ifftn(spectrum).real
    cells = np.exp(field_of_logarithms / field_of_logarithms.std())
    faces = []
    for axis in range(len(case.shape)):
        along = np.moveaxis(cells, axis, 0)
        inner = 2.0 * along[1:] * along[:-1] / (along[1:] + along[:-1])
        faces.append(np.moveaxis(np.concatenate([along[:1], inner, along[-1:]]), 0, axis))
    return tuple(faces)


def shifted_laplacians(variance: str, count: int, seed: int) -> Iterator[System]:
    """Systems ``(A + c_t I) x = b_t`` with the 5-point Laplacian A on 10 x 10 inner nodes and Gaussian b_t."""
    random = np.random.default_rng(seed)
    laplacian = GridOperator((POINTS, POINTS), (1.0, 1.0), ("dirichlet_node", "dirichlet_node")).to_sparse()
    diagonal = laplacian.indices == np.repeat(np.arange(POINTS**2), np.diff(laplacian.indptr))
    for shift in -0.15 + 0.6 * random.beta(*SHIFTS[variance], size=count):
        matrix = laplacian.copy()
        matrix.data[diagonal] += shift
        yield System(matrix, random.standard_normal(POINTS**2), np.zeros(POINTS**2))


def circling_heat(points: int, count: int) -> Iterator[System]:
    """The paper's heat equation on ``points`` x ``points`` inner nodes of the unit square, cold at its edge.

    Crank-Nicolson steps of 1/1000 of ``u_t = kappa lap u + f``, with kappa(t) = max(0.1 sin 2 pi t, -10 sin 2 pi t) of
    the middle of a step, from the present field; f is a bump of height 32 and radius 1/8 that circles eight times in a
    unit of time at 1/4 from the centre, and u starts as a bump of radius 1/4. The exact solutions come from sine
    transforms.
    """
    dt, inner = 1e-3, np.arange(1, points + 1) / (points + 1)
    y, x = np.meshgrid(inner, inner, indexing="ij")
    spacing, walls = (1.0 / (points + 1),) * 2, ("dirichlet_node",) * 2
    minus_laplacian = GridOperator((points, points), spacing, walls)
    matrix = minus_laplacian.to_sparse()
    on_diagonal = matrix.indices == np.repeat(np.arange(points**2), np.diff(matrix.indptr))
    rates = 4.0 * (points + 1) ** 2 * np.sin(0.5 * np.pi * inner) ** 2

    def bump(x_0: float, y_0: float, radius: float) -> Any:
        inside = 1.0 - ((x - x_0) ** 2 + (y - y_0) ** 2) / radius**2
        return np.where(inside > 0.0, np.exp(1.0 - 1.0 / np.where(inside > 0.0, inside, 1.0)), 0.0)

    def source(t: float) -> Any:
        angle = 16.0 * np.pi * t
        return 32.0 * bump(0.5 + 0.25 * math.cos(angle), 0.5 + 0.25 * math.sin(angle), 0.125)

    u = bump(0.5, 0.5, 0.25)
    for step in range(count):
        wave = math.sin(2.0 * math.pi * (step + 0.5) * dt)
        half = 0.5 * dt * max(0.1 * wave, -10.0 * wave)
        rhs = u - half * minus_laplacian.apply(u) + 0.5 * dt * (source(step * dt) + source((step + 1) * dt))
        implicit = sparse.csr_array(
            (half * matrix.data + on_diagonal, matrix.indices, matrix.indptr), shape=matrix.shape
        )
        yield System(implicit, rhs.ravel(), u.ravel())
        u = dstn(idstn(rhs, 1) / (1.0 + half * (rates[:, None] + rates[None, :])), 1)


def conjugate_gradients_in_heat(points: int, count: int, seed: int = 0) -> dict[str, int]:
    """Total iterations over `circling_heat` of conjugate gradients with SSOR, by fixed omegas and by learners.

    The published learners know the range of the context and have six pieces.
    """
    weights = ("dirichlet_node",) * 2, 0.5e-3 * 10.0 * (points + 1) ** 2
    strongest = GridOperator((points, points), (1.0, 1.0), *weights, 1.0)
    known = {"lowest_context": diagonal_dominance(strongest), "highest_context": 1.0}
    solvers: dict[str, Any] = {
        f"omega {omega:g}": Pcg(PcgConfig(preconditioner="ssor", omega=omega)) for omega in (*FIXED, 1.5, 1.7, 1.9)
    }
    solvers["Tsallis-INF"] = PcgBandit(PcgBanditConfig(policy="bins", pieces=1, **known))
    solvers["Tsallis-INF-CB"] = PcgBandit(PcgBanditConfig(policy="bins", **known))
    solvers["ChebCB"] = PcgBandit(PcgBanditConfig(policy="chebyshev", **known))
    solvers["contextual process"] = PcgBandit(PcgBanditConfig())
    setup = Setup(Grid((points**2,), (1.0,)), Backend(threads=1), "solver", Streams(seed, "solver"), 0.0, Path())
    totals, state = dict.fromkeys(solvers, 0), State()
    for number, system in enumerate(circling_heat(points, count)):
        for name, solver in solvers.items():
            if number == 0:
                state.allocate(name, solver.setup(setup, system.matrix), setup.backend)
            memory = state.memory.get(name, {})
            streams = Streams(seed, "solver", number)
            solution: Solution = solver.solve(system.matrix, system.rhs, system.guess, memory, streams)
            assert solution.converged
            memory.update(solution.memory)
            totals[name] += solution.iterations
    return totals


def learners() -> dict[str, Any]:
    """Relaxation with a learnt omega, all with twenty choices from 1 to 1.95, by what the tables call it."""
    return {
        "Tsallis-INF": SorBandit(BanditConfig(policy="tsallis_inf")),
        "Young's curve": SorBandit(BanditConfig()),
        "Gaussian process": SorBandit(BanditConfig(policy="gaussian_process")),
        "Tsallis-INF-CB": SorBanditContextual(ContextualBanditConfig(policy="bins")),
        "ChebCB": SorBanditContextual(ContextualBanditConfig(policy="chebyshev")),
        "contextual process": SorBanditContextual(ContextualBanditConfig()),
        "Young's omega": Sor(RelaxationConfig(omega="optimal")),
    }


def policies() -> dict[str, Any]:
    """Solvers of the table of shifted Laplacians, where the published ones know the range of the context."""
    return {
        **{f"omega {omega}": Sor(RelaxationConfig(omega=omega)) for omega in FIXED},
        **learners(),
        "Tsallis-INF-CB": SorBanditContextual(ContextualBanditConfig(policy="bins", pieces=5, **CONTEXTS)),
        "ChebCB": SorBanditContextual(ContextualBanditConfig(policy="chebyshev", **CONTEXTS)),
    }


def iterations(solver: Any, systems: Sequence[System], seed: int, most: float = math.inf) -> list[int]:
    """Iterations of each solve of a sequence by a solver that remembers the earlier ones.

    Solving ends early where their sum passes ``most``.
    """
    shape = systems[0].rhs.shape
    setup = Setup(Grid(shape, (1.0,) * len(shape)), Backend(threads=1), "solver", Streams(seed, "solver"), 0.0, Path())
    state = State()
    state.allocate("solver", solver.setup(setup, systems[0].matrix), setup.backend)
    memory, counts, total = state.memory.get("solver", {}), [], 0
    for number, system in enumerate(systems):
        streams = Streams(seed, "solver", number)
        solution: Solution = solver.solve(system.matrix, system.rhs, system.guess, memory, streams)
        assert solution.converged
        memory.update(solution.memory)
        counts.append(solution.iterations)
        total += solution.iterations
        if total > most:
            break
    return counts


@dataclass
class Comparison:
    """Total iterations of a sequence, over those of the best fixed omega: an entry for each trial."""

    best: list[float] = field(default_factory=list)
    ratios: dict[str, list[float]] = field(default_factory=dict)


def compare(case: HeatTransient, count: int, trials: int, conjugate_gradients: bool = False) -> Comparison:
    """The learners and omega = 1 beside the best of twenty fixed omegas, chosen in hindsight for each sequence."""
    comparison = Comparison()
    for trial in range(trials):
        systems = list(heat_systems(case, count, trial))
        if conjugate_gradients:
            fixed = [Pcg(PcgConfig(preconditioner="ssor", omega=omega)) for omega in GRID]
            tried: dict[str, Any] = {
                name: PcgBandit(PcgBanditConfig(policy=policy))
                for name, policy in (("contextual process", "gaussian_process"), ("ChebCB", "chebyshev"))
            }
        else:
            fixed = [Sor(RelaxationConfig(omega=omega, max_iterations=100_000)) for omega in GRID]
            tried = learners()
        gauss_seidel = sum(iterations(fixed[0], systems, trial))
        best, least = 0, gauss_seidel
        # from the middle outwards, so that poor ones are soon left
        for number in sorted(range(1, len(GRID)), key=lambda number: abs(number - len(GRID) // 2)):
            total = sum(iterations(fixed[number], systems, trial, least))
            if total < least:
                best, least = number, total
        comparison.best.append(GRID[best])
        found = {"omega = 1": gauss_seidel}
        found |= {name: sum(iterations(solver, systems, trial)) for name, solver in tried.items()}
        for name, total in found.items():
            comparison.ratios.setdefault(name, []).append(total / least)
    return comparison


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
    lines = [f"{'mean iterations':18s}" + "".join(f"{f'{name} variance':>20s}" for name in columns)]
    for policy in policies():
        cells = (f"{mean:.1f} +- {spread:.1f}" for mean, spread in (column[policy] for column in columns.values()))
        lines.append(f"{policy:18s}" + "".join(f"{cell:>20s}" for cell in cells))
    return "\n".join(lines)


def print_comparisons(count: int, trials: int, conjugate_gradients: bool) -> None:
    """A block for each transient: mean, spread and the largest of the trials' ratios."""
    for name, case in TRANSIENTS.items():
        comparison = compare(case, count, trials, conjugate_gradients)
        best = ", ".join(f"{omega:.2f}" for omega in comparison.best)
        print(f"{name}: best fixed omega {best}; iterations over its own")
        for policy, ratios in comparison.ratios.items():
            print(
                f"    {policy:18s} {np.mean(ratios):.3f} +- {np.std(ratios):.3f}, at most {max(ratios):.3f}", flush=True
            )


def draw_runs(folders: Sequence[Path], label: str, target: Path) -> None:
    """Figure of omega and iterations over runs that were watched by an observer `linear_solver`. Needs extra viz."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for folder in folders:
        series = RunFolder(folder).series(label)
        solved = series["solves"] > 0
        time, total = series["time"][solved], int(series["total_iterations"][-1])
        above.plot(time, series["omega"][solved], ".-", markersize=4, linewidth=0.5)
        below.plot(time, series["iterations"][solved], ".-", markersize=4, linewidth=0.5,
                   label=f"{folder.name}: {total}")  # fmt: skip
    above.set_ylabel("omega")
    below.set_ylabel("iterations of the step")
    below.set_yscale("log")
    below.set_xlabel("time")
    below.legend(title="iterations of the run", fontsize="small")
    figure.savefig(target, dpi=120)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line of the experiments."""
    parser = argparse.ArgumentParser(prog="python -m subgrid_linsolve.learning_to_relax", description=main.__doc__)
    parser.add_argument("--solves", type=int, default=200, help="length of a sequence (published: 5000)")
    parser.add_argument("--trials", type=int, default=3, help="number of sequences of each kind")
    parser.add_argument("--shifted", action="store_true", help="the paper's shifted Laplacians")
    parser.add_argument("--conjugate-gradients", action="store_true", help="SSOR as preconditioner")
    parser.add_argument("--heat", type=int, metavar="POINTS", help="the paper's heat equation on POINTS x POINTS nodes")
    parser.add_argument("--run", type=Path, nargs="+", help="run folders to draw instead")
    parser.add_argument("--label", default="linear_solver", help="label of their observer")
    parser.add_argument("--figure", type=Path, default=Path("omega.png"), help="file for the figure")
    given = parser.parse_args(arguments)
    if given.run is not None:
        draw_runs(given.run, given.label, given.figure)
    elif given.heat is not None:
        totals = conjugate_gradients_in_heat(given.heat, given.solves)
        for name, total in totals.items():
            print(f"{name:18s} {total:9d} iterations, {total / totals['omega 1']:.3f} of omega = 1")
    elif given.shifted:
        print(table({variance: mean_iterations(variance, given.solves, given.trials) for variance in SHIFTS}))
    else:
        print_comparisons(given.solves, given.trials, given.conjugate_gradients)


if __name__ == "__main__":
    main()
