"""Orders of accuracy against exact solutions, for every solver, scheme and kind of wall, within 3 %."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

TOLERANCE = 0.03
"""Relative: the order between the two finest grids still holds the next term of the error, of relative size 1/n^2."""

Case = tuple[dict[str, Any], Callable[[Any, float], Any]]


def table(value: Callable[[float], float]) -> dict[str, Any]:
    """A condition linear in time, which a table of two entries holds exactly."""
    return {"times": [0.0, 1.0], "values": [value(0.0), value(1.0)]}


def fine_table(value: Callable[[float], float], end: float) -> dict[str, Any]:
    """A smooth function of time, tabulated so finely that linear interpolation is far more exact than the grid."""
    times = np.linspace(0.0, end, 4001)
    return {"times": [float(t) for t in times], "values": [float(value(t)) for t in times]}


def observed(errors: list[float]) -> float:
    return float(np.log2(errors[-2] / errors[-1]))


END = 0.05


def decaying(x: Any, t: float) -> Any:
    """A solution of the heat equation with no symmetry about x = 0 and x = 1."""
    return np.exp(-(2.0**2) * t) * np.sin(2.0 * x + 0.5)


def slope(x: float, t: float) -> float:
    return float(2.0 * np.exp(-(2.0**2) * t) * np.cos(2.0 * x + 0.5))


WALLS: dict[str, dict[str, Any]] = {
    "dirichlet": {
        "low": {"type": "dirichlet", "value": fine_table(lambda t: decaying(0.0, t), END)},
        "high": {"type": "dirichlet", "value": fine_table(lambda t: decaying(1.0, t), END)},
    },
    "neumann": {
        "low": {"type": "neumann", "slope": fine_table(lambda t: -slope(0.0, t), END)},
        "high": {"type": "neumann", "slope": fine_table(lambda t: slope(1.0, t), END)},
    },
    "robin": {
        "low": {
            "type": "robin",
            "alpha": 2.0,
            "beta": 0.5,
            "value": fine_table(lambda t: 2.0 * decaying(0.0, t) - 0.5 * slope(0.0, t), END),
        },
        "high": {
            "type": "robin",
            "alpha": 1.0,
            "beta": 3.0,
            "value": fine_table(lambda t: decaying(1.0, t) + 3.0 * slope(1.0, t), END),
        },
    },
}


@pytest.mark.parametrize("kind", list(WALLS))
@pytest.mark.parametrize("name", ["heat", "advection_diffusion", "fisher_kolmogorov"])
def test_diffusion_has_order_two_with_walls_that_change_in_time(build: Any, advance: Any, name: str, kind: str) -> None:
    extra = {"advection_diffusion": {"velocity": [0.0]}, "fisher_kolmogorov": {"growth": 0.0}}.get(name, {})
    solver = {"type": name, "diffusivity": 1.0, **extra, "boundaries": {"x": WALLS[kind]}}
    errors = []
    for n in (32, 64):
        run = build(solver, (n,), walls="x", u=lambda x: decaying(x, 0.0), time={"end": END, "cfl": 0.6})
        x = run.mesh.coordinates()[0]
        advance(run)
        errors.append(float(np.sqrt(np.mean((run.state.fields["u"] - decaying(x, END)) ** 2))))
    assert observed(errors) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize("shape", [(8, 12), (5, 6, 8)])
def test_walls_of_every_axis_are_told_apart(build: Any, advance: Any, shape: tuple[int, ...]) -> None:
    """A linear profile along one axis is steady between walls that hold its ends, whatever the other axes are."""
    for index, axis in enumerate(("x", "y", "z")[: len(shape)]):
        ends = {
            "low": {"type": "dirichlet", "value": 1.0},
            "high": {"type": "robin", "alpha": 1.0, "beta": 0.5, "value": 4.0},
        }
        solver = {"type": "heat", "boundaries": {axis: ends}}
        run = build(
            solver, shape, walls=axis, u=lambda *xyz, i=index: 1.0 + 2.0 * xyz[i], time={"end": 0.05, "cfl": 0.5}
        )
        start = run.state.fields["u"].copy()
        np.testing.assert_allclose(advance(run).state.fields["u"], start, atol=1e-13)


@pytest.mark.parametrize(("scheme", "order"), [("central2", 2), ("central4", 4), ("upwind3", 3)])
@pytest.mark.parametrize("velocity", [[1.0, -0.5], [-1.0, 0.75]])
def test_advection_orders(build: Any, advance: Any, scheme: str, order: int, velocity: list[float]) -> None:
    def wave(x: Any, y: Any) -> Any:
        return np.exp(np.sin(2 * np.pi * x) * 0.3) * np.cos(2 * np.pi * y)

    solver = {"type": "advection_diffusion", "diffusivity": 0.0, "velocity": velocity, "scheme": scheme}
    errors = []
    for n in (50, 100):
        run = build(solver, (n, n + n // 5), u=wave, time={"end": 0.1, "cfl": 0.3})
        y, x = run.mesh.meshgrid()
        advance(run)
        exact = wave(x - 0.1 * velocity[0], y - 0.1 * velocity[1])
        errors.append(float(np.abs(run.state.fields["u"] - exact).max()))
    ratio = np.log(errors[0] / errors[1]) / np.log(2.0)
    assert ratio == pytest.approx(order, rel=TOLERANCE)


def test_flow_through_walls_has_order_two(build: Any, advance: Any) -> None:
    """A decaying wave is carried in through a Dirichlet wall and out through a wall of given slope."""
    D, c, end = 0.05, 0.5, 0.2

    def exact(x: Any, t: float) -> Any:
        return np.exp(-4.0 * D * t) * np.sin(2.0 * (x - c * t) + 0.5)

    def out(t: float) -> float:
        return float(2.0 * np.exp(-4.0 * D * t) * np.cos(2.0 * (1.0 - c * t) + 0.5))

    ends = {
        "low": {"type": "dirichlet", "value": fine_table(lambda t: float(exact(0.0, t)), end)},
        "high": {"type": "neumann", "slope": fine_table(out, end)},
    }
    solver = {"type": "advection_diffusion", "diffusivity": D, "velocity": [c], "boundaries": {"x": ends}}
    errors = []
    for n in (64, 128):
        run = build(solver, (n,), walls="x", u=lambda x: exact(x, 0.0), time={"end": end, "cfl": 0.5})
        x = run.mesh.coordinates()[0]
        advance(run)
        errors.append(float(np.sqrt(np.mean((run.state.fields["u"] - exact(x, end)) ** 2))))
    assert observed(errors) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize(
    ("walls", "modes", "form"), [("", [2, 4], "cosine"), ("xy", [1, 3], "cosine"), ("xy", [1, 2], "sine")]
)
def test_wave_has_order_two(build: Any, advance: Any, walls: str, modes: list[int], form: str) -> None:
    fixed = {"low": {"type": "dirichlet"}, "high": {"type": "dirichlet"}}
    solver: dict[str, Any] = {"type": "wave", "speed": 1.5}
    if form == "sine":
        solver["boundaries"] = dict.fromkeys(walls, fixed)
    omega, end, errors = 1.5 * np.pi * float(np.hypot(*modes)), 0.2, []
    for n in (32, 64):
        initial = {"type": "standing_mode", "modes": modes, "form": form}
        run = build(solver, (n, n), walls=walls, initial=initial, time={"end": end, "cfl": 0.2})
        start = run.state.fields["u"].copy()
        advance(run)
        errors.append(float(np.abs(run.state.fields["u"] - np.cos(omega * end) * start).max()))
    assert observed(errors) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize("name", ["gray_scott", "fisher_kolmogorov"])
def test_reactions_with_diffusion_have_order_two(build: Any, advance: Any, name: str) -> None:
    """Richardson: cell means of finer runs over coarser cells differ by 4 to 1 when the error is of second order."""
    solver: dict[str, Any] = {"type": name}
    if name == "gray_scott":
        solver |= {"diffusivity_u": 0.02, "diffusivity_v": 0.01}
    else:
        solver |= {"diffusivity": 0.05, "growth": 2.0}

    def solution(n: int) -> Any:
        run = build(
            solver, (n, n), walls="y", time={"end": 0.4, "dt": 0.0008}, u=lambda x, y: 0.5 + 0.4 * np.cos(np.pi * y),
            initial={"type": "gray_scott_seed", "cells": 4, "noise": 0.0} if name == "gray_scott" else None,
        )  # fmt: skip
        if name == "gray_scott":
            y, x = run.mesh.meshgrid()
            run.state.fields["v"] = 0.5 + 0.3 * np.sin(2 * np.pi * x) * np.cos(2 * np.pi * y)
        return advance(run).state.fields["u"]

    def coarse(u: Any) -> Any:
        return 0.25 * (u[::2, ::2] + u[1::2, ::2] + u[::2, 1::2] + u[1::2, 1::2])

    # averaging adds a second-order difference of its own, with the same ratio
    u = [solution(n) for n in (20, 40, 80)]
    first, second = np.abs(coarse(u[1]) - u[0]).max(), np.abs(coarse(u[2]) - u[1]).max()
    assert np.log2(first / second) == pytest.approx(2.0, rel=TOLERANCE)
