"""Motion of material points: exact motions, conservation, walls, obstacles, several materials, threads, steps."""

import math
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subgrid import loop
from subgrid.api import Array, Fields, Setup, Slot, StateSpec, Streams
from subgrid.errors import ScenarioError
from subgrid.loop import Ledger, advance
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.stability import stable_dt, unstable_step
from subgrid.testing.in_run import NoRecorder, stored_bits
from subgrid_mpm.config import MaterialExtentConfig, MaterialTotalsConfig
from subgrid_mpm.observers import MaterialExtent, MaterialTotals

JELLY = {"type": "fixed_corotated", "young_modulus": 1e4}
OPEN = {"low": {"type": "open"}, "high": {"type": "open"}}


def totals(simulation: Any) -> dict[str, Any]:
    observer = MaterialTotals(MaterialTotalsConfig())
    setup: Any = SimpleNamespace(mesh=simulation.mesh)
    observer.setup(setup, simulation.quantities)
    return {k: np.asarray(v) for k, v in observer.observe(simulation.view(), simulation.state.clock).items()}


def finish(simulation: Any) -> Any:
    advance(simulation, NoRecorder(), Ledger())
    return simulation


@pytest.mark.parametrize("d", [2, 3])
def test_free_fall_is_exact(make: Any, d: int) -> None:
    body = {"center": [0.5] * d, "size": [0.3] * d, "velocity": [0.2, 0.5, -0.1][:d]}
    simulation = make([body], [JELLY], solver={"gravity": [0.3, -2.0, 0.5][:d]}, time={"end": 0.2, "dt": 1e-3})
    before = totals(simulation)
    after = totals(finish(simulation))
    g = np.array([0.3, -2.0, 0.5][:d])
    velocity = np.array(body["velocity"]) + 0.2 * g
    np.testing.assert_allclose(simulation.state.particles["material"]["velocity"] - velocity, 0.0, atol=1e-12)
    # symplectic Euler: the fall of n steps is g dt^2 n (n + 1) / 2
    fall = np.array(body["velocity"]) * 0.2 + 0.5 * g * 0.2 * 0.201
    np.testing.assert_allclose(after["center"] - before["center"], fall, atol=1e-12)
    assert after["stored_energy"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    ("gravity", "energy", "speed", "drop"), [(30.0, 0.2059937, 3.0, 0.15015), (50.0, 0.5722046, 5.0, 0.25025)]
)
def test_blocks_of_the_common_demos_fall_as_they_must(
    make: Any, gravity: float, energy: float, speed: float, drop: float
) -> None:
    """mpm128 and mpm99 (gravity 30 and 50): 3000 particles of mass 1/65536, 1000 steps of 1e-4, before any contact."""
    simulation = make(
        [{"center": [0.5, 0.79], "size": [0.2, 0.2], "density": 1.0}],
        [{"type": "fixed_corotated", "young_modulus": 1e3, "poisson_ratio": 0.2}],
        mesh={"shape": [128, 128]},
        initial={"arrangement": "random"},
        solver={"gravity": [0.0, -gravity]},
        time={"end": 0.1, "dt": 1e-4},
    )
    particles = simulation.state.particles["material"]
    before = particles["position"][np.argsort(particles["id"])].copy()
    mass = particles["mass"].sum()
    assert particles["mass"][0] == 1.0 / 65536.0
    after = totals(finish(simulation))
    assert after["kinetic_energy"] * (3000.0 / 65536.0 / mass) == pytest.approx(energy, rel=1e-6)
    np.testing.assert_allclose(particles["velocity"][:, 1], -speed, rtol=1e-12)
    fallen = before - particles["position"][np.argsort(particles["id"])]
    np.testing.assert_allclose(fallen[:, 1], drop, rtol=1e-10)


@pytest.mark.parametrize("d", [2, 3])
def test_momenta_are_conserved_to_rounding_while_a_body_spins_and_swings(make: Any, d: int) -> None:
    body = {"shape": "ball", "center": [0.5] * d, "radius": 0.2, "spin": 5.0, "velocity": [0.1, 0.0, 0.2][:d]}
    simulation = make([body], [JELLY], time={"end": 1.0, "dt": 1e-3})
    before = totals(simulation)
    after = totals(finish(simulation))
    assert after["mass"] == before["mass"]
    scale = before["mass"]
    np.testing.assert_allclose(after["momentum"], before["momentum"], rtol=0, atol=1e-13 * scale)
    np.testing.assert_allclose(after["angular_momentum"], before["angular_momentum"], rtol=0, atol=1e-13 * scale)
    assert 0.8 < after["total_energy"] / before["total_energy"] < 1.001


