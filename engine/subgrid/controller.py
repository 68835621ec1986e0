"""Step-size control from a scheme's error estimate: the error norm, and the PI controller.

References: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I (1993), II.4; Hairer and Wanner,
Solving Ordinary Differential Equations II (1996), IV.2; Soderlind, Numer. Algorithms 31 (2002), 281.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from subgrid.backend import Array, Backend
from subgrid.kernels.error_norm import scaled_square_sum, square_sum
from subgrid.state import ArraySpec, Fields, StateSpec

SMALLEST_ERROR = 1e-4
"""Floor of the remembered error: a step that was by luck nearly exact must not call for a tiny one next."""


@dataclass(frozen=True)
class PIController:
    """Proportional-integral control of the step size.

    accepted (E <= 1): dt *= clip(safety E_n**(-(kI + kP)/p) E_{n-1}**(kP/p), shrink_limit, growth_limit)
    rejected:          dt *= max(shrink_limit, safety E_n**(-1/p)), and the next step may not grow

    p is the order of the propagated solution, kI ``integral_gain`` and kP ``proportional_gain``. What changes lives in
    the integrator's memory: ``previous_error`` (0 before the first accepted step, which then counts as preceded by its
    own error) and ``rejected``.
    """

    order: int
    integral_gain: float
    proportional_gain: float
    safety: float
    shrink_limit: float
    growth_limit: float
    backend: Backend

    def memory_spec(self) -> dict[str, ArraySpec]:
        return {"previous_error": ArraySpec(()), "rejected": ArraySpec((), kind="int")}

    def propose(self, dt: float, error: float, memory: Fields) -> tuple[bool, float, Fields]:
        """Whether the step is accepted, the size of the next step (or of the next trial), and memory updates."""
        if not error <= 1.0:
            return False, dt * self._shrink(error), {"rejected": self.backend.asarray(1, "int")}
        floored = max(error, SMALLEST_ERROR)
        previous = float(memory["previous_error"]) or floored
        reaction = math.pow(floored, -(self.integral_gain + self.proportional_gain) / self.order)
        factor = self.safety * reaction * math.pow(previous, self.proportional_gain / self.order)
        largest = 1.0 if int(memory["rejected"]) else self.growth_limit
        updates = {
            "previous_error": self.backend.asarray(floored, "real"),
            "rejected": self.backend.asarray(0, "int"),
        }
        return True, dt * min(max(factor, self.shrink_limit), largest), updates

    def _shrink(self, error: float) -> float:
        if not math.isfinite(error):
            return self.shrink_limit
        return max(self.shrink_limit, self.safety * math.pow(error, -1.0 / self.order))


class ErrorNorm:
    """Root mean square of the error estimate over all fields, scaled so that 1 is what the tolerances allow.

    E = sqrt(mean((|error_i| / (atol + rtol max(|before_i|, |after_i|)))**2))

    In fields of modes (unnormalised spectra of N points) the tiny ones need no relative accuracy of their own: there
    the scale is that of the whole field, sqrt(N) atol + rtol max(rms(before), rms(after)), so that by Parseval ``atol``
    keeps the units of the physical field.
    """

    def __init__(self, backend: Backend, fields: StateSpec, points: int, atol: float, rtol: float) -> None:
        self._specs = fields.fields
        self._sizes = {name: math.prod(spec.shape) for name, spec in fields.fields.items()}
        self._atol_modes = math.sqrt(points) * atol
        self._atol, self._rtol = atol, rtol
        self._backend = backend

    def __call__(self, error: Fields, before: Fields, after: Fields) -> float:
        total = 0.0
        for name, spec in self._specs.items():
            if spec.location == "mode":
                total += self._of_modes(error[name], before[name], after[name], self._sizes[name])
            else:
                total += self._of_values(error[name], before[name], after[name])
        return math.sqrt(total / sum(self._sizes.values()))

    def _of_values(self, error: Array, before: Array, after: Array) -> float:
        if self._backend.in_place:
            return float(scaled_square_sum(error, before, after, self._atol, self._rtol))
        xp = self._backend.xp
        scale = self._atol + self._rtol * xp.maximum(xp.abs(before), xp.abs(after))
        return float(self._backend.to_numpy(xp.sum((xp.abs(error) / scale) ** 2)))

    def _of_modes(self, error: Array, before: Array, after: Array, size: int) -> float:
        largest = max(self._square_sum(before), self._square_sum(after))
        scale = self._atol_modes + self._rtol * math.sqrt(largest / size)
        return self._square_sum(error) / scale**2

    def _square_sum(self, values: Array) -> float:
        if self._backend.in_place:
            return float(square_sum(values))
        xp = self._backend.xp
        return float(self._backend.to_numpy(xp.sum(xp.abs(values) ** 2)))
