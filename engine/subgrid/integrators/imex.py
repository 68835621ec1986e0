"""Implicit-explicit schemes: the diagonal linear part is solved implicitly, mode by mode, the rest is explicit.

v' = L v + N(t, v),   z = dt L

The stability extents are those of the explicit part, where L = 0.

References: Ascher, Ruuth and Wetton, SIAM J. Numer. Anal. 32 (1995), 797; Ascher, Ruuth and Spiteri, Appl. Numer. Math.
25 (1997), 151.
"""

from __future__ import annotations

from typing import Any

from subgrid.api import Array, ArraySpec, Fields, Rhs, Setup, StateSpec, StepReport, Streams
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.field_arithmetic import FieldArithmetic
from subgrid.integrators.history import History
from subgrid.integrators.mode_coefficients import ModeCoefficients
from subgrid.kernels.combine import Pointwise

# Small integer factors are written as sums, which compiled code does faster on complex numbers.


def cnab2_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """(1 + z/2)/(1 - z/2) and (dt/2)/(1 - z/2)."""
    return (1 + z / 2) / (1 - z / 2), (dt / 2) / (1 - z / 2)


def sbdf2_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """1/(3 - 2z) and 2 dt/(3 - 2z)."""
    return 1 / (3 - 2 * z), 2 * dt / (3 - 2 * z)


def imex_euler_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """1/(1 - z) and dt/(1 - z)."""
    return 1 / (1 - z), dt / (1 - z)


def ars343_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """1, dt and z, each divided by (1 - gamma z)."""
    solve = 1 / (1 - GAMMA * z)
    return solve, dt * solve, z * solve


def _cnab2(a: Any, v: Any, b: Any, n: Any, n_previous: Any) -> Any:
    return a * v + b * (n + n + n - n_previous)


def _sbdf2(a: Any, v: Any, v_previous: Any, b: Any, n: Any, n_previous: Any) -> Any:
    return a * (v + v + v + v - v_previous) + b * (n + n - n_previous)


def _sbdf2_variable(s: Any, v: Any, p: Any, w: Any, b: Any, n: Any, c: Any, m: Any, h: Any, l: Any) -> Any:
    return (s * v + p * w + b * n + c * m) / (1.0 - h * l)


def _imex_euler(a: Any, v: Any, b: Any, n: Any) -> Any:
    return a * v + b * n


_CNAB2, _SBDF2, _IMEX_EULER = Pointwise(_cnab2), Pointwise(_sbdf2), Pointwise(_imex_euler)
_SBDF2_VARIABLE = Pointwise(_sbdf2_variable)

LARGEST_GROWTH = 2.0
"""Ratio of successive steps up to which SBDF2 uses the one before; backward differences are stable to 1 + sqrt(2)."""

GAMMA = 0.43586652150845899942
"""Middle root of 6 x^3 - 18 x^2 + 9 x - 1, which makes the implicit part of ARS(3,4,3) L-stable."""
B2 = -1.5 * GAMMA**2 + 4.0 * GAMMA - 0.25
B3 = 1.5 * GAMMA**2 - 5.0 * GAMMA + 1.25
A42 = A43 = 0.5529291480359398
A41 = 1.0 - A42 - A43
# From the third-order condition sum_ij b_i a_ij c_j = 1/6 of the explicit part.
A32 = (1.0 / (6.0 * GAMMA) - GAMMA * A42 - (1.0 + GAMMA) / 2.0 * A43) / B3
A31 = (1.0 + GAMMA) / 2.0 - A32
I32 = (1.0 - GAMMA) / 2.0


def _ars343_second(g: Any, v: Any, h: Any, n1: Any) -> Any:
    return g * v + h * (GAMMA * n1)


def _ars343_third(g: Any, v: Any, h: Any, n1: Any, n2: Any, s: Any, u2: Any) -> Any:
    return g * v + h * (A31 * n1 + A32 * n2) + s * (I32 * u2)


def _ars343_fourth(g: Any, v: Any, h: Any, n1: Any, n2: Any, n3: Any, s: Any, u2: Any, u3: Any) -> Any:
    return g * v + h * (A41 * n1 + A42 * n2 + A43 * n3) + s * (B2 * u2 + B3 * u3)


