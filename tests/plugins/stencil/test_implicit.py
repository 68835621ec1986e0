"""Implicit diffusion and advection-diffusion: orders for all walls and schemes, the same steps as explicit sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid import loop
from subgrid.api import ScenarioError
from subgrid.assembly import Simulation, assemble, initialise
from subgrid.registry import Registry
from subgrid.scenario import parse
from subgrid.testing.in_run import NoRecorder

REGISTRY = Registry.load()
END = 0.05
TOLERANCE = 0.03


def scenario(solver: dict[str, Any], shape: list[int], walls: str, linear_solver: str, steps: int) -> dict[str, Any]:
    mesh = {"type": "grid", "shape": shape, "length": [1.0] * len(shape), "offset": "cell"}
    return {
        "backend": {"threads": 1},
        "mesh": {**mesh, "boundaries": dict.fromkeys(walls, "wall")},
        "initial": {"type": "gaussian"},
        "solver": solver,
        "integrator": {"type": "own"},
        "linear_solver": {"type": linear_solver, "rtol": 1e-12},
        "time": {"end": END, "dt": END / steps},
    }


def simulation(data: dict[str, Any], tmp_path: Any, u: Any = None) -> Simulation:
    result = assemble(parse(data, REGISTRY, tmp_path), REGISTRY)
    initialise(result, REGISTRY)
    if u is not None:
        result.state.fields["u"] = np.ascontiguousarray(u(*reversed(result.mesh.meshgrid())))
    return result


def advanced(built: Simulation) -> Any:
    loop.advance(built, NoRecorder(), loop.Ledger())
    return built.state.fields["u"]


def exact(x: Any, t: Any) -> Any:
    """A solution of the heat equation with no symmetry about x = 0 and x = 1."""
    return np.exp(-4.0 * t) * np.sin(2.0 * x + 0.5)


def slope(x: float, t: Any) -> Any:
    return 2.0 * np.exp(-4.0 * t) * np.cos(2.0 * x + 0.5)


def table(value: Any) -> dict[str, Any]:
    times = np.linspace(0.0, END, 2001)
    return {"times": times.tolist(), "values": np.asarray(value(times)).tolist()}


LOW: dict[str, Any] = {
    "dirichlet": {"type": "dirichlet", "value": table(lambda t: exact(0.0, t))},
    "neumann": {"type": "neumann", "slope": table(lambda t: -slope(0.0, t))},
    "robin": {
        "type": "robin", "alpha": 2.0, "beta": 0.5,
        "value": table(lambda t: 2.0 * exact(0.0, t) - 0.5 * slope(0.0, t)),
    },
}  # fmt: skip
HIGH: dict[str, Any] = {
    "dirichlet": {"type": "dirichlet", "value": table(lambda t: exact(1.0, t))},
    "neumann": {"type": "neumann", "slope": table(lambda t: slope(1.0, t))},
    "robin": {"type": "robin", "beta": 3.0, "value": table(lambda t: exact(1.0, t) + 3.0 * slope(1.0, t))},
}
SOLVERS = [("implicit_diffusion", "sparse_lu"), ("implicit_advection_diffusion", "gmres")]


def observed(name: str, linear_solver: str, walls: dict[str, Any], scheme: str, axis: str, tmp_path: Any) -> float:
    errors = []
    ndim = "xyz".index(axis) + 1
    for n in (32, 64):
        shape = [6] * ndim
        shape[0] = n
        extra = {"velocity": [0.0], "time_scheme": scheme} if "advection" in name else {"scheme": scheme}
        solver = {"type": name, "diffusivity": 1.0, **extra, "boundaries": {axis: walls}}
        # second order in space and in time, or in space and first in time with as many more steps
        steps = n if scheme == "crank_nicolson" else n * n // 8
        built = simulation(
            scenario(solver, shape, axis, linear_solver, steps), tmp_path, lambda *xyz: exact(xyz[-1], 0.0)
        )
        places = built.mesh.meshgrid()[0]
        errors.append(float(np.sqrt(np.mean((advanced(built) - exact(places, END)) ** 2))))
    return float(np.log2(errors[0] / errors[1]))


@pytest.mark.parametrize(("name", "linear_solver"), SOLVERS)
@pytest.mark.parametrize("high", list(HIGH))
@pytest.mark.parametrize("low", list(LOW))
def test_order_is_two_for_each_pair_of_walls(name: str, linear_solver: str, low: str, high: str, tmp_path: Any) -> None:
    walls = {"low": LOW[low], "high": HIGH[high]}
    assert observed(name, linear_solver, walls, "crank_nicolson", "x", tmp_path) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize(("name", "linear_solver"), SOLVERS)
@pytest.mark.parametrize("axis", ["y", "z"])
def test_order_is_two_along_the_other_axes(name: str, linear_solver: str, axis: str, tmp_path: Any) -> None:
    walls = {"low": LOW["robin"], "high": HIGH["dirichlet"]}
    assert observed(name, linear_solver, walls, "crank_nicolson", axis, tmp_path) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize(("name", "linear_solver"), SOLVERS)
def test_backward_euler_has_first_order_in_time(name: str, linear_solver: str, tmp_path: Any) -> None:
    walls = {"low": LOW["robin"], "high": HIGH["neumann"]}
    assert observed(name, linear_solver, walls, "backward_euler", "x", tmp_path) == pytest.approx(2.0, rel=TOLERANCE)


@pytest.mark.parametrize("linear_solver", [
    "sparse_lu", "cg", "pcg", "gmres", "amg", "multigrid", "sor", "ssor", "sor_bandit", "sor_bandit_contextual",
    "pcg_bandit",
])  # fmt: skip
def test_every_linear_solver_takes_these_walls(linear_solver: str, tmp_path: Any) -> None:
    """Robin below, a moving value above, nothing through the sides: each answers as a dense solve does."""
    solver = {
        "type": "implicit_diffusion",
        "boundaries": {"y": {"low": LOW["robin"], "high": HIGH["dirichlet"]}, "x": {"high": {"type": "outflow"}}},
    }
    data = scenario(solver, [16, 8], "xy", linear_solver, 4)
    reference = advanced(simulation({**data, "linear_solver": {"type": "sparse_lu"}}, tmp_path))
    np.testing.assert_allclose(advanced(simulation(data, tmp_path)), reference, rtol=0, atol=1e-9)


@pytest.mark.parametrize("low", ["dirichlet", "neumann"])
@pytest.mark.parametrize("high", ["dirichlet", "neumann"])
def test_transforms_take_walls_that_differ(low: str, high: str, tmp_path: Any) -> None:
    solver = {"type": "implicit_diffusion", "boundaries": {"y": {"low": LOW[low], "high": HIGH[high]}}}
    data = scenario(solver, [15, 8], "y", "fft_poisson", 4)
    reference = advanced(simulation({**data, "linear_solver": {"type": "sparse_lu"}}, tmp_path))
    np.testing.assert_allclose(advanced(simulation(data, tmp_path)), reference, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [[9], [7, 10], [5, 6, 8]])
@pytest.mark.parametrize("scheme", ["central2", "central4", "upwind3"])
def test_matrix_and_sweep_are_the_same_operator(shape: list[int], scheme: str, tmp_path: Any) -> None:
    walls = "xyz"[: len(shape)][-1]
    solver = {
        "type": "implicit_advection_diffusion", "velocity": [0.7, -0.4, 1.1][: len(shape)], "diffusivity": 0.05,
        "scheme": scheme, "boundaries": {walls: {"low": {"type": "robin", "beta": 0.3}, "high": {"type": "dirichlet"}}},
    }  # fmt: skip
    built = simulation(scenario(solver, shape, walls, "sparse_lu", 4), tmp_path)
    u = np.random.default_rng(1).standard_normal(shape)
    swept = built.solver.sweep(u, 0.0, 1.0, -0.3, None)
    np.testing.assert_allclose((built.solver.implicit_operator(0.3, 0.0) @ u.ravel()).reshape(shape), swept, atol=1e-12)


@pytest.mark.parametrize("linear_solver", ["gmres", "sparse_lu", "sor", "sor_bandit"])
def test_a_wave_in_a_flow_between_walls_has_order_two(linear_solver: str, tmp_path: Any) -> None:
    """It is carried in through a wall that holds its value and out through one of given slope."""
    diffusivity, speed = 0.05, 0.5

    def wave(x: Any, t: Any) -> Any:
        return np.exp(-4.0 * diffusivity * t) * np.sin(2.0 * (x - speed * t) + 0.5)

    def steepness(t: Any) -> Any:
        return 2.0 * np.exp(-4.0 * diffusivity * t) * np.cos(2.0 * (1.0 - speed * t) + 0.5)

    ends = {
        "low": {"type": "dirichlet", "value": table(lambda t: wave(0.0, t))},
        "high": {"type": "neumann", "slope": table(steepness)},
    }
    solver = {"type": "implicit_advection_diffusion", "diffusivity": diffusivity, "velocity": [speed],
              "boundaries": {"x": ends}}  # fmt: skip
    errors = []
    for n in (64, 128):
        data = scenario(solver, [n], "x", linear_solver, n // 4)
        data["linear_solver"]["rtol"] = 1e-10
        built = simulation(data, tmp_path, lambda x: wave(x, 0.0))
        x = built.mesh.coordinates()[0]
        errors.append(float(np.sqrt(np.mean((advanced(built) - wave(x, END)) ** 2))))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, rel=TOLERANCE)


def test_what_does_not_fit_is_refused(tmp_path: Any) -> None:
    flow = {"type": "implicit_advection_diffusion", "velocity": [1.0]}
    for name in ("cg", "pcg", "pcg_bandit"):
        with pytest.raises(ScenarioError, match=r"needs a symmetric matrix; .* use 'gmres'"):
            simulation(scenario(flow, [16], "", name, 4), tmp_path)
    with pytest.raises(ScenarioError, match="constant coefficients on a grid"):
        simulation(scenario(flow, [16], "", "fft_poisson", 4), tmp_path)
    robin = {"type": "implicit_diffusion", "boundaries": {"x": {"low": {"type": "robin"}}}}
    with pytest.raises(ScenarioError, match="no transform for walls of type 'robin'"):
        simulation(scenario(robin, [16], "x", "fft_poisson", 4), tmp_path)
    with pytest.raises(ScenarioError, match="axis x is periodic"):
        simulation(scenario(robin, [16], "", "sparse_lu", 4), tmp_path)
    negative = {"type": "implicit_diffusion", "diffusivity": {"times": [0.0, 1.0], "values": [1.0, -1.0]}}
    with pytest.raises(ScenarioError, match=r"solver.*diffusivity: -1 is negative"):
        simulation(scenario(negative, [16], "", "cg", 4), tmp_path)