def test_a_stressless_body_rotates_as_a_rigid_one_for_an_instant(make: Any) -> None:
    """APIC keeps an affine velocity: after a step of free rotation v = w x (x - c) to rounding, and C is the spin."""
    body = {"shape": "ball", "center": [0.5, 0.5], "radius": 0.25, "spin": 2.0}
    simulation = make([body], [{"type": "newtonian_fluid", "bulk_modulus": 1e-12}], time={"end": 1e-3, "dt": 1e-3})
    before = simulation.state.particles["material"]["position"].copy()
    finish(simulation)
    particles = simulation.state.particles["material"]
    order = np.argsort(particles["id"])
    expected = 2.0 * (before - 0.5)[:, ::-1] * np.array([-1.0, 1.0])
    np.testing.assert_allclose(particles["velocity"][order], expected[: len(order)], rtol=0, atol=1e-13)
    spin = np.broadcast_to([[0.0, -2.0], [2.0, 0.0]], particles["velocity_gradient"].shape)
    np.testing.assert_allclose(particles["velocity_gradient"], spin, rtol=0, atol=1e-11)


def test_a_periodic_axis_has_no_seam(make: Any) -> None:
    """The same body across the seam and in the middle."""
    mesh = {"boundaries": {}, "offset": "node"}
    seen = []
    for center in ([0.5, 0.5], [1.0, 1.0]):
        body = {"shape": "ball", "center": [0.5, 0.5], "radius": 0.2, "spin": 3.0, "velocity": [0.4, 0.1]}
        simulation = make([body], [JELLY], mesh=mesh, solver={"sort_every": 7})
        particles = simulation.state.particles["material"]
        particles["position"][...] = (particles["position"] + np.array(center) - 0.5) % 1.0
        finish(simulation)
        order = np.argsort(particles["id"])
        seen.append((particles["velocity"][order], (particles["position"][order] - center + 0.5) % 1.0))
    np.testing.assert_allclose(seen[0][0], seen[1][0], rtol=0, atol=1e-11)
    np.testing.assert_allclose(seen[0][1], seen[1][1], rtol=0, atol=1e-11)


def test_particles_that_pass_an_open_wall_are_removed_and_counted(make: Any) -> None:
    body = {"center": [0.8, 0.5], "size": [0.2, 0.2], "velocity": [3.0, 0.0]}
    simulation = make([body], [JELLY], solver={"walls": {"x": OPEN}}, time={"end": 0.05, "dt": 1e-3})
    count, ledger = len(simulation.state.particles["material"]), Ledger()
    advance(simulation, NoRecorder(), ledger)
    left = len(simulation.state.particles["material"])
    assert 0 < left < count
    assert ledger.particles_removed == {"material": count - left}
    assert totals(simulation)["removed"] == count - left


@pytest.mark.parametrize(
    "law",
    [
        JELLY,
        {"type": "newtonian_fluid", "bulk_modulus": 1e4, "viscosity": 1.0},
        {"type": "drucker_prager", "young_modulus": 1e4},
    ],
    ids=["jelly", "fluid", "sand"],
)
def test_a_run_goes_on_when_all_of_a_material_has_left(make: Any, law: dict[str, Any]) -> None:
    body = {"center": [0.8, 0.5], "size": [0.1, 0.1], "velocity": [5.0, 0.0]}
    simulation = make([body], [law], solver={"walls": {"x": OPEN}}, time={"end": 0.1, "cfl": 0.4})
    advance(simulation, NoRecorder(), Ledger())
    assert len(simulation.state.particles["material"]) == 0
    assert simulation.state.clock.time == pytest.approx(0.1)
    found = totals(simulation)
    assert (found["mass"], found["count"], found["density_error"]) == (0.0, 0.0, 0.0)
    assert np.all(np.isnan(found["center"]))
    extent = MaterialExtent(MaterialExtentConfig())
    extent.setup(SimpleNamespace(mesh=simulation.mesh, label="extent"), simulation.quantities)  # type: ignore[arg-type]
    assert all(math.isnan(value) for value in extent.observe(simulation.view(), simulation.state.clock).values())