_SECOND, _THIRD, _FOURTH = Pointwise(_ars343_second), Pointwise(_ars343_third), Pointwise(_ars343_fourth)
# The implicit rows end in the weights of the solution, so the fourth stage already holds its implicit part.
_CLOSING_WEIGHTS = (-A41, B2 - A42, B3 - A43, GAMMA)


class CNAB2:
    """Crank-Nicolson and second-order Adams-Bashforth: (1 - z/2) v+ = (1 + z/2) v + dt (3/2 N_n - 1/2 N_{n-1}).

    The first step takes N_{n-1} = N_n; its error of dt**2 leaves the order at two. Crank-Nicolson hardly damps the
    stiffest modes: prefer SBDF2 or ARS343 unless a published set-up asks for this scheme.
    """

    order = 2
    adaptive = False
    splits_linear = True
    variable_step = False
    real_extent = 1.0
    imaginary_extent = 0.0

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "CNAB2(order=2)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._backend = setup.backend
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._coefficients = ModeCoefficients(setup.backend, fields, cnab2_coefficients)
        self._history = History(self._arithmetic, ("slope",))
        return StateSpec(memory={**self._history.memory(), "slope_known": ArraySpec((), kind="int")})

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        a, b = self._coefficients(rhs.linear, dt)
        slope = rhs.explicit(fields, t, self._history.spare(memory))
        updates = self._history.entry("slope", slope)
        previous = self._history.read(memory, "slope")
        if not int(memory["slope_known"]):
            previous = slope
            updates["slope_known"] = self._backend.asarray(1, "int")
        return StepReport(self._arithmetic.apply(_CNAB2, [a, fields, b, slope, previous], out), updates)


class _Before:
    """Slope and solution of the step before, which backward differences need beside those of now."""

    def __init__(self, arithmetic: FieldArithmetic) -> None:
        self._arithmetic = arithmetic
        self._slopes, self._solutions = History(arithmetic, ("slope",)), History(arithmetic, ("solution",))

    def memory(self) -> dict[str, ArraySpec]:
        return {**self._slopes.memory(), **self._solutions.memory()}

    def pass_on(self, rhs: Rhs, fields: Fields, memory: Fields, t: float) -> tuple[Fields, Fields, Fields, Fields]:
        """The slope of now, slope and solution of the step before, and the memory that has those of now instead."""
        slope = rhs.explicit(fields, t, self._slopes.spare(memory))
        solution = self._arithmetic.combine([1.0], [fields], self._solutions.spare(memory))
        updates = {**self._slopes.entry("slope", slope), **self._solutions.entry("solution", solution)}
        return slope, self._slopes.read(memory, "slope"), self._solutions.read(memory, "solution"), updates


class SBDF2:
    """Backward differences with extrapolation: (3 - 2z) v+ = 4 v_n - v_{n-1} + dt (4 N_n - 2 N_{n-1}).

    The first step is implicit-explicit Euler; its error of dt**2 leaves the order at two. Stiff modes are damped.
    """

    order = 2
    adaptive = False
    splits_linear = True
    variable_step = False
    real_extent = 1.333
    imaginary_extent = 0.0

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "SBDF2(order=2)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._backend = setup.backend
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._coefficients = ModeCoefficients(setup.backend, fields, sbdf2_coefficients)
        self._starter = ModeCoefficients(setup.backend, fields, imex_euler_coefficients)
        self._before = _Before(self._arithmetic)
        return StateSpec(memory={**self._before.memory(), "history_known": ArraySpec((), kind="int")})

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        slope, past_slope, past, updates = self._before.pass_on(rhs, fields, memory, t)
        if not int(memory["history_known"]):
            updates["history_known"] = self._backend.asarray(1, "int")
            a, b = self._starter(rhs.linear, dt)
            return StepReport(self._arithmetic.apply(_IMEX_EULER, [a, fields, b, slope], out), updates)
        a, b = self._coefficients(rhs.linear, dt)
        return StepReport(self._arithmetic.apply(_SBDF2, [a, fields, past, b, slope, past_slope], out), updates)


