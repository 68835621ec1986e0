"""What linear solvers promise."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.component import Component
from subgrid.grid_operator import GridOperator
from subgrid.mesh import Grid
from subgrid.options import Options
from subgrid.protocols import LinearSolver, Setup, Solution
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.state import Fields, State
from subgrid.testing.bits import assert_same_bits
from subgrid.testing.component import ComponentConformance


def _varying(shape: tuple[int, int]) -> GridOperator:
    """Diffusivity between 1 and 3, without flux through the walls, held by a shift."""
    ny, nx = shape
    faces = tuple(
        2.0 + np.sin(np.arange(count)).reshape(column) * np.ones(size)
        for count, column, size in ((ny + 1, (-1, 1), (ny + 1, nx)), (nx + 1, (1, -1), (ny, nx + 1)))
    )
    return GridOperator(shape, (0.5, 0.25), ("neumann", "neumann"), faces, 0.3)


SYSTEMS: dict[str, GridOperator] = {
    "nodes": GridOperator((15, 31), (1.0, 1.0), ("dirichlet_node", "dirichlet_node")),
    "walls": GridOperator((16, 32), (0.1, 0.2), ("dirichlet", "dirichlet"), 0.7, 1.0),
    "mixed": GridOperator((16, 16), (1.0, 0.5), ("neumann", "dirichlet"), 1.0, 0.0),
    "periodic": GridOperator((16, 32), (1.0, 1.0), ("periodic", "periodic"), 2.0, 0.1),
    "varying": _varying((16, 32)),
}
"""Symmetric positive definite systems that every solver is asked for the same answer to."""


class LinsolveConformance(ComponentConformance):
    """Tests of a linear solver on the systems of ``systems``; ``matrices`` says whether it takes sparse matrices."""

    kind = "linsolve"
    systems: ClassVar[Sequence[str]] = tuple(SYSTEMS)
    matrices: ClassVar[bool] = True

    @pytest.fixture(params=list(SYSTEMS))
    def operator(self, request: pytest.FixtureRequest) -> GridOperator:
        if request.param not in self.systems:
            pytest.skip(f"the system {request.param!r} is not claimed")
        return SYSTEMS[request.param]

    def build(
        self, registry: Registry, component: Component, options_class: type[Options], operator: Any
    ) -> tuple[LinearSolver, Fields]:
        """A new solver and its memory as the engine allocates it."""
        solver: LinearSolver = registry.create(component, options_class(**self.options))
        shape = operator.shape if isinstance(operator, GridOperator) else operator.shape[:1]
        mesh = Grid(shape, (1.0,) * len(shape))
        setup = Setup(mesh, Backend(threads=1), "linear_solver", Streams(0, "linear_solver"), 0.0, Path())
        state = State()
        state.allocate("linear_solver", solver.setup(setup, operator), setup.backend)
        return solver, state.memory.get("linear_solver", {})

    @pytest.fixture
    def built(
        self, registry: Registry, component: Component, options_class: type[Options], operator: GridOperator
    ) -> tuple[LinearSolver, Fields]:
        return self.build(registry, component, options_class, operator)

    def test_answer_is_that_of_a_dense_solve(self, built: tuple[LinearSolver, Fields], operator: GridOperator) -> None:
        rhs, matrix = right_hand_side(operator), operator.to_sparse().toarray()
        solution = solve(built, operator, rhs)
        assert solution.converged
        assert solution.x.shape == rhs.shape
        true = float(np.linalg.norm(matrix @ solution.x.ravel() - rhs.ravel()))
        assert true <= solution.tolerance * (1.0 + 1e-6), "the true residual is above the tolerance"
        assert solution.residual == pytest.approx(true, rel=1e-3, abs=1e-12 * float(np.linalg.norm(rhs)))
        exact = np.linalg.solve(matrix, rhs.ravel())
        # |A^-1| bounds what a residual within the tolerance may mean for x
        bound = 10.0 * solution.tolerance * float(np.linalg.norm(np.linalg.inv(matrix), 2))
        assert float(np.linalg.norm(solution.x.ravel() - exact)) <= bound

    def test_sparse_matrices_are_taken(
        self, registry: Registry, component: Component, options_class: type[Options]
    ) -> None:
        if not self.matrices:
            pytest.skip("this solver needs a grid")
        operator = SYSTEMS["nodes"]
        matrix, rhs = operator.to_sparse(), right_hand_side(operator).ravel()
        solution = solve(self.build(registry, component, options_class, matrix), matrix, rhs)
        assert solution.converged
        assert float(np.linalg.norm(matrix @ solution.x - rhs)) <= solution.tolerance * (1.0 + 1e-6)

    def test_a_solved_system_needs_no_iteration(
        self, built: tuple[LinearSolver, Fields], operator: GridOperator
    ) -> None:
        rhs = right_hand_side(operator)
        first = solve(built, operator, rhs)
        again = built[0].solve(operator, rhs, first.x, built[1], Streams(0, "linear_solver"))
        assert again.converged
        assert again.iterations <= 1

    def test_solve_changes_nothing(self, built: tuple[LinearSolver, Fields], operator: GridOperator) -> None:
        solver, memory = built
        rhs, guess = right_hand_side(operator), np.ones(operator.shape)
        given = {"rhs": rhs, "guess": guess, **memory}
        before = {name: np.array(values) for name, values in given.items()}
        solver.solve(operator, rhs, guess, memory, Streams(0, "linear_solver"))
        assert_same_bits(before, given, "solve changed its arguments")

    def test_solution_depends_on_arguments_only(
        self,
        built: tuple[LinearSolver, Fields],
        operator: GridOperator,
        registry: Registry,
        component: Component,
        options_class: type[Options],
    ) -> None:
        rhs = right_hand_side(operator)
        first = bits(solve(built, operator, rhs))
        solve(built, operator, 0.5 * rhs + 1.0)
        assert_same_bits(first, bits(solve(built, operator, rhs)), "a solve in between left traces")
        twin = self.build(registry, component, options_class, operator)
        assert_same_bits(first, bits(solve(twin, operator, rhs)), "another instance answers differently")

    def test_memory_and_parameters_are_the_declared_ones(
        self, built: tuple[LinearSolver, Fields], operator: GridOperator
    ) -> None:
        solution = solve(built, operator, right_hand_side(operator))
        assert set(solution.parameters) == set(built[0].parameters)
        assert set(solution.memory) <= set(built[1])
        for name, values in solution.memory.items():
            assert np.shape(values) == np.shape(built[1][name])

    def test_global_random_numbers_stay_untouched(
        self, built: tuple[LinearSolver, Fields], operator: GridOperator
    ) -> None:
        before = random.getstate(), repr(np.random.get_state())  # noqa: NPY002  it is what must not be used
        solve(built, operator, right_hand_side(operator))
        assert before == (random.getstate(), repr(np.random.get_state()))  # noqa: NPY002


def right_hand_side(operator: GridOperator) -> Any:
    """Random, the same for every solver."""
    return np.random.default_rng(5).standard_normal(operator.shape)


def solve(built: tuple[LinearSolver, Fields], operator: Any, rhs: Any) -> Solution:
    solver, memory = built
    return solver.solve(operator, rhs, np.zeros_like(rhs), memory, Streams(0, "linear_solver"))


def bits(solution: Solution) -> dict[str, Any]:
    """Everything in a solution but the time it took."""
    numbers = {"iterations": solution.iterations, "residual": solution.residual, **solution.parameters}
    return {name: np.array(values) for name, values in {"x": solution.x, **numbers, **solution.memory}.items()}
