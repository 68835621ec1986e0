"""Exponential time differencing: the linear part is integrated exactly, mode by mode.

v' = L v + N(t, v),   z = dt L,   L diagonal, real or complex

References: Cox and Matthews, J. Comput. Phys. 176 (2002), 430; Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005),
1214.
"""

from __future__ import annotations

from typing import Any, ClassVar

from subgrid.api import Array, Fields, Rhs, Setup, StateSpec, StepReport, Streams
from subgrid.integrators.config import FixedStepConfig
from subgrid.integrators.field_arithmetic import FieldArithmetic
from subgrid.integrators.mode_coefficients import ModeCoefficients, contour_mean
from subgrid.kernels.combine import Pointwise


def etdrk2_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """exp(z), dt phi1(z) and dt phi2(z), with phi1 = (e^z - 1)/z and phi2 = (e^z - 1 - z)/z^2."""
    mean = contour_mean(xp, z, lambda w, e: ((e - 1) / w, (e - 1 - w) / w**2))
    return (xp.exp(z), *[dt * value for value in mean])


def etdrk4_coefficients(xp: Any, z: Array, dt: float) -> tuple[Array, ...]:
    """E, E2, Q, f1, f2 and f3 of Kassam and Trefethen (2005), eqs. 2.5 and following.

    E = e^z, E2 = e^(z/2), Q = dt (e^(z/2) - 1)/z, f1 = dt (-4 - z + e^z (4 - 3z + z^2))/z^3,
    f2 = dt (2 + z + e^z (z - 2))/z^3, f3 = dt (-4 - 3z - z^2 + e^z (4 - z))/z^3
    """

    def integrals(w: Array, e: Array) -> tuple[Array, ...]:
        cube = w**3
        return (
            (xp.exp(w / 2) - 1) / w,
            (-4 - w + e * (4 - 3 * w + w**2)) / cube,
            (2 + w + e * (w - 2)) / cube,
            (-4 - 3 * w - w**2 + e * (4 - w)) / cube,
        )

    return (xp.exp(z), xp.exp(z / 2), *[dt * value for value in contour_mean(xp, z, integrals)])


def _propagate(e: Any, v: Any, q: Any, n: Any) -> Any:
    return e * v + q * n


def _correct(a: Any, q: Any, n_a: Any, n_v: Any) -> Any:
    return a + q * (n_a - n_v)


def _third_stage(e2: Any, a: Any, q: Any, n_b: Any, n_v: Any) -> Any:
    return e2 * a + q * (n_b + n_b - n_v)


def _last_stage(e: Any, v: Any, f1: Any, n_v: Any, f2: Any, n_a: Any, n_b: Any, f3: Any, n_c: Any) -> Any:
    middle = f2 * (n_a + n_b)
    return e * v + f1 * n_v + (middle + middle) + f3 * n_c


_PROPAGATE, _CORRECT = Pointwise(_propagate), Pointwise(_correct)
_THIRD_STAGE, _LAST_STAGE = Pointwise(_third_stage), Pointwise(_last_stage)


class ETDRK2:
    """Second order, two evaluations: ``a = e^z v + dt phi1 N(v)``, then ``a + dt phi2 (N(a) - N(v))``.

    The extents are those of Heun's scheme, which this is where L = 0.
    """

    order: ClassVar[int] = 2
    adaptive = False
    splits_linear = True
    variable_step = False
    real_extent = 2.0
    imaginary_extent = 0.0

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "ETDRK2(order=2)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._coefficients = ModeCoefficients(setup.backend, fields, etdrk2_coefficients)
        self._coefficients(rhs.linear, setup.dt)
        self._stage, self._n_v, self._n_a = self._arithmetic.buffers(3)
        return StateSpec()

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        e, q1, q2 = self._coefficients(rhs.linear, dt)
        apply = self._arithmetic.apply
        n_v = rhs.explicit(fields, t, self._n_v)
        a = apply(_PROPAGATE, [e, fields, q1, n_v], self._stage)
        n_a = rhs.explicit(a, t + dt, self._n_a)
        return StepReport(apply(_CORRECT, [a, q2, n_a, n_v], out), evaluations=2)


class ETDRK4:
    """Fourth order, four evaluations (Cox and Matthews 2002, eqs. 26-29); RK4 where L = 0, with its extents.

    a = E2 v + Q N(v, t),  b = E2 v + Q N(a, t + dt/2),  c = E2 a + Q (2 N(b, t + dt/2) - N(v, t)),
    v(t + dt) = E v + f1 N(v, t) + 2 f2 (N(a, t + dt/2) + N(b, t + dt/2)) + f3 N(c, t + dt)

    A single field on NumPy is stepped by ``rhs.fused["etdrk4"]`` where the right-hand side offers it.
    """

    order: ClassVar[int] = 4
    adaptive = False
    splits_linear = True
    variable_step = False
    real_extent = 2.785
    imaginary_extent = 2.828

    def __init__(self, config: FixedStepConfig) -> None:
        pass

    def __repr__(self) -> str:
        return "ETDRK4(order=4)"

    def setup(self, setup: Setup, fields: StateSpec, rhs: Rhs) -> StateSpec:
        self._arithmetic = FieldArithmetic(setup.backend, fields)
        self._coefficients = ModeCoefficients(setup.backend, fields, etdrk4_coefficients)
        self._coefficients(rhs.linear, setup.dt)
        self._stage, self._n_v, self._n_a, self._n_b = self._arithmetic.buffers(4)
        self._fusible = setup.backend.in_place and len(fields.fields) == 1
        return StateSpec()

    def step(
        self, rhs: Rhs, fields: Fields, memory: Fields, t: float, dt: float, rng: Streams, out: Fields | None
    ) -> StepReport:
        coefficients = self._coefficients(rhs.linear, dt)
        if self._fusible and "etdrk4" in rhs.fused:
            return self._fused_step(rhs, fields, coefficients, t, dt, out)
        e, e2, q, f1, f2, f3 = coefficients
        apply = self._arithmetic.apply
        # the result's array holds b and c until n_c is known, and n_c takes the place of a
        out = self._arithmetic.out(out)
        n_v = rhs.explicit(fields, t, self._n_v)
        a = apply(_PROPAGATE, [e2, fields, q, n_v], self._stage)
        n_a = rhs.explicit(a, t + dt / 2, self._n_a)
        b = apply(_PROPAGATE, [e2, fields, q, n_a], out)
        n_b = rhs.explicit(b, t + dt / 2, self._n_b)
        c = apply(_THIRD_STAGE, [e2, a, q, n_b, n_v], out)
        n_c = rhs.explicit(c, t + dt, self._stage)
        result = apply(_LAST_STAGE, [e, fields, f1, n_v, f2, n_a, n_b, f3, n_c], out)
        return StepReport(result, evaluations=4)

    def _fused_step(
        self, rhs: Rhs, fields: Fields, coefficients: tuple[Fields, ...], t: float, dt: float, out: Fields | None
    ) -> StepReport:
        (name,) = self._arithmetic.specs
        result = self._arithmetic.empty() if out is None else out
        rhs.fused["etdrk4"](fields[name], result[name], *[values[name] for values in coefficients], t, dt)
        return StepReport(result, evaluations=4)
