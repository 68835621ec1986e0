"""What each kind of component promises: `setup` once, then one verb.

Components do not change after `setup`. What changes lives in the `State` that the engine allocates from the returned
`StateSpec`; scratch arrays are fine when their content never outlives one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from subgrid.backend import Array, Backend
from subgrid.mesh import Grid
from subgrid.rng import Streams
from subgrid.state import Clock, Fields, State, StateSpec


@dataclass(frozen=True)
class Setup:
    """What the engine hands to each component once.

    ``label`` is the component's own name within the run, ``rng`` its random streams, ``dt`` the fixed step (0 when the
    step size is found while running), ``folder`` the place that relative paths in options start from.
    """

    mesh: Grid
    backend: Backend
    label: str
    rng: Streams
    dt: float
    folder: Path


@dataclass(frozen=True)
class Quantity:
    """A named array that a solver can derive, or that an observer returns: dims such as ("y", "x"), and units.

    ``coordinates`` gives the values along dims that are no mesh axes, for example wavenumbers. ``location`` is "mesh"
    where the mesh keeps its values, else cell, node, face, mode, particle or none.
    """

    dims: tuple[str, ...]
    units: str = ""
    location: str = "mesh"
    coordinates: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""

    def on(self, mesh: Grid) -> Quantity:
        """The same with "mesh" spelled out as files need it: node, cell, or none for what has no axes of the mesh."""
        if self.location != "mesh":
            return self
        if not self.dims or self.dims[-mesh.ndim :] != mesh.axes:
            return replace(self, location="none")
        return replace(self, location="node" if mesh.offset == 0.0 else "cell")


@dataclass(frozen=True)
class Slot:
    """A question that a solver asks: what it offers to closures, and what an answer must look like.

    ``inputs`` maps names to their meaning; the solver computes only those that are read. The answer has the shape of
    ``output`` over the mesh, or broadcasts to it with length one along mesh axes (a domain-mean value).
    Answers of an additive slot are summed with weights, and an empty additive slot answers zero.

    A slot over particles names the set in ``particles``, and its inputs and answers have one row for each of them. A
    solver asks the same question of several sets in slots called ``question/set``. Closures there may keep memory for
    each particle (``StateSpec.columns``) and are advanced by the solver (`Closures.update`), not by the loop;
    ``returns`` names inputs that they may replace, such as a deformation gradient that plastic flow relaxes.

    ``admissible(inputs, answer)`` tells which answers of a closure are possible at all, as a truth value or an array of
    them; it is pure, and the first line of its docstring names the condition. An answer that is not finite or not
    admissible goes to the closure's fall-back; without one the run ends.
    """

    name: str
    inputs: Mapping[str, Quantity]
    output: Quantity
    additive: bool = True
    required: bool = False
    particles: str = ""
    returns: Sequence[str] = ()
    admissible: Callable[[Mapping[str, Array], Array], Array] | None = None


class LazyFields(Mapping[str, Array]):
    """Named arrays computed when first read and kept until the object is dropped."""

    def __init__(self, derive: Callable[[str], Array], names: Sequence[str]) -> None:
        self._derive = derive
        self._names = names
        self._values: Fields = {}

    def __getitem__(self, name: str) -> Array:
        if name not in self._values:
            if name not in self._names:
                raise KeyError(f"{name!r} is not offered here; choose from {', '.join(self._names)}")
            self._values[name] = self._derive(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


Spread = Callable[[Callable[[int, int], None]], None]
"""Calls ``work(first, last)`` for bands of rows that cover a particle set, on the threads of a solver."""


@runtime_checkable
class Closures(Protocol):
    """The slot table as a solver sees it.

    ``if "eddy_viscosity" in closures: nu = closures("eddy_viscosity", inputs)``
    """

    def __contains__(self, slot: object) -> bool: ...

    def __call__(self, slot: str, inputs: Mapping[str, Array]) -> Array: ...

    def reads(self, slot: str) -> set[str]:
        """Inputs that the closures of a slot read."""

    def update(
        self, slot: str, inputs: Mapping[str, Array], t: float, dt: float, rng: Streams, out: Array, spread: Spread
    ) -> None:
        """Over a step that ends with these inputs (n, ...), advance what the closure of a slot over particles
        remembers, and write its answer into ``out`` (n, ...). Inputs named in the slot's ``returns`` are written into
        as well. Raises PluginError for answers of another shape."""

    def compiled(self, slot: str, inputs: Mapping[str, Array], out: Array) -> tuple[int, Array] | None:
        """`update` for compiled callers, where the slot's closure offers it (`CompiledClosure`)."""

    def charge(self, slot: str, seconds: float) -> None:
        """Add a compiled update that the solver called itself to the accounts of the slot's closure."""

    def energy(self, slot: str, inputs: Mapping[str, Array]) -> Array:
        """Energy that the closures of a slot over particles store at these inputs, (n,), zero where they store none."""


