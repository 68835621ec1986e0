"""Learned fourth moments: symmetry, what is realisable, both array worlds, and weights that do not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subgrid.api import Backend, RunFolder, RunFolderError, ScenarioError, StateSpec
from subgrid.assembly import assemble
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid_active.bingham import Bingham
from subgrid_active.config import ActiveMomentsConfig, ChebyshevConfig, IsotropicModeConfig, PlainClosureConfig
from subgrid_active.initial import IsotropicMode
from subgrid_active.learned import SHIPPED, LearnedEquivariant, LearnedResidual
from subgrid_active.learned_config import LearnedConfig
from subgrid_active.moments import FOURTH_MOMENT_SLOT, ActiveMoments, realisable
from subgrid_active.plain_closures import Quadratic
from subgrid_ml.weights import Weights, write_tensors

BOTH = pytest.mark.parametrize("kind", [LearnedEquivariant, LearnedResidual])
SHAPE = (9, 7)


def made(kind: Any, backend: Backend | None = None, **options: Any) -> Any:
    closure = kind(LearnedConfig(**options))
    closure.setup(SimpleNamespace(backend=backend or Backend(threads=1), folder=Path()), FOURTH_MOMENT_SLOT)
    return closure


def wild(kind: Any, backend: Backend | None = None, size: float = 1.0, **options: Any) -> Any:
    """The closure with random weights."""
    closure, rng = made(kind, backend, weights="none", **options), np.random.default_rng(5)
    parameters = {name: size * rng.normal(size=shape) for name, shape in closure.network.shapes().items()}
    constants = {"mean": rng.normal(size=(4, 1)), "scale": 0.5 + rng.random((4, 1))}
    closure.adopt(closure._as_real(parameters), closure._as_real(constants))
    return closure


def rods(precision: str = "float64", largest: float = 1.0) -> dict[str, Any]:
    """Random moments of rods: |a2| up to c, strong and weak flows, one zeta."""
    rng = np.random.default_rng(3)
    c, phi = 0.5 + rng.random(SHAPE), 7.0 * rng.random(SHAPE)
    size = c * largest * rng.random(SHAPE) ** 0.3
    inputs = {
        "concentration": c,
        "second_moment": size * np.stack([np.cos(phi), np.sin(phi)]),
        "strain_rate": rng.normal(size=(2, *SHAPE)) * 10.0 ** rng.uniform(-2, 1, SHAPE),
        "alignment": np.full(SHAPE, 0.7),
    }
    return {name: values.astype(precision) for name, values in inputs.items()}


def turned(inputs: dict[str, Any], angle: float, mirrored: bool = False) -> dict[str, Any]:
    """The same rods seen in a frame turned by ``-angle``, after a reflection at the x axis where ``mirrored``."""
    changed = dict(inputs)
    for name in ("second_moment", "strain_rate"):
        z = inputs[name][0] + 1j * inputs[name][1] * (-1.0 if mirrored else 1.0)
        z = z * np.exp(2j * angle)
        changed[name] = np.stack([z.real, z.imag]).astype(inputs[name].dtype)
    return changed


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
@pytest.mark.parametrize("mirrored", [False, True])
@BOTH
def test_the_answer_turns_with_the_frame(kind: Any, mirrored: bool, precision: str, tolerance: float) -> None:
    closure, inputs = wild(kind, Backend(precision=precision, threads=1), 0.5), rods(precision)
    answer = closure.evaluate(inputs, {})
    assert answer.dtype == precision
    z = answer[0] + 1j * answer[1] * (-1.0 if mirrored else 1.0)
    for angle in (0.3, 1.2, 2.9):
        other = closure.evaluate(turned(inputs, angle, mirrored), {})
        expected = z * np.exp(4j * angle)
        assert np.max(np.abs(other[0] + 1j * other[1] - expected)) < tolerance


@BOTH
def test_the_shipped_weights_turn_with_the_frame_in_single_precision(kind: Any) -> None:
    """1e-6 of the largest answer that there can be; random weights, as above, are wilder than trained ones."""
    closure, inputs = made(kind, Backend(precision="float32", threads=1)), rods("float32")
    re, im = closure.evaluate(inputs, {})
    for angle in (0.3, 1.2, 2.9):
        other = closure.evaluate(turned(inputs, angle), {})
        expected = (re + 1j * im) * np.exp(4j * angle)
        assert np.max(np.abs(other[0] + 1j * other[1] - expected)) < 1e-6 * inputs["concentration"].max()


@BOTH
def test_whatever_the_weights_the_answer_belongs_to_some_distribution(kind: Any) -> None:
    """The Toeplitz matrix of (c, a2, a4) has no negative eigenvalue."""
    inputs = rods()
    re, im = wild(kind, size=30.0).evaluate(inputs, {})
    c, a2, a4 = inputs["concentration"], inputs["second_moment"][0] + 1j * inputs["second_moment"][1], re + 1j * im
    rows = [[c + 0j, a2.conj(), a4.conj()], [a2, c + 0j, a2.conj()], [a4, a2, c + 0j]]
    matrices = np.moveaxis(np.asarray(rows), (0, 1), (-2, -1))
    assert np.linalg.eigvalsh(matrices).min() > -1e-12
    assert np.abs(np.abs(a4 - a2**2 / c) - (c - np.abs(a2) ** 2 / c)).min() < 1e-9, "some answers were drawn back"
    assert np.all(realisable(inputs, np.stack([re, im])))
    assert not np.all(realisable(inputs, 2.0 * np.stack([re, im]) + 1.0))


def test_networks_of_zeros_are_bingham_and_quadratic() -> None:
    inputs = rods()
    for kind, plain in (
        (LearnedResidual, Bingham(ChebyshevConfig(degree=40))),
        (LearnedEquivariant, Quadratic(PlainClosureConfig())),
    ):
        plain.setup(SimpleNamespace(backend=Backend(threads=1)), FOURTH_MOMENT_SLOT)
        answer = made(kind, weights="none").evaluate(inputs, {})
        np.testing.assert_allclose(answer, plain.evaluate(inputs, {}), rtol=0, atol=5e-14)


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 5e-15), ("float32", 2e-6)])
@pytest.mark.parametrize("hidden", [(1,), (7,), (16,)])
@BOTH
def test_the_compiled_answer_is_the_definition(kind: Any, hidden: Any, precision: str, tolerance: float) -> None:
    closure, inputs = wild(kind, Backend(precision=precision, threads=1), hidden=hidden), rods(precision, largest=1.02)
    for name, values in inputs.items():  # more points than a block, in an odd number
        inputs[name] = np.concatenate([values] * 11, axis=-1)
    answer = closure.evaluate(inputs, {})
    assert answer.dtype == precision
    np.testing.assert_allclose(answer, closure.reference(inputs), rtol=0, atol=tolerance)
    scalar = {**inputs, "alignment": np.full((1, 1), 0.7, precision)}
    np.testing.assert_array_equal(closure.evaluate(scalar, {}), answer)


@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
@BOTH
def test_torch_gives_the_same_numbers_and_gradients(kind: Any, precision: str, tolerance: float) -> None:
    torch = pytest.importorskip("torch")
    inputs = rods(precision)
    one = wild(kind, Backend(precision=precision, threads=1))
    two = wild(kind, Backend("torch", precision=precision, threads=1))
    given = {name: torch.asarray(values) for name, values in inputs.items()}
    np.testing.assert_allclose(two.evaluate(given, {}).numpy(), one.evaluate(inputs, {}), rtol=0, atol=tolerance)
    if precision == "float32":
        return
    two = wild(kind, Backend("torch", threads=1), size=0.3)
    parameters = {name: values.clone().requires_grad_() for name, values in two.parameters.items()}
    two.adopt(parameters, two.constants)
    torch.sum(two.evaluate(given, {}) ** 2).backward()
    for name, index in (("0.weight", (1, 2)), ("0.bias", (3, 0)), ("1.weight", (2, 5))):
        sides = []
        for shift in (1e-6, -1e-6):
            moved = {key: values.detach().clone() for key, values in parameters.items()}
            moved[name][index] += shift
            two.adopt(moved, two.constants)
            sides.append(float(torch.sum(two.evaluate(given, {}) ** 2)))
        assert parameters[name].grad[index].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-5, abs=1e-7)


def test_gradients_are_finite_at_isotropy_rest_and_perfect_alignment() -> None:
    torch = pytest.importorskip("torch")
    closure = wild(LearnedResidual, Backend("torch", threads=1))
    a2 = torch.zeros((2, 1, 3), dtype=torch.float64)
    a2[0, 0, 1:] = torch.asarray([1.0, 0.5])
    a2.requires_grad_()
    e = torch.zeros_like(a2, requires_grad=True)
    given = {"concentration": torch.ones((1, 3)).double(), "second_moment": a2, "strain_rate": e}
    answer = closure.evaluate({**given, "alignment": torch.full((1, 1), 0.5).double()}, {})
    torch.sum(answer).backward()
    assert torch.isfinite(a2.grad).all()
    assert torch.isfinite(e.grad).all()


def test_what_is_measured_is_the_contraction_of_the_distribution() -> None:
    """S:T_full by quadrature over the circle of a random distribution, whose own a4 is the answer."""
    rng, theta = np.random.default_rng(8), 2.0 * np.pi * np.arange(64) / 64
    density = 1.0 + sum(0.15 * rng.normal() * np.cos(n * theta + rng.normal()) for n in (2, 4, 6))
    weight = 2.0 * np.pi / 64
    c, a2, a4 = (weight * np.sum(density * np.exp(1j * n * theta)) for n in (0, 2, 4))
    e, zeta = rng.normal(size=2), 0.8
    p = np.stack([np.cos(theta), np.sin(theta)])
    second = weight * np.einsum("t,it,jt->ij", density, p, p)
    contracted = np.array([[e[0], e[1]], [e[1], -e[0]]]) + 2.0 * zeta * second
    expected = weight * np.einsum("t,it,jt,kt,lt,kl->ij", density, p, p, p, p, contracted)
    field = np.ones((1, 1))
    inputs = {
        "concentration": c.real * field,
        "second_moment": np.array([a2.real, a2.imag]).reshape(2, 1, 1),
        "strain_rate": e.reshape(2, 1, 1),
        "alignment": zeta * field,
    }
    closure = made(LearnedResidual, weights="none")
    measured = closure.measure(inputs, np.array([a4.real, a4.imag]).reshape(2, 1, 1))
    np.testing.assert_allclose(measured.ravel(), [expected[0, 0], expected[0, 1], expected[1, 1]], rtol=1e-13)


@pytest.mark.parametrize("zeta", [0.3, 1.0])
@BOTH
def test_isotropic_rods_grow_at_the_exact_rate(kind: Any, zeta: float, rod_run: Callable[..., Any]) -> None:
    """(-alpha + zeta beta/2) / (4 + beta/2) + zeta - 4 d_R - d_T k^2: a4 is quadratic, whatever was learned."""
    solver = ActiveMoments(ActiveMomentsConfig(zeta=zeta))
    simulated = rod_run(solver, made(kind), shape=(8, 16), length=(10.0, 10.0))
    simulated.start(IsotropicMode(IsotropicModeConfig(modes=(1, 0), amplitude=1e-5)))
    before = np.abs(simulated.quantity("second_moment")).max()
    simulated.advance(0.01, 100)
    rate = np.log(np.abs(simulated.quantity("second_moment")).max() / before)
    exact = (1.0 + 0.4 * zeta) / 4.4 + zeta - 0.2 - 0.05 * (2.0 * np.pi / 10.0) ** 2
    assert rate == pytest.approx(exact, rel=2e-3)


HOST: dict[str, Any] = {
    "backend": {"threads": 1},
    "mesh": {"type": "grid", "shape": [16, 12], "length": [10.0, 7.5]},
    "initial": {"type": "random_orientations", "amplitude": 0.4, "largest_wavenumber": 2},
    "solver": {"type": "active_moments", "zeta": 0.6},
    "integrator": {"type": "sbdf2"},
    "time": {"end": 0.4, "dt": 0.04},
}


def run_with(folder: Path, closure: dict[str, Any], zeta: float = 0.6) -> RunFolder:
    data = {**HOST, "solver": {"type": "active_moments", "zeta": zeta}, "closures": [closure]}
    run(parse(data, Registry.load(), folder), folder / "run", Registry.load(), overwrite=True)
    return RunFolder(folder / "run")


def test_shipped_weights_say_where_they_come_from(tmp_path: Path) -> None:
    for kind in ("learned_equivariant", "learned_residual"):
        stored = run_with(tmp_path, {"type": kind})
        provenance = stored.provenance()
        assert provenance["weights"][kind]["file"].endswith(f"{kind}-kinetic_2d.safetensors")
        assert len(provenance["weights"][kind]["sha256"]) == 64
        assert "warnings" not in provenance


def test_a_zeta_that_was_not_trained_is_a_warning_and_with_a_fall_back_another_answers(tmp_path: Path) -> None:
    warned = run_with(tmp_path, {"type": "learned_residual"}, zeta=3.0)
    assert warned.provenance()["warnings"] == {"learned_residual": "zeta = 3, trained were 0.3 to 1"}
    assert "warning: step 0, t = 0: closure 'learned_residual'" in (warned.path / "run.log").read_text()
    saved = run_with(tmp_path, {"type": "learned_residual", "fallback": {"type": "bingham"}}, zeta=3.0)
    assert saved.costs()["fallbacks"]["learned_residual"] == saved.costs()["closure_calls"]["bingham"] > 0
    assert saved.provenance()["fallbacks"]["learned_residual"]["reason"] == "zeta = 3, trained were 0.3 to 1"


@pytest.fixture
def shipped() -> Weights:
    return Weights.load(SHIPPED / "learned_residual-kinetic_2d.safetensors")


def refused(tmp_path: Path, weights: Weights, kind: str = "learned_residual") -> str:
    """The one line with which a run with these weights is refused."""
    weights.save(tmp_path / "mine.safetensors")
    closure = {"type": kind, "weights": "mine.safetensors"}
    with pytest.raises(ScenarioError) as caught:
        assemble(parse({**HOST, "closures": [closure]}, Registry.load(), tmp_path), Registry.load())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_of_another_kind_are_one_line(tmp_path: Path, shipped: Weights) -> None:
    card, arrays = dict(shipped.card), dict(shipped.arrays)
    architecture = dict(card["architecture"])

    def line(arrays: dict[str, Any] = arrays, **changes: Any) -> str:
        return refused(tmp_path, Weights(arrays, {**card, **changes}))

    assert 'made for closure "learned_residual", needed is "learned_equivariant"' in refused(
        tmp_path, shipped, "learned_equivariant"
    )
    assert 'made for slot "eddy_viscosity", needed is "fourth_moment"' in line(slot="eddy_viscosity")
    assert "made for inputs" in line(inputs=["concentration"])
    assert "this architecture asks for shape" in line(architecture={**architecture, "hidden": [5, 5]})
    assert "describes no network" in line(architecture={**architecture, "hidden": [10**9]})
    assert "describes no network" in line(architecture={**architecture, "activation": "exec"})
    assert "describes no network" in line(architecture=7)
    assert "this closure normalises" in line(architecture={**architecture, "features": ["a", "b", "c", "d"]})
    assert "describes no network" in line(range={})
    assert "this closure normalises" in line(range={"alignment": [1.0, 0.0]})
    assert "divides by zero or less" in line(arrays={**arrays, "scale": 0.0 * arrays["scale"]})
    assert "array 'mean' has shape (3, 1)" in line(arrays={**arrays, "mean": arrays["mean"][:3]})
    assert "array 'mean' has no such array" in line(arrays={k: v for k, v in arrays.items() if k != "mean"})


def test_files_that_are_no_weights_are_one_line(tmp_path: Path) -> None:
    def line(name: str) -> str:
        data = {**HOST, "closures": [{"type": "learned_residual", "weights": name}]}
        with pytest.raises((ScenarioError, RunFolderError)) as caught:
            assemble(parse(data, Registry.load(), tmp_path), Registry.load())
        damaged = name in ("missing.safetensors", "cut.safetensors")
        assert caught.value.exit_code == (4 if damaged else 2)
        return str(caught.value)

    assert "'kinetic_3d' is not shipped; choose from kinetic_2d" in line("kinetic_3d")
    assert "no such file" in line("missing.safetensors")
    whole = (SHIPPED / "learned_residual-kinetic_2d.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-5])
    assert "may have been cut off" in line("cut.safetensors")
    write_tensors(tmp_path / "empty.safetensors", {}, {"version": 1})
    assert "made for closure nothing that it names" in line("empty.safetensors")


def test_cards_lie_beside_the_weights_and_tell_how_they_were_made() -> None:
    for path in SHIPPED.glob("*.safetensors"):
        card = json.loads(path.with_suffix(".json").read_text())
        assert card == Weights.load(path).card
        assert path.stat().st_size < 50_000
        errors, baselines = card["figures"]["relative_error"], card["figures"]["baselines"]["bingham"]
        assert all(error < baselines[name] for name, error in errors.items())


def test_a_kinetic_run_trains_a_closure_that_beats_bingham_on_another(tmp_path: Path) -> None:
    """Two short runs on 16 x 16 points: the whole way from data to a closure in the solver, in seconds."""
    pytest.importorskip("torch")
    from subgrid_ml.session import Session, read_training_file

    kinetic: dict[str, Any] = {
        **HOST,
        "mesh": {"type": "grid", "shape": [16, 16], "length": [10.0, 10.0]},
        "initial": {"type": "random_orientations", "concentration": "uniform", "largest_wavenumber": 2},
        # smooth enough for so few points
        "solver": {"type": "active_kinetic", "zeta": 0.6, "translational_diffusion": 0.2},
        "time": {"end": 12.0, "dt": 0.02},
        "output": {
            "every": {"time": 0.2},
            "quantities": ["concentration", "second_moment", "strain_rate", "alignment", "fourth_moment"],
        },
    }
    registry = Registry.load()
    for seed in (1, 2):
        run(parse({**kinetic, "seed": seed}, registry, tmp_path), tmp_path / f"kinetic_{seed}", registry)
    shutil.copy(SHIPPED / "moments.toml", tmp_path)
    file = read_training_file(
        SHIPPED / "learned_residual.toml",
        [
            'data.training=["kinetic_1"]', 'data.validation=["kinetic_2"]', "stages.0.steps=300",
            "stages.0.check_every=50", "stages.0.frames=4", "stages.0.points=128", "stages.0.rate=5e-3",
        ],
    )  # fmt: skip
    list(Session(file, tmp_path, tmp_path / "out", "", False).run(False, False, None))
    figures = Weights.load(tmp_path / "out" / "weights.safetensors").card["figures"]
    assert figures["relative_error"]["kinetic_2"] < 0.9 * figures["baselines"]["bingham"]["kinetic_2"]
    closure = {"type": "learned_residual", "weights": "out/weights.safetensors"}
    data = {**kinetic, "solver": {"type": "active_moments", "zeta": 0.6}, "closures": [closure], "seed": 3}
    assert run(parse({**data, "time": {"end": 4.0, "dt": 0.04}}, registry, tmp_path), tmp_path / "in_loop", registry)


def test_setup_asks_for_no_memory() -> None:
    closure = LearnedResidual(LearnedConfig(weights="none"))
    setup = SimpleNamespace(backend=Backend(threads=1), folder=Path())
    assert closure.setup(setup, FOURTH_MOMENT_SLOT) == StateSpec()
    assert repr(closure) == "LearnedResidual(weights='none')"
