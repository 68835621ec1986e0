"""A run of rods without files: solver, closures and integrator driven the way the loop does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, Clock, Fields, Grid, Setup, State, Streams
from subgrid.closures import Plugged, SlotTable
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.imex import SBDF2
from subgrid_active.bingham import Bingham
from subgrid_active.config import ActiveKineticConfig, ActiveMomentsConfig, ChebyshevConfig
from subgrid_active.kinetic import ActiveKinetic
from subgrid_active.moments import FOURTH_MOMENT_SLOT, ActiveMoments


class RightHandSide:
    """The least that an integrator asks for."""

    def __init__(self, solver: Any, closures: Any) -> None:
        self.solver, self.closures = solver, closures
        self.linear, self.fused = solver.linear, {}

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        return self.solver.tendency(fields, t, self.closures, out)


class RodRun:
    """A solver of the family on a periodic plane, with at most one closure, and its state."""

    def __init__(
        self,
        solver: Any,
        closure: Any = None,
        shape: tuple[int, int] = (12, 16),
        length: tuple[float, float] = (7.5, 10.0),
        backend: Backend | None = None,
        seed: int = 1,
    ) -> None:
        self.solver, self.backend = solver, backend or Backend(threads=1)
        self.mesh = Grid(shape, length)
        self.setup = Setup(self.mesh, self.backend, "solver", Streams(seed, "solver"), 0.01, Path())
        self.spec = solver.setup(self.setup)
        plugged = []
        if closure is not None:
            closure.setup(self.setup, FOURTH_MOMENT_SLOT)
            plugged = [Plugged("closure", "fourth_moment", closure)]
        self.closures = SlotTable(solver.slots, plugged, State())
        self.t = 0.0

    def start(self, initial: Any) -> RodRun:
        """Begin from an initial component, or from physical fields by name."""
        values = initial.fill(self.setup) if hasattr(initial, "fill") else initial
        self.fields = self.solver.encode(values, self.backend)
        self.t = 0.0
        return self

    def advance(
        self, dt: float | Sequence[float], steps: int = 1, scheme: Any = SBDF2, each: Callable[[], None] | None = None
    ) -> RodRun:
        """Take steps from where the run stands, calling ``each`` after every one; a multistep scheme starts afresh."""
        sizes = [dt] * steps if isinstance(dt, float) else list(dt)
        rhs = RightHandSide(self.solver, self.closures)
        integrator = scheme(FixedStepConfig())
        state = State()
        spec = integrator.setup(self.setup, self.spec, rhs)
        state.allocate("integrator", spec, self.backend)
        memory = state.memory.get("integrator", {})
        for size in sizes:
            report = integrator.step(rhs, self.fields, memory, self.t, size, self.setup.rng, None)
            memory.update(report.memory)
            self.fields, self.t = dict(report.fields), self.t + size
            if each is not None:
                each()
        return self

    def basis_forward(self, values: Any) -> Any:
        """Kept modes of values over the mesh."""
        return self.solver.basis.forward(values) * self.solver.basis.mask

    def quantity(self, name: str) -> Any:
        """A quantity as NumPy values."""
        return self.backend.to_numpy(self.solver.derive(name, self.fields, self.t, self.closures))

    def observed(self, observer: Any) -> Any:
        observer.setup(self.setup, self.solver.quantities)
        view = {name: self.solver.derive(name, self.fields, self.t, self.closures) for name in observer.needs}
        return observer.observe(view, Clock(time=self.t))

    def growth_rate(self, dt: float, settle: int, steps: int, scheme: Any = SBDF2) -> float:
        """Exponential rate of the part of a_2 that varies, over ``steps`` after ``settle``."""
        sizes: list[float] = []

        def note() -> None:
            a2 = self.backend.to_numpy(self.fields["moments"][1:3]).copy()
            a2[:, 0, 0] = 0.0
            sizes.append(float(np.linalg.norm(a2)))

        self.advance(dt, settle + steps, scheme, note)
        return float(np.log(sizes[-1] / sizes[settle - 1]) / (steps * dt))


def kinetic(**options: Any) -> ActiveKinetic:
    return ActiveKinetic(ActiveKineticConfig(**options))


def moments(**options: Any) -> ActiveMoments:
    return ActiveMoments(ActiveMomentsConfig(**options))


def bingham() -> Bingham:
    return Bingham(ChebyshevConfig())


@pytest.fixture
def rod_run() -> Callable[..., RodRun]:
    return RodRun


@pytest.fixture
def moment_solver() -> ActiveMoments:
    return moments()


@pytest.fixture(params=["kinetic", "bingham"])
def theory(request: Any) -> Callable[..., RodRun]:
    """A run of the kinetic theory or of the Bingham closure: solver options first, those of the run after."""

    def build(options: Any, **run: Any) -> RodRun:
        if request.param == "kinetic":
            return RodRun(kinetic(**options), **run)
        return RodRun(moments(**options), bingham(), **run)

    build.name = request.param  # type: ignore[attr-defined]
    return build
