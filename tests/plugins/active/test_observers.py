"""Observers on fields whose numbers are known, and the a-priori error of closures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid.registry import Registry
from subgrid.run import run as run_scenario
from subgrid.scenario import parse
from subgrid_active.a_priori import closure_named, contraction, main, relative_mse
from subgrid_active.config import (
    ActiveKineticConfig,
    DefectsConfig,
    IsotropicModeConfig,
    ModeGrowthConfig,
    NematicConfig,
    RandomOrientationsConfig,
    RodStatisticsConfig,
)
from subgrid_active.defects import defect_charges, defect_positions
from subgrid_active.initial import IsotropicMode, Nematic, RandomOrientations
from subgrid_active.kinetic import ActiveKinetic
from subgrid_active.observers import Defects, ModeGrowth, RodStatistics


def test_defects_are_where_the_director_was_wound(rod_run: Any) -> None:
    """Zeros of sin(k x) + i sin(k y): two of each sign in each period, the sign that of cos cos."""
    run = rod_run(ActiveKinetic(ActiveKineticConfig(angular_modes=8)), shape=(24, 32), length=(7.5, 10.0))
    y, x = run.mesh.meshgrid()
    dy, dx = run.mesh.spacing
    phase_x, phase_y = 2.0 * np.pi * (x - 3.5 * dx) / 10.0, 2.0 * np.pi * (y - 4.5 * dy) / 7.5
    a2 = 0.5 * np.stack([np.sin(phase_x), np.sin(phase_y)])
    found = defect_positions(a2, run.mesh, 1)
    expected = np.array([[3.5 * dx, 4.5 * dy], [3.5 * dx + 5.0, 4.5 * dy + 3.75]])
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected, rtol=1e-12)
    assert len(defect_positions(a2, run.mesh, -1)) == 2
    assert defect_charges(a2).sum() == 0
    run.start({"concentration": np.ones_like(x), "second_moment": a2})
    assert run.observed(Defects(DefectsConfig())) == {"positive": 2.0, "negative": 2.0}


def test_charges_of_noise_add_up_to_zero() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 31, 44))
    charges = defect_charges(noise)
    assert charges.sum() == 0
    assert np.abs(charges).max() == 1
    assert np.count_nonzero(charges) > 100


def test_statistics_of_a_uniform_nematic(theory: Any) -> None:
    run = theory({}).start(Nematic(NematicConfig(order=0.6, angle=0.3, concentration=2.0)))
    seen = run.observed(RodStatistics(RodStatisticsConfig()))
    assert seen["mean_speed"] == pytest.approx(0.0, abs=1e-13)
    assert seen["mean_order"] == pytest.approx(0.6)
    assert seen["largest_order"] == pytest.approx(0.6)


def test_growth_at_an_instant_is_the_growth_over_time(theory: Any) -> None:
    run = theory({"zeta": 0.3}).start(IsotropicMode(IsotropicModeConfig(modes=(1, 1), amplitude=1e-6)))
    seen = run.observed(ModeGrowth(ModeGrowthConfig(modes=(1, 1))))
    k_sq = (2.0 * np.pi / 10.0) ** 2 + (2.0 * np.pi / 7.5) ** 2
    assert seen["rate"] == pytest.approx((1.0 + 0.12) / 4.4 + 0.3 - 0.2 - 0.05 * k_sq, abs=1e-9)
    assert seen["amplitude"] == pytest.approx(1e-6, rel=1e-9)
    before = seen["amplitude"]
    after = run.advance(0.002, 100).observed(ModeGrowth(ModeGrowthConfig(modes=(1, 1))))
    assert np.log(after["amplitude"] / before) / 0.2 == pytest.approx(seen["rate"], abs=1e-5)


def test_modes_beyond_the_mesh_are_refused(theory: Any) -> None:
    run = theory({}).start(Nematic(NematicConfig()))
    with pytest.raises(ScenarioError, match="beyond a mesh"):
        run.observed(ModeGrowth(ModeGrowthConfig(modes=(8, 0))))


def test_contraction_is_that_of_the_tensors() -> None:
    """S:T of a random distribution, by quadrature over the angles."""
    rng = np.random.default_rng(5)
    theta = 2.0 * np.pi * np.arange(256) / 256
    p = np.stack([np.cos(theta), np.sin(theta)])
    psi = np.exp(rng.standard_normal((4, 5, 1)) * np.cos(2.0 * (theta - rng.random((4, 5, 1)))))
    psi = psi + 0.3 * np.cos(4.0 * theta)
    weight = 2.0 * np.pi / 256
    s = weight * np.einsum("yxt,it,jt,kt,lt->ijklyx", psi, p, p, p, p)
    d, c = np.einsum("ijkkyx->ijyx", s), np.einsum("iikkyx->yx", s)
    e = rng.standard_normal((2, 4, 5))
    target = np.array([[e[0], e[1]], [e[1], -e[0]]]) + 2.0 * 0.7 * d
    expected = np.einsum("ijklyx,klyx->ijyx", s, target)
    a4 = weight * (psi * np.exp(4j * theta)).sum(axis=-1)
    inputs = {
        "concentration": c,
        "second_moment": np.stack([d[0, 0] - d[1, 1], 2.0 * d[0, 1]]),
        "strain_rate": e,
        "alignment": np.full((4, 5), 0.7),
    }
    found = contraction(inputs, np.stack([a4.real, a4.imag]))
    np.testing.assert_allclose(found, [expected[0, 0], expected[0, 1], expected[1, 1]], rtol=1e-12)
    assert relative_mse(1.1 * found, found) == pytest.approx(0.01)


def test_a_priori_errors_of_a_short_run(tmp_path: Any, capsys: Any) -> None:
    """Bingham's is small beside those of the baselines; a run without the frames is named."""
    registry = Registry.load()
    data = {
        "mesh": {"type": "grid", "shape": [24, 24], "length": [10.0, 10.0]},
        "initial": {"type": "random_orientations", "amplitude": 0.5, "largest_wavenumber": 2},
        "solver": {"type": "active_kinetic", "zeta": 0.3},
        "integrator": {"type": "sbdf2"},
        "time": {"end": 20.0, "dt": 0.05},
        "output": {
            "every": {"time": 2.0},
            "quantities": ["concentration", "second_moment", "strain_rate", "fourth_moment"],
        },
    }
    run_scenario(parse(data, registry, tmp_path), tmp_path / "run", registry)
    names = ["bingham", "bingham:degree=24", "quadratic", "quasi_linear"]
    assert main([str(tmp_path / "run"), "--after", "15", "--closures", *names]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("zeta = 0.3, alpha = -1, 3 frames")
    errors = [float(line.split("mean ")[1].split()[0]) for line in lines[1:]]
    assert errors[0] == pytest.approx(errors[1], rel=1e-2)
    assert errors[0] < 1e-3
    assert 3.0 * errors[0] < min(errors[2:])
    assert main([str(tmp_path / "run"), "--closures", "binghum"]) == 2
    assert "choose from bingham" in capsys.readouterr().err


def test_closures_by_name() -> None:
    assert repr(closure_named("bingham:degree=24")) == "Bingham(degree=24)"
    with pytest.raises(ScenarioError, match="bingham:degree=1"):
        closure_named("bingham:degree=1")


def test_random_start_is_the_published_one(rod_run: Any) -> None:
    """The moments against quadrature of psi over the angles, drawn with the same numbers."""
    config = RandomOrientationsConfig(amplitude=0.3)
    run = rod_run(ActiveKinetic(ActiveKineticConfig(angular_modes=8)))
    rng, theta = run.setup.rng.generator("waves"), 2.0 * np.pi * np.arange(64) / 64
    y, x = (values[..., None] for values in run.mesh.meshgrid())
    psi = np.ones((*run.mesh.shape, 64))
    for wave in range(8):
        k1, k2 = rng.integers(1, 8, endpoint=True, size=2)
        r0, r1, r2, r3 = rng.random(4)
        shape = np.cos(2.0 * np.pi * k1 * x / 10.0 + r1) * np.cos(2.0 * np.pi * k2 * y / 7.5 + r2)
        psi = psi + 0.3 * (r0 - 0.5) * shape * np.cos(2.0 * theta + r3) ** (wave + 1)
    psi /= psi.mean() * 2.0 * np.pi
    found = RandomOrientations(config).fill(run.setup)
    pairs = np.concatenate([found["second_moment"], found["higher_moments"]])
    np.testing.assert_allclose(found["concentration"], psi.sum(axis=-1) * 2.0 * np.pi / 64, atol=1e-13)
    for j in range(1, 9):
        moment = (psi * np.exp(2j * j * theta)).sum(axis=-1) * 2.0 * np.pi / 64
        np.testing.assert_allclose(pairs[2 * j - 2] + 1j * pairs[2 * j - 1], moment, atol=1e-13)
