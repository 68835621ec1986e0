"""Systems that several tests solve."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import Grid, GridOperator, Setup, Streams
from subgrid.backend import Backend
from subgrid.registry import Registry
from subgrid.state import State


def setup_of(operator: Any) -> Setup:
    shape = operator.shape if isinstance(operator, GridOperator) else (operator.shape[0],)
    return Setup(Grid(shape, (1.0,) * len(shape)), Backend(threads=1), "linear_solver", Streams(0, "x"), 0.0, Path())


class Bench:
    """Builds a linear solver by name and solves with it."""

    def __init__(self) -> None:
        self.registry = Registry.load()

    def build(self, name: str, operator: Any, **options: Any) -> tuple[Any, dict[str, Any]]:
        """A solver and its fresh memory."""
        component = self.registry.find("linsolve", name)
        solver = self.registry.create(component, self.registry.options_class(component)(**options))
        setup, state = setup_of(operator), State()
        state.allocate("linear_solver", solver.setup(setup, operator), setup.backend)
        return solver, state.memory.get("linear_solver", {})

    def solve(self, name: str, operator: Any, rhs: Any, **options: Any) -> Any:
        """Solve once from zero."""
        solver, memory = self.build(name, operator, **options)
        return solver.solve(operator, rhs, np.zeros_like(rhs), memory, Streams(0, "linear_solver"))


@pytest.fixture(scope="session")
def bench() -> Bench:
    return Bench()
