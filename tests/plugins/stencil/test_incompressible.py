"""The staggered solver: kernels, pressure, conservation, orders, conditions and closures."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from subgrid.api import Grid, ScenarioError
from subgrid.kernels.staggered import momentum_reference
from subgrid.registry import Registry
from subgrid.workbench import RegistryWorkbench
from subgrid_stencil.cavity import CavityReference
from subgrid_stencil.config_incompressible import CavityReferenceConfig
from subgrid_stencil.pressure import FastPoisson

WALLS = {"x": "wall", "y": "wall"}
SLIP = {"low": {"type": "slip"}, "high": {"type": "slip"}}


@pytest.fixture(scope="module")
def bench() -> RegistryWorkbench:
    return RegistryWorkbench(Registry.load())


def scenario(shape: list[int], length: list[Any], walls: Any = None, **solver: Any) -> dict[str, Any]:
    mesh = {"type": "grid", "shape": shape, "length": length, "offset": "cell"}
    if walls:
        mesh["boundaries"] = walls
    return {
        "mesh": mesh,
        "initial": {"type": "box_vortices"},
        "solver": {"type": "incompressible_navier_stokes", **solver},
        "integrator": {"type": "rk4"},
        "time": {"end": 1e-2, "dt": 1e-3},
    }


def random_flow(simulation: Any, seed: int = 3) -> dict[str, Any]:
    mesh = simulation.mesh
    velocity = np.random.default_rng(seed).standard_normal((mesh.ndim, *mesh.shape))
    return simulation.solver.encode({"lower_face_velocity": velocity}, simulation.backend)


def advance(simulation: Any, fields: dict[str, Any], dt: float, steps: int) -> dict[str, Any]:
    """Classical Runge-Kutta, written out."""
    rhs = simulation.rhs.explicit
    for step in range(steps):
        t = step * dt
        k1 = rhs(fields, t, None)
        k2 = rhs({n: v + dt / 2 * k1[n] for n, v in fields.items()}, t + dt / 2, None)
        k3 = rhs({n: v + dt / 2 * k2[n] for n, v in fields.items()}, t + dt / 2, None)
        k4 = rhs({n: v + dt * k3[n] for n, v in fields.items()}, t + dt, None)
        fields = {n: v + dt / 6 * (k1[n] + 2 * k2[n] + 2 * k3[n] + k4[n]) for n, v in fields.items()}
    return fields


def inner(a: dict[str, Any], b: dict[str, Any]) -> float:
    return float(sum(np.sum(a[name] * b[name]) for name in a))


def slopes(errors: list[float]) -> list[float]:
    return [float(np.log2(a / b)) for a, b in itertools.pairwise(errors)]


@pytest.mark.parametrize("shape", [[7, 10], [5, 6, 9]])
@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("walled", [False, True])
def test_momentum_kernel_is_its_definition(
    bench: RegistryWorkbench, shape: list[int], precision: str, walled: bool
) -> None:
    axes = "zyx"[-len(shape) :]
    data = scenario(shape, [1.0 + axis for axis in range(len(shape))], dict.fromkeys(axes, "wall") if walled else None)
    results = []
    for threads in (1, 2, 3):
        data["backend"] = {"precision": precision, "threads": threads}
        simulation = bench.simulation(data)
        solver, fields = simulation.solver, random_flow(simulation)
        padded = solver._padded(fields, 0.0)
        results.append({axis: solver._momentum(padded, axis) for axis in padded})
    inverse = [1.0 / step for step in solver.faces.spacing]
    for axis in padded:
        expected = momentum_reference([padded.get(a) for a in range(3)], axis, inverse, solver.config.viscosity)
        crop = tuple(slice(0, n) for n in solver.faces.shape(axis))
        tolerance = 1e-13 if precision == "float64" else 1e-5
        for result in results:
            assert result[axis].dtype == precision
            np.testing.assert_allclose(result[axis], expected[crop], rtol=0, atol=tolerance * np.abs(expected).max())
            np.testing.assert_array_equal(result[axis], results[0][axis])


@pytest.mark.parametrize("sides", list(itertools.product(
    ["periodic", "closed-closed", "closed-open", "open-closed", "open-open"], repeat=2)))  # fmt: skip
@pytest.mark.parametrize("shape", [(8, 5), (6, 9)])
def test_pressure_solves_its_equation(sides: tuple[Any, Any], shape: tuple[int, int]) -> None:
    spacing = (0.3, 0.7)
    solve = FastPoisson(shape, spacing, sides, 1)
    r = np.random.default_rng(1).standard_normal(shape)
    if all("open" not in side for side in sides):
        r -= r.mean()
    p = solve(r)
    residual = -r
    for axis, (side, step) in enumerate(zip(sides, spacing, strict=True)):
        first, last = np.take(p, [0], axis), np.take(p, [-1], axis)
        if side == "periodic":
            low, high = last, first
        else:
            a, b = side.split("-")
            low, high = (-first if a == "open" else first), (-last if b == "open" else last)
        whole = np.concatenate([low, p, high], axis)
        residual = residual + np.diff(whole, n=2, axis=axis) / step**2
    np.testing.assert_allclose(residual, 0.0, atol=1e-11)


@pytest.mark.parametrize(
    ("shape", "walls", "boundaries"),
    [
        ([12, 16], None, {}),
        ([12, 15], WALLS, {}),
        ([12, 16], WALLS, {"x": SLIP, "y": SLIP}),
        ([6, 8, 10], {"z": "wall"}, {}),
        ([6, 8, 10], {"x": "wall", "y": "wall", "z": "wall"}, {"x": SLIP, "y": SLIP, "z": SLIP}),
    ],
)
def test_central_fluxes_and_pressure_do_no_work(
    bench: RegistryWorkbench, shape: list[int], walls: Any, boundaries: Any
) -> None:
    data = scenario(shape, [1.0 + 0.5 * axis for axis in range(len(shape))], walls, viscosity=0.0)
    data["solver"]["boundaries"] = boundaries
    simulation = bench.simulation(data)
    fields = random_flow(simulation)
    rate = simulation.rhs.explicit(fields, 0.0, None)
    assert abs(inner(fields, rate)) < 1e-12 * np.sqrt(inner(fields, fields) * inner(rate, rate))
    if walls is None:
        for values in rate.values():
            assert abs(values.sum()) < 1e-11 * np.abs(values).sum()


@pytest.mark.parametrize("walled", [False, True])
def test_taylor_green_converges_with_second_order(bench: RegistryWorkbench, walled: bool) -> None:
    errors = []
    for n in (16, 32, 64):
        data = scenario([n, n], ["pi" if walled else "2 pi"] * 2, WALLS if walled else None, viscosity=0.02)
        if walled:
            data["mesh"]["origin"] = [-np.pi / 2, -np.pi / 2]
            data["solver"]["boundaries"] = {"x": SLIP, "y": SLIP}
        simulation = bench.simulation(data)
        fields = advance(simulation, simulation.state.fields, 0.4 / n, n)
        exact = np.exp(-4 * 0.02 * 0.4)
        start = simulation.state.fields
        errors.append(max(np.abs(fields[name] - exact**0.5 * start[name]).max() for name in fields))
    assert slopes(errors)[-1] == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize(
    ("condition", "profile", "wavenumber"),
    [
        ({"type": "no_slip"}, np.sin, np.pi),
        ({"type": "slip"}, np.cos, np.pi),
    ],
)
def test_shear_between_walls_decays_with_second_order(
    bench: RegistryWorkbench, condition: Any, profile: Any, wavenumber: float
) -> None:
    errors = []
    for n in (16, 32, 64):
        data = scenario([n, 8], [1.0, 1.0], {"y": "wall"}, viscosity=0.1)
        data["solver"]["boundaries"] = {"y": {"low": condition, "high": condition}}
        simulation = bench.simulation(data)
        y = (np.arange(n) + 0.5) / n
        velocity = np.zeros((2, n, 8))
        velocity[0] = profile(wavenumber * y)[:, None]
        fields = simulation.solver.encode({"lower_face_velocity": velocity}, simulation.backend)
        steps = 8 * (n // 8) ** 2
        result = advance(simulation, fields, 0.5 / steps, steps)
        exact = np.exp(-0.1 * wavenumber**2 * 0.5) * fields["u"]
        errors.append(float(np.abs(result["u"] - exact).max()))
    assert slopes(errors)[-1] == pytest.approx(2.0, rel=0.03)


def test_oscillating_wall_drags_the_fluid_with_second_order(bench: RegistryWorkbench) -> None:
    """Stokes' second problem: u = exp(-k y) cos(omega t - k y), k = sqrt(omega / 2 nu)."""
    nu, omega, height = 0.1, 20.0, 0.5
    k = np.sqrt(omega / (2 * nu))
    times = np.linspace(0.0, 0.1, 2001)

    def exact(y: Any, t: Any) -> Any:
        return np.exp(-k * y) * np.cos(omega * t - k * y)

    def wall(y: float) -> dict[str, Any]:
        table = {"times": times.tolist(), "values": exact(y, times).tolist()}
        return {"type": "moving_wall", "velocity": [table, 0.0]}

    errors = []
    for n in (16, 32, 64):
        data = scenario([n, 4], [height, 1.0], {"y": "wall"}, viscosity=nu)
        data["solver"]["boundaries"] = {"y": {"low": wall(0.0), "high": wall(height)}}
        simulation = bench.simulation(data)
        y = height * (np.arange(n) + 0.5) / n
        velocity = np.zeros((2, n, 4))
        velocity[0] = exact(y, 0.0)[:, None]
        fields = simulation.solver.encode({"lower_face_velocity": velocity}, simulation.backend)
        steps = 10 * (n // 8) ** 2
        result = advance(simulation, fields, 0.1 / steps, steps)
        errors.append(float(np.abs(result["u"][:, 0] - exact(y, 0.1)).max()))
    assert slopes(errors)[-1] == pytest.approx(2.0, rel=0.03)


def test_driven_channel_reaches_the_parabola(bench: RegistryWorkbench) -> None:
    """Poiseuille flow through inflow and outflow keeps its flux, and the parabola by a force is exact but for h^2."""
    data = scenario([16, 8], [1.0, 1.0], {"y": "wall"}, viscosity=0.5, force=[1.0])
    data["initial"] = {"type": "fluid_at_rest"}
    simulation = bench.simulation(data)
    fields = advance(simulation, simulation.state.fields, 2e-3, 2000)
    y = (np.arange(16) + 0.5) / 16
    # the reflected ghost shifts the whole parabola by force h^2 / (8 viscosity)
    np.testing.assert_allclose(fields["u"][:, 0], y * (1 - y) + 1.0 / (4 * 16**2), atol=1e-7)


def test_what_enters_leaves(bench: RegistryWorkbench) -> None:
    data = scenario([12, 24], [1.0, 2.0], WALLS, viscosity=0.05)
    data["solver"]["boundaries"] = {
        "x": {"low": {"type": "inflow", "velocity": [1.0, 0.0]}, "high": {"type": "outflow"}}
    }
    data["initial"] = {"type": "fluid_at_rest", "velocity": [1.0, 0.0]}
    simulation = bench.simulation(data)
    fields = advance(simulation, simulation.state.fields, 5e-3, 200)
    np.testing.assert_allclose(fields["u"].sum(axis=0), 12.0, atol=1e-10)
    assert np.all(fields["u"][:, -1] > 0.0)
    assert fields["u"][6, -1] > 1.2
    assert fields["u"][0, -1] < 0.5


def test_uniform_flow_through_a_domain_is_steady(bench: RegistryWorkbench) -> None:
    for axis, low in itertools.product("xy", (True, False)):
        speed = [0.0, 0.0]
        speed["xy".index(axis)] = 1.0 if low else -1.0
        ends = {"type": "inflow", "velocity": speed}, {"type": "outflow"}
        data = scenario([8, 10], [1.0, 2.0], WALLS)
        data["solver"]["boundaries"] = {"x": SLIP, "y": SLIP} | {
            axis: dict(zip(("low", "high") if low else ("high", "low"), ends, strict=True))
        }
        data["initial"] = {"type": "fluid_at_rest", "velocity": speed}
        simulation = bench.simulation(data)
        rate = simulation.rhs.explicit(simulation.state.fields, 0.0, None)
        assert max(np.abs(values).max() for values in rate.values()) < 1e-12


@pytest.mark.parametrize("shape", [[12, 16], [6, 8, 10]])
def test_uniform_eddy_viscosity_adds_to_that_of_the_fluid(bench: RegistryWorkbench, shape: list[int]) -> None:
    lengths = [1.0 + 0.5 * axis for axis in range(len(shape))]
    data = scenario(shape, lengths, viscosity=0.03)
    thick = scenario(shape, lengths, viscosity=0.05)
    data["closures"] = [{"type": "constant_viscosity", "viscosity": 0.02}]
    closed, plain = bench.simulation(data), bench.simulation(thick)
    fields = random_flow(plain)
    a, b = closed.rhs.explicit(fields, 0.0, None), plain.rhs.explicit(fields, 0.0, None)
    for name in fields:
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-11 * np.abs(b[name]).max())


