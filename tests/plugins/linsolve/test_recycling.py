"""First guesses from earlier solutions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import GridOperator, Streams
from subgrid_linsolve.systems import _best_of_span


def sequence(count: int) -> list[tuple[GridOperator, Any]]:
    """A field that is heated by a source that moves slowly: smooth in time, as implicit steps make it."""
    y, x = np.meshgrid(*[(np.arange(24) + 0.5) / 24] * 2, indexing="ij")
    operator = GridOperator((24, 24), (1 / 24, 1 / 24), ("dirichlet", "dirichlet"), 0.01, 1.0)
    times = 0.05 * np.arange(count)
    return [(operator, np.exp(-20 * ((x - 0.3 - 0.3 * t) ** 2 + (y - 0.5) ** 2)) * (1 + t)) for t in times]


def total(bench: Any, name: str, **options: Any) -> int:
    """Iterations from the latest solution on as first guess."""
    systems = sequence(20)
    solver, memory = bench.build(name, systems[0][0], **options)
    x, iterations = np.zeros((24, 24)), 0
    for number, (operator, rhs) in enumerate(systems):
        solution = solver.solve(operator, rhs, x, memory, Streams(0, "linear_solver", number))
        assert solution.converged
        memory.update(solution.memory)
        x, iterations = solution.x, iterations + solution.iterations
    return iterations


@pytest.mark.parametrize("name", ["cg", "pcg", "sor", "gmres", "multigrid"])
def test_eight_solutions_save_a_third_of_the_iterations(bench: Any, name: str) -> None:
    plain, recycled = total(bench, name), total(bench, name, recycle=8)
    print(f"{name}: {plain} from the latest solution, {recycled} from the span of eight")
    assert recycled <= 0.67 * plain


def test_two_solutions_are_as_good_as_extrapolation(bench: Any) -> None:
    systems = sequence(3)
    first, second = (bench.solve("sparse_lu", *system).x for system in systems[:2])
    operator, rhs = systems[2]
    better = _best_of_span(operator, rhs, second, np.stack([first.ravel(), second.ravel()]))
    extrapolated = 2.0 * second - first

    def residual(x: Any) -> float:
        return float(np.linalg.norm(rhs - operator.apply(x)))

    assert residual(better) <= residual(extrapolated) <= residual(second)


def test_a_better_guess_is_not_made_worse() -> None:
    operator, rhs = sequence(1)[0]
    exact = np.linalg.solve(operator.to_sparse().toarray(), rhs.ravel()).reshape(rhs.shape)
    kept = _best_of_span(operator, rhs, exact, np.ones((2, rhs.size)))
    assert np.linalg.norm(rhs - operator.apply(kept)) <= np.linalg.norm(rhs - operator.apply(exact))
