"""Mistakes give one line that says what, where and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid.errors import SubgridError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid_active.a_priori import a_priori_errors, closure_named

RODS: dict[str, Any] = {
    "mesh": {"type": "grid", "shape": [16, 12], "length": [10.0, 7.5]},
    "initial": {"type": "random_orientations", "amplitude": 0.4, "largest_wavenumber": 2},
    "solver": {"type": "active_moments"},
    "integrator": {"type": "sbdf2"},
    "closures": [{"type": "bingham"}],
    "time": {"end": 0.08, "dt": 0.04},
}
VORTICES = {"type": "taylor_green"}


def complaint(folder: Path, **changes: Any) -> str:
    registry = Registry.load()
    with pytest.raises(SubgridError) as caught:
        run(parse({**RODS, **changes}, registry, folder), folder / "run", registry)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"closures": []}, "requires an answer to slot 'fourth_moment'"),
        ({"closures": [{"type": "bingham"}, {"type": "quadratic"}]}, "takes one closure, 2 are given"),
        ({"closures": [{"type": "smagorinsky"}]}, "the solver 'active_moments' offers fourth_moment"),
        ({"closures": [{"type": "bingham", "degree": 3}]}, "degree"),
        ({"solver": {"type": "active_moments", "zeta": -1.0}}, "zeta"),
        ({"solver": {"type": "active_moments", "angular_modes": 8}}, "angular_modes"),
        ({"solver": {"type": "active_kinetic"}}, "no slots"),
        (
            {"solver": {"type": "active_kinetic", "rotational_diffusion": 0.0}, "closures": []},
            "angular_modes: 0 chooses them from rotational_diffusion, which is 0",
        ),
        ({"initial": VORTICES}, "starts from concentration and second_moment, not from vorticity"),
        (
            {"mesh": {"type": "grid", "shape": [16], "length": [10.0]}, "initial": VORTICES},
            "needs a grid with two axes",
        ),
        ({"initial": {"type": "isotropic_mode", "modes": [0, 0]}}, "modes"),
        ({"initial": {"type": "nematic", "order": 1.2}}, "order"),
        (
            {"observers": [{"type": "mode_growth", "modes": [6, 0], "every": {"steps": 1}}]},
            "modes (6, 0) lie beyond a mesh of (16, 12)",
        ),
        ({"time": {"end": 100.0, "dt": 50.0}}, "time.dt: 50 is above the stability limit"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in complaint(tmp_path, **changes)


@pytest.mark.parametrize(
    ("c", "a2", "words"),
    [(-0.5, 0.0, "concentration must be positive"), (1.0, 1.5, r"second_moment is larger than the concentration")],
)
def test_a_start_that_no_rods_have_is_refused(theory: Any, c: float, a2: float, words: str) -> None:
    run = theory({})
    ones = np.ones(run.mesh.shape)
    with pytest.raises(ScenarioError, match=words):
        run.start({"concentration": c * ones, "second_moment": np.stack([a2 * ones, 0.0 * ones])})


def test_each_model_starts_from_frames_of_the_other(tmp_path: Path) -> None:
    """A closed run from a kinetic one keeps c and a_2, a kinetic run continues with its own higher moments."""
    registry = Registry.load()
    kinetic = {"type": "active_kinetic", "angular_modes": 6}
    output = {
        "every": {"time": 0.08},
        "quantities": ["concentration", "second_moment", "higher_moments", "fourth_moment"],
    }
    first = {**RODS, "solver": kinetic, "closures": [], "output": output, "time": {"end": 0.16, "dt": 0.04}}
    run(parse(first, registry, tmp_path), tmp_path / "first", registry)
    stored = RunFolder(tmp_path / "first")
    onward = {"initial": {"type": "from_run", "run": "first"}, "time": {"start": 0.16, "end": 0.24, "dt": 0.04}}
    for name, changes in (
        ("kinetic", {"solver": kinetic, "closures": [], "output": output}),
        ("closed", {"output": {**output, "quantities": ["concentration", "second_moment", "fourth_moment"]}}),
    ):
        run(parse({**RODS, **onward, **changes}, registry, tmp_path), tmp_path / name, registry)
        begun = RunFolder(tmp_path / name)
        for quantity in ("concentration", "second_moment"):
            np.testing.assert_allclose(begun.frame(quantity, 0), stored.frame(quantity, -1), atol=1e-6)
    fourth = stored.frame("fourth_moment", -1)
    np.testing.assert_allclose(RunFolder(tmp_path / "kinetic").frame("fourth_moment", 0), fourth, atol=1e-6)


def test_an_a_priori_test_names_what_a_run_lacks(tmp_path: Path) -> None:
    registry = Registry.load()
    data = {**RODS, "output": {"every": {"time": 0.08}, "quantities": ["concentration", "second_moment"]}}
    run(parse(data, registry, tmp_path), tmp_path / "run", registry)
    with pytest.raises(ScenarioError, match="stores no strain_rate, fourth_moment"):
        a_priori_errors(closure_named("bingham"), RunFolder(tmp_path / "run"), 1.0)
