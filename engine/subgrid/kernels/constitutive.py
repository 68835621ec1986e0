"""Isotropic constitutive laws in principal stretches, compiled: Kirchhoff stress of each particle, and plastic flow.

The deformation gradient enters by b = F F^T = U S^2 U^T. A law maps the stretches S to relaxed ones S' and these to
principal stresses; then F <- U (S'/S) U^T F and tau = U diag(tau_k) U^T. Laws are told apart by a number, their
``parameters`` start with the Lame moduli mu and lambda [Pa]:

== ================== ==========================================================
0  fixed corotated    mu, lambda
1  neo-Hookean        mu, lambda
2  von Mises          mu, lambda, k_y [Pa], bound of the norm of dev(tau)
3  Herschel-Bulkley   mu, lambda, k_y [Pa], eta_p [Pa s^h], exponent h
4  Drucker-Prager     mu, lambda, alpha; memory: logarithm of the lost volume
== ================== ==========================================================

The definitions in NumPy are the methods ``relaxed`` and ``principal_stress`` of the materials that use these kernels.

`native` gives a law as a C function ``void law(int64_t *arguments)``, for compiled code that knows its address only.
Its arguments are the first particle, the one behind the last, the bits of the step as float64, the number of particles,
the addresses of F, C, memory, stress and parameters, and the number of the law.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import carray, cfunc, njit

from subgrid.kernels.native import pointer

__all__ = ["LAW_ARGUMENTS", "PARAMETERS", "fluid_2d", "fluid_3d", "isotropic_2d", "isotropic_3d", "native"]

Array = Any

LAW_ARGUMENTS = 16
"""Integers that a law of `native` is handed."""

NATIVE = "void(CPointer(int64))"

PARAMETERS = 5
"""Numbers that a law has at most."""


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _relaxed(law, s0, s1, s2, d, parameters, memory, dt):  # type: ignore[no-untyped-def]
    """Logarithmic stretches after plastic flow, and the memory. In two dimensions the third stretch is one."""
    mu = parameters[0]
    e0, e1, e2 = math.log(s0), math.log(s1), math.log(s2)
    if law == 4:
        shift = memory / d
        e0, e1 = e0 + shift, e1 + shift
        if d == 3:
            e2 += shift
    trace = e0 + e1 + e2
    mean = trace / d
    d0, d1, d2 = e0 - mean, e1 - mean, (e2 - mean if d == 3 else 0.0 * mean)
    size = math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
    keep = 1.0
    if law == 4:
        if trace >= 0:
            return 0.0 * e0, 0.0 * e1, 0.0 * e2, trace
        slack = size + (d * parameters[1] + 2.0 * mu) / (2.0 * mu) * trace * parameters[2]
        if slack > 0:
            keep = max(0.0, 1.0 - slack / size)
        memory = 0.0 * memory
    else:
        s, bound = 2.0 * mu * size, parameters[2]
        if s > bound:
            target = bound
            if law == 3:
                b_trace = s0 * s0 + s1 * s1 + (s2 * s2 if d == 3 else 0.0)
                target = _overstress(s, bound, 2.0 * mu * b_trace / d * dt, parameters[3], parameters[4])
            keep = target / s
    return mean + keep * d0, mean + keep * d1, (mean + keep * d2 if d == 3 else e2), memory


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _overstress(s, bound, flow, viscosity, exponent):  # type: ignore[no-untyped-def]
    """Solve ``r + flow ((r - bound) / viscosity)^(1/exponent) = s`` for r in [bound, s].

    Newton's method for q = r - bound, or for exponents above one for the rate y = (q/viscosity)^(1/exponent): convex
    functions both, so that the steps come down from an upper bound.
    """
    if exponent == 1.0:
        return s - (s - bound) / (1.0 + viscosity / flow)
    excess = s - bound
    q = min(excess, viscosity * (excess / flow) ** exponent)
    y = min(excess / flow, (excess / viscosity) ** (1.0 / exponent))
    for _ in range(60):
        if exponent < 1.0:
            rate = (q / viscosity) ** (1.0 / exponent)
            step = (q + flow * rate - excess) / (1.0 + flow * rate / (exponent * q))
            q -= step
        else:
            part = viscosity * y**exponent
            step = (part + flow * y - excess) / (exponent * part / y + flow)
            y -= step
            step *= flow
        if abs(step) <= 1e-15 * s:
            break
    if exponent > 1.0:
        q = viscosity * y**exponent
    return bound + min(q, excess)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _stress(law, s, J, trace, parameters):  # type: ignore[no-untyped-def]
    """One principal Kirchhoff stress; ``trace`` is the sum of the logarithmic stretches."""
    mu, lam = parameters[0], parameters[1]
    if law == 0:
        return 2.0 * mu * s * (s - 1.0) + lam * J * (J - 1.0)
    if law == 1:
        return mu * (s * s - 1.0) + lam * math.log(J)
    return 2.0 * mu * math.log(s) + lam * trace


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def isotropic_2d(
    F: Array, memory: Array, law: int, parameters: Array, dt: float, stress: Array, first: int, last: int
) -> None:
    """Relax F (n, 2, 2) and memory (n,), and write the Kirchhoff stress (n, 2, 2), for particles first to last."""
    real = F.dtype.type
    for p in range(first, last):
        f00, f01, f10, f11 = F[p, 0, 0], F[p, 0, 1], F[p, 1, 0], F[p, 1, 1]
        a, b, c = f00 * f00 + f01 * f01, f10 * f10 + f11 * f11, f00 * f10 + f01 * f11
        J = f00 * f11 - f01 * f10
        half_difference = real(0.5) * (a - b)
        r = math.sqrt(half_difference * half_difference + c * c)
        larger = real(0.5) * (a + b) + r
        s0 = math.sqrt(larger)
        s1 = J / s0
        cosine, sine = (half_difference / r, c / r) if r > 0 else (real(1.0), real(0.0))
        trace = real(0.0)
        if law >= 2:
            kept = memory[p] if law == 4 else real(0.0)
            e0, e1, _, kept = _relaxed(law, s0, s1, real(1.0), 2, parameters, kept, real(dt))
            if law == 4:
                memory[p] = kept
            n0, n1 = math.exp(e0), math.exp(e1)
            half_sum, half = real(0.5) * (n0 / s0 + n1 / s1), real(0.5) * (n0 / s0 - n1 / s1)
            m00, m01, m11 = half_sum + half * cosine, half * sine, half_sum - half * cosine
            F[p, 0, 0], F[p, 0, 1] = m00 * f00 + m01 * f10, m00 * f01 + m01 * f11
            F[p, 1, 0], F[p, 1, 1] = m01 * f00 + m11 * f10, m01 * f01 + m11 * f11
            s0, s1, trace = n0, n1, e0 + e1
        t0, t1 = _stress(law, s0, J, trace, parameters), _stress(law, s1, J, trace, parameters)
        mean, half = real(0.5) * (t0 + t1), real(0.5) * (t0 - t1)
        stress[p, 0, 0], stress[p, 1, 1] = mean + half * cosine, mean - half * cosine
        stress[p, 0, 1] = stress[p, 1, 0] = half * sine


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _diagonalise(A, U):  # type: ignore[no-untyped-def]
    """Jacobi rotations of a symmetric 3 x 3 matrix: A becomes diagonal, the columns of U its eigenvectors."""
    for i in range(3):
        for j in range(3):
            U[i, j] = 1.0 if i == j else 0.0
    for _ in range(6):
        for i in range(2):
            for j in range(i + 1, 3):
                if abs(A[i, j]) <= 1e-20 * (abs(A[i, i]) + abs(A[j, j])):
                    continue
                ratio = (A[j, j] - A[i, i]) / (2.0 * A[i, j])
                t = (1.0 if ratio >= 0 else -1.0) / (abs(ratio) + math.sqrt(ratio * ratio + 1.0))
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(3):
                    x, y = A[k, i], A[k, j]
                    A[k, i], A[k, j] = c * x - s * y, s * x + c * y
                for k in range(3):
                    x, y = A[i, k], A[j, k]
                    A[i, k], A[j, k] = c * x - s * y, s * x + c * y
                for k in range(3):
                    x, y = U[k, i], U[k, j]
                    U[k, i], U[k, j] = c * x - s * y, s * x + c * y


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def strain_3d(F, memory, law, parameters, dt, stress, p, A, U, M, G, s, n, t):  # type: ignore[no-untyped-def]
    """`isotropic_3d` for particle p; A to G are scratch (3, 3), s to t scratch (3,)."""
    f = F[p]
    for i in range(3):
        for j in range(3):
            A[i, j] = f[i, 0] * f[j, 0] + f[i, 1] * f[j, 1] + f[i, 2] * f[j, 2]
    J = (
        f[0, 0] * (f[1, 1] * f[2, 2] - f[1, 2] * f[2, 1])
        - f[0, 1] * (f[1, 0] * f[2, 2] - f[1, 2] * f[2, 0])
        + f[0, 2] * (f[1, 0] * f[2, 1] - f[1, 1] * f[2, 0])
    )
    _diagonalise(A, U)
    least = 0
    for k in range(3):
        s[k] = math.sqrt(max(A[k, k], 0.0))
        if s[k] < s[least]:
            least = k
    if J < 0:
        s[least] = -s[least]
    trace = 0.0
    if law >= 2:
        kept = float(memory[p]) if law == 4 else 0.0
        e0, e1, e2, kept = _relaxed(law, s[0], s[1], s[2], 3, parameters, kept, dt)
        if law == 4:
            memory[p] = kept
        n[0], n[1], n[2] = math.exp(e0), math.exp(e1), math.exp(e2)
        for i in range(3):
            for j in range(3):
                M[i, j] = 0.0
                for k in range(3):
                    M[i, j] += U[i, k] * n[k] / s[k] * U[j, k]
        for i in range(3):
            for j in range(3):
                G[i, j] = M[i, 0] * f[0, j] + M[i, 1] * f[1, j] + M[i, 2] * f[2, j]
        for i in range(3):
            s[i] = n[i]
            for j in range(3):
                F[p, i, j] = G[i, j]
        trace = e0 + e1 + e2
    for k in range(3):
        t[k] = _stress(law, s[k], J, trace, parameters)
    for i in range(3):
        for j in range(3):
            stress[p, i, j] = U[i, 0] * t[0] * U[j, 0] + U[i, 1] * t[1] * U[j, 1] + U[i, 2] * t[2] * U[j, 2]


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def isotropic_3d(
    F: Array, memory: Array, law: int, parameters: Array, dt: float, stress: Array, first: int, last: int
) -> None:
    """Relax F (n, 3, 3) and memory (n,), and write the Kirchhoff stress (n, 3, 3), for particles first to last."""
    A, U, M, G = np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3)), np.empty((3, 3))
    s, n, t = np.empty(3), np.empty(3), np.empty(3)
    for p in range(first, last):
        strain_3d(F, memory, law, parameters, dt, stress, p, A, U, M, G, s, n, t)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _pressure(J, modulus, exponent):  # type: ignore[no-untyped-def]
    """J p = J (K/g) (J^-g - 1); the usual g = 7 without a call of pow."""
    one = J / J
    if exponent == 7.0:
        r = one / J
        cube = r * r * r
        return modulus / exponent * (cube * cube - J)
    return J * modulus / exponent * (J ** (-exponent) - one)


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def fluid_2d(F: Array, C: Array, parameters: Array, stress: Array, first: int, last: int) -> None:
    """Make F (n, 2, 2) isotropic with its determinant, and write a Newtonian fluid's Kirchhoff stress [Pa] (n, 2, 2).

    ``C`` (n, 2, 2) is the velocity gradient [1/s]; ``parameters`` are K [Pa], exponent and eta [Pa s].
    """
    real = F.dtype.type
    modulus, exponent, eta = parameters[0], parameters[1], parameters[2]
    for p in range(first, last):
        J = F[p, 0, 0] * F[p, 1, 1] - F[p, 0, 1] * F[p, 1, 0]
        side = math.sqrt(J)
        F[p, 0, 0] = F[p, 1, 1] = side
        F[p, 0, 1] = F[p, 1, 0] = real(0.0)
        push, drag = _pressure(J, modulus, exponent), J * eta
        stretch, shear = drag * (C[p, 0, 0] - C[p, 1, 1]), drag * (C[p, 0, 1] + C[p, 1, 0])
        stress[p, 0, 0], stress[p, 1, 1] = stretch - push, -stretch - push
        stress[p, 0, 1] = stress[p, 1, 0] = shear


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _cube_root(J):  # type: ignore[no-untyped-def]
    """J^(1/3); near one by three of Halley's steps, each of which leaves 2/3 of the cube of the relative error."""
    one = J / J
    two = one + one
    if two + two < J or J * (two + two) < one:
        return np.cbrt(J)
    x = (J + two) / (two + one)
    for _ in range(3):
        cube = x * x * x
        x *= (cube + two * J) / (two * cube + J)
    return x


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def fluid_3d(F: Array, C: Array, parameters: Array, stress: Array, first: int, last: int) -> None:
    """As `fluid_2d`, in three dimensions."""
    real = F.dtype.type
    modulus, exponent, eta = parameters[0], parameters[1], parameters[2]
    zero, two, two_thirds = real(0.0), real(2.0), real(2.0 / 3.0)
    for p in range(first, last):
        J = (
            F[p, 0, 0] * (F[p, 1, 1] * F[p, 2, 2] - F[p, 1, 2] * F[p, 2, 1])
            - F[p, 0, 1] * (F[p, 1, 0] * F[p, 2, 2] - F[p, 1, 2] * F[p, 2, 0])
            + F[p, 0, 2] * (F[p, 1, 0] * F[p, 2, 1] - F[p, 1, 1] * F[p, 2, 0])
        )
        side = _cube_root(J)
        F[p, 0, 0], F[p, 0, 1], F[p, 0, 2] = side, zero, zero
        F[p, 1, 0], F[p, 1, 1], F[p, 1, 2] = zero, side, zero
        F[p, 2, 0], F[p, 2, 1], F[p, 2, 2] = zero, zero, side
        drag = J * eta
        push = _pressure(J, modulus, exponent) + drag * two_thirds * (C[p, 0, 0] + C[p, 1, 1] + C[p, 2, 2])
        stress[p, 0, 0] = two * drag * C[p, 0, 0] - push
        stress[p, 1, 1] = two * drag * C[p, 1, 1] - push
        stress[p, 2, 2] = two * drag * C[p, 2, 2] - push
        stress[p, 0, 1] = stress[p, 1, 0] = drag * (C[p, 0, 1] + C[p, 1, 0])
        stress[p, 0, 2] = stress[p, 2, 0] = drag * (C[p, 0, 2] + C[p, 2, 0])
        stress[p, 1, 2] = stress[p, 2, 1] = drag * (C[p, 1, 2] + C[p, 2, 1])


