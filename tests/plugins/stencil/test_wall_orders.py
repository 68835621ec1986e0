"""Second order within 3 % beside every kind of wall, by exact and by manufactured solutions.

Orders are those between the two finest grids. Conditions that change in time are tables, so fine that what linear
interpolation leaves out is far below the error of the grid.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from subgrid_stencil.fisher_kolmogorov import at_wall

SECOND_ORDER = pytest.approx(2.0, rel=0.03)

KINDS = ["dirichlet", "neumann", "robin", "outflow"]


def table(value: Callable[[float], Any], end: float) -> dict[str, Any]:
    times = np.linspace(0.0, end, 2001)
    return {"times": times.tolist(), "values": [float(value(t)) for t in times]}


def condition(kind: str, at: float, f: Any, f_x: Any, end: float) -> dict[str, Any]:
    """What f(x, t) obeys at the wall x = 0 or 1."""
    outward = 1.0 if at == 1.0 else -1.0
    if kind == "dirichlet":
        return {"type": kind, "value": table(lambda t: f(at, t), end)}
    if kind == "neumann":
        return {"type": kind, "slope": table(lambda t: outward * f_x(at, t), end)}
    if kind == "robin":
        alpha, beta = (2.0, 0.5) if at == 0.0 else (1.0, 3.0)
        value = table(lambda t: alpha * f(at, t) + beta * outward * f_x(at, t), end)
        return {"type": kind, "alpha": alpha, "beta": beta, "value": value}
    assert abs(f_x(at, 0.0)) < 1e-12, "nothing changes across an outflow"
    return {"type": kind}


def walls(kind: str, f: Any, f_x: Any, end: float) -> dict[str, Any]:
    return {"low": condition(kind, 0.0, f, f_x, end), "high": condition(kind, 1.0, f, f_x, end)}


def order(error: Callable[[int], float], *sizes: int) -> float:
    coarse, fine = (error(n) for n in sizes)
    return float(np.log2(coarse / fine))


def difference(result: Any, exact: Any) -> float:
    return float(np.sqrt(np.mean((result - exact) ** 2)))


@pytest.mark.parametrize(
    ("name", "velocity"), [("heat", 0.0), ("advection_diffusion", 0.5), ("advection_diffusion", -0.5)]
)
@pytest.mark.parametrize("inflow", ["dirichlet", "neumann", "robin"])
def test_what_arrives_leaves(build: Any, advance: Any, name: str, velocity: float, inflow: str) -> None:
    """D X'' - c X' + rate X = 0 with X' = 0 where the flow leaves, times exp(-rate t)."""
    D, m, end = 0.1, 2.0, 0.2
    a = abs(velocity) / (2.0 * D)
    rate = D * (a * a + m * m)
    B = (m * np.sin(m) - a * np.cos(m)) / (m * np.cos(m) + a * np.sin(m))
    mirrored = velocity < 0.0

    def f(x: Any, t: float) -> Any:
        x = 1.0 - x if mirrored else x
        return np.exp(a * x - rate * t) * (np.cos(m * x) + B * np.sin(m * x))

    def f_x(x: Any, t: float) -> Any:
        x = 1.0 - x if mirrored else x
        slope = np.exp(a * x - rate * t) * ((a + m * B) * np.cos(m * x) + (a * B - m) * np.sin(m * x))
        return -slope if mirrored else slope

    into, out = (1.0, 0.0) if mirrored else (0.0, 1.0)
    sides = condition(inflow, into, f, f_x, end), condition("outflow", out, f, f_x, end)
    low, high = reversed(sides) if mirrored else sides
    solver: dict[str, Any] = {"type": name, "diffusivity": D, "boundaries": {"x": {"low": low, "high": high}}}
    if name == "advection_diffusion":
        solver["velocity"] = [velocity]

    def error(n: int) -> float:
        run = build(solver, (n,), walls="x", u=lambda x: f(x, 0.0), time={"end": end, "cfl": 0.5})
        return difference(advance(run).state.fields["u"], f(run.mesh.coordinates()[0], end))

    assert order(error, 64, 128) == SECOND_ORDER


@pytest.mark.parametrize("integrator", ["own", "rk4"])
@pytest.mark.parametrize("kind", KINDS)
def test_waves_beside_walls(build: Any, advance: Any, kind: str, integrator: str) -> None:
    """Waves that run both ways through the walls; between outflow sides, which reflect, a standing one."""
    c, end = 1.5, 0.3

    def f(x: Any, t: float) -> Any:
        if kind == "outflow":
            return np.cos(np.pi * x) * np.cos(np.pi * c * t + 0.3)
        return np.sin(3.0 * (x - c * t) + 0.5) + 0.4 * np.cos(2.0 * (x + c * t))

    def f_x(x: Any, t: float) -> Any:
        if kind == "outflow":
            return -np.pi * np.sin(np.pi * x) * np.cos(np.pi * c * t + 0.3)
        return 3.0 * np.cos(3.0 * (x - c * t) + 0.5) - 0.8 * np.sin(2.0 * (x + c * t))

    def f_t(x: Any) -> Any:
        if kind == "outflow":
            return -np.pi * c * np.cos(np.pi * x) * np.sin(0.3)
        return -3.0 * c * np.cos(3.0 * x + 0.5) - 0.8 * c * np.sin(2.0 * x)

    solver = {"type": "wave", "speed": c, "boundaries": {"x": walls(kind, f, f_x, end)}}

    def error(n: int) -> float:
        time = {"end": end, "dt": 0.25 / (c * n)}
        run = build(solver, (n,), walls="x", u=lambda x: f(x, 0.0), integrator=integrator, time=time)
        x = run.mesh.coordinates()[0]
        run.state.fields["v"] = f_t(x)
        return difference(advance(run).state.fields["u"], f(x, end))

    assert order(error, 64, 128) == SECOND_ORDER


@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "robin"])
def test_fishers_front_beside_walls(build: Any, advance: Any, kind: str) -> None:
    """The front of speed 5 sqrt(D growth / 6) (Ablowitz and Zeppetella, Bull. Math. Biol. 41, 835 (1979))."""
    D, growth, end = 0.05, 2.0, 0.4
    k, rate = np.sqrt(growth / (6.0 * D)), 5.0 * growth / 6.0

    def f(x: Any, t: float) -> Any:
        return (1.0 + np.exp(k * (x - 0.4) - rate * t)) ** -2

    def f_x(x: Any, t: float) -> Any:
        e = np.exp(k * (x - 0.4) - rate * t)
        return -2.0 * k * e * (1.0 + e) ** -3

    boundaries = {"x": walls(kind, f, f_x, end)}
    solver = {"type": "fisher_kolmogorov", "diffusivity": D, "growth": growth, "boundaries": boundaries}

    def error(n: int) -> float:
        run = build(solver, (n,), walls="x", u=lambda x: f(x, 0.0), time={"end": end, "cfl": 0.6})
        return difference(advance(run).state.fields["u"], f(run.mesh.coordinates()[0], end))

    assert order(error, 48, 96) == SECOND_ORDER


@dataclass(frozen=True)
class Manufactured:
    """u = base + e^-t (a sin(k x + phase) + b cos(2 pi y) S(x)) with S = 16 x^2 (1 - x)^2: S and S' vanish at the walls
    across x, so that a condition has one value along a wall, and u_y = 0 at those across y."""

    base: float
    a: float
    b: float
    k: float = 2.0
    phase: float = 0.5

    def f(self, x: Any, t: float) -> Any:
        return self.base + self.a * np.exp(-t) * np.sin(self.k * x + self.phase)

    def f_x(self, x: Any, t: float) -> Any:
        return self.a * self.k * np.exp(-t) * np.cos(self.k * x + self.phase)

    def u(self, x: Any, y: Any, t: float) -> Any:
        return self.f(x, t) + self.b * np.exp(-t) * np.cos(2 * np.pi * y) * 16 * x**2 * (1 - x) ** 2

    def u_t(self, x: Any, y: Any, t: float) -> Any:
        return self.base - self.u(x, y, t)

    def gradient(self, x: Any, y: Any, t: float) -> tuple[Any, Any]:
        wave = self.b * np.exp(-t) * 32 * x * (1 - x)
        u_x = self.f_x(x, t) + wave * (1 - 2 * x) * np.cos(2 * np.pi * y)
        return u_x, -wave * np.pi * x * (1 - x) * np.sin(2 * np.pi * y)

    def laplacian(self, x: Any, y: Any, t: float) -> Any:
        S, S_xx = 16 * x**2 * (1 - x) ** 2, 32 * (1 - 6 * x + 6 * x**2)
        wave = self.b * np.exp(-t) * np.cos(2 * np.pi * y)
        return -(self.k**2) * (self.f(x, t) - self.base) + wave * (S_xx - 4 * np.pi**2 * S)


def of_kind(kind: str, base: float, a: float, b: float) -> Manufactured:
    """Level at both walls where they are outflow sides."""
    return Manufactured(base, a, b, np.pi, np.pi / 2) if kind == "outflow" else Manufactured(base, a, b)


def forced(run: Any, source: Callable[[float], dict[str, Any]], end: float, largest: float) -> dict[str, Any]:
    """RK4 with a source beside the solver's own rates; its error is of eighth order in the spacing."""
    steps = int(np.ceil(end / largest))
    dt, fields = end / steps, dict(run.state.fields)

    def rates(fields: Any, t: float) -> Any:
        own, more = run.rhs.explicit(fields, t), source(t)
        return {name: own[name] + more[name] for name in fields}

    def moved(rate: Any, by: float) -> Any:
        return {name: np.ascontiguousarray(fields[name] + by * rate[name]) for name in fields}

    for step in range(steps):
        t = step * dt
        first = rates(fields, t)
        second = rates(moved(first, dt / 2), t + dt / 2)
        third = rates(moved(second, dt / 2), t + dt / 2)
        fourth = rates(moved(third, dt), t + dt)
        fields = moved(
            {name: first[name] + 2 * second[name] + 2 * third[name] + fourth[name] for name in fields}, dt / 6
        )
    return fields


