"""Ordinary differential equations with known solutions, as right-hand sides to test integrators with.

``drive`` steps an integrator the way the run loop does, on memory that it allocates from the integrator's declaration.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from subgrid.api import Array, ArraySpec, Backend, Fields, Grid, Integrator, Setup, State, StateSpec, Streams


@dataclass(frozen=True)
class OdeProblem:
    """``y' = linear * y + explicit(t, y)`` for one field "y" of any shape, with its start and exact solution.

    ``explicit(xp, t, y)`` is written with array functions of ``xp``, so that it serves NumPy and torch.
    """

    explicit: Callable[[Any, float, Array], Array]
    start: Any
    exact: Callable[[float], Any]
    linear: Any = None


@dataclass
class OdeRhs:
    """The right-hand side of a problem on a backend, as integrators expect it; counts its evaluations."""

    problem: OdeProblem
    backend: Backend = field(default_factory=Backend)
    fused: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    evaluations: int = 0

    def __post_init__(self) -> None:
        self.start = self.backend.asarray(np.array(self.problem.start))
        self.linear: Fields = {}
        if self.problem.linear is not None:
            self.linear = {"y": self.backend.asarray(np.array(self.problem.linear))}

    @property
    def spec(self) -> StateSpec:
        kind = "complex" if np.iscomplexobj(np.asarray(self.problem.start)) else "real"
        return StateSpec(fields={"y": ArraySpec(tuple(self.start.shape), kind)})

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        self.evaluations += 1
        return self._store(self.problem.explicit(self.backend.xp, t, fields["y"]), out)

    def total(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        self.evaluations += 1
        slope = self.problem.explicit(self.backend.xp, t, fields["y"])
        return self._store(slope + self.linear["y"] * fields["y"] if self.linear else slope, out)

    def _store(self, slope: Array, out: Fields | None) -> Fields:
        if out is None:
            return {"y": slope}
        out["y"][...] = slope
        return out


def setup_for(backend: Backend, dt: float, points: int = 1) -> Setup:
    """A `Setup` for components that need no mesh."""
    return Setup(Grid((points,), (1.0,)), backend, "integrator", Streams(0, "integrator"), dt, Path())


def drive(integrator: Integrator, rhs: OdeRhs, end: float, steps: int, start: float = 0.0) -> Array:
    """Solution at ``end`` after this many equal steps from the problem's start."""
    dt = (end - start) / steps
    setup = setup_for(rhs.backend, dt)
    state = State(fields={"y": rhs.start})
    state.allocate("integrator", StateSpec(memory=integrator.setup(setup, rhs.spec, rhs).memory), rhs.backend)
    memory = state.memory.get("integrator", {})
    spare: Fields | None = {"y": rhs.backend.zeros(rhs.start.shape, rhs.spec.fields["y"].kind)}
    spare = spare if rhs.backend.in_place else None
    fields = {name: rhs.backend.copy(array) if rhs.backend.in_place else array for name, array in state.fields.items()}
    for step in range(steps):
        report = integrator.step(rhs, fields, memory, start + step * dt, dt, setup.rng, spare)
        memory.update(report.memory)
        fields, spare = report.fields, fields if rhs.backend.in_place else None
    return fields["y"]


def driven_sine() -> OdeProblem:
    """``y' = y cos t``, y(0) = 1: exp(sin t). Non-autonomous."""
    return OdeProblem(lambda xp, t, y: y * math.cos(t), [1.0], lambda t: np.array([math.exp(math.sin(t))]))


def limit_cycle() -> OdeProblem:
    """``x' = x (1 - r^2) - y (1 + r^2)``, ``y' = y (1 - r^2) + x (1 + r^2)`` from (1/2, 0).

    Spirals onto the unit circle.
    """
    c = 3.0

    def slope(xp: Any, t: float, y: Array) -> Array:
        r_sq = y[0] ** 2 + y[1] ** 2
        return xp.stack([y[0] * (1 - r_sq) - y[1] * (1 + r_sq), y[1] * (1 - r_sq) + y[0] * (1 + r_sq)])

    def exact(t: float) -> Any:
        radius = (1.0 + c * math.exp(-2.0 * t)) ** -0.5
        angle = t + 0.5 * math.log((math.exp(2.0 * t) + c) / (1.0 + c))
        return radius * np.array([math.cos(angle), math.sin(angle)])

    return OdeProblem(slope, [0.5, 0.0], exact)


def forced_decay(rate: float = 100.0) -> OdeProblem:
    """``y' = -rate y + sin t``, y(0) = 1: a stiff linear part."""

    def exact(t: float) -> Any:
        transient = math.exp(-rate * t)
        return np.array([transient + (transient + rate * math.sin(t) - math.cos(t)) / (rate**2 + 1.0)])

    return OdeProblem(lambda xp, t, y: 0.0 * y + math.sin(t), [1.0], exact, linear=[-rate])


def forced_cubic() -> OdeProblem:
    """``y' = -2 y - y^3 + cos^3 t - sin t + 2 cos t``, y(0) = 1: cos t. Nonlinear explicit part."""

    def explicit(xp: Any, t: float, y: Array) -> Array:
        return -(y**3) + math.cos(t) ** 3 - math.sin(t) + 2.0 * math.cos(t)

    return OdeProblem(explicit, [1.0], lambda t: np.array([math.cos(t)]), linear=[-2.0])


def rotating_cubic() -> OdeProblem:
    """``y' = (-1 + 3i) y + N`` with a cubic N chosen so that y = exp(2it): a complex linear part."""

    def explicit(xp: Any, t: float, y: Array) -> Array:
        solution = complex(math.cos(2.0 * t), math.sin(2.0 * t))
        return -(xp.abs(y) ** 2) * y + (2.0 - 1.0j) * solution

    return OdeProblem(explicit, [1.0 + 0.0j], lambda t: np.exp(2j * np.array([t])), linear=[-1.0 + 3.0j])