@njit(cache=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def step_of(arguments: Array) -> float:
    """Duration of the step among the arguments of a native law, int64 (LAW_ARGUMENTS,)."""
    return arguments[2:3].view(np.float64)[0]  # type: ignore[no-any-return]


# what the functions enclose is part of their names in the cache on disk: numbers and their types, which stay the same;
# of the two branches only the one that is taken is compiled


def _isotropic(real: Any, d: int) -> Any:
    @cfunc(NATIVE, cache=True)  # type: ignore[untyped-decorator]
    def law(arguments):  # type: ignore[no-untyped-def]
        a = carray(arguments, (LAW_ARGUMENTS,))
        n, first, last = a[3], a[0], a[1]
        F, stress = carray(pointer(a[4]), (n, d, d), real), carray(pointer(a[7]), (n, d, d), real)
        memory, parameters = carray(pointer(a[6]), (n,), real), carray(pointer(a[8]), (PARAMETERS,), real)
        if d == 2:
            isotropic_2d(F, memory, a[9], parameters, step_of(a), stress, first, last)
        else:
            isotropic_3d(F, memory, a[9], parameters, step_of(a), stress, first, last)

    return law


def _fluid(real: Any, d: int) -> Any:
    @cfunc(NATIVE, cache=True)  # type: ignore[untyped-decorator]
    def law(arguments):  # type: ignore[no-untyped-def]
        a = carray(arguments, (LAW_ARGUMENTS,))
        n, first, last = a[3], a[0], a[1]
        F, stress = carray(pointer(a[4]), (n, d, d), real), carray(pointer(a[7]), (n, d, d), real)
        C, parameters = carray(pointer(a[5]), (n, d, d), real), carray(pointer(a[8]), (PARAMETERS,), real)
        if d == 2:
            fluid_2d(F, C, parameters, stress, first, last)
        else:
            fluid_3d(F, C, parameters, stress, first, last)

    return law


_NATIVE = {"isotropic": _isotropic, "fluid": _fluid}


@cache
def native(family: str, d: int, precision: str) -> Any:
    """The laws of a family, ``"isotropic"`` or ``"fluid"``, as a C function: its attribute ``address``."""
    return _NATIVE[family](np.dtype(precision).type, d)