@pytest.mark.parametrize("kind", KINDS)
def test_gray_scott_beside_walls(build: Any, kind: str) -> None:
    Du, Dv, F, k, end = 0.1, 0.06, 0.4, 0.3, 0.1
    u, v = of_kind(kind, 0.6, 0.2, 0.1), of_kind(kind, 0.4, -0.3, 0.15)
    boundaries = {name: {"x": walls(kind, each.f, each.f_x, end)} for name, each in (("u", u), ("v", v))}
    solver = {
        "type": "gray_scott", "diffusivity_u": Du, "diffusivity_v": Dv, "feed": F, "kill": k, "boundaries": boundaries
    }  # fmt: skip

    def errors(n: int) -> Any:
        seed = {"type": "gray_scott_seed", "cells": 4}
        run = build(solver, (n // 2, n), walls="xy", initial=seed, time={"end": end, "dt": 1e-4})
        y, x = run.mesh.meshgrid()
        run.state.fields.update({"u": u.u(x, y, 0.0), "v": v.u(x, y, 0.0)})

        def source(t: float) -> dict[str, Any]:
            a, b = u.u(x, y, t), v.u(x, y, t)
            return {
                "u": u.u_t(x, y, t) - Du * u.laplacian(x, y, t) + a * b * b - F * (1 - a),
                "v": v.u_t(x, y, t) - Dv * v.laplacian(x, y, t) - a * b * b + (F + k) * b,
            }

        fields = forced(run, source, end, 0.2 / (Du * n * n))
        return np.array([difference(fields[name], each.u(x, y, end)) for name, each in (("u", u), ("v", v))])

    coarse, fine = errors(32), errors(64)
    assert np.log2(coarse / fine).tolist() == pytest.approx([2.0, 2.0], rel=0.03)


@pytest.mark.parametrize("slope", [0.0, 0.5, -0.5])
@pytest.mark.parametrize("kind", KINDS)
def test_growth_in_uneven_tissue_beside_walls(build: Any, tmp_path: Any, kind: str, slope: float) -> None:
    """With a diffusivity that slopes at the walls the flux through them is that of the wall, not of the cell beside."""
    growth, end = 1.5, 0.1
    exact = of_kind(kind, 0.5, 0.2, 0.15)
    solver = {
        "type": "fisher_kolmogorov", "growth": growth, "map": "tissue.npy",
        "boundaries": {"x": walls(kind, exact.f, exact.f_x, end)},
    }  # fmt: skip

    def error(n: int) -> float:
        y, x = np.meshgrid((np.arange(n // 2) + 0.5) * 2 / n, (np.arange(n) + 0.5) / n, indexing="ij")
        waves = np.cos(2 * np.pi * x), np.cos(2 * np.pi * y)
        D = 0.1 * (1 + 0.4 * waves[0] * waves[1] + slope * (x - 0.5))
        D_x, D_y = (-0.08 * np.pi * np.sin(2 * np.pi * a) * wave for a, wave in ((x, waves[1]), (y, waves[0])))
        D_x = D_x + 0.1 * slope
        np.save(tmp_path / "tissue.npy", D)
        run = build(solver, D.shape, walls="xy", u=lambda x, y: exact.u(x, y, 0.0), time={"end": end, "dt": 1e-4})

        def source(t: float) -> dict[str, Any]:
            u, (u_x, u_y) = exact.u(x, y, t), exact.gradient(x, y, t)
            flux = D * exact.laplacian(x, y, t) + D_x * u_x + D_y * u_y
            return {"u": exact.u_t(x, y, t) - flux - growth * u * (1 - u)}

        return difference(forced(run, source, end, 0.2 / (0.165 * n * n))["u"], exact.u(x, y, end))

    assert order(error, 32, 64) == SECOND_ORDER


def test_layers_beside_a_wall_are_not_extrapolated() -> None:
    layers = np.array(
        [[1.0, 3.0, 3.0], [3.0, 3.0, 1.0], [1.0, 2.0, 1.0], [0.0, 1.0, 2.0], [1.0, 9.0, 17.0], [3.0, 2.0, 1.0]]
    )
    np.testing.assert_array_equal(at_wall(layers.T), [1.0, 3.0, 1.0, 0.0, 0.5, 3.5])
