"""Conservation, exact discrete solutions, fixed points and bad input of the stencil solvers."""

import re
from typing import Any

import numpy as np
import pytest

from subgrid.errors import ScenarioError
from subgrid.stability import unstable_step

NOISE = np.random.default_rng(11).uniform(0.0, 1.0, (6, 7, 9))


def noisy(*xyz: Any) -> Any:
    """A rough field over any mesh of at most 6, 7 and 9 cells."""
    return NOISE[tuple(slice(n) for n in np.shape(xyz[0]))] if len(xyz) == 3 else NOISE[0][: xyz[0].shape[0]]


@pytest.mark.parametrize("walls", ["", "y", "xyz"])
@pytest.mark.parametrize(
    "solver",
    [
        {"type": "heat"},
        {"type": "advection_diffusion", "velocity": [0.0], "diffusivity": 0.4},
        {
            "type": "fisher_kolmogorov",
            "growth": 0.0,
            "regions": [{"center": [0.5, 0.5, 0.5], "radius": 0.4, "diffusivity": 0.01}],
        },
    ],
    ids=lambda solver: str(solver["type"]),
)
def test_closed_boxes_keep_their_mass(build: Any, advance: Any, solver: dict[str, Any], walls: str) -> None:
    run = build(solver, (6, 7, 9), walls=walls, u=noisy, time={"end": 0.2, "cfl": 0.8})
    before = run.state.fields["u"].sum()
    advance(run)
    assert run.state.clock.step > 10
    assert run.state.fields["u"].sum() == pytest.approx(before, rel=1e-13)


@pytest.mark.parametrize("scheme", ["central2", "central4", "upwind3"])
def test_advection_keeps_mass(build: Any, advance: Any, scheme: str) -> None:
    solver = {"type": "advection_diffusion", "velocity": [1.0, -2.0, 0.5], "scheme": scheme, "diffusivity": 0.0}
    run = build(solver, (6, 7, 9), u=noisy, time={"end": 1.0, "cfl": 0.8})
    before = run.state.fields["u"].sum()
    assert advance(run).state.fields["u"].sum() == pytest.approx(before, rel=1e-13)


def test_budget_adds_up_with_flow_through_walls(build: Any) -> None:
    """The mean rate by process is the flux through the walls, from values on the faces."""
    ends = {"low": {"type": "dirichlet", "value": 2.0}, "high": {"type": "outflow"}}
    solver = {"type": "advection_diffusion", "velocity": [3.0], "diffusivity": 0.5, "boundaries": {"x": ends}}
    run = build(solver, (8, 16), walls="x", initial={"type": "gaussian", "center": [0.8, 0.5]})
    view, u, dx = run.view(), run.state.fields["u"], 1.0 / 16
    carried = 3.0 * (2.0 - np.mean(u[:, -1]))
    diffused = 0.5 * np.mean(2.0 - u[:, 0]) / (dx / 2)
    assert float(view["mean_rate_advection"]) == pytest.approx(carried, rel=1e-12)
    assert float(view["mean_rate_diffusion"]) == pytest.approx(diffused, rel=1e-12)
    assert float(view["mean_rate"]) == pytest.approx(carried + diffused, rel=1e-12)


def test_modes_decay_at_the_discrete_rate(build: Any) -> None:
    """sin(kx) sin(ly) is an eigenvector: rate (4 D/dx^2) (sin^2(k dx/2) + sin^2(l dy/2)), to round-off."""
    run = build({"type": "heat", "diffusivity": 0.7}, (12, 20), initial={"type": "standing_mode", "modes": [4, 2]})
    u = run.state.fields["u"]
    rate = 0.7 * 4.0 * ((20 * np.sin(2 * np.pi / 20)) ** 2 + (12 * np.sin(np.pi / 12)) ** 2)
    np.testing.assert_allclose(run.rhs.explicit(run.state.fields, 0.0)["u"], -rate * u, atol=1e-13 * rate)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("name", ["heat", "fisher_kolmogorov", "gray_scott", "advection_diffusion"])
