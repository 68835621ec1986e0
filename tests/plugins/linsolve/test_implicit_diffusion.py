"""Implicit diffusion inside runs: orders, exact decay, restart, the record of the linear solver, and failures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid.assembly import assemble, initialise
from subgrid.errors import ConvergenceError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import parse

WALLS = ["dirichlet", "neumann", "periodic"]


def heat(walls: str = "dirichlet", steps: int = 16, **tables: Any) -> dict[str, Any]:
    mesh: dict[str, Any] = {"type": "grid", "shape": [8, 12], "length": [1.0, 1.0], "offset": "cell"}
    solver: dict[str, Any] = {"type": "implicit_diffusion", "diffusivity": 0.05, "modulation": 0.5}
    if walls != "periodic":
        mesh["boundaries"] = {"x": "wall", "y": "wall"}
        solver["boundaries"] = {key: {"low": {"type": walls}, "high": {"type": walls}} for key in "xy"}
    form, waves = ("sine", 1) if walls == "dirichlet" else ("cosine", 2 if walls == "periodic" else 1)
    return {
        "mesh": mesh,
        "initial": {"type": "standing_mode", "modes": [waves, waves], "form": form},
        "solver": solver,
        "integrator": {"type": "own"},
        "linear_solver": {"type": "fft_poisson"},
        "time": {"end": 1.0, "dt": 1.0 / steps},
        "observers": [{"type": "linear_solver", "every": {"steps": 1}}],
        "output": {"at": [1.0], "quantities": ["u", "mean"]},
        **tables,
    }


def finished(data: dict[str, Any], folder: Path, **options: Any) -> RunFolder:
    registry = Registry.load()
    run(parse(data, registry, folder), folder, registry, **options)
    return RunFolder(folder)


def decay(walls: str) -> float:
    """Exact factor of the discrete mode over the run: the mean of kappa over a period is the constant part."""
    factor = {"dirichlet": 0.5, "neumann": 0.5, "periodic": 1.0}[walls]
    eigenvalue = sum(4.0 * n**2 * np.sin(np.pi * factor / n) ** 2 for n in (8, 12))
    return float(np.exp(-0.05 * eigenvalue))


@pytest.mark.parametrize("walls", WALLS)
@pytest.mark.parametrize(("scheme", "order"), [("backward_euler", 1.0), ("crank_nicolson", 2.0)])
def test_order_in_time(walls: str, scheme: str, order: float, tmp_path: Path) -> None:
    errors = []
    for steps in (32, 64):
        data = heat(walls, steps)
        data["solver"]["scheme"] = scheme
        stored = finished(data, tmp_path / str(steps))
        simulation = assemble(parse(data, Registry.load(), tmp_path), Registry.load())
        initialise(simulation, Registry.load())
        start = simulation.state.fields["u"]
        errors.append(np.max(np.abs(stored.frame("u", -1) - decay(walls) * start)))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, rel=0.03)


def test_heat_is_conserved_between_insulated_walls(tmp_path: Path) -> None:
    data = heat("neumann", initial={"type": "bump"}, output={"every": {"time": 0.5}, "quantities": ["mean"]})
    stored = finished(data, tmp_path)
    assert stored.frame("mean", -1) == pytest.approx(stored.frame("mean", 0), rel=1e-13)


@pytest.mark.parametrize(
    "name", ["sparse_lu", "cg", "pcg", "gmres", "amg", "multigrid", "sor", "ssor", "sor_bandit", "pcg_bandit"]
)
def test_every_solver_gives_the_same_run(name: str, tmp_path: Path) -> None:
    reference = finished(heat(initial={"type": "bump"}), tmp_path / "reference").frame("u", -1)
    other = finished(heat(initial={"type": "bump"}, linear_solver={"type": name}), tmp_path / name).frame("u", -1)
    # each of 16 steps may be off by rtol = 1e-8
    np.testing.assert_allclose(other, reference, rtol=0, atol=16e-8 * np.linalg.norm(reference))


@pytest.mark.parametrize("name", ["sor_bandit", "sor_bandit_contextual", "pcg_bandit"])
@pytest.mark.parametrize("options", [{}, {"policy": "published"}, {"policy": "gaussian_process"}, {"recycle": 3}])
def test_what_was_learnt_survives_a_restart(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    if options.get("policy") == "published":
        options = {"policy": "tsallis_inf" if name == "sor_bandit" else "chebyshev"}
    data = heat(initial={"type": "bump"}, linear_solver={"type": name, **options})
    whole = finished(data, tmp_path / "whole").series("linear_solver")
    finished(data, tmp_path / "parts", stop_after=7)
    resume(tmp_path / "parts", Registry.load())
    parts = RunFolder(tmp_path / "parts").series("linear_solver")
    assert len(set(whole["omega"][1:])) >= 2, "the learner tries different omegas"
    for key, values in whole.items():
        np.testing.assert_array_equal(values, parts[key], err_msg=key)


def test_iterations_are_recorded(tmp_path: Path) -> None:
    stored = finished(heat(linear_solver={"type": "sor"}, initial={"type": "bump"}), tmp_path)
    series, costs = stored.series("linear_solver"), json.loads((tmp_path / "costs.json").read_text())
    assert series["iterations"].sum() == series["total_iterations"][-1] == costs["linear_solves"]["iterations"]
    assert costs["linear_solves"]["solves"] == 16
    assert costs["seconds"]["sor"] > 0.0
    assert np.all(series["omega"][1:] == 1.0)


def test_failure_names_residual_tolerance_and_remedy(tmp_path: Path) -> None:
    data = heat(initial={"type": "bump"}, linear_solver={"type": "sor", "max_iterations": 2})
    with pytest.raises(
        ConvergenceError, match=r"residual .* above the tolerance .*; try .*last good checkpoint: .*npz"
    ):
        finished(data, tmp_path)


@pytest.mark.parametrize(
    ("stated", "advice"), [({}, "an omega above 1, such as"), ({"omega": 1.2}, "another omega than 1.2")]
)
def test_relaxation_that_does_not_converge_speaks_of_omega(tmp_path: Path, stated: dict, advice: str) -> None:
    data = heat(initial={"type": "bump"}, linear_solver={"type": "sor", "max_iterations": 2, **stated})
    with pytest.raises(ConvergenceError, match=f"try {advice}.*'sor_bandit'.*more max_iterations"):
        finished(data, tmp_path)


def test_explicit_steps_have_a_limit_and_own_steps_have_none(tmp_path: Path) -> None:
    data = {key: value for key, value in heat(steps=2).items() if key not in ("linear_solver", "observers")}
    with pytest.raises(ScenarioError, match="stability limit"):
        finished({**data, "integrator": {"type": "rk4"}}, tmp_path)


@pytest.mark.parametrize(("change", "message"), [
    ({"linear_solver": None}, "linear_solver: missing, 'implicit_diffusion' needs"),
    ({"integrator": {"type": "rk4"}, "time": {"end": 1.0, "dt": 0.01}}, "solves no linear systems"),
    ({"linear_solver": {"type": "sor", "omega": 2.5}}, "linear_solver.omega"),
    ({"mesh": {"type": "grid", "shape": [8, 8], "length": [1.0, 1.0], "boundaries": {"x": "wall", "y": "wall"}}},
     "offset"),
    ({"mesh": {"type": "grid", "shape": [31, 29], "length": [1.0, 1.0], "offset": "cell",
               "boundaries": {"x": "wall", "y": "wall"}}, "linear_solver": {"type": "multigrid"}}, "cannot halve"),
])  # fmt: skip
def test_what_does_not_fit_is_said(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    data = {key: value for key, value in {**heat(), **change}.items() if value is not None}
    with pytest.raises(ScenarioError, match=message):
        finished(data, tmp_path)


def test_other_solvers_do_not_own_their_step(tmp_path: Path) -> None:
    from subgrid.testing import FLOW_2D

    with pytest.raises(ScenarioError, match="does not own its step"):
        finished({**FLOW_2D, "integrator": {"type": "own"}}, tmp_path)


@pytest.mark.parametrize("name", ["sparse_lu", "pcg", "amg", "sor"])
def test_a_singular_system_is_refused_with_alternatives(name: str, bench: Any) -> None:
    from subgrid.api import GridOperator

    operator = GridOperator((8, 8), (1.0, 1.0), ("neumann", "periodic"))
    with pytest.raises(ScenarioError, match="use 'fft_poisson'"):
        bench.build(name, operator)


@pytest.mark.parametrize("name", ["fft_poisson", "cg", "multigrid"])
def test_a_singular_system_has_a_solution_without_mean(name: str, bench: Any) -> None:
    from subgrid.api import GridOperator

    operator = GridOperator((8, 16), (1.0, 1.0), ("neumann", "periodic"))
    rhs = np.random.default_rng(0).standard_normal(operator.shape)
    solution = bench.solve(name, operator, rhs)
    assert solution.converged
    assert abs(solution.x.mean()) < 1e-10
    assert operator.apply(solution.x) == pytest.approx(rhs - rhs.mean(), abs=1e-6)