def test_smagorinsky_takes_the_mean_strain_of_a_box(bench: RegistryWorkbench) -> None:
    data = scenario([12, 10, 14], ["2 pi"] * 3)
    data["closures"] = [{"type": "smagorinsky", "coefficient": 0.17, "averaging": "domain"}]
    simulation = bench.simulation(data)
    flow = simulation.solver.inputs("eddy_viscosity", random_flow(simulation), 0.0)
    nu = simulation.closures("eddy_viscosity", flow)
    delta = np.prod(simulation.mesh.spacing) ** (1 / 3)
    np.testing.assert_allclose(nu, (0.17 * delta) ** 2 * np.sqrt(np.mean(np.sum(flow["vorticity"] ** 2, axis=0))))


@pytest.mark.parametrize("shape", [[48, 40], [24, 20, 28]])
def test_smagorinsky_takes_the_energy_that_its_viscosity_says(bench: RegistryWorkbench, shape: list[int]) -> None:
    """Unchanged from the closures family: the loss tends to -<nu_e |S|^2>."""
    data = scenario(shape, ["2 pi"] * len(shape), viscosity=0.0)
    data["closures"] = [{"type": "smagorinsky", "coefficient": 0.17, "averaging": "local"}]
    simulation, bare = bench.simulation(data), bench.simulation(scenario(shape, ["2 pi"] * len(shape), viscosity=0.0))
    fields = simulation.state.fields
    loss = inner(fields, simulation.rhs.explicit(fields, 0.0, None)) - inner(
        fields, bare.rhs.explicit(fields, 0.0, None)
    )
    strain = simulation.solver.inputs("eddy_viscosity", fields, 0.0)["strain_rate"]
    delta = np.prod(simulation.mesh.spacing) ** (1 / len(shape))
    expected = -np.sum((0.17 * delta) ** 2 * strain**3)
    assert loss == pytest.approx(expected, rel=0.03)