class SBDF2Variable:
    """`SBDF2` for steps of changing size: with r = dt / dt_before and q = 1 + r,

    v+ = ((q^2 v_n - r^2 v_{n-1}) / (1 + 2r) + dt (q^2 N_n - r q N_{n-1}) / (1 + 2r)) / (1 - dt q / (1 + 2r) L)

    Backward differences are stable for r below 1 + sqrt(2); a step that grows by more than 2 starts afresh with
    implicit-explicit Euler, as the first one does, and its error of dt**2 leaves the order at two as long as such steps
    are few (they follow those cut short to land on an event). The symbol is divided by in every step: where steps are
    equal, SBDF2 is quicker.

    Reference: Wang and Ruuth, J. Comput. Math. 26 (2008), 838.
    """

    order = 2
    adaptive = False
    splits_linear = True
    variable_step = True
    real_extent = 1.333
    imaginary_extent = 0.0

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "SBDF2Variable(order=2)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._backend = setup.backend
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._before = _Before(self._arithmetic)
        self._zeros = {name: setup.backend.zeros((1,) * len(spec.shape)) for name, spec in fields.fields.items()}
        return StateSpec(memory={**self._before.memory(), "step_before": ArraySpec(())})

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        slope, past_slope, past, updates = self._before.pass_on(rhs, fields, memory, t)
        updates["step_before"] = self._backend.asarray(dt, "real")
        before = float(memory["step_before"])
        # r = 0 is implicit-explicit Euler
        r = dt / before if 0.0 < dt <= LARGEST_GROWTH * before else 0.0
        q, whole = 1.0 + r, 1.0 + 2.0 * r
        terms = [fields, past, slope, past_slope]
        factors = [q * q / whole, -r * r / whole, dt * q * q / whole, -dt * r * q / whole, dt * q / whole]
        numbers = [dict.fromkeys(fields, self._backend.asarray(factor, "real")) for factor in factors]
        linear = {**self._zeros, **rhs.linear}
        operands = [operand for pair in zip(numbers[:4], terms, strict=True) for operand in pair]
        return StepReport(self._arithmetic.apply(_SBDF2_VARIABLE, [*operands, numbers[4], linear], out), updates)


class ARS343:
    """ARS(3,4,3): four explicit evaluations, three implicit solves, order 3, L-stable implicit part.

    u_i = (v + dt sum_j (a_ij N_j + i_ij L u_j)) / (1 - gamma z) at times t + dt (0, gamma, (1 + gamma)/2, 1). On very
    stiff modes that the explicit part forces, the order drops to about 2. The explicit part has the stability region of
    RK4.
    """

    order = 3
    adaptive = False
    splits_linear = True
    variable_step = True
    real_extent = 2.785
    imaginary_extent = 2.828

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "ARS343(order=3)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._coefficients = ModeCoefficients(setup.backend, fields, ars343_coefficients)
        self._stages = self._arithmetic.buffers(3)
        self._slopes = self._arithmetic.buffers(4)
        return StateSpec()

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        g, h, s = self._coefficients(rhs.linear, dt)
        apply, v = self._arithmetic.apply, fields
        n1 = rhs.explicit(v, t, self._slopes[0])
        u2 = apply(_SECOND, [g, v, h, n1], self._stages[0])
        n2 = rhs.explicit(u2, t + GAMMA * dt, self._slopes[1])
        u3 = apply(_THIRD, [g, v, h, n1, n2, s, u2], self._stages[1])
        n3 = rhs.explicit(u3, t + (1.0 + GAMMA) / 2.0 * dt, self._slopes[2])
        u4 = apply(_FOURTH, [g, v, h, n1, n2, n3, s, u2, u3], self._stages[2])
        n4 = rhs.explicit(u4, t + dt, self._slopes[3])
        factors = [1.0, *[dt * weight for weight in _CLOSING_WEIGHTS]]
        return StepReport(self._arithmetic.combine(factors, [u4, n1, n2, n3, n4], out), evaluations=4)
