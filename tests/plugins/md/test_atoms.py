"""Lennard-Jones atoms: forces, conservation, sampling, published states."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolder, ScenarioError, Streams
from subgrid.assembly import assemble, initialise
from subgrid.kernels.neighbours import Box, within
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import load, parse
from subgrid.stability import stable_dt
from subgrid_md import kernels
from subgrid_md.reference import pair_energy, pair_forces, truncation_terms

Make = Callable[..., Any]
SCENARIOS = Path(__file__).parents[3] / "scenarios" / "molecular_dynamics"


@pytest.fixture
def make(registry: Registry) -> Make:
    """``make(shape, solver, initial, **tables)``: face-centred atoms with cells of 1.7 sigma."""

    def simulation(shape: list[int], solver: Any = None, initial: Any = None, cell: float = 1.7, **tables: Any) -> Any:
        data = {
            "mesh": {"type": "grid", "shape": shape, "length": [cell * n for n in shape], "offset": "cell"},
            "initial": {"type": "crystal", **(initial or {})},
            "solver": {"type": "lennard_jones", **(solver or {})},
            "integrator": {"type": "own"},
            "time": {"end": 1.0, "cfl": 0.25},
            "backend": {"threads": 1},
        }
        for name, table in tables.items():
            data[name] = {**data.get(name, {}), **table}
        built = assemble(parse(data, registry, Path(".")), registry)
        initialise(built, registry)
        return built

    return simulation


def step(simulation: Any, count: int, dt: float) -> None:
    clock = simulation.state.clock
    for _ in range(count):
        simulation.rhs.advance(simulation.state.fields, 0.0, dt, Streams(1, "solver", clock.step))
        clock.step += 1


def energy(simulation: Any) -> float:
    view = simulation.view()
    return float(0.5 * np.sum(view["atoms_velocity"] ** 2) + np.sum(view["atoms_energy"]))


@pytest.mark.parametrize("truncation", ["cut", "shifted", "force_shifted"])
def test_the_potential_ends_as_it_is_told(truncation: str) -> None:
    terms = truncation_terms(truncation, 1.3, 0.9, 2.2)
    value = pair_energy(np.array([2.2**2]), 1.3, 0.9, terms)[0]
    force = pair_forces(2, np.array([0]), np.array([1]), np.array([[2.2, 0.0]]), 1.3, 0.9, terms)[0][0, 0]
    assert (abs(value) < 1e-15) == (truncation != "cut")
    assert (abs(force) < 1e-14) == (truncation == "force_shifted")


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("d", [2, 3])
def test_compiled_forces_are_those_of_the_definition(d: int, precision: str) -> None:
    rng = np.random.default_rng(9)
    side = 9 if d == 2 else 6
    grid = np.stack(np.meshgrid(*[np.arange(side) * 1.1] * d, indexing="ij"), axis=-1).reshape(-1, d)
    x = (grid + 0.2 * rng.random(grid.shape)).astype(precision)
    n, length = len(x), 1.1 * side
    periodic = (True, False, True)[:d]
    box = Box((0.0,) * d, (length,) * d, periodic)
    near = within(x, 2.5, box)
    j, i = near.edge_index
    terms = truncation_terms("force_shifted", 1.2, 1.0, 2.5)
    expected = pair_forces(n, i, j, -near.displacements(x).astype(np.float64), 1.2, 1.0, terms)
    padded = np.zeros((n, 4), precision)
    padded[:, :d] = x
    periods = np.zeros(3)
    periods[:d] = np.where(periodic, length, 0.0)
    rows = (near.offsets[:-1], near.offsets[1:], near.indices, periods)
    force = np.empty((n, d), precision)
    kernels.forces(padded, *rows, 1.2, 1.0, terms[1], force, 0, n)
    measures = [np.empty(n, precision) for _ in range(3)]
    kernels.measures(padded, *rows, 1.2, 1.0, *terms, d, *measures, 0, n)
    tolerance = {"float64": 1e-12, "float32": 1e-4}[precision]
    for found, wanted in zip((force, *measures), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=tolerance * np.abs(wanted).max(), rtol=0)


def test_forces_are_the_slope_of_the_energy_and_the_laplacian_that_of_the_forces(make: Make) -> None:
    simulation = make([4, 4, 4], {"truncation": "force_shifted"}, {"jitter": 0.1})
    atoms = simulation.state.particles["atoms"]
    step(simulation, 1, 1e-9)
    force, laplacian = atoms["force"].copy(), simulation.view()["atoms_laplacian"].copy()
    h, total = 1e-5, 0.0
    for axis in range(3):
        values = []
        for move in (-h, 0.0, h):
            at = atoms["position"][7, axis]
            atoms["position"][7, axis] = at + move
            values.append(float(np.sum(simulation.view()["atoms_energy"])))
            atoms["position"][7, axis] = at
        assert -(values[2] - values[0]) / (2 * h) == pytest.approx(force[7, axis], rel=1e-4, abs=1e-5)
        total += (values[2] - 2 * values[1] + values[0]) / h**2
    assert total == pytest.approx(laplacian[7], rel=1e-3)


def test_velocity_verlet_keeps_energy_and_momentum(make: Make) -> None:
    drifts = []
    for dt in (0.004, 0.002):
        simulation = make([4, 4, 4], {"truncation": "force_shifted"}, {"temperature": 1.2})
        step(simulation, 200, 0.004)  # the crystal melts
        start, energies = energy(simulation), []
        for _ in range(40):
            step(simulation, round(0.02 / dt), dt)
            energies.append(energy(simulation))
        drifts.append(np.std(energies))
        assert abs(np.mean(energies[-10:]) - start) < 5e-4 * 256
        momentum = simulation.state.particles["atoms"]["velocity"].sum(axis=0)
        assert np.abs(momentum).max() < 1e-11
    # fluctuations of second order in the step
    assert 2.5 < drifts[0] / drifts[1] < 6.0


def test_a_step_back_undoes_a_step(make: Make) -> None:
    simulation = make([3, 4, 4], {"cutoff": 2.5, "sort_every": 1000}, {"jitter": 0.05}, cell=1.8)
    atoms = simulation.state.particles["atoms"]
    step(simulation, 1, 0.002)
    before = atoms["position"].copy()
    step(simulation, 50, 0.002)
    atoms["velocity"][...] *= -1.0
    step(simulation, 50, 0.002)
    length = np.array([4, 4, 3]) * 1.8
    off = atoms["position"] - before
    assert np.abs(off - length * np.round(off / length)).max() < 1e-9


@pytest.mark.parametrize("dt", [0.2, 0.8])
def test_positions_in_a_trap_are_sampled_exactly_whatever_the_step(make: Make, dt: float) -> None:
    """BAOAB: <x^2> = kT/k for any stable step, <v^2> = kT/m (1 - (omega dt)^2/4)."""
    bath = {"temperature": 0.7, "friction": 1.0}
    simulation = make(
        [40, 50], {"epsilon": 0.0, "trap": 2.0, "thermostat": bath}, {"temperature": 0.7}, time={"cfl": 0.9}
    )
    atoms = simulation.state.particles["atoms"]
    middle = np.array([50, 40]) * 0.85
    atoms["position"][...] = middle + math.sqrt(0.7 / 2.0) * np.random.default_rng(1).standard_normal((4000, 2))
    x2, v2 = [], []
    for _ in range(60):
        step(simulation, max(2, round(1.0 / dt)), dt)
        x2.append(np.mean((atoms["position"] - middle) ** 2))
        v2.append(np.mean(atoms["velocity"] ** 2))
    # 8000 numbers, some 40 times independent: a standard error of 0.25 %
    assert np.mean(x2) == pytest.approx(0.7 / 2.0, rel=0.01)
    assert np.mean(v2) == pytest.approx(0.7 * (1.0 - 2.0 * dt**2 / 4.0), rel=0.01)


def test_heat_is_shared_by_all_directions_and_by_positions(make: Make) -> None:
    bath = {"temperature": 1.5, "friction": 2.0}
    simulation = make([4, 4, 4], {"truncation": "force_shifted", "thermostat": bath}, {"temperature": 0.5})
    atoms = simulation.state.particles["atoms"]
    step(simulation, 600, 0.005)
    squares, force2, laplacian = np.zeros(3), 0.0, 0.0
    for _ in range(80):
        step(simulation, 20, 0.005)
        squares += np.mean(atoms["velocity"] ** 2, axis=0) / 80
        view = simulation.view()
        force2 += np.sum(view["atoms_force"] ** 2)
        laplacian += np.sum(view["atoms_laplacian"])
    np.testing.assert_allclose(squares, 1.5, rtol=0.04)
    assert force2 / laplacian == pytest.approx(1.5, rel=0.03)


def test_noise_goes_by_identity_not_by_row(make: Make) -> None:
    bath = {"temperature": 1.0, "friction": 1.0}
    runs = [make([4, 4, 4], {"thermostat": bath, "sort_every": every}, {"jitter": 0.05}) for every in (1, 1000)]
    found = []
    for simulation in runs:
        step(simulation, 20, 0.004)
        atoms = simulation.state.particles["atoms"]
        found.append(atoms["velocity"][np.argsort(atoms["id"])])
    # sums run in another order, and that is all
    assert np.abs(found[0] - found[1]).max() < 1e-9


def test_atoms_that_leave_are_removed_and_counted(make: Make) -> None:
    simulation = make([3, 4, 4], None, {"temperature": 3.0}, cell=1.8, mesh={"boundaries": {"z": "wall"}})
    atoms = simulation.state.particles["atoms"]
    count = len(atoms)
    step(simulation, 300, 0.004)
    assert 0 < atoms.removed < count
    assert len(atoms) + atoms.removed == count == atoms.next_id


def test_an_ideal_gas_has_no_structure(make: Make) -> None:
    simulation = make([8, 8, 8], {"epsilon": 0.0}, {"jitter": 0.0})
    from subgrid_md.config import RadialDistributionConfig
    from subgrid_md.observers import RadialDistribution

    atoms = simulation.state.particles["atoms"]
    atoms["position"][...] = np.random.default_rng(2).random((2048, 3)) * 13.6
    observer = RadialDistribution(RadialDistributionConfig(largest=6.0, bins=12))

    class Host:
        mesh, label = simulation.mesh, "structure"

    observer.setup(Host, {})  # type: ignore[arg-type]
    g = observer.observe(simulation.view(), simulation.state.clock)["g"]
    np.testing.assert_allclose(g[4:], 1.0, atol=0.03)


def test_nine_tenths_of_the_stable_step_is_stable(make: Make) -> None:
    simulation = make([4, 4, 4], None, {"temperature": 1.0})
    start = energy(simulation)
    step(simulation, 300, 0.9 * stable_dt(simulation))
    assert abs(energy(simulation) - start) < 0.05 * 256


@pytest.mark.parametrize(
    ("solver", "text"),
    [
        ({"cutoff": 3.5}, "solver.cutoff: 3.5 is more than half the periodic box along x, 6.8"),
        ({"cutoff": -1.0}, "solver.cutoff"),
        ({"thermostat": {"temperature": 0.0}}, "solver.thermostat.temperature"),
        ({"truncation": "smooth"}, "solver.truncation"),
    ],
)
def test_bad_input_is_one_line(make: Make, solver: Any, text: str) -> None:
    with pytest.raises(ScenarioError) as error:
        make([4, 4, 4], solver)
    assert text in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_resuming_a_noisy_run_changes_no_bit(registry: Registry, tmp_path: Path) -> None:
    changes = ["mesh.shape=[4, 4, 4]", "mesh.length=[6.9, 6.9, 6.9]", "time.end=0.3", "solver.sort_every=7"]
    scenario = load(SCENARIOS / "liquid.toml", registry, [*changes, "observers.1.largest=3.0"])
    whole = run(scenario, tmp_path / "whole", registry)
    run(scenario, tmp_path / "half", registry, stop_after=whole.steps // 2 + 1)
    resume(tmp_path / "half", registry)
    for quantity in ("atoms_position", "atoms_velocity"):
        a, b = (RunFolder(tmp_path / name).frame(quantity, -1) for name in ("whole", "half"))
        assert a.tobytes() == b.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("density", "temperature", "energy", "pressure"),
    [
        (0.776, 0.85, -5.5121, 0.0068),
        (0.82, 0.85, -5.7947, 0.5535),
        (0.776, 0.9, -5.4689, 0.2406),
        (0.9, 0.9, -6.1773, 2.5848),
    ],
)
def test_states_of_the_liquid(
    registry: Registry, tmp_path: Path, density: float, temperature: float, energy: float, pressure: float
) -> None:
    """NIST Standard Reference Simulation Website (Monte Carlo, cut at 3 sigma with tail corrections, 500 atoms):
    https://mmlapps.nist.gov/srs/LJ_PURE/mc.htm"""
    side = (864.0 / density) ** (1.0 / 3.0)
    changes = [
        f"mesh.length=[{side}, {side}, {side}]",
        "initial.temperature=5.0",
        "time.end=60.0",
    ]  # hot enough to melt
    changes.append(f"solver.thermostat={{temperature={temperature}, friction=1.0}}")
    run(load(SCENARIOS / "liquid.toml", registry, changes), tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("state")
    late = series["time"] > 10.0
    found = {name: float(np.mean(series[name][late])) for name in ("potential_energy", "pressure", "temperature")}
    print(density, temperature, found)
    # two standard errors of 0.0025, and (omega dt)^2/4, the bias of velocities in BAOAB
    assert found["temperature"] == pytest.approx(temperature, abs=0.007)
    assert found["potential_energy"] == pytest.approx(energy, abs=0.01)
    assert found["pressure"] == pytest.approx(pressure, abs=0.05)


def test_cuda_twins_agree_with_the_definitions(in_cuda_simulator: Callable[[Path], str]) -> None:
    printed = in_cuda_simulator(Path(__file__).with_name("cuda_parity.py"))
    assert printed.count("agree") == 4