def test_strain_and_vorticity_are_those_of_the_flow(bench: RegistryWorkbench) -> None:
    errors = []
    for n in (32, 64):
        simulation = bench.simulation(scenario([n, n], ["2 pi", "2 pi"]))
        x = (np.arange(n) + 0.5) * 2 * np.pi / n
        y, x = np.meshgrid(x, x, indexing="ij")
        flow = simulation.solver.inputs("eddy_viscosity", simulation.state.fields, 0.0)
        errors.append(
            max(
                np.abs(flow["strain_rate"] - 2 * np.abs(np.sin(x) * np.sin(y))).max(),
                np.abs(flow["vorticity"] + 2 * np.cos(x) * np.cos(y)).max(),
            )
        )
    assert slopes(errors)[0] == pytest.approx(2.0, rel=0.03)


def test_pressure_of_taylor_green(bench: RegistryWorkbench) -> None:
    simulation = bench.simulation(scenario([64, 64], ["2 pi", "2 pi"], viscosity=0.0))
    x = (np.arange(64) + 0.5) * 2 * np.pi / 64
    y, x = np.meshgrid(x, x, indexing="ij")
    exact = -(np.cos(2 * x) + np.cos(2 * y)) / 4
    np.testing.assert_allclose(simulation.view()["pressure"], exact, atol=5e-3)


