"""Shallow water: kernels, conservation, water at rest, exact solutions and orders."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolderError, ScenarioError
from subgrid.kernels.shallow_water import rates_reference
from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench
from subgrid_stencil.config_shallow_water import DamBreakErrorConfig
from subgrid_stencil.shallow_water_initial import dam_break_depth, middle_state

G = 9.81


@pytest.fixture(scope="module")
def bench() -> RegistryWorkbench:
    return RegistryWorkbench(Registry.load())


def scenario(shape: list[int], walls: bool = False, **solver: Any) -> dict[str, Any]:
    mesh = {"type": "grid", "shape": shape, "length": [2.0] * len(shape), "offset": "cell"}
    mesh["origin"] = [-1.0] * len(shape)
    if walls:
        mesh["boundaries"] = dict.fromkeys("xy"[: len(shape)], "wall")
    return {
        "mesh": mesh,
        "initial": {"type": "lake"},
        "solver": {"type": "shallow_water", **solver},
        "integrator": {"type": "ssp_rk3"},
        "time": {"end": 1e-2, "dt": 1e-4},
    }


def advance(simulation: Any, fields: dict[str, Any], end: float, cfl: float) -> dict[str, Any]:
    """Shu and Osher's third-order scheme, written out, with steps of ``cfl`` times the limit."""
    rhs, t = simulation.rhs.explicit, 0.0
    while t < end - 1e-14:
        dt = min(cfl * simulation.solver.stable_dt(fields, t, simulation.integrator), end - t)
        one = {n: v + dt * r for (n, v), r in zip(fields.items(), rhs(fields, t, None).values(), strict=True)}
        rate = rhs(one, t, None)
        two = {n: 0.75 * v + 0.25 * (one[n] + dt * rate[n]) for n, v in fields.items()}
        rate = rhs(two, t, None)
        fields = {n: v / 3 + 2 / 3 * (two[n] + dt * rate[n]) for n, v in fields.items()}
        t += dt
    return fields


@pytest.mark.parametrize("shape", [[11], [7, 10]])
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("limiter", ["none", "minmod", "mc"])
def test_kernel_is_its_definition(bench: RegistryWorkbench, shape: list[int], precision: str, limiter: str) -> None:
    """Rough water over a rough bed, with dry cells."""
    rng = np.random.default_rng(4)
    h = np.maximum(rng.uniform(-0.5, 1.0, shape), 0.0)
    discharge = h * rng.normal(size=(len(shape), *shape))
    results = []
    for threads in (1, 2, 3):
        data = scenario(shape, walls=True, limiter=limiter)
        data["backend"] = {"precision": precision, "threads": threads}
        simulation = bench.simulation(data)
        solver = simulation.solver
        solver.bed = np.random.default_rng(5).uniform(0.0, 0.5, shape).astype(precision)
        solver._padded_bed = solver._pad(solver.bed, None)
        fields = solver.encode({"depth": h, "discharge": discharge}, simulation.backend)
        results.append(solver.tendency(fields, 0.0, simulation.closures))
    velocity = [solver._pad(u, len(shape) - 1 - i) for i, u in enumerate(solver._velocity(fields))]
    depth = solver._pad(fields["h"], None)
    inverse = [1.0 / step for step in reversed(simulation.mesh.spacing)]
    number = {"none": 0, "minmod": 1, "mc": 2}[limiter]
    expected = rates_reference(depth, velocity, solver._padded_bed, G, inverse, number)
    tolerance = 1e-12 if precision == "float64" else 1e-4
    for result in results:
        for name, wanted in zip(("h", *solver.names), expected, strict=True):
            assert result[name].dtype == precision
            np.testing.assert_allclose(result[name], wanted, rtol=0, atol=tolerance * max(1.0, np.abs(wanted).max()))
            np.testing.assert_array_equal(result[name], results[0][name])


@pytest.mark.parametrize("walls", [False, True])
def test_mass_is_kept_and_depth_stays_positive(bench: RegistryWorkbench, walls: bool) -> None:
    simulation = bench.simulation(
        scenario([20, 24], walls, bed={"hills": [{"center": [0, 0], "width": 0.3, "height": 1}]})
    )
    rng = np.random.default_rng(2)
    h = np.maximum(rng.uniform(-0.4, 1.0, (20, 24)), 0.0)
    start = simulation.solver.encode({"depth": h, "discharge": h * rng.normal(size=(2, 20, 24))}, simulation.backend)
    fields = advance(simulation, start, 0.3, 0.9)
    assert fields["h"].min() >= -1e-15
    assert fields["h"].sum() == pytest.approx(h.sum(), rel=1e-13)