def test_euler_in_one_sweep_is_euler(build: Any, name: str, precision: str) -> None:
    initial = {"type": "gray_scott_seed", "cells": 4} if name == "gray_scott" else {"type": "gaussian"}
    run = build({"type": name}, (8, 10), initial=initial, walls="x", backend={"precision": precision})
    fields, dt = run.state.fields, 1e-3
    out = {key: np.full_like(values, np.nan) for key, values in fields.items()}
    run.rhs.fused["euler"](fields, out, 0.0, dt)
    slopes = run.rhs.explicit(fields, 0.0)
    for key, values in fields.items():
        assert out[key].dtype == precision
        np.testing.assert_allclose(out[key], values + dt * slopes[key], rtol=4 * np.finfo(precision).eps, atol=1e-20)


@pytest.mark.parametrize("integrator", ["euler", "ab2", "rk4", "ssp_rk3"])
@pytest.mark.parametrize(
    "solver",
    [
        {"type": "heat"},
        {"type": "advection_diffusion", "velocity": [1.0, 0.7], "diffusivity": 0.05},
        {"type": "advection_diffusion", "velocity": [1.0, 0.7], "diffusivity": 0.001, "scheme": "upwind3"},
    ],
    ids=["heat", "central2", "upwind3"],
)
def test_steps_at_the_limit_are_stable(build: Any, advance: Any, solver: dict[str, Any], integrator: str) -> None:
    """No wave grows at 99 % of the limit, from a field that holds all of them."""
    probe = build(solver, (7, 9), u=noisy, integrator=integrator, time={"end": 1.0, "dt": 1e-9})
    dt = 0.99 * probe.solver.stable_dt(probe.state.fields, 0.0, probe.integrator)
    run = build(solver, (7, 9), u=noisy, integrator=integrator, time={"end": 400 * dt, "dt": dt})
    start = np.abs(run.state.fields["u"]).max()
    assert np.abs(advance(run).state.fields["u"]).max() < 1.5 * start


def test_heat_above_the_limit_is_refused_and_the_limit_named(build: Any) -> None:
    """dt = dx^2 / 4 is the limit of forward Euler in two dimensions."""
    run = build({"type": "heat"}, (8, 8), integrator="euler", time={"end": 1.0, "dt": 0.00400})
    assert re.search(r"above the stability limit 0\.00391 of 'heat' with 'euler'", unstable_step(run))


def test_pearsons_step_is_within_the_limit(build: Any) -> None:
    initial = {"type": "gray_scott_seed"}
    solver = {"type": "gray_scott"}
    run = build(solver, (64, 64), (0.625, 0.625), integrator="euler", initial=initial, time={"end": 10.0, "dt": 1.0})
    assert unstable_step(run) == ""


def test_gray_scott_fixed_points(build: Any) -> None:
    """(1, 0), and where F >= 4 (F + k)^2 two more: u = (1 -+ sqrt(1 - 4 (F+k)^2/F))/2, v = F (1 - u)/(F + k)."""
    F, k = 0.04, 0.05
    run = build({"type": "gray_scott", "feed": F, "kill": k}, (6, 8), initial={"type": "gray_scott_seed", "cells": 4})
    root = np.sqrt(1.0 - 4.0 * (F + k) ** 2 / F)
    for u in (1.0, (1.0 - root) / 2.0, (1.0 + root) / 2.0):
        fields = {"u": np.full((6, 8), u), "v": np.full((6, 8), F * (1.0 - u) / (F + k))}
        for rate in run.rhs.explicit(fields, 0.0).values():
            np.testing.assert_allclose(rate, 0.0, atol=1e-16)


def test_homogeneous_gray_scott_is_the_ordinary_differential_equation(build: Any, advance: Any) -> None:
    from scipy.integrate import solve_ivp

    F, k = 0.04, 0.06
    initial = {"type": "gray_scott_seed", "cells": 6, "noise": 0.0}
    solver = {"type": "gray_scott", "feed": F, "kill": k}
    run = advance(build(solver, (6, 6), initial=initial, time={"end": 20.0, "dt": 0.1}))

    def rates(_: float, y: Any) -> list[float]:
        u, v = y
        return [-u * v * v + F * (1 - u), u * v * v - (F + k) * v]

    exact = solve_ivp(rates, (0.0, 20.0), [0.5, 0.25], rtol=1e-11, atol=1e-13).y[:, -1]
    for name, value in zip(("u", "v"), exact, strict=True):
        np.testing.assert_allclose(run.state.fields[name], value, rtol=1e-7)