def test_force_on_a_body_balances_what_drives_the_flow(bench: RegistryWorkbench) -> None:
    """In a periodic box at steady state the drag of the body is the whole force on the fluid."""
    body = {"time": 0.01, "bodies": [{"type": "box", "low": [0.375, 0.375], "high": [0.625, 0.625]}]}
    data = scenario([16, 16], [1.0, 1.0], viscosity=0.5, force=[1.0], obstacle=body)
    data["initial"] = {"type": "fluid_at_rest"}
    simulation = bench.simulation(data)
    simulation.state.fields.update(advance(simulation, simulation.state.fields, 2.2e-3, 3000))
    force = simulation.view()["obstacle_force"]
    np.testing.assert_allclose(force, [1.0, 0.0], atol=2e-4)


@pytest.mark.parametrize("scheme", ["van_leer", "central2"])
def test_smoke_is_kept_by_closed_walls(bench: RegistryWorkbench, scheme: str) -> None:
    data = scenario([12, 10], [1.0, 1.0], WALLS, smoke={"scheme": scheme, "diffusivity": 0.01})
    simulation = bench.simulation(data)
    fields = {**random_flow(simulation), "smoke": np.random.default_rng(2).uniform(size=(12, 10))}
    rate = simulation.rhs.explicit(fields, 0.0, None)["smoke"]
    assert abs(rate.sum()) < 1e-12 * np.abs(rate).sum()


