"""Poisson's equation and Darcy flow: orders for each condition, media with known answers, refusals."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import RunFolderError, ScenarioError
from subgrid.assembly import assemble, initialise
from subgrid.registry import Registry
from subgrid.scenario import parse

REGISTRY = Registry.load()


def scenario(shape: list[int], walls: str = "", solver: str = "darcy", **options: Any) -> dict[str, Any]:
    mesh = {"type": "grid", "shape": shape, "length": [1.0] * len(shape), "offset": "cell"}
    return {
        "mesh": {**mesh, "boundaries": dict.fromkeys(walls, "wall")},
        "initial": {"type": "uniform"},
        "solver": {"type": solver, **options},
        "integrator": {"type": "own"},
        "linear_solver": {"type": "pcg", "rtol": 1e-12},
        "time": {"end": 2.0, "dt": 1.0},
    }


def solve(data: dict[str, Any], folder: Path = Path(".")) -> Any:
    """A simulation after its one step."""
    simulation = assemble(parse(data, REGISTRY, folder), REGISTRY)
    initialise(simulation, REGISTRY)
    state = simulation.state
    report = simulation.integrator.step(
        simulation.rhs, state.fields, state.memory.get("own", {}), 0.0, 1.0, simulation.streams("own"), None
    )
    state.fields.update(report.fields)
    return simulation


def centres(n: int, ndim: int) -> Any:
    return np.meshgrid(*[(np.arange(n) + 0.5) / n] * ndim, indexing="ij")


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("kind", ["dirichlet", "neumann", "periodic"])
def test_order_is_two_for_each_condition(ndim: int, kind: str, tmp_path: Path) -> None:
    """A smooth manufactured solution with inhomogeneous conditions along x."""
    sizes, errors = ((16, 32, 64) if ndim < 3 else (8, 16, 32)), []
    for n in sizes:
        *others, x = centres(n, ndim)
        if kind == "dirichlet":
            p, curvature = np.exp(x), np.exp(x)
            pair = {"type": "dirichlet", "low": 1.0, "high": float(np.e)}
        elif kind == "neumann":
            # fluxes inwards are the outward derivatives; cosines across keep the mean
            p, curvature = np.exp(x), np.exp(x)
            pair = {"type": "neumann", "low": -1.0, "high": float(np.e)}
        else:
            others = []
            p, curvature, pair = np.sin(2 * np.pi * x), -4 * np.pi**2 * np.sin(2 * np.pi * x), None
        for y in others:
            # neither value nor slope at the walls of x
            wave, hill = np.cos(2 * np.pi * y), x**2 * (1 - x) ** 2
            p = p + hill * wave
            curvature = curvature + (2 - 12 * x + 12 * x**2) * wave - 4 * np.pi**2 * hill * wave
        source = -curvature
        if kind == "neumann":
            # the discrete problem needs an exact balance
            source = source - source.mean() - (np.e - 1.0)
        np.save(tmp_path / "source.npy", source)
        data = scenario([n] * ndim, "x" if pair else "", "poisson", source={"map": "source.npy"})
        if pair:
            data["solver"]["boundaries"] = {"x": pair}
        data["linear_solver"] = {"type": "fft_poisson"}
        found = solve(data, tmp_path).state.fields["pressure"]
        if kind != "dirichlet":
            found, p = found - found.mean(), p - p.mean()
        errors.append(float(np.sqrt(np.mean((found - p) ** 2))))
    order = [np.log2(a / b) for a, b in itertools.pairwise(errors)][-1]
    assert order == pytest.approx(2.0, rel=0.03)


def side(kind: str, x: float, outward: float, slope: float = 0.0) -> dict[str, Any]:
    """The condition that p = e^x meets where the permeability is e^(slope x)."""
    p, flux = float(np.exp(x)), outward * float(np.exp((1 + slope) * x))
    if kind == "dirichlet":
        return {"type": kind, "value": p}
    return {"type": kind, "flux": flux} if kind == "neumann" else {
        "type": kind, "alpha": 0.7, "beta": 1.3, "value": 0.7 * p + 1.3 * flux
    }  # fmt: skip


@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("high", ["dirichlet", "neumann", "robin"])
@pytest.mark.parametrize("low", ["dirichlet", "neumann", "robin"])
def test_order_is_two_for_each_pair_of_sides(low: str, high: str, axis: str, uneven: bool, tmp_path: Path) -> None:
    """p = e^x + waves that vanish at the walls, in a permeability of one or one that slopes at the walls; along y the
    same, turned."""
    errors = []
    slope, swell = (0.8, 0.3) if uneven else (0.0, 0.0)
    for n in (32, 64):
        y, x = centres(n, 2)
        wave, bump = np.cos(2 * np.pi * y), 16 * x**2 * (1 - x) ** 2
        bump_x, bump_xx = 32 * x * (1 - x) * (1 - 2 * x), 32 * (1 - 6 * x + 6 * x**2)
        p, p_x = np.exp(x) + bump * wave, np.exp(x) + bump_x * wave
        laplacian = np.exp(x) + (bump_xx - 4 * np.pi**2 * bump) * wave
        k = np.exp(slope * x) * (1 + swell * bump * wave)
        k_x = slope * k + np.exp(slope * x) * swell * bump_x * wave
        wave_y = -2 * np.pi * bump * np.sin(2 * np.pi * y)
        k_y, p_y = np.exp(slope * x) * swell * wave_y, wave_y
        source = -(k * laplacian + k_x * p_x + k_y * p_y)
        sides = {"low": side(low, 0.0, -1.0, slope), "high": side(high, 1.0, 1.0, slope)}
        closed = low == high == "neumann"
        if closed:
            # the discrete problem needs an exact balance
            source -= source.mean() + sides["low"]["flux"] + sides["high"]["flux"]
        turned = (lambda values: values) if axis == "x" else np.transpose
        np.save(tmp_path / "source.npy", turned(source))
        np.save(tmp_path / "k.npy", turned(k))
        media = {"permeability": {"type": "map", "file": "k.npy"}} if uneven else {}
        data = scenario([n, n], axis, "darcy" if uneven else "poisson", source={"map": "source.npy"}, **media)
        data["solver"]["boundaries"] = {axis: sides}
        data["linear_solver"] = {"type": "cg" if closed else "sparse_lu", "rtol": 1e-10}
        found = turned(solve(data, tmp_path).state.fields["pressure"])
        if closed:
            found, p = found - found.mean(), p - p.mean()
        errors.append(float(np.sqrt(np.mean((found - p) ** 2))))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, rel=0.03)


@pytest.mark.parametrize("low", ["dirichlet", "neumann", "robin"])
@pytest.mark.parametrize("high", ["dirichlet", "robin"])
def test_every_linear_solver_takes_sides_that_differ(low: str, high: str) -> None:
    names = ["sparse_lu", "cg", "pcg", "gmres", "multigrid", "sor", "ssor"]
    names += ["fft_poisson"] if "robin" not in (low, high) else []
    found = []
    for name in names:
        media = {} if name == "fft_poisson" else {"permeability": {"type": "uniform", "value": 1.0}}
        data = scenario([16, 32], "xy", "darcy", source={"uniform": 1.0}, **media)
        data["solver"]["boundaries"] = {"x": {"low": side(low, 0.0, -1.0), "high": side(high, 1.0, 1.0)}}
        data["linear_solver"] = {"type": name, "rtol": 1e-10} | ({"omega": 1.8} if "sor" in name else {})
        found.append(solve(data).state.fields["pressure"])
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-6 * np.abs(found[0]).max())


def test_pairs_are_short_for_sides() -> None:
    long = {"low": {"type": "dirichlet", "value": 2.0}, "high": {"type": "dirichlet"}}
    pressures = []
    for stated in ({"type": "dirichlet", "low": 2.0}, long):
        data = scenario([8, 8], "xy", permeability={"type": "log_normal"})
        data["solver"]["boundaries"] = {"x": stated}
        pressures.append(solve(data).state.fields["pressure"])
    np.testing.assert_array_equal(*pressures)


def test_a_leaking_wall_is_a_resistance_in_series() -> None:
    """Between p = 1 behind a wall of conductance 0.5 and p = 0: flux 1/(1/0.5 + 1/k), exactly."""
    data = scenario([6, 10], "xy", permeability={"type": "uniform", "value": 4.0})
    leak = {"type": "robin", "alpha": 0.5, "beta": 1.0, "value": 0.5}
    data["solver"]["boundaries"] = {"x": {"low": leak, "high": {"type": "dirichlet"}}}
    view = solve(data).view()
    np.testing.assert_allclose(view["flux"][0], 1.0 / (1.0 / 0.5 + 1.0 / 4.0), rtol=1e-9)
    assert view["residual"] < 1e-9


@pytest.mark.parametrize("linear_solver", ["pcg", "cg", "sparse_lu", "multigrid", "ssor", "amg"])
def test_layers_carry_their_means(linear_solver: str) -> None:
    """Along layers the arithmetic mean, across them the harmonic one, to round-off."""
    if linear_solver == "amg":
        pytest.importorskip("pyamg")
    values = [1.0, 10.0, 0.5, 4.0]
    for axis, expected in (("y", np.mean(values)), ("x", 1.0 / np.mean(1.0 / np.array(values)))):
        data = scenario([16, 16], "xy", permeability={"type": "layers", "axis": axis, "values": values})
        data["solver"]["boundaries"] = {"x": {"type": "dirichlet", "low": 1.0}}
        data["linear_solver"] = {"type": linear_solver}
        if linear_solver != "sparse_lu":
            data["linear_solver"] |= {"rtol": 1e-10, "max_iterations": 5000}
        simulation = solve(data)
        flux = simulation.view()["mean_flux"]
        np.testing.assert_allclose(flux, [expected, 0.0], atol=1e-6 * expected)


def test_what_flows_in_flows_out() -> None:
    """Prescribed fluxes in a medium of jumps: every section carries the same."""
    data = scenario([12, 20], "xy", permeability={"type": "log_normal", "variance": 4.0, "length": 0.1})
    data["solver"]["boundaries"] = {"x": {"type": "neumann", "low": 2.0, "high": -2.0}}
    data["linear_solver"]["type"] = "cg"
    simulation = solve(data)
    flux = simulation.view()["flux"]
    np.testing.assert_allclose(flux[0].mean(axis=0), 2.0, atol=1e-8)
    assert simulation.view()["residual"] < 1e-7


def test_log_normal_field_has_its_variance_and_correlation() -> None:
    data = scenario([256, 256], "x", permeability={"type": "log_normal", "variance": 0.7, "length": 0.02})
    data["solver"]["boundaries"] = {"x": {"type": "dirichlet"}}
    data["seed"] = 5
    g = np.log(assemble(parse(data, REGISTRY, Path(".")), REGISTRY).solver.permeability)
    assert g.mean() == pytest.approx(0.0, abs=0.13)
    assert g.var() == pytest.approx(0.7, rel=0.1)
    lag = 5
    assert np.mean(g * np.roll(g, lag, 1)) / g.var() == pytest.approx(np.exp(-0.5 * (lag / 256 / 0.02) ** 2), abs=0.06)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("xy", {"source": {"uniform": 1.0}}, "must balance"),
    ("x", {"boundaries": {"y": {"type": "dirichlet"}}}, "axis y is periodic"),
    ("x", {"boundaries": {"z": {"type": "dirichlet"}}}, "no axis z"),
    ("x", {"permeability": {"type": "layers", "axis": "z", "values": [1.0]}}, "no axis z"),
    ("x", {"permeability": {"type": "map", "file": "none.npy"}}, "cannot be read"),
    ("x", {"source": {"gaussians": [{"center": [0.5], "width": 0.1}]}}, "1 components on 2 axes"),
    ("x", {"permeability": {"type": "uniform", "value": -1.0}}, "permeability"),
    ("x", {"boundaries": {"x": {"low": {"type": "robin", "alpha": 0.0, "beta": 0.0}}}}, "x.low.*no condition"),
    ("x", {"boundaries": {"x": {"low": {"type": "dirichlt"}}}}, "x.low.*dirichlet"),
    ("x", {"boundaries": {"x": {"low": 1.0}}}, "x.low"),
    ("x", {"boundaries": {"x": {"type": "dirichlet", "hihg": 1.0}}}, "x.hihg.*high"),
    ("x", {"boundaries": {"x": {"type": "dirichlt", "high": 1.0}}}, "x.*dirichlet"),
    ("x", {"boundaries": {"x": 3}}, "x"),
]


@pytest.mark.parametrize(("walls", "options", "message"), BAD)
def test_what_does_not_fit_is_refused(walls: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RunFolderError if "cannot be read" in message else ScenarioError, match=message):
        solve(scenario([8, 8], walls, **options))


@pytest.mark.parametrize(
    ("permeability", "most"), [({"type": "uniform"}, 7), ({"type": "log_normal", "length": 0.05}, 11)]
)
def test_iterations_of_multigrid_pcg_do_not_grow_with_size(permeability: dict[str, Any], most: int) -> None:
    pytest.importorskip("pyamg")
    counts = []
    for n in (64, 128, 256):
        data = scenario([n, n], "xy", permeability=permeability, source={"uniform": 1.0})
        data["solver"]["boundaries"] = {"x": {"type": "dirichlet"}, "y": {"type": "dirichlet"}}
        data["linear_solver"] = {"type": "pcg", "preconditioner": "amg", "rtol": 1e-8}
        counts.append(int(solve(data).view()["linear_solver_iterations"]))
    assert max(counts) <= most
    assert max(counts) - min(counts) <= 2