@pytest.mark.parametrize("limiter", ["none", "minmod", "mc"])
@pytest.mark.parametrize("shape", [[50], [24, 30]])
def test_a_lake_around_an_island_stays_at_rest(bench: RegistryWorkbench, shape: list[int], limiter: str) -> None:
    hills = [
        {"center": [0.1] * len(shape), "width": 0.3, "height": 1.5},
        {"center": [-0.5] * len(shape), "width": 0.2, "height": 0.6},
    ]
    simulation = bench.simulation(scenario(shape, True, limiter=limiter, bed={"hills": hills}))
    assert simulation.state.fields["h"].min() == 0.0
    assert simulation.state.fields["h"].max() > 0.5
    fields = advance(simulation, simulation.state.fields, 1.0, 0.9)
    for name in simulation.solver.names:
        assert np.abs(fields[name]).max() < 1e-13
    np.testing.assert_allclose(fields["h"], simulation.state.fields["h"], atol=1e-13)


@pytest.mark.parametrize(("right", "first", "second"), [(0.1, 4.6e-3, 1.0e-3), (0.0, 5.3e-3, 9e-4)])
def test_dam_break_errors(bench: RegistryWorkbench, right: float, first: float, second: float) -> None:
    """Errors at n = 800 (the first-order ones are those of Euler steps, which sharpen), and the plateau."""
    exact = DamBreakErrorConfig(right=right)
    for limiter, most in (("none", 1.25 * first), ("mc", second)):
        data = scenario([800], True, limiter=limiter)
        data["initial"] = {"type": "dam_break", "right": right}
        simulation = bench.simulation(data)
        fields = advance(simulation, simulation.state.fields, 0.12, 0.8)
        x = simulation.mesh.coordinates()[0]
        assert 2.0 * np.mean(np.abs(fields["h"] - dam_break_depth(exact, x, 0.12))) < most
        if right > 0.0:
            middle, velocity = middle_state(G, 1.0, right)
            inside = (x > 0.12 * (velocity - np.sqrt(G * middle)) + 0.03) & (x < 0.3)
            np.testing.assert_allclose(fields["h"][inside], middle, atol=1e-3)


def test_dam_break_states_are_the_published_ones() -> None:
    for high, low, depth, velocity in (
        (1.0, 0.1, 0.396175, 2.321355),
        (1.0, 0.5, 0.726920, 0.923364),
        (10.0, 5.0, 7.269204, 2.919933),
    ):
        assert middle_state(G, high, low) == pytest.approx((depth, velocity), rel=1e-6)
    x = np.linspace(-1.0, 1.0, 41)
    one = dam_break_depth(DamBreakErrorConfig(left=0.2, right=1.0, position=0.1), x, 0.1)
    two = dam_break_depth(DamBreakErrorConfig(left=1.0, right=0.2, position=-0.1), -x, 0.1)
    np.testing.assert_array_equal(one, two)


def simple_wave(x: Any, t: float, start: Any) -> tuple[Any, Any]:
    """A right-going simple wave on depth 1: c = c0 + start(x - (3 c - 2 c0) t), u = 2 (c - c0), before it breaks."""
    rest = np.sqrt(G)
    c = np.full_like(x, rest)
    for _ in range(200):
        c = rest + start(x - (3 * c - 2 * rest) * t)
    return c * c / G, 2 * (c - rest)


def sine(x: Any) -> Any:
    return 0.1 * np.sin(np.pi * x)


def ramp(x: Any) -> Any:
    """Monotone, so that no limiter acts once the grid resolves it."""
    return 0.1 * np.tanh(10.0 * (x + 0.25))


def wave_error(bench: RegistryWorkbench, n: int, axis: int, start: Any, walls: bool) -> float:
    data = scenario([4, n] if axis else [n, 4])
    if walls:
        name = "x" if axis else "y"
        data["mesh"]["boundaries"] = {name: "wall"}
        data["solver"]["boundaries"] = {name: {"low": "outflow", "high": "outflow"}}
    simulation = bench.simulation(data)
    x = -1.0 + 2.0 * (np.arange(n) + 0.5) / n
    h, u = simple_wave(x, 0.0, start)
    depth, across = (np.tile(v, (4, 1)) if axis else np.tile(v[:, None], (1, 4)) for v in (h, h * u))
    discharge = np.zeros((2, *depth.shape))
    discharge[1 - axis] = across
    fields = simulation.solver.encode({"depth": depth, "discharge": discharge}, simulation.backend)
    fields = advance(simulation, fields, 0.15, 0.5)
    row = fields["h"][0] if axis else fields["h"][:, 0]
    return float(np.mean(np.abs(row - simple_wave(x, 0.15, start)[0])))