@pytest.mark.parametrize(("scheme", "order"), [("van_leer", 2.0), ("central2", 2.0)])
def test_smoke_is_carried_with_second_order(bench: RegistryWorkbench, scheme: str, order: float) -> None:
    """The mean error of a smooth hill in a uniform flow; van Leer's limiter clips at extrema, hence the L1 norm."""
    errors = []
    for n in (64, 128, 256):
        data = scenario([4, n], [1.0, 1.0], smoke={"scheme": scheme, "buoyancy": 0.0}, viscosity=0.0)
        data["initial"] = {"type": "fluid_at_rest", "velocity": [1.0, 0.0]}
        simulation = bench.simulation(data)
        x = (np.arange(n) + 0.5) / n
        smoke = np.tile(2.0 + np.sin(2 * np.pi * x), (4, 1))
        fields = advance(simulation, {**simulation.state.fields, "smoke": smoke}, 0.25 / n, n)
        errors.append(float(np.abs(fields["smoke"] - 2.0 - np.sin(2 * np.pi * (x - 0.25))).mean()))
    assert slopes(errors)[-1] == pytest.approx(order, rel=0.03 if scheme == "central2" else 0.12)


def test_smoke_stays_within_bounds(bench: RegistryWorkbench) -> None:
    data = scenario([16, 16], [1.0, 1.0], smoke={"buoyancy": 0.0}, viscosity=0.0)
    data["initial"] = {"type": "fluid_at_rest", "velocity": [1.0, 0.7]}
    simulation = bench.simulation(data)
    fields = {**simulation.state.fields, "smoke": (np.random.default_rng(5).uniform(size=(16, 16)) > 0.5) * 1.0}
    rhs = simulation.rhs.explicit
    for _ in range(50):
        fields = {name: values + 0.015 * rhs(fields, 0.0, None)[name] for name, values in fields.items()}
    assert fields["smoke"].min() >= -1e-12
    assert fields["smoke"].max() <= 1.0 + 1e-12