def test_homogeneous_growth_is_logistic(build: Any, advance: Any) -> None:
    solver = {"type": "fisher_kolmogorov", "growth": 2.0}
    run = advance(build(solver, (5,), u=lambda x: 0.1 + 0.0 * x, time={"end": 1.0, "dt": 0.005}))
    np.testing.assert_allclose(run.state.fields["u"], 0.1 * np.exp(2.0) / (0.9 + 0.1 * np.exp(2.0)), rtol=1e-8)


def test_steady_flux_through_layers_is_exact(build: Any) -> None:
    """Harmonic face values: a profile whose slope jumps with 1/D between two materials is steady to round-off."""
    regions = [{"center": [0.75], "radius": 0.25, "diffusivity": 4.0}]
    ends = {"low": {"type": "dirichlet", "value": 0.0}, "high": {"type": "dirichlet", "value": 0.625}}
    solver = {"type": "fisher_kolmogorov", "growth": 0.0, "regions": regions, "boundaries": {"x": ends}}
    run = build(solver, (16,), walls="x", u=lambda x: np.where(x < 0.5, x, 0.5 + (x - 0.5) / 4.0))
    np.testing.assert_allclose(run.rhs.explicit(run.state.fields, 0.0)["u"], 0.0, atol=1e-11)


def test_nothing_enters_cells_without_diffusivity(build: Any, advance: Any) -> None:
    regions = [{"center": [0.5, 0.5], "radius": 0.3, "diffusivity": 1.0}]
    solver = {"type": "fisher_kolmogorov", "diffusivity": 0.0, "growth": 1.0, "regions": regions}
    initial = {"type": "gaussian", "center": [0.5, 0.5], "width": 0.02}
    run = advance(build(solver, (16, 16), initial=initial, time={"end": 1.0, "cfl": 0.9}))
    outside = run.solver.tissue == 0.0
    assert run.state.fields["u"][~outside].min() > 1e-4
    assert run.state.fields["u"][outside].max() < 1e-8


def test_a_map_gives_the_diffusivity(build: Any, tmp_path: Any) -> None:
    tissue = np.random.default_rng(2).uniform(size=(5, 6))
    np.save(tmp_path / "tissue.npy", tissue)
    run = build({"type": "fisher_kolmogorov", "map": "tissue.npy"}, (5, 6))
    np.testing.assert_array_equal(run.view()["diffusivity"], tissue)


@pytest.mark.parametrize("bad", [np.ones((6, 5)), -np.ones((5, 6)), np.full((5, 6), np.nan), np.full((5, 6), "a")])
def test_bad_maps_are_refused(build: Any, tmp_path: Any, bad: Any) -> None:
    np.save(tmp_path / "tissue.npy", bad)
    with pytest.raises(ScenarioError, match=r"solver\.map: 'tissue\.npy' holds"):
        build({"type": "fisher_kolmogorov", "map": "tissue.npy"}, (5, 6))


WALLED = {"low": {"type": "dirichlet"}}


@pytest.mark.parametrize(
    ("solver", "line"),
    [
        ({"type": "heat", "boundaries": {"x": WALLED}}, "solver.boundaries.x: axis x is periodic, no condition can"),
        ({"type": "heat", "boundaries": {"z": WALLED}}, "solver.boundaries.z: the mesh has no axis z"),
        ({"type": "gray_scott", "boundaries": {"v": {"x": WALLED}}}, "solver.boundaries.v.x: axis x is periodic"),
        (
            {"type": "heat", "boundaries": {"x": {"low": {"type": "periodic"}}}},
            r"solver.boundaries.x.low: no type is called 'periodic'; choose from dirichlet, neumann, outflow, robin",
        ),
        (
            {"type": "heat", "boundaries": {"x": {"low": {"type": "robin", "alpha": 0.0, "beta": 0.0}}}},
            "alpha and beta are both zero",
        ),
        (
            {
                "type": "heat",
                "boundaries": {
                    "x": {"low": {"type": "dirichlet", "value": {"times": [1.0, 0.0], "values": [0.0, 1.0]}}}
                },
            },
            "times must increase",
        ),
        (
            {
                "type": "heat",
                "boundaries": {
                    "x": {"low": {"type": "dirichlet", "value": {"times": [0.0, 1.0], "values": [0.0, float("nan")]}}}
                },
            },
            "solver.boundaries.x.low.value.values.1",
        ),
        ({"type": "advection_diffusion", "velocity": [1.0, 1.0, 1.0]}, "solver.velocity: 3 components on a mesh of 2"),
        (
            {"type": "heat", "source": {"center": [0.5]}},
            "solver.source.center: 1 coordinates on a mesh of 2 axes",
        ),
    ],
)
def test_bad_conditions_are_named(build: Any, solver: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError, match=line):
        build(solver, (8, 8), walls="y")


