"""Runs of solvers with particles: memory of closures for each, sorting, removal, frames of changing length."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.errors import PluginError, ScenarioError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import Scenario, parse


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "toy"))
    return Registry.load()


def dusty(registry: Registry, fine: str = "wind", **changes: Any) -> Scenario:
    data: dict[str, Any] = {
        "seed": 5,
        "mesh": {"type": "grid", "shape": [5], "length": [1.0]},
        "initial": {"type": "grains"},
        "solver": {"type": "dust"},
        "integrator": {"type": "own"},
        "closures": [
            {"type": fine, "label": "one", "slot": "push/fine"},
            {"type": "wind", "label": "two", "slot": "push/coarse"},
        ],
        "time": {"end": 0.6, "dt": 0.05},
        "output": {"every": {"steps": 2}, "quantities": ["fine_position", "coarse_position"]},
    }
    return parse({**data, **changes}, registry, Path("."))


def arrays(folder: Path) -> dict[str, Any]:
    return checkpoint.latest(folder / "checkpoints")[0].arrays


def test_a_run_with_sorting_removal_and_memory_resumes_to_the_same_bits(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry), tmp_path / "whole", registry)
    run(dusty(registry), tmp_path / "half", registry, stop_after=5)
    resume(tmp_path / "half", registry)
    whole, half = arrays(tmp_path / "whole"), arrays(tmp_path / "half")
    assert whole.keys() == half.keys()
    assert 0 < len(whole["particles/fine/id"]) < 40
    assert np.any(np.diff(whole["particles/fine/id"]) < 0), "they were sorted"
    for path, values in whole.items():
        assert values.tobytes() == half[path].tobytes(), path


def test_memory_of_closures_follows_the_particles(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry), tmp_path / "run", registry)
    stored = arrays(tmp_path / "run")
    np.testing.assert_allclose(stored["particles/fine/one.gust"], 1.05**12, rtol=1e-14)
    assert len(stored["particles/coarse/two.gust"]) == len(stored["particles/coarse/id"])


def test_an_in_place_closure_does_what_the_plain_one_does(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry), tmp_path / "plain", registry)
    run(dusty(registry, "compiled_wind"), tmp_path / "compiled", registry)
    plain, compiled = arrays(tmp_path / "plain"), arrays(tmp_path / "compiled")
    for path, values in plain.items():
        np.testing.assert_allclose(values, compiled[path], rtol=1e-14, err_msg=path)


def test_frames_hold_the_particles_there_were(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry), tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    assert set(stored.quantities()) == {"fine_position", "coarse_position"}
    counts = [len(stored.frame("fine_position", index)) for index in range(len(stored.frame_times()))]
    assert counts[0] == 40
    assert counts == sorted(counts, reverse=True)
    np.testing.assert_array_equal(
        stored.frame("fine_position", -1), arrays(tmp_path / "run")["particles/fine/position"]
    )
    assert stored.costs()["particles_removed"]["fine"] == 40 - counts[-1] > 0


def test_rows_past_the_checkpoint_are_written_again(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry), tmp_path / "whole", registry)
    folder = tmp_path / "run"
    run(dusty(registry, checkpoint={"every": {"steps": 4}, "keep": 9}), folder, registry)
    for path in (folder / "checkpoints").glob("step_*.npz"):
        if int(path.stem[5:]) > 4:
            path.unlink()
    resume(folder, registry)
    for index in range(7):
        again, first = (RunFolder(name).frame("fine_position", index) for name in (folder, tmp_path / "whole"))
        np.testing.assert_array_equal(again, first)


def test_single_precision_reaches_the_columns(tmp_path: Path, registry: Registry) -> None:
    run(dusty(registry, backend={"precision": "float32"}), tmp_path / "run", registry)
    assert arrays(tmp_path / "run")["particles/fine/one.gust"].dtype == np.float32


def test_every_set_needs_its_closure(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(ScenarioError, match="'push/coarse'"):
        run(dusty(registry, closures=[{"type": "wind"}]), tmp_path / "run", registry)


def test_columns_need_a_slot_over_particles(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_plugin

    registry.find("closure", "drag")
    monkeypatch.setattr(toy_plugin.Drag, "setup", toy_plugin.Wind.setup)
    solver = {"initial": {"type": "ones"}, "solver": {"type": "oscillators"}, "integrator": {"type": "rk4"}}
    output: dict[str, Any] = {"output": {}}
    with pytest.raises(PluginError, match="asks for columns; slot 'damping' is not over particles"):
        run(dusty(registry, **solver, **output, closures=[{"type": "drag"}]), tmp_path / "run", registry)


def test_what_a_closure_returns_is_checked(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import toy_plugin

    monkeypatch.setattr(toy_plugin.Wind, "advance", lambda self, inputs, *rest: {"speed": inputs["velocity"]})
    with pytest.raises(PluginError, match="returns 'speed'; it may return velocity, gust"):
        run(dusty(registry), tmp_path / "run", registry)


def test_a_particle_that_is_not_finite_is_named(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_plugin

    monkeypatch.setattr(toy_plugin.Wind, "evaluate", lambda self, inputs, memory: inputs["velocity"] * np.nan)
    with pytest.raises(Exception, match="'position' of particles 'fine' is not finite, first at id"):
        run(dusty(registry), tmp_path / "run", registry)
