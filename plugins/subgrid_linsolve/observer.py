"""What the linear solver of a run did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_linsolve.config import LinearSolverObserverConfig

PREFIX = "linear_solver_"


class LinearSolverObserver:
    """Iterations, solves and largest residual of the latest step, all iterations so far, and tuned parameters (omega).

    ``setup`` raises ScenarioError in a run without a linear solver.
    """

    needs: tuple[str, ...] = ()

    def __init__(self, config: LinearSolverObserverConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return "LinearSolverObserver()"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        own = {name.removeprefix(PREFIX): quantity for name, quantity in quantities.items() if name.startswith(PREFIX)}
        if not own:
            raise ScenarioError(f"observers ({setup.label}): this run has no linear solver to observe")
        self.names = tuple(own)
        return own

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return ``iterations``, ``total_iterations``, ``solves``, ``residual`` and the solver's parameters."""
        return {name: view[PREFIX + name].copy() for name in self.names}
