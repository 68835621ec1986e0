"""A linear solver bound to its memory, random numbers and records, as the assembly hands it to a solver."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from time import perf_counter

import numpy as np

from subgrid.backend import Array, Backend
from subgrid.blame import Blame
from subgrid.errors import ConvergenceError
from subgrid.guard import Untouched
from subgrid.protocols import LinearSolver, Quantity
from subgrid.rng import Streams
from subgrid.state import ArraySpec, State, StateSpec

COUNTS = ("iterations", "total_iterations", "solves")


class BoundLinearSolve:
    """Calls a linear solver, takes over what it learnt, and keeps a record of the step in the state.

    The record has the iterations, solves and largest residual of the latest step, all iterations of the run, and the
    latest value of each of the solver's parameters; observers find them as quantities called ``linear_solver_...``.
    """

    def __init__(self, solver: LinearSolver, label: str, streams: Streams, state: State, owner: str) -> None:
        self.solver = solver
        self.label = label
        self._streams = streams
        self._state = state
        self._record = f"{label}.record"
        self._owner = owner
        self._blame = Blame(owner, state)
        self._step = -1
        self._seconds = 0.0
        self._iterations = self._solves = 0
        self.quantities: Mapping[str, Quantity] = {
            f"linear_solver_{name}": Quantity((), "", "none", description=f"{name} of the linear solver")
            for name in (*COUNTS, "residual", *solver.parameters)
        }

    def allocate(self, spec: StateSpec, backend: Backend) -> None:
        """Storage for what the solver asks for, and for the record."""
        counts = {name: ArraySpec((), "int") for name in COUNTS}
        numbers = {name: ArraySpec(()) for name in ("residual", *self.solver.parameters)}
        self._state.allocate(self.label, spec, backend)
        self._state.allocate(self._record, StateSpec(memory={**counts, **numbers}), backend)

    def _watched(self, rhs: Array, guess: Array) -> AbstractContextManager[None]:
        """At the first call, look whether the linear solver writes into what it is handed."""
        if self._solves:
            return nullcontext()
        return Untouched(self._owner, "its argument", {"rhs": rhs, "guess": guess}, self._state)

    def derive(self, name: str) -> Array:
        """One of ``quantities``."""
        return self._state.memory[self._record][name.removeprefix("linear_solver_")]

    def costs(self) -> dict[str, float]:
        """Solves, iterations and wall seconds since the start of the process."""
        return {"solves": self._solves, "iterations": self._iterations, "seconds": self._seconds}

    def __call__(self, operator: object, rhs: Array, guess: Array) -> Array:
        """Return x. Raises ConvergenceError, naming residual, tolerance and what to try."""
        start = perf_counter()
        record, clock = self._state.memory[self._record], self._state.clock
        if clock.step != self._step:
            self._step = clock.step
            record.update(iterations=np.zeros((), np.int64), solves=np.zeros((), np.int64), residual=np.zeros(()))
        memory = self._state.memory.get(self.label, {})
        # several solves of one step must not draw the same numbers
        streams = replace(self._streams, label=f"{self.label}/{int(record['solves'])}", step=clock.step)
        with self._watched(rhs, guess), self._blame:
            solution = self.solver.solve(operator, rhs, guess, memory, streams)
        memory.update({name: np.asarray(values, memory[name].dtype) for name, values in solution.memory.items()})
        numbers = {"residual": max(float(record["residual"]), solution.residual), **solution.parameters}
        record.update({name: np.asarray(value, np.float64) for name, value in numbers.items()})
        for name, value in zip(COUNTS, (solution.iterations, solution.iterations, 1), strict=True):
            record[name] = record[name] + value
        self._iterations += solution.iterations
        self._solves += 1
        self._seconds += perf_counter() - start
        if not solution.converged:
            first = f"{solution.advice}, " if solution.advice else ""
            raise ConvergenceError(
                f"step {clock.step}, t = {clock.time:.9g}: {self.label!r} stopped after {solution.iterations} "
                f"iterations with residual {solution.residual:.3g}, above the tolerance {solution.tolerance:.3g}; "
                f"try {first}more max_iterations, a looser rtol, a shorter time step, or another [linear_solver] type"
            )
        return solution.x