@pytest.mark.parametrize("axis", [0, 1])
def test_waves_without_crests_converge_with_second_order(bench: RegistryWorkbench, axis: int) -> None:
    errors = [wave_error(bench, n, axis, ramp, True) for n in (128, 256, 512)]
    order = [float(np.log2(a / b)) for a, b in itertools.pairwise(errors)]
    assert order[-1] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("axis", [0, 1])
def test_waves_with_crests_converge_with_nearly_second_order(bench: RegistryWorkbench, axis: int) -> None:
    """The limiter takes the slope from cells at extrema, a first-order error in a number of cells that does not grow
    with n: the mean error falls between n^-2 and n^-3/2 until n is large."""
    errors = [wave_error(bench, n, axis, sine, False) for n in (64, 128, 256)]
    order = [float(np.log2(a / b)) for a, b in itertools.pairwise(errors)]
    assert order[-1] == pytest.approx(2.0, rel=0.06)


def test_water_in_a_bowl_swings_back(bench: RegistryWorkbench) -> None:
    """Thacker's plane surface in a parabolic bowl: u = -B sin(omega t), and the shore moves."""
    depth, radius, swing = 0.5, 0.6, 0.1
    omega = np.sqrt(2 * G * depth) / radius
    errors = []
    for n in (100, 200):
        bowl = {"center": [0.0], "radius": radius, "depth": depth}
        simulation = bench.simulation(scenario([n], True, bed={"bowl": bowl}))
        x = simulation.mesh.coordinates()[0]
        bed = depth * (x**2 / radius**2 - 1)
        # surface = (2 depth / radius^2) swing cos(omega t) (x - swing cos(omega t) / 2)
        surface = 2 * depth * swing / radius**2 * (x - swing / 2)
        start = np.maximum(surface - bed, 0.0)
        fields = simulation.solver.encode({"depth": start}, simulation.backend)
        fields = advance(simulation, fields, 2 * np.pi / omega, 0.8)
        errors.append(float(np.sum(np.abs(fields["h"] - start)) / np.sum(start)))
        assert fields["h"].sum() == pytest.approx(start.sum(), rel=1e-12)
    assert errors[1] < 0.01
    assert errors[0] / errors[1] > 2.0


def test_waves_leave_through_an_outflow(bench: RegistryWorkbench) -> None:
    data = scenario([200], True, boundaries={"x": {"low": "outflow", "high": "outflow"}})
    data["initial"] = {"type": "lake", "bump": {"center": [0.0], "width": 0.1, "height": 0.05}}
    simulation = bench.simulation(data)
    fields = advance(simulation, simulation.state.fields, 1.0, 0.8)
    assert np.abs(fields["h"] - 1.0).max() < 1e-3
    walled = bench.simulation({**data, "solver": {"type": "shallow_water"}})
    kept = advance(walled, walled.state.fields, 1.0, 0.8)
    assert np.abs(kept["h"] - 1.0).max() > 1e-2


def test_what_does_not_fit_is_refused(bench: RegistryWorkbench) -> None:
    simulation = bench.simulation(scenario([8]))
    with pytest.raises(ScenarioError, match=r"depth is negative, -0\.1 m"):
        simulation.solver.encode({"depth": np.full(8, -0.1)}, simulation.backend)
    with pytest.raises(ScenarioError, match=r"initial\.right"):
        bench.simulation({**scenario([8]), "initial": {"type": "dam_break", "right": -1.0}})
    with pytest.raises(ScenarioError, match="axis x is periodic"):
        bench.simulation(scenario([8], boundaries={"x": {"low": "outflow"}}))
    with pytest.raises(ScenarioError, match="one or two axes"):
        bench.simulation({**scenario([8]), "mesh": {"type": "grid", "shape": [4, 4, 4], "length": [1.0] * 3}})
    with pytest.raises(RunFolderError, match=r"solver\.bed\.map: 'none.npy' cannot be read"):
        bench.simulation(scenario([8], bed={"map": "none.npy"}))
