"""Per-mode coefficients of exponential and implicit schemes, from the linear symbol and the step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrid.api import Array, Backend, Fields, StateSpec

Build = Callable[[Any, Array, float], tuple[Array, ...]]
"""``build(xp, z, dt)`` gives the coefficients at z = dt L."""

CONTOUR_POINTS = 32


def contour_mean(xp: Any, z: Array, integrands: Callable[[Array, Array], tuple[Array, ...]]) -> list[Array]:
    """Values at ``z`` of entire functions whose formulas cancel near zero, as means over a circle around ``z``.

    ``integrands(w, exp(w))`` are the formulas, evaluated at w = z + r exp(i theta) (Kassam and Trefethen 2005, section
    3): 32 points on the upper half circle, real part taken, where z is real, and 32 on the full circle where it is
    complex. The radius is 1, but 2 where the unit circle would pass near the origin; every |w| is at least 1/2.
    """
    real = not xp.isdtype(z.dtype, "complex floating")
    modulus = xp.abs(z)
    radius = xp.where((modulus > 0.5) & (modulus < 1.5), 2 * xp.ones_like(modulus), xp.ones_like(modulus))
    sums: list[Array] = []
    for point in range(CONTOUR_POINTS):
        angle = (1.0 if real else 2.0) * np.pi * (point + 0.5) / CONTOUR_POINTS
        w = z + complex(np.exp(1j * angle)) * radius
        values = integrands(w, xp.exp(w))
        sums = [total + value for total, value in zip(sums, values, strict=True)] if sums else list(values)
    means = [total / CONTOUR_POINTS for total in sums]
    return [xp.real(mean) for mean in means] if real else means


class ModeCoefficients:
    """Coefficient arrays for each field, kept for as long as the step and the linear symbols stay the same.

    They are computed in double precision. On NumPy, and for torch symbols that need no gradient, formulas are evaluated
    on the distinct symbol values only (modes of equal |k| share one). Symbols that do need a gradient are followed
    through the formulas at every step. A field without a linear part gets the coefficients of L = 0, which broadcast.
    """

    def __init__(self, backend: Backend, fields: StateSpec, build: Build) -> None:
        self._backend = backend
        self._build = build
        self._zeros = {name: backend.zeros((1,) * len(spec.shape), "real") for name, spec in fields.fields.items()}
        self._dt = math.nan
        self._symbols: Fields = {}
        self._values: tuple[Fields, ...] = ()

    def __call__(self, linear: Fields, dt: float) -> tuple[Fields, ...]:
        """One dictionary of arrays by field name for each coefficient."""
        if dt != self._dt or not self._same(linear):
            self._symbols = {name: linear.get(name, zero) for name, zero in self._zeros.items()}
            by_field = {name: self._evaluate(symbol, dt) for name, symbol in self._symbols.items()}
            count = len(next(iter(by_field.values())))
            self._values = tuple({name: arrays[i] for name, arrays in by_field.items()} for i in range(count))
            differentiable = any(getattr(symbol, "requires_grad", False) for symbol in self._symbols.values())
            self._dt = math.nan if differentiable else dt
        return self._values

    def _same(self, linear: Fields) -> bool:
        for name, symbol in self._symbols.items():  # noqa: SIM110 - a generator costs a tenth of a small problem's step
            if linear.get(name, self._zeros[name]) is not symbol:
                return False
        return True

    def _evaluate(self, symbol: Array, dt: float) -> tuple[Array, ...]:
        xp = self._backend.xp
        kind = "complex" if xp.isdtype(symbol.dtype, "complex floating") else "real"
        if getattr(symbol, "requires_grad", False):
            double = xp.astype(symbol, xp.complex128 if kind == "complex" else xp.float64)
            return tuple(xp.astype(value, self._backend.dtype(kind)) for value in self._build(xp, dt * double, dt))
        double = np.complex128 if kind == "complex" else np.float64
        values = self._backend.to_numpy(symbol).astype(double, copy=False)
        distinct, inverse = np.unique(values, return_inverse=True)
        return tuple(
            self._backend.asarray(coefficient[inverse].reshape(values.shape), kind)
            for coefficient in self._build(np, dt * distinct, dt)
        )