@pytest.mark.parametrize("friction", [0.0, 0.2, 0.7])
def test_a_block_slides_as_coulomb_says(make: Any, friction: float) -> None:
    """Gravity tilted by 30 degrees: a = g (sin - mu cos), or rest."""
    wall = {"low": {"type": "friction", "friction": friction}}
    g, angle = 10.0, math.radians(30.0)
    body = {"center": [0.3, 0.125], "size": [0.3, 0.25]}
    simulation = make(
        [body],
        [{"type": "fixed_corotated", "young_modulus": 1e6}],
        solver={"gravity": [g * math.sin(angle), -g * math.cos(angle)], "walls": {"y": wall}},
        time={"end": 0.3, "dt": 2e-4},
    )
    speed = (totals(finish(simulation))["momentum"] / totals(simulation)["mass"])[0]
    expected = max(0.0, 0.3 * g * (math.sin(angle) - friction * math.cos(angle)))
    assert speed == pytest.approx(expected, abs=0.02)


def test_a_moving_sticky_piston_carries_what_it_touches(make: Any) -> None:
    body = {"center": [0.5, 0.5], "size": [0.2, 0.2]}
    piston = {
        "shape": "half_space",
        "center": [0.45, 0.5],
        "normal": [1.0, 0.0],
        "velocity": [0.5, 0.0],
        "condition": {"type": "sticky"},
    }
    simulation = make([body], [JELLY], solver={"obstacles": [piston]}, time={"end": 0.4, "dt": 1e-3})
    finish(simulation)
    velocity = simulation.state.particles["material"]["velocity"]
    position = simulation.state.particles["material"]["position"]
    behind = position[:, 0] < 0.6
    np.testing.assert_allclose(velocity[behind], np.broadcast_to([0.5, 0.0], velocity[behind].shape), atol=0.02)


def budget(make: Any, closure: dict[str, Any], dt: float) -> tuple[float, float]:
    """Energy that a spinning ring lost in all, and what its material dissipated of it, by that at the start."""
    body = {"shape": "ball", "center": [0.5, 0.5], "radius": 0.3, "spin": 10.0}
    simulation = make([body], [closure], solver={"track_work": True}, time={"end": 0.2, "dt": dt})
    particles = simulation.state.particles["material"]
    particles["velocity"][...] += np.array([3.0, -3.0]) * (particles["position"] - 0.5)
    particles["velocity_gradient"][...] += np.diag([3.0, -3.0])
    before = totals(simulation)["total_energy"]
    after = totals(finish(simulation))
    return float((before - after["total_energy"]) / before), float(after["dissipated_energy"] / before)


def test_dissipated_energy_is_what_plastic_flow_and_viscosity_take(make: Any) -> None:
    lost, elastic = budget(make, {"type": "neo_hookean", "young_modulus": 1e5}, 1e-3)
    assert abs(elastic) < 1e-3, "an elastic body dissipates nothing but by the transfers"
    lost, plastic = budget(make, {"type": "von_mises", "young_modulus": 1e6, "yield_stress": 2e3}, 2.5e-4)
    assert 0.05 < plastic < 1.02 * lost
    lost, viscous = budget(make, {"type": "newtonian_fluid", "bulk_modulus": 1e5, "viscosity": 50.0}, 5e-4)
    assert 0.05 < viscous < 1.02 * lost


def test_several_materials_exchange_momentum(make: Any) -> None:
    bodies = [
        {"center": [0.35, 0.5], "size": [0.2, 0.2], "velocity": [1.0, 0.0], "material": "jelly"},
        {"center": [0.65, 0.5], "size": [0.2, 0.2], "velocity": [-0.5, 0.0], "material": "water", "density": 500.0},
    ]
    closures = [
        {**JELLY, "slot": "stress/jelly"},
        {"type": "newtonian_fluid", "bulk_modulus": 1e4, "slot": "stress/water"},
    ]
    simulation = make(bodies, closures, solver={"materials": ["jelly", "water"]}, time={"end": 0.2, "dt": 1e-3})
    before = totals(simulation)
    after = totals(finish(simulation))
    np.testing.assert_allclose(after["momentum"], before["momentum"], rtol=0, atol=1e-12)
    jelly = simulation.state.particles["jelly"]
    assert (jelly["mass"] @ jelly["velocity"] / jelly["mass"].sum())[0] < 0.9


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 5e-6)])
def test_sorting_and_threads_change_roundings_only(make: Any, precision: str, tolerance: float) -> None:
    body = {"center": [0.5, 0.5], "size": [0.7, 0.7], "spin": 1.0}
    seen = []
    for sort_every, threads in ((1, 1), (1000, 1), (3, 2)):
        simulation = make(
            [body],
            [JELLY],
            mesh={"shape": [80, 80]},
            solver={"sort_every": sort_every},
            backend={"threads": threads, "precision": precision},
            time={"end": 0.02, "dt": 1e-3},
        )
        particles = finish(simulation).state.particles["material"]
        seen.append(particles["position"][np.argsort(particles["id"])])
    assert len(seen[0]) > 2048, "enough for two threads"
    np.testing.assert_allclose(seen[1], seen[0], rtol=0, atol=tolerance)
    np.testing.assert_allclose(seen[2], seen[0], rtol=0, atol=tolerance)