def test_smoke_lifts_the_flow(bench: RegistryWorkbench) -> None:
    data = scenario([16, 16], [1.0, 1.0], WALLS, smoke={"buoyancy": 2.0})
    data["initial"] = {"type": "fluid_at_rest"}
    simulation = bench.simulation(data)
    y, x = np.meshgrid(*[(np.arange(16) + 0.5) / 16] * 2, indexing="ij")
    fields = {**simulation.state.fields, "smoke": np.exp(-40 * ((x - 0.5) ** 2 + (y - 0.5) ** 2))}
    rate = simulation.rhs.explicit(fields, 0.0, None)
    assert rate["v"][8, 8] > 0.3
    uniform = {**simulation.state.fields, "smoke": np.ones((16, 16))}
    rate = simulation.rhs.explicit(uniform, 0.0, None)
    assert max(np.abs(rate[name]).max() for name in "uv") < 1e-12, "a uniform layer is held by the pressure"


BAD: list[tuple[dict[str, Any], str]] = [
    ({"boundaries": {"z": SLIP}}, "no axis z"),
    ({"boundaries": {"x": {"low": {"type": "inflow", "velocity": [1.0, 0.0]}}}}, "no side is of type 'outflow'"),
    ({"boundaries": {"x": {"low": {"type": "inflow", "velocity": [-1.0, 0.0]}}}}, "does not enter"),
    ({"boundaries": {"x": {"low": {"type": "inflow", "velocity": [1.0]}}}}, "1 components on a mesh of 2"),
    ({"boundaries": {"y": {"high": {"type": "moving_wall", "velocity": [1.0, 1.0]}}}}, "cannot move across itself"),
    ({"force": [1.0, 0.0, 0.0]}, "3 components"),
    ({"obstacle": {"time": 0.1, "bodies": [{"type": "ball", "center": [0.5, 0.5], "radius": 2.0}]}}, "fills the whole"),
    ({"obstacle": {"time": 0.1, "bodies": [{"type": "ball", "center": [5.0, 0.5], "radius": 0.2}]}}, "covers no cell"),
    ({"obstacle": {"time": 0.1, "bodies": [{"type": "ball", "center": [0.5], "radius": 0.2}]}}, "1 components"),
]