class Initial(Protocol):
    """A starting state, given as quantities in physical space (what the solver's `encode` understands)."""

    def fill(self, setup: Setup) -> Fields:
        """Return arrays over the mesh by quantity name, e.g. ``{"vorticity": (ny, nx)}``, as NumPy arrays.

        Particles come as a table of columns under the name of their set: ``{"sand": {"position": (n, 2), ...}}``.
        """


class Solver(Protocol):
    """An equation on a mesh: ``y' = linear * y + tendency(y, t)`` for the fields it declares.

    ``slots`` and ``quantities`` are set by `setup`. ``linear`` holds a diagonal symbol for each field that has a stiff
    linear part (it broadcasts to the field, real or complex); fields without one are missing from it.

    Where methods are handed ``fields``, the particle sets that the solver declared stand among them by name, as
    `Particles`. `encode` gives a set as a table of columns.
    """

    slots: Mapping[str, Slot]
    quantities: Mapping[str, Quantity]
    linear: Fields

    def setup(self, setup: Setup) -> StateSpec: ...

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Prognostic fields, in the shapes that `setup` declared, from the quantities of an `Initial`.

        Raises ScenarioError for quantities that the solver does not know and for values that cannot be.
        """

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """What the slot offers at these fields, in the dims and units of its declaration: lazy, so that unread inputs
        cost nothing."""

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Everything but the ``linear`` part. NumPy solvers write into ``out`` when it is given and return it."""

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of ``quantities`` at these fields, in the dims and units that it declares."""

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Largest stable step [time] for the explicit part (CFL number 1), ``inf`` when nothing limits it."""


@dataclass(frozen=True)
class Solution:
    """What a linear solver found: ``x`` shaped like the right-hand side, and how it went.

    ``residual`` is the true ``|b - A x|_2`` and ``tolerance`` what it had to come below, ``max(rtol |b|_2, atol)``.
    ``memory`` are the new values of the memory arrays that change, ``parameters`` what a tuned solver chose, and
    ``advice`` what to try first where it did not converge, such as "a larger omega".
    """

    x: Any
    iterations: int
    residual: float
    tolerance: float
    seconds: float = 0.0
    memory: Fields = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    advice: str = ""

    @property
    def converged(self) -> bool:
        return self.residual <= self.tolerance


class LinearSolver(Protocol):
    """Solves ``A x = b`` for a sequence of operators, each a SciPy sparse matrix or a `GridOperator`.

    ``parameters`` names what its solutions report under that heading. What it learns from one solve for the next lives
    in memory.
    """

    @property
    def parameters(self) -> Sequence[str]: ...

    def setup(self, setup: Setup, operator: Any) -> StateSpec:
        """Check an operator like those to come. Raises ScenarioError when it does not fit."""

    def solve(self, operator: Any, rhs: Array, guess: Array, memory: Fields, rng: Streams) -> Solution:
        """Solve from a first guess. ``rhs`` and ``guess`` are NumPy arrays in double precision, shaped like the field;
        none of the arguments is written into. A solution that has not converged says so."""


class LinearSolve(Protocol):
    """A linear solver bound to its memory and random numbers, as solvers that own their step are handed it."""

    def __call__(self, operator: Any, rhs: Array, guess: Array) -> Array:
        """Return x. Raises ConvergenceError."""