def test_spectral_solvers_refuse_walls(build: Any) -> None:
    with pytest.raises(ScenarioError, match=r"mesh\.boundaries: Fourier methods need periodic axes"):
        build({"type": "navier_stokes_2d"}, (16, 16), walls="x", initial={"type": "taylor_green"})


@pytest.mark.parametrize("modes", [[1], [2, 2, 2]])
def test_modes_that_do_not_fit_are_refused(build: Any, modes: list[int]) -> None:
    with pytest.raises(ScenarioError, match="modes: "):
        build({"type": "heat"}, (8, 8), initial={"type": "standing_mode", "modes": modes})


@pytest.mark.parametrize("walls", ["", "x", "xy"])
def test_waves_keep_their_energy(build: Any, advance: Any, walls: str) -> None:
    """What RK4 loses of a resolved mode falls with dt^5: 32 times less at half the step."""
    fixed = {axis: {"low": {"type": "dirichlet"}, "high": {"type": "dirichlet"}} for axis in walls}
    lost = []
    for dt in (0.02, 0.01):
        run = build(
            {"type": "wave", "boundaries": fixed}, (12, 16), walls=walls, time={"end": 1.0, "dt": dt}, initial={
                "type": "standing_mode", "modes": [2, 4], "form": "sine"}
        )  # fmt: skip
        before = float(run.view()["energy"])
        lost.append(1.0 - float(advance(run).view()["energy"]) / before)
    assert 0.0 < lost[1] < 2e-3
    assert np.log2(lost[0] / lost[1]) == pytest.approx(5.0, rel=0.03)


def test_waves_swing_at_the_discrete_frequency(build: Any) -> None:
    """A standing mode is an eigenvector: omega^2 = 4 c^2 (sin^2(k dx/2)/dx^2 + sin^2(l dy/2)/dy^2), to round-off."""
    run = build({"type": "wave", "speed": 1.5}, (12, 20), initial={"type": "standing_mode", "modes": [4, 2]})
    squared = 1.5**2 * 4.0 * ((20 * np.sin(2 * np.pi / 20)) ** 2 + (12 * np.sin(np.pi / 12)) ** 2)
    rates = run.rhs.explicit(run.state.fields, 0.0)
    np.testing.assert_allclose(rates["v"], -squared * run.state.fields["u"], atol=1e-13 * squared)


@pytest.mark.parametrize("walls", ["", "xy"])
def test_leapfrog_follows_the_discrete_dispersion_and_keeps_its_energy(build: Any, walls: str) -> None:
    """A standing mode from rest is cos(omega n dt), sin^2(omega dt/2) = (c dt)^2 (sin^2(k dx/2)/dx^2 + ...)."""
    sine = {"x": 0, "y": 0} if walls else {}
    fixed = {axis: {"low": {"type": "dirichlet"}, "high": {"type": "dirichlet"}} for axis in sine}
    form, dt, (ny, nx) = "sine" if walls else "cosine", 0.02, (16, 24)
    run = build(
        {"type": "wave", "boundaries": fixed}, (ny, nx), walls=walls, time={"end": 20.0, "dt": dt},
        integrator="own", initial={"type": "standing_mode", "modes": [4, 2], "form": form},
    )  # fmt: skip
    sines = (nx * np.sin(2 * np.pi / nx)) ** 2 + (ny * np.sin(np.pi / ny)) ** 2
    omega = 2.0 / dt * np.arcsin(dt * np.sqrt(sines))
    start, energy = run.state.fields["u"].copy(), float(run.view()["leapfrog_energy"])
    fields, streams = run.state.fields, run.streams("own")
    for n in range(1, 1001):
        fields.update(run.integrator.step(run.rhs, fields, {}, (n - 1) * dt, dt, streams, None).fields)
        if n % 250 == 0:
            np.testing.assert_allclose(fields["u"], np.cos(omega * n * dt) * start, rtol=0, atol=1e-12)
            assert float(run.view()["leapfrog_energy"]) == pytest.approx(energy, rel=1e-14)