def test_reproducible_runs_have_the_same_bits_with_any_number_of_threads(make: Any) -> None:
    body = {"center": [0.5, 0.5], "size": [0.7, 0.7], "spin": 1.0}
    seen = []
    for threads in (1, 2, 3):
        simulation = make(
            [body],
            [JELLY],
            mesh={"shape": [40, 40]},
            solver={"reproducible": True},
            backend={"threads": threads},
            time={"end": 0.02, "dt": 1e-3},
        )
        particles = finish(simulation).state.particles["material"]
        assert len(particles) >= 1024 * threads, "enough for all threads"
        seen.append(particles["position"].tobytes())
    assert seen[0] == seen[1] == seen[2]


def test_a_run_with_sand_and_sorting_resumes_to_the_same_bits(make: Any, registry: Registry, tmp_path: Path) -> None:
    body = {"center": [0.5, 0.2], "size": [0.4, 0.4], "velocity": [0.5, 0.0]}
    scenario = make(
        [body],
        [{"type": "drucker_prager", "young_modulus": 1e5}],
        solver={"sort_every": 3, "gravity": [0.0, -10.0], "walls": {"x": OPEN}},
        output={"every": {"steps": 5}, "quantities": ["material_position", "material_stress"]},
        time={"end": 0.02, "dt": 1e-3},
    ).scenario
    run(scenario, tmp_path / "whole", registry)
    run(scenario, tmp_path / "half", registry, stop_after=10)
    resume(tmp_path / "half", registry)
    whole, half = stored_bits(tmp_path / "whole"), stored_bits(tmp_path / "half")
    assert whole.keys() == half.keys()
    for path, values in whole.items():
        assert values.tobytes() == half[path].tobytes(), path


class Spring:
    """A stranger's law: plain NumPy over all particles."""

    slots = ("stress",)
    inputs = ("deformation_gradient",)

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        F = inputs["deformation_gradient"]
        J = np.linalg.det(F)[:, None, None]
        mu, lam = 1e4 / 2.6, 1e4 * 0.3 / (1.3 * 0.4)
        unit = np.eye(F.shape[1])
        return mu * (F @ np.swapaxes(F, 1, 2) - unit) + lam * np.log(J) * unit


def test_a_python_law_takes_the_place_of_a_compiled_one(make: Any) -> None:
    body = {"shape": "ball", "center": [0.5, 0.5], "radius": 0.2, "spin": 8.0}
    ours, theirs = (make([body], [{"type": "neo_hookean", "young_modulus": 1e4}]) for _ in range(2))
    entry = theirs.closures.plugged[0]
    object.__setattr__(entry, "closure", Spring())
    one, other = (finish(s).state.particles["material"] for s in (ours, theirs))
    np.testing.assert_allclose(one["position"], other["position"], rtol=0, atol=1e-12)


def test_steps_at_nine_tenths_of_the_limit_are_stable_and_longer_ones_refused(make: Any) -> None:
    body = {"shape": "ball", "center": [0.5, 0.5], "radius": 0.3, "spin": 5.0}
    limit = stable_dt(make([body], [JELLY]))
    c = math.sqrt((1e4 / 2.6 + 1e4 * 0.3 / (1.3 * 0.4) + 1e4 / 2.6) / 1000.0)
    assert limit == pytest.approx(0.05 / (c + 1.5), rel=0.02)
    simulation = make([body], [JELLY], time={"end": 400 * 0.9 * limit, "dt": 0.9 * limit})
    before = totals(simulation)["total_energy"]
    assert totals(finish(simulation))["total_energy"] < before
    assert "above the stability limit" in unstable_step(make([body], [JELLY], time={"dt": 1.1 * limit}))