@runtime_checkable
class OwnStep(Protocol):
    """A solver that takes its own steps, chosen with ``[integrator] type = "own"``.

    ``linear_operator`` is set by `setup`: one like those that it will ask ``solve`` about, or ``None`` when it needs no
    linear solver (``solve`` is then ``None`` too).
    """

    linear_operator: Any

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Return the fields at ``t + dt``. Never writes into ``fields``; particle sets are changed in place."""


@runtime_checkable
class Obstructed(Protocol):
    """A solver whose medium does not fill the mesh: bodies stand in it, or parts of it have fallen dry."""

    def obstacles(self, fields: Fields, t: float) -> Mapping[str, Array]:
        """Share of each cell that is taken, 0 to 1, shaped like the mesh, by what pictures call it ("obstacle").

        Nothing where nothing can stand in the way, and the same names at all times otherwise. The engine asks with
        every frame, and stores what has changed.
        """


@dataclass(frozen=True)
class SeveralSteps:
    """A compiled call that takes several steps in one sweep through memory, at most ``most``.

    ``take(fields, out, times, sizes)`` writes into ``out`` what as many single steps from these times and of these
    sizes would give, to the last bit, and leaves ``fields`` as they are.
    """

    most: int
    take: Callable[[Fields, Fields, Sequence[float], Sequence[float]], None]


class Rhs(Protocol):
    """The right-hand side as an integrator sees it; it knows no equation.

    ``linear`` is the solver's; ``explicit`` evaluates the rest and ``total`` all of it. ``fused`` maps a scheme's name
    to a compiled whole step, for small problems bound by dispatch; it is empty unless the backend is NumPy and no
    closure is plugged in, and "etdrk4" needs a single field. ``fused["etdrk4"](v, out, E, E2, Q, f1, f2, f3, t, dt)``
    writes the field at ``t + dt`` into ``out`` and leaves ``v`` as it is: both are complex, and the coefficients have
    the shape and kind of the field's ``linear`` symbol L. With z = dt L: E = exp(z), E2 = exp(z/2), Q = dt (exp(z/2) -
    1)/z and f1, f2, f3 = dt (-4 - z + e^z (4 - 3z + z^2), 2 + z + e^z (z - 2), -4 - 3z - z^2 + e^z (4 - z))/z^3; the
    middle stages enter as 2 f2 (N_a + N_b). ``fused["euler"](fields, out, t, dt)`` writes the fields of a forward Euler
    step into ``out``, of any number of fields. ``fused["euler_steps"]`` is a `SeveralSteps` of the same scheme, and
    ``fused["own"](fields, out, t, dt)`` the step of a solver that owns it, to the same bits as its ``advance``.
    """

    linear: Fields
    fused: Mapping[str, Any]

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields: ...

    def total(self, fields: Fields, t: float, out: Fields | None = None) -> Fields: ...


@dataclass(frozen=True)
class StepReport:
    """A proposed step. The loop takes it over (fields and memory updates) when the error permits.

    ``error`` is the scaled error norm (accept when <= 1), ``None`` without an estimate. ``dense(theta)`` gives the
    fields inside the step, theta in [0, 1], where the scheme has a continuous extension.
    """

    fields: Fields
    memory: Fields = field(default_factory=dict)
    error: float | None = None
    evaluations: int = 1
    dense: Callable[[float], Fields] | None = None


class Integrator(Protocol):
    """A time-stepping scheme.

    ``order`` is the order of the propagated solution. ``adaptive`` schemes estimate their error. ``variable_step``
    tells whether a step may be shortened (multistep schemes and schemes with tabulated coefficients say no).
    ``real_extent`` and ``imaginary_extent`` bound |z| of the stability region on the negative real and the imaginary
    axis for the part treated explicitly, which leaves out ``linear`` where ``splits_linear`` says that the scheme
    treats it implicitly or exactly.
    """

    order: int
    adaptive: bool
    splits_linear: bool
    variable_step: bool
    real_extent: float
    imaginary_extent: float

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec: ...

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        """Propose the fields at ``t + dt``. Never writes into ``fields`` or ``memory``; may write into ``out``."""


@runtime_checkable
class SeveralStepIntegrator(Integrator, Protocol):
    """An integrator that can take several steps at once, between which nobody looks at the fields."""

    def at_once(self, rhs: Rhs) -> int:
        """Most steps that pay in one call, 1 when this right-hand side has no such call."""

    def steps(
        self, rhs: Rhs, fields: Fields, times: Sequence[float], sizes: Sequence[float], out: Fields
    ) -> StepReport:
        """What single steps from these times and of these sizes would give, to the last bit; ``evaluations`` of all.

        Never writes into ``fields``; the result stands in ``out``.
        """


class StepController(Protocol):
    """Decides from an error norm whether a step stands and how long the next one is; its numbers live in memory."""

    def propose(self, dt: float, error: float, memory: Fields) -> tuple[bool, float, Fields]:
        """Accepted or not, the size of the next step or trial, and the memory updates."""


@runtime_checkable
class AdaptiveIntegrator(Integrator, Protocol):
    """An integrator with an error estimate: it brings its controller, a first step, and may reuse its last slope."""

    controller: StepController

    def initial_dt(self, rhs: Rhs, fields: Fields, t: float) -> float: ...

    def disturbed(self) -> Fields:
        """Memory updates for when something else changed the fields or the right-hand side between two steps."""


class Closure(Protocol):
    """An answer to a slot. ``inputs`` names what it reads; it sees nothing else."""

    @property
    def slots(self) -> Sequence[str]: ...

    @property
    def inputs(self) -> Sequence[str]: ...

    def setup(self, setup: Setup, slot: Slot) -> StateSpec: ...

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """The answer in the dims and units of the slot, a pure function of inputs and memory.

        It may have length one along axes of the mesh, such as a mean over the domain (1, 1).
        """


@runtime_checkable
class EvolvingClosure(Protocol):
    """A closure whose memory evolves (stochastic, prognostic, reinforcement-learned): advanced before each step."""

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        """Return the new values of the memory arrays that change. ``rng`` belongs to this step."""


@runtime_checkable
class InPlaceClosure(Protocol):
    """A closure over particles with a compiled path: `update` does what ``advance`` and then ``evaluate`` would.

    It writes rows ``first`` to ``last`` of ``out``, of its memory, and of the inputs that the slot's ``returns`` names.
    Bands of rows are given to several threads at once, so that it should release the interpreter's lock.
    """

    def update(self, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int) -> None:
        """Advance by ``dt`` and answer into ``out`` (n, ...), in rows ``first`` to ``last``; inputs (n, ...)."""


@runtime_checkable
class CompiledClosure(Protocol):
    """A closure over particles whose ``update`` is a C function too, which solvers call on their threads amid compiled
    code of their own.
    """

    def compiled(self, inputs: Mapping[str, Array], memory: Fields, out: Array) -> tuple[int, Array]:
        """Address of ``void update(int64_t *arguments)``, and its arguments (16,), int64.

        Before each call the solver writes first and behind-last row into arguments 0 and 1, and the step as a float64
        into argument 2; the others are the closure's. Arrays stay where they are until their set has to grow.
        """


@runtime_checkable
class RangedClosure(Protocol):
    """A closure that knows where it may be trusted, such as one that was trained on a range of parameters."""

    def outside(self, inputs: Mapping[str, Array], memory: Fields) -> str:
        """In a few words why these inputs lie outside its range, or an empty text.

        Its fall-back then answers; without one the run goes on with a warning.
        """


@runtime_checkable
class TracedClosure(Protocol):
    """A closure with numbers of its own: ``origin`` says for the provenance of a run where they come from."""

    @property
    def origin(self) -> Mapping[str, str]: ...


@runtime_checkable
class StiffClosure(Protocol):
    """A closure that limits the step of an explicit solver, for example by the speed of its waves."""

    def stable_dt(self, inputs: Mapping[str, Array], memory: Fields) -> float:
        """Largest stable step at these inputs, as if the solver had no limit of its own."""


@runtime_checkable
class EnergyClosure(Protocol):
    """A closure that stores energy, such as an elastic material."""

    def energy(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Stored energy (n,), one number for each row: [J/m3], by rest volume, where the answer is a stress."""


@dataclass(frozen=True)
class Correction:
    """What a corrector did: changed fields and memory, or a refusal with its reason."""

    fields: Fields = field(default_factory=dict)
    memory: Fields = field(default_factory=dict)
    refused: str = ""


class Corrector(Protocol):
    """Changes the state after a step, in file order."""

    def setup(self, setup: Setup, solver: Solver) -> StateSpec: ...

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction: ...


class Observer(Protocol):
    """Looks and reports; never changes anything. ``needs`` names the solver quantities that it reads."""

    @property
    def needs(self) -> Sequence[str]: ...

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        """Return name, dims and units of everything that `observe` returns."""

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]: ...