@pytest.mark.parametrize(("solver", "message"), BAD)
def test_what_does_not_fit_is_refused(bench: RegistryWorkbench, solver: Any, message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        bench.simulation(scenario([8, 8], [1.0, 1.0], WALLS, **solver))


def test_conditions_on_periodic_axes_and_single_axes_are_refused(bench: RegistryWorkbench) -> None:
    with pytest.raises(ScenarioError, match="axis x is periodic"):
        bench.simulation(scenario([8, 8], [1.0, 1.0], {"y": "wall"}, boundaries={"x": SLIP}))
    nodes = scenario([8, 8], [1.0, 1.0])
    del nodes["mesh"]["offset"]
    with pytest.raises(ScenarioError, match="use offset = 'cell'"):
        bench.simulation(nodes)
    with pytest.raises(ScenarioError, match="two or three axes"):
        bench.simulation(scenario([8], [1.0]))


def test_cavity_reference_reads_the_centre_lines() -> None:
    """Odd and even grids; a flow that is linear across both lines is read exactly."""
    for n in (15, 16):
        observer = CavityReference(CavityReferenceConfig(reynolds=100))

        class Setup:
            mesh = Grid((n, n), (1.0, 1.0), boundaries=("wall", "wall"), offset=0.5)
            label = "cavity"

        observer.setup(Setup, {})  # type: ignore[arg-type]
        y, x = Setup.mesh.meshgrid()
        seen = observer.observe({"velocity": np.stack([y, 0.0 * x])}, None)  # type: ignore[arg-type]
        assert seen["deviation_u"] == pytest.approx(0.6172 + 0.13641, abs=1e-9)
        assert seen["deviation_v"] == pytest.approx(0.24533, abs=1e-9)


class Stress:
    """A slot table that answers ``subgrid_stress`` with that of a viscous fluid, -nu (du_i/dx_j + du_j/dx_i)."""

    def __contains__(self, slot: object) -> bool:
        return slot == "subgrid_stress"

    def __call__(self, slot: str, inputs: Any) -> Any:
        gradient = inputs["velocity_gradient"]
        return -0.1 * (gradient + np.swapaxes(gradient, 0, 1))


@pytest.mark.parametrize("ndim", [2, 3])
def test_subgrid_stress_acts_by_its_divergence(bench: RegistryWorkbench, ndim: int) -> None:
    """-div tau of a viscous stress is nu lap u, to second order."""
    errors = []
    for n in (16, 32):
        simulation = bench.simulation(scenario([n] * ndim, ["2 pi"] * ndim, viscosity=0.0))
        solver, fields = simulation.solver, simulation.state.fields
        rates = solver._closure_rates(fields, 0.0, solver._padded(fields, 0.0), Stress())
        wanted = {axis: -0.1 * ndim * values for axis, values in solver._components(fields).items()}
        errors.append(max(float(np.abs(rates[axis] - wanted[axis]).max()) for axis in rates))
    assert slopes(errors)[0] == pytest.approx(2.0, rel=0.05)


def test_derivatives_of_vorticity_are_offered_in_two_dimensions(bench: RegistryWorkbench) -> None:
    errors = []
    for n in (32, 64):
        simulation = bench.simulation(scenario([n, n + n // 4], ["2 pi", "2 pi"]))
        y, x = simulation.mesh.meshgrid()
        flow = simulation.solver.inputs("eddy_viscosity", simulation.state.fields, 0.0)
        wanted = 2 * np.sin(x) * np.cos(y), 2 * np.cos(x) * np.sin(y)
        gradient, laplacian = flow["vorticity_gradient"], flow["vorticity_laplacian"]
        errors.append(
            max(np.abs(gradient - np.stack(wanted)).max(), np.abs(laplacian - 4 * np.cos(x) * np.cos(y)).max())
        )
    assert slopes(errors)[0] == pytest.approx(2.0, rel=0.05)


@pytest.mark.parametrize("closure", ["leith", "dynamic_leith", "dynamic_smagorinsky"])
def test_closures_that_read_vorticity_gradients_drain_a_periodic_flow(bench: RegistryWorkbench, closure: str) -> None:
    data = scenario([24, 32], ["2 pi", "2 pi"], viscosity=0.0)
    data["closures"] = [{"type": closure}]
    simulation, bare = bench.simulation(data), bench.simulation(scenario([24, 32], ["2 pi", "2 pi"], viscosity=0.0))
    fields = random_flow(simulation)
    drain = inner(fields, simulation.rhs.explicit(fields, 0.0, None)) - inner(
        fields, bare.rhs.explicit(fields, 0.0, None)
    )
    nu = simulation.closures("eddy_viscosity", simulation.solver.inputs("eddy_viscosity", fields, 0.0))
    assert np.all(nu >= 0.0)
    assert drain < 0.0


def test_leith_runs_between_walls(bench: RegistryWorkbench) -> None:
    data = scenario([16, 16], [1.0, 1.0], WALLS)
    data["closures"] = [{"type": "leith"}]
    simulation = bench.simulation(data)
    fields = random_flow(simulation)
    assert all(np.all(np.isfinite(rate)) for rate in simulation.rhs.explicit(fields, 0.0, None).values())


@pytest.mark.parametrize(("closure", "shape", "message"), [
    ("leith", [6, 8, 10], "vorticity_gradient"),
    ("dynamic_smagorinsky", [6, 8, 10], "vorticity_gradient"),
    ("backscatter", [8, 8], "answers subgrid_forcing; the solver .* offers eddy_viscosity"),
])  # fmt: skip
def test_closures_that_ask_for_more_are_refused_in_one_line(
    bench: RegistryWorkbench, closure: str, shape: list[int], message: str
) -> None:
    data = scenario(shape, [1.0] * len(shape))
    data["closures"] = [{"type": closure}]
    with pytest.raises(ScenarioError, match=message) as refusal:
        bench.simulation(data)
    assert len(str(refusal.value).splitlines()) == 1