def start_up_errors(make: Any, cells: int) -> list[float]:
    """RMS errors of start-up flow between plates against the series, by the final largest velocity, at 0.1 to 3 s."""
    nu, F, h = 0.1, 1.0, 1.0 / cells
    simulation = make(
        [{"center": [2.0 * h, 0.5], "size": [4.0 * h, 1.0], "density": 1.0}],
        [{"type": "newtonian_fluid", "bulk_modulus": 100.0, "exponent": 1.0, "viscosity": nu}],
        mesh={"shape": [cells, 4], "length": [1.0, 4.0 * h], "boundaries": {"y": "wall"}},
        solver={"gravity": [F, 0.0], "walls": {"y": {"low": {"type": "no_slip"}, "high": {"type": "no_slip"}}}},
        time={"end": 3.0, "dt": 0.1 * h**2 / nu},
    )
    errors, particles, k = [], simulation.state.particles["material"], (2.0 * np.arange(60) + 1.0) * np.pi
    for number in range(round(3.0 / simulation.scenario.time.dt)):
        dt = simulation.scenario.time.dt
        simulation.rhs.advance(simulation.state.fields, number * dt, dt, Streams(0, "test", number))
        t = (number + 1) * dt
        if any(abs(t - wanted) < 0.5 * dt for wanted in (0.1, 0.3, 1.0, 3.0)):
            y = particles["position"][:, 1]
            decay = 4.0 * F / (nu * k**3) * np.exp(-nu * k**2 * t)
            exact = F * y * (1.0 - y) / (2.0 * nu) - np.sin(np.outer(y, k)) @ decay
            errors.append(math.sqrt(np.mean((particles["velocity"][:, 0] - exact) ** 2)) / (F / (8.0 * nu)))
    return errors


def test_newtonian_start_up_between_plates(make: Any) -> None:
    """At 32 cells within 0.2 % at all times, and of second order where the step follows the square of the spacing.

    At steps this long: what the transfers smooth in the cell at a wall grows as the step shrinks.
    """
    coarse, fine = start_up_errors(make, 16), start_up_errors(make, 32)
    assert len(fine) == 4
    assert max(fine) < 0.002
    assert max(fine) < max(coarse) / 3.5


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"center": [0.95, 0.5]}, r"initial: \d+ particles of 'material' lie outside the mesh, the first at \["),
        ({"velocity": [0.5, 0.5, 0.5]}, r"initial\.bodies\.0\.velocity: .* has 3 components, the mesh has 2 axes"),
        ({"size": [1e-4, 1e-4]}, r"initial\.bodies\.0: holds no particle"),
        ({"material": "mud"}, r"initial: gives 'mud'; solver\.materials are material"),
    ],
)
def test_bodies_that_do_not_fit_are_refused(make: Any, change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        make([{"center": [0.5, 0.5], "size": [0.3, 0.3], **change}], [JELLY])


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("position", np.nan, "a position of 'material' is not finite, first that of particle 1"),
        ("mass", 0.0, "mass of 'material' must be positive"),
        ("volume", -1.0, "volume of 'material' must be positive"),
    ],
)
def test_particles_that_cannot_be_are_refused(make: Any, column: str, value: float, problem: str) -> None:
    simulation = make([{"center": [0.5, 0.5], "size": [0.3, 0.3]}], [JELLY])
    particles = simulation.state.particles["material"]
    columns = {name: particles[name].copy() for name in ("position", "mass", "volume")}
    columns[column][1] = value
    with pytest.raises(ScenarioError, match=problem):
        simulation.solver.encode({"material": columns}, simulation.backend)


@pytest.mark.parametrize(
    ("closure", "problem"),
    [
        ({"type": "fixed_corotated", "poisson_ratio": 0.5}, "poisson_ratio"),
        ({"type": "newtonian_fluid", "bulk_modulus": -1.0}, "bulk_modulus"),
        ({"type": "drucker_prager", "friction_angle": 95.0}, "friction_angle"),
        ({"type": "herschel_bulkley", "exponent": 0.0}, "exponent"),
    ],
)
def test_parameters_out_of_range_are_refused(make: Any, closure: dict[str, Any], problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        make([{"center": [0.5, 0.5], "size": [0.3, 0.3]}], [closure])


def test_a_step_that_throws_particles_off_the_grid_ends_the_run(make: Any) -> None:
    simulation = make([{"center": [0.5, 0.5], "size": [0.3, 0.3], "velocity": [900.0, 0.0]}], [JELLY])
    with pytest.raises(ScenarioError, match=r"time\.dt: \d+ particles moved beyond the walls"):
        loop.advance(simulation, NoRecorder(), Ledger())
