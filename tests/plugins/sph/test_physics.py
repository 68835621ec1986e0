"""Smoothed particles against what is known: conservation, published flows, walls."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolder, ScenarioError, Streams
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import load, parse
from subgrid.stability import stable_dt
from subgrid_sph.observers import channel_start_up

SCENARIOS = Path(__file__).parents[3] / "scenarios" / "smoothed_particles"

Make = Callable[..., Any]

DELTA = {"type": "delta_sph", "density": 1.0}
TRANSPORT = {"type": "transport_sph", "density": 1.0}
WHOLE = {"density": 1.0}


def step(simulation: Any, count: int, dt: float | None = None) -> None:
    for _ in range(count):
        size = dt or 0.5 * stable_dt(simulation)
        simulation.rhs.advance(simulation.state.fields, 0.0, size, Streams(0, "solver", simulation.state.clock.step))
        simulation.state.clock.step += 1
        simulation.state.clock.time += size


@pytest.mark.parametrize("solver", [DELTA, TRANSPORT], ids=["delta", "transport"])
@pytest.mark.parametrize("shape", [[12, 9], [9, 8, 10]], ids=["2D", "3D"])
def test_momentum_is_conserved_to_rounding(make: Make, solver: dict[str, Any], shape: list[int]) -> None:
    d = len(shape)
    solver = {**solver, "viscosity": 0.01, "smoothing": 2.0 if d == 2 else 1.5}
    simulation = make(shape, solver, {**WHOLE, "jitter": 0.2})
    fluid = simulation.state.particles["fluid"]
    fluid["velocity"][...] = np.random.default_rng(3).standard_normal(fluid["velocity"].shape)
    before = (fluid["mass"][:, None] * fluid["velocity"]).sum(axis=0)
    step(simulation, 40)
    after = (fluid["mass"][:, None] * fluid["velocity"]).sum(axis=0)
    scale = (fluid["mass"][:, None] * np.abs(fluid["velocity"])).sum()
    assert np.abs(after - before).max() < 1e-14 * scale


def test_a_moving_frame_changes_nothing_but_the_frame(make: Make) -> None:
    one, two = (make([12, 12], DELTA, {**WHOLE, "jitter": 0.2}) for _ in range(2))
    start = np.random.default_rng(4).standard_normal(one.state.particles["fluid"]["velocity"].shape)
    for simulation, wind in ((one, 0.0), (two, 3.0)):
        simulation.state.particles["fluid"]["velocity"][...] = start + np.array([wind, 0.0])
        step(simulation, 30, 1e-3)
    a, b = ({int(i): v for i, v in zip(s.state.particles["fluid"]["id"], s.state.particles["fluid"]["velocity"],
                                       strict=True)} for s in (one, two))  # fmt: skip
    difference = np.array([b[i] - a[i] for i in a]) - [3.0, 0.0]
    assert np.abs(difference).max() < 1e-9


def test_energy_only_falls_without_gravity(make: Make) -> None:
    simulation = make([14, 14], {**DELTA, "artificial_viscosity": 0.1}, WHOLE)
    fluid = simulation.state.particles["fluid"]
    fluid["velocity"][...] = 0.3 * np.random.default_rng(3).standard_normal(fluid["velocity"].shape)

    def energy() -> float:
        view = simulation.view()
        v, m = fluid["velocity"], fluid["mass"]
        return float(0.5 * np.sum(m * np.sum(v**2, axis=1)) + np.sum(view["fluid_compression_energy"]))

    energies = [energy()]
    for _ in range(10):
        step(simulation, 5)
        energies.append(energy())
    assert np.all(np.diff(energies) < 1e-3 * energies[0])
    assert energies[-1] < 0.7 * energies[0]


def test_the_series_of_the_channel() -> None:
    for t, share in (
        (0.01, 0.079992),
        (0.02, 0.159232),
        (0.05, 0.370386),
        (0.1, 0.615353),
        (0.2, 0.856637),
        (0.5, 0.992578),
    ):
        u = channel_start_up(np.array([0.5]), t / 0.3, 1.0, 0.7, 0.3)[0]
        assert u / (0.7 / (8.0 * 0.3)) == pytest.approx(share, abs=1e-6)


def test_free_fall_is_exact(make: Make) -> None:
    simulation = make(
        [30, 12],
        {**DELTA, "gravity": [0.0, -2.0]},
        {**WHOLE, "fluid": [{"center": [0.6, 2.5], "size": [0.3, 0.3]}]},
        "y",
    )
    fluid = simulation.state.particles["fluid"]
    top = fluid["position"][:, 1].mean()
    step(simulation, 100, 2e-3)
    assert fluid["position"][:, 1].mean() == pytest.approx(top - 0.5 * 2.0 * 0.2**2, abs=1e-9)


def test_ninetenths_of_the_stable_step_is_stable(make: Make) -> None:
    for solver in (DELTA, {**DELTA, "viscosity": 1.0}, TRANSPORT, {**TRANSPORT, "viscosity": 1.0}):
        simulation = make([12, 12], solver, {**WHOLE, "jitter": 0.2})
        fluid = simulation.state.particles["fluid"]
        fluid["velocity"][...] = np.random.default_rng(3).standard_normal(fluid["velocity"].shape)
        largest = np.abs(fluid["velocity"]).max()
        for _ in range(150):
            step(simulation, 1, 0.9 * stable_dt(simulation))
        assert np.abs(fluid["velocity"]).max() < largest, solver


def test_dynamic_walls_hold_a_column(make: Make) -> None:
    simulation = make(
        [14, 10], {**DELTA, "sound_speed": 15.0, "gravity": [0.0, -1.0], "walls": "dynamic"},
        {**WHOLE, "fluid": [{"center": [0.5, 0.4], "size": [1.0, 0.8]}], "open": ["y_high"]}, "xy",
    )  # fmt: skip
    fluid = simulation.state.particles["fluid"]
    step(simulation, 1200)
    assert fluid.removed == 0
    assert 0.0 < fluid["position"][:, 1].min() < 0.12
    # the weight of the column stands on the walls
    p = simulation.view()["fluid_pressure"]
    low = fluid["position"][:, 1] < 0.2
    assert p[low].mean() == pytest.approx(0.7, abs=0.02)


def test_fluid_that_leaves_is_removed_and_counted(make: Make, registry: Registry) -> None:
    simulation = make(
        [12, 12], DELTA, {**WHOLE, "fluid": [{"center": [0.6, 1.0], "size": [0.4, 0.2], "velocity": [0.0, 3.0]}],
                          "open": ["y_high"]}, "xy",
    )  # fmt: skip
    fluid = simulation.state.particles["fluid"]
    count = len(fluid)
    step(simulation, 60)
    assert fluid.removed > 0
    assert len(fluid) + fluid.removed == count
    assert simulation.view()["fluid_removed"] == fluid.removed


@pytest.mark.parametrize("solver", [DELTA, TRANSPORT], ids=["delta", "transport"])
def test_a_run_goes_on_when_all_of_the_fluid_has_left(solver: Any, registry: Registry, tmp_path: Path) -> None:
    each = {"every": {"time": 0.02}}
    scenario = parse({
        "mesh": {"type": "grid", "shape": [12, 12], "length": [1.2, 1.2], "offset": "cell",
                 "boundaries": {"x": "wall", "y": "wall"}},
        "initial": {"type": "fluid_blocks", **WHOLE, "open": ["x_high"],
                    "fluid": [{"center": [1.0, 0.6], "size": [0.4, 0.2], "velocity": [8.0, 0.0]}]},
        "solver": solver,
        "integrator": {"type": "own"},
        "time": {"end": 0.1, "cfl": 0.5},
        "observers": [
            *({"type": name, "label": name, **each} for name in ("fluid_totals", "fluid_extent", "channel_error")),
            {"type": "hydrostatic_error", "label": "rest", "surface": 1.0, "gravity": 1.0, **each},
        ],
        "output": {**each, "quantities": ["fluid_position", "fluid_pressure"]},
    }, registry, Path("."))  # fmt: skip
    assert run(scenario, tmp_path / "run", registry).status == "finished"
    folder = RunFolder(tmp_path / "run")
    assert folder.series("fluid_totals")["count"][-1] == 0
    assert math.isnan(folder.series("fluid_extent")["front"][-1])


def test_threads_change_no_bit(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subgrid_sph.fluid.SERIAL", 10)
    monkeypatch.setattr("subgrid.kernels.neighbours.SERIAL", 10)
    runs = [
        make([12, 12], {**DELTA, "gravity": [0.0, -1.0]}, {**WHOLE, "jitter": 0.1}, "xy", backend={"threads": n})
        for n in (1, 3)
    ]
    for simulation in runs:
        step(simulation, 25)
    for column in ("position", "velocity", "density"):
        one, three = (s.state.particles["fluid"][column] for s in runs)
        assert one.tobytes() == three.tobytes()


@pytest.mark.parametrize(
    ("solver", "initial", "walls", "text"),
    [
        ({**DELTA, "smoothing": 3.0}, {}, "", "more than half the periodic box along x"),
        ({**DELTA, "gravity": [0.0, 0.0, -1.0]}, {}, "", "solver.gravity: (0.0, 0.0, -1.0) does not have 2 components"),
        (DELTA, {"density": 2.0}, "", "mass of 'fluid' must be rho0 dx^2"),
        (DELTA, {"fluid": [{"center": [5.0, 5.0], "size": [1.0, 1.0]}]}, "", "initial.fluid: holds no particle"),
        (DELTA, {"open": ["y_high"]}, "x", "initial.open: 'y_high' is no wall of the mesh; choose from x_low, x_high"),
        (DELTA, {"fluid": [{"center": [1.0], "size": [1.0, 1.0]}]}, "", "initial.fluid.0.center"),
        ({**DELTA, "sound_speed": -1.0}, {}, "", "solver.sound_speed"),
    ],
)
def test_bad_input_is_one_line(make: Make, solver: Any, initial: Any, walls: str, text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        make([9, 9], solver, {**WHOLE, **initial}, walls)
    assert text in str(error.value).replace("[1.0]", "(1.0,)")
    assert len(str(error.value).splitlines()) == 1


def test_positions_that_cannot_be_are_refused(make: Make) -> None:
    simulation = make([9, 9], {**DELTA, "smoothing": 1.0}, WHOLE)
    table = {"position": np.full((3, 2), 0.5), "mass": np.full(3, 0.01), "density": np.ones(3)}
    for column, value, text in (
        ("position", np.nan, "not finite, first that of particle 1"),
        ("position", 7.0, "1 particles of 'fluid' lie outside the mesh"),
        ("mass", 0.0, "mass of 'fluid' must be positive"),
        ("density", -1.0, "density of 'fluid' must be positive"),
    ):
        broken = {name: array.copy() for name, array in table.items()}
        broken[column][1] = value
        with pytest.raises(ScenarioError, match=text):
            simulation.solver.encode({"fluid": broken}, simulation.backend)


def test_a_step_above_the_limit_is_refused(registry: Registry, tmp_path: Path) -> None:
    scenario = load(SCENARIOS / "poiseuille.toml", registry, ["time={end=3.0, dt=0.5}"])
    with pytest.raises(ScenarioError, match="above the stability limit"):
        run(scenario, tmp_path / "run", registry)


@pytest.mark.slow
def test_taylor_green_decays_at_the_rate_of_its_viscosity(registry: Registry, tmp_path: Path) -> None:
    run(load(SCENARIOS / "taylor_green.toml", registry), tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("decay")
    rate = -np.polyfit(series["time"], np.log(series["energy"]), 1)[0]
    print(f"rate {rate:.5f}, exact {16 * math.pi**2 * 0.01:.5f}, velocity error {series['velocity_error'][-1]:.4f}")
    assert rate == pytest.approx(16.0 * math.pi**2 * 0.01, rel=0.02)
    assert series["velocity_error"][-1] < 0.04


FRONT = {1.0: 1.516, 1.5: 2.030, 2.0: 2.639, 2.5: 3.313, 3.0: 4.052, 3.4: 4.684}
"""Z at T of another delta-SPH at a/dx = 40 and h = 1.3 dx."""

MARTIN_MOYCE = (
    (1.212, 1.443), (1.602, 1.884), (2.283, 2.689), (2.950, 3.728), (3.598, 4.528),
    (1.219, 1.474), (1.997, 2.292), (2.547, 2.995), (3.345, 4.134),
)  # fmt: skip
"""T and Z of Martin and Moyce, Phil. Trans. A 244, 312 (1952), columns of 1.125 and 2.25 inch, n^2 = 2."""


@pytest.mark.slow
def test_the_dam_break_runs_like_others_and_like_the_experiment(registry: Registry, tmp_path: Path) -> None:
    run(load(SCENARIOS / "dam_break.toml", registry), tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("extent")
    T, Z = series["time"] * math.sqrt(2.0 * 9.81), series["front"]
    for t, z in FRONT.items():
        print(f"T = {t}: Z = {np.interp(t, T, Z):.3f}, another {z}")
        assert np.interp(t, T, Z) == pytest.approx(z, rel=0.02)
    t, z = np.array(MARTIN_MOYCE).T
    # experiments start late: the gate has to open
    shift = np.mean(t - np.interp(z, Z, T))
    off = np.sqrt(np.mean((np.interp(t - shift, T, Z) / z - 1.0) ** 2))
    print(f"shift {shift:.3f}, RMS after it {off:.4f}")
    assert off < 0.03
    totals = RunFolder(tmp_path / "run").series("totals")
    assert totals["least_density"].min() > 0.985
    assert totals["largest_density"].max() < 1.015


@pytest.mark.slow
def test_more_particles_come_closer_to_the_channel(registry: Registry, tmp_path: Path) -> None:
    errors = []
    for n in (10, 20, 40):
        shape = f"mesh.shape=[{n}, {max(8, n // 2)}]"
        length = f"mesh.length=[1.0, {max(8, n // 2) / n}]"
        run(load(SCENARIOS / "poiseuille.toml", registry, [shape, length, "time.end=1.0"]), tmp_path / f"{n}", registry)
        errors.append(RunFolder(tmp_path / f"{n}").series("channel")["error"][-1])
    print(errors)
    assert errors[0] > errors[1] > errors[2]


def test_stopping_and_resuming_between_two_searches_changes_no_bit(registry: Registry, tmp_path: Path) -> None:
    changes = [
        "mesh.shape=[20, 30]",
        "mesh.length=[1.5, 2.25]",
        "time.end=0.05",
        "initial.fluid=[{center=[0.5,0.5], size=[1.0,1.0]}]",
    ]
    scenario = load(SCENARIOS / "dam_break.toml", registry, [*changes, "solver.sort_every=7", "solver.walls='no_slip'"])
    whole = run(scenario, tmp_path / "whole", registry)
    run(scenario, tmp_path / "half", registry, stop_after=whole.steps // 2 + 1)
    resume(tmp_path / "half", registry)
    for quantity in ("fluid_position", "fluid_velocity", "fluid_pressure"):
        a, b = (RunFolder(tmp_path / name).frame(quantity, -1) for name in ("whole", "half"))
        assert a.tobytes() == b.tobytes()
