"""SOR that learns its omega: the published comparison, and what the tuner itself costs."""

from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import load
from subgrid_linsolve.config import BanditConfig, ContextualBanditConfig, RelaxationConfig
from subgrid_linsolve.learning_to_relax import (
    CONTEXTS,
    SHIFTS,
    iterations,
    main,
    mean_iterations,
    shifted_laplacians,
    table,
)
from subgrid_linsolve.relaxation import Sor
from subgrid_linsolve.sor_bandit import SorBandit, SorBanditContextual
from subgrid_linsolve.tsallis_inf import draw, propose, tsallis_probabilities

SCENARIO = Path(__file__).parents[3] / "scenarios" / "diffusion" / "learning_to_relax.toml"


def test_probabilities_solve_the_regularised_problem() -> None:
    """At the minimum of <k, p> - (4/eta) sum sqrt(p) over the simplex, k_i - 2/(eta sqrt(p_i)) is the same for all."""
    costs = np.random.default_rng(2).uniform(0.0, 30.0, 20)
    p = tsallis_probabilities(costs, 0.3)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    multipliers = costs - 2.0 / (0.3 * np.sqrt(p))
    assert np.ptp(multipliers) < 1e-9 * np.max(np.abs(multipliers))


def test_first_choice_is_uniform() -> None:
    assert propose(np.zeros(4), 0.0, 0) == pytest.approx(np.full(4, 0.25))
    assert [draw(np.full(4, 0.25), u) for u in (0.0, 0.3, 0.6, 0.999)] == [0, 1, 2, 3]


def test_learner_comes_close_to_the_best_fixed_omega() -> None:
    """After 1500 solves; published after 5000: 1.06 times the best fixed omega, and 0.76 with context."""
    systems = list(shifted_laplacians("low", 1500, seed=0))
    best = np.mean(iterations(Sor(RelaxationConfig(omega=1.6)), systems, 0))
    learnt = np.mean(iterations(SorBandit(BanditConfig()), systems, 0)[-500:])
    with_context = np.mean(iterations(SorBanditContextual(ContextualBanditConfig(**CONTEXTS)), systems, 0)[-500:])
    assert learnt <= 1.15 * best
    assert with_context <= 0.85 * best


def test_context_bins_learn_apart() -> None:
    systems = list(shifted_laplacians("high", 1500, seed=0))
    binned = SorBanditContextual(ContextualBanditConfig(policy="bins", pieces=5, **CONTEXTS))
    learnt = np.mean(iterations(binned, systems, 0)[-500:])
    assert learnt <= 1.1 * np.mean(iterations(Sor(RelaxationConfig(omega=1.8)), systems, 0)[-500:])


def test_choosing_costs_little(bench: Any) -> None:
    """50 microseconds for each solve are the aim; the least of many readings, as other processes may run."""
    solver, memory = SorBandit(BanditConfig()), {"cost": np.ones(20), "paid": np.float64(9.0), "rounds": np.int64(9)}

    def once() -> float:
        start = perf_counter()
        solver.learn(None, memory, draw(solver.probabilities(None, memory), 0.3), 8.0, 0.2)
        return perf_counter() - start

    once()
    assert min(once() for _ in range(200)) < 50e-6


@pytest.mark.slow
def test_published_comparison() -> None:
    """Four sequences of 5000 solves; ratios published: 1.06, 0.76 and 1.16 at low variance, 1.18 and 1.00 at high."""
    columns = {variance: mean_iterations(variance, 5000, 4) for variance in SHIFTS}
    print("\n" + table(columns))
    low, high = ({name: mean for name, (mean, _) in columns[variance].items()} for variance in ("low", "high"))
    assert low["omega 1.6"] == pytest.approx(63.7, rel=0.02)
    assert high["omega 1.8"] == pytest.approx(103.0, rel=0.02)
    assert low["Tsallis-INF"] <= 1.10 * low["omega 1.6"]
    assert low["ChebCB"] <= 0.85 * low["omega 1.6"]
    assert low["ChebCB"] <= 1.25 * low["optimal"]
    assert high["Tsallis-INF"] <= 1.25 * high["omega 1.8"]
    assert min(high["Tsallis-INF-CB"], high["ChebCB"]) <= 1.05 * high["omega 1.8"]


def heat_iterations(folder: Path, linear_solver: str, seed: int = 0) -> int:
    """Iterations of the whole heat transient with a linear solver."""
    registry = Registry.load()
    overrides = [f"linear_solver={linear_solver}", f"seed={seed}", "checkpoint.every={steps=1000}"]
    run(load(SCENARIO, registry, overrides), folder, registry)
    return int(RunFolder(folder).series("linear_solver")["total_iterations"][-1])


def test_learner_beats_the_best_fixed_omega_where_the_coefficient_varies(tmp_path: Path) -> None:
    """Half of Gauss-Seidel is the aim for both; at most the best fixed omega, 1.65, in hindsight, with context.

    Without context six choices in 200 steps cost 1.24 times the best: the bound here is what was measured, rounded up.
    """
    arms = "lowest=1.4, highest=1.9, arms=6"
    gauss_seidel = heat_iterations(tmp_path / "gs", "{type='sor'}")
    best = heat_iterations(tmp_path / "best", "{type='sor', omega=1.65}")
    bandit = heat_iterations(tmp_path / "bandit", f"{{type='sor_bandit', {arms}}}")
    context = heat_iterations(
        tmp_path / "context", f"{{type='sor_bandit_contextual', {arms}, pieces=2, highest_context=0.3}}"
    )
    optimal = heat_iterations(tmp_path / "optimal", "{type='sor', omega='optimal'}")
    print(f"\nover best fixed: Gauss-Seidel {gauss_seidel / best:.2f}, Tsallis-INF {bandit / best:.2f}, "
          f"ChebCB {context / best:.2f}, Young's omega {optimal / best:.2f}")  # fmt: skip
    assert max(bandit, context) <= 0.5 * gauss_seidel
    assert context <= best
    assert bandit <= 1.3 * best
    assert optimal < best


def test_figure_of_the_omegas(tmp_path: Path) -> None:
    heat_iterations(tmp_path / "run", "{type='sor_bandit', highest=1.9, arms=3}")
    main(["--run", str(tmp_path / "run"), "--figure", str(tmp_path / "omega.png")])
    assert (tmp_path / "omega.png").stat().st_size > 10_000
