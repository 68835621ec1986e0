"""Runs in a folder: the loop's order and landing, exact restart, orderly ends, and clear errors."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint, progress
from subgrid.errors import NonFiniteError, PluginError, RunFolderError, ScenarioError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.run import resume, run
from subgrid.scenario import Scenario, parse, to_toml

TOY = Path(__file__).parent / "toy"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(str(TOY))
    return Registry.load()


def scenario(registry: Registry, **changes: Any) -> Scenario:
    data: dict[str, Any] = {
        "name": "oscillators",
        "seed": 3,
        "mesh": {"type": "grid", "shape": [5], "length": [1.0]},
        "initial": {"type": "ones"},
        "solver": {"type": "oscillators", "omega": 2.0},
        "integrator": {"type": "rk4"},
        "time": {"end": 1.0, "dt": 0.01},
        "observers": [{"type": "modulus", "every": {"time": 0.1}}],
        "output": {"every": {"time": 0.25}, "quantities": ["y_real"]},
    }
    return parse({**data, **changes}, registry, Path("."))


def state_bits(folder: Path) -> dict[str, bytes]:
    return {path: values.tobytes() for path, values in checkpoint.latest(folder / "checkpoints")[0].arrays.items()}


def test_solution_series_and_frames(tmp_path: Path, registry: Registry) -> None:
    outcome = run(scenario(registry), tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    series = stored.series("modulus")
    assert (outcome.status, outcome.steps, outcome.time) == ("finished", 100, 1.0)
    np.testing.assert_allclose(series["time"], 0.1 * np.arange(11), rtol=0, atol=1e-15)
    # RK4 at omega dt = 0.02: global error of order (omega dt)^4 / 120 per unit of phase
    np.testing.assert_allclose(series["y"][-1], math.cos(2.0), atol=1e-8)
    assert list(stored.frame_times()) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert stored.outcome()["status"] == "finished"
    assert stored.mesh().shape == (5,)


def test_variable_steps_land_on_times_that_are_no_multiples_of_dt(tmp_path: Path, registry: Registry) -> None:
    output = {"at": [0.123, 0.7], "quantities": ["y_real"], "last": False}
    run(scenario(registry, output=output), tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    assert list(stored.frame_times()) == [0.123, 0.7]
    np.testing.assert_allclose(stored.frame("y_real", 0), math.cos(2 * 0.123), atol=1e-8)


def test_an_event_that_round_off_keeps_apart_from_the_end_is_the_end(tmp_path: Path, registry: Registry) -> None:
    # 3 x 0.3 is the number below 0.9 in binary
    often = scenario(
        registry,
        time={"end": 0.9, "dt": 0.07},
        observers=[{"type": "modulus", "every": {"time": 0.1}}],
        output={"every": {"time": 0.3}, "quantities": ["y_real"]},
    )
    run(often, tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    assert list(stored.frame_times()) == [0.0, 0.3, 0.6, 0.9]
    assert len(stored.series("modulus")["time"]) == 10


def test_fixed_steps_do_not_drift_off_their_times(tmp_path: Path, registry: Registry) -> None:
    long = scenario(registry, integrator={"type": "etdrk4"}, time={"end": 300.0, "dt": 0.1}, output={})
    outcome = run(long, tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("modulus")
    assert outcome.steps == 3000
    assert len(series["time"]) == 3001
    np.testing.assert_array_equal(series["step"], np.arange(3001))


@pytest.mark.parametrize("integrator", ["rk4", "ssp_rk3", "ab2", "ab3", "etdrk4", "cnab2", "sbdf2", "ars343", "tsit5"])
def test_stop_and_resume_is_bitwise_with_memory_noise_and_random_correctors(
    tmp_path: Path, registry: Registry, integrator: str
) -> None:
    noisy = scenario(
        registry,
        integrator={"type": integrator},
        closures=[{"type": "noise"}, {"type": "drag"}],
        correctors=[{"type": "kick", "every": {"steps": 7}}],
        checkpoint={"every": {"steps": 13}},
    )
    whole = run(noisy, tmp_path / "whole", registry)
    run(noisy, tmp_path / "parts", registry, stop_after=whole.steps // 2)
    resume(tmp_path / "parts", registry, stop_after=whole.steps // 2 + 5)
    last = resume(tmp_path / "parts", registry)
    assert last.status == "finished"
    assert state_bits(tmp_path / "whole") == state_bits(tmp_path / "parts")
    one, two = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "parts")
    for name, values in one.series("modulus").items():
        np.testing.assert_array_equal(values, two.series("modulus")[name], strict=True)
    np.testing.assert_array_equal(one.frame_times(), two.frame_times())


def test_same_seed_same_bits_other_seed_other_bits(tmp_path: Path, registry: Registry) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run(scenario(registry, seed=seed, closures=[{"type": "noise"}]), tmp_path / name, registry)
    assert state_bits(tmp_path / "a") == state_bits(tmp_path / "b")
    assert state_bits(tmp_path / "a") != state_bits(tmp_path / "c")


def test_a_noisy_component_does_not_change_anothers_numbers(tmp_path: Path, registry: Registry) -> None:
    alone = [{"type": "noise", "label": "first", "weight": 1.0}]
    both = [*alone, {"type": "noise", "label": "second", "weight": 0.0}]
    run(scenario(registry, closures=alone), tmp_path / "alone", registry)
    run(scenario(registry, closures=both), tmp_path / "both", registry)
    a, b = state_bits(tmp_path / "alone"), state_bits(tmp_path / "both")
    assert a["memory/first/force"] == b["memory/first/force"]
    assert b["memory/second/force"] != b["memory/first/force"]


def test_weights_and_sums(tmp_path: Path, registry: Registry) -> None:
    closures = [{"type": "drag", "rate": 0.4}, {"type": "drag", "rate": 0.2, "weight": 3.0}]
    run(scenario(registry, closures=closures), tmp_path / "run", registry)
    modulus = RunFolder(tmp_path / "run").series("modulus")["modulus"][-1]
    assert modulus == pytest.approx(math.exp(-1.0), abs=1e-8)


def test_adaptive_run_meets_its_tolerance(tmp_path: Path, registry: Registry) -> None:
    adaptive = scenario(
        registry, integrator={"type": "dormand_prince", "rtol": 1e-9, "atol": 1e-12}, time={"end": 10.0}
    )
    outcome = run(adaptive, tmp_path / "run", registry)
    series = RunFolder(tmp_path / "run").series("modulus")
    assert outcome.steps < 1000
    np.testing.assert_allclose(series["y"][:, 0], np.cos(2.0 * series["time"]), atol=1e-7)


def test_cfl_sets_the_step(tmp_path: Path, registry: Registry) -> None:
    limited = scenario(
        registry, solver={"type": "oscillators", "limit": 0.1}, time={"end": 1.0, "cfl": 0.5}, observers=[], output={}
    )
    assert run(limited, tmp_path / "run", registry).steps == 20


def log_of(registry: Registry, folder: Path, time: dict[str, Any], limit: float = 0.1, **changes: Any) -> str:
    """What the log of some steps says, besides how they ended."""
    data = {"solver": {"type": "oscillators", "limit": limit}, "observers": [], "output": {}, **changes}
    run(scenario(registry, time=time, **data), folder, registry, stop_after=4)
    return (folder / "run.log").read_text()


def test_a_largest_step_that_cfl_undercuts_is_told(tmp_path: Path, registry: Registry) -> None:
    told = (
        "time.dt = 1 is the largest step allowed, now time.cfl = 0.5 of the stability limit of 'oscillators' sets 0.05"
    )
    assert log_of(registry, tmp_path / "a", {"end": 1.0, "cfl": 0.5, "dt": 1.0}).count(told) == 1
    assert "largest step" not in log_of(registry, tmp_path / "b", {"end": 1.0, "cfl": 0.5, "dt": 0.01})
    assert "largest step" not in log_of(registry, tmp_path / "c", {"end": 1.0, "cfl": 0.5})


@pytest.mark.parametrize(
    ("options", "limit"),
    [({"cfl": 0.5}, "time.cfl = 0.5 of the stability limit of 'oscillators'"), ({"dt": 0.05}, "time.dt")],
)
def test_a_run_of_very_many_steps_says_so_once(
    tmp_path: Path, registry: Registry, options: dict[str, Any], limit: str
) -> None:
    log = log_of(registry, tmp_path / "long", {"end": 1e8, **options})
    assert log.count(f"warning: about 2.0e+09 steps of 0.05 to the end, limited by {limit}\n") == 1
    assert "warning" not in log_of(registry, tmp_path / "short", {"end": 1e6, **options})


def test_a_tolerance_that_asks_for_very_many_steps_is_told(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL", 0.0)
    integrator = {"type": "dormand_prince", "rtol": 1e-9, "atol": 1e-12}
    log = log_of(registry, tmp_path / "long", {"end": 1e8}, integrator=integrator)
    assert len(re.findall("warning: about .* to the end, limited by the tolerance of 'dormand_prince'\n", log)) == 1
    assert "step 1 " in log


def test_a_stable_step_that_vanishes_names_cfl(tmp_path: Path, registry: Registry) -> None:
    vanishing = scenario(
        registry, solver={"type": "oscillators", "limit": 1e-13}, time={"end": 1.0, "cfl": 0.5}, observers=[], output={}
    )
    with pytest.raises(NonFiniteError, match=r"the stable step fell to 5e-14 at t = 0, .* a time\.cfl below 0\.5 may"):
        run(vanishing, tmp_path / "run", registry)


def test_non_finite_names_step_field_index_and_last_good_checkpoint(tmp_path: Path, registry: Registry) -> None:
    exploding = scenario(
        registry, solver={"type": "oscillators", "explode_at": 0.5}, checkpoint={"every": {"steps": 10}}
    )
    with pytest.raises(NonFiniteError) as caught:
        run(exploding, tmp_path / "run", registry)
    message = str(caught.value)
    assert "field 'y' is not finite, first at index (3,)" in message
    assert "step_0000000050.npz" in message or "step_0000000040.npz" in message
    assert RunFolder(tmp_path / "run").outcome()["status"] == "failed"
    assert all(np.isfinite(a).all() for a in checkpoint.latest(tmp_path / "run" / "checkpoints")[0].arrays.values())


def test_a_failing_closure_is_named_with_plugin_version_and_step(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"'toy' \(toy 1\.0\).*step 0.*RuntimeError: the sky fell") as caught:
        run(scenario(registry, closures=[{"type": "broken"}]), tmp_path / "run", registry)
    assert "\n" not in str(caught.value)
    assert "closure 'broken'" in str(caught.value)


def test_non_finite_initial_state_is_refused(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(PluginError, match=r"initial 'holes'.*non-finite values of 'y'"):
        run(scenario(registry, initial={"type": "holes"}), tmp_path / "run", registry)


def test_correctors_act_and_refusals_are_counted(tmp_path: Path, registry: Registry) -> None:
    corrected = scenario(registry, closures=[{"type": "drag"}], correctors=[{"type": "normalise"}, {"type": "refuse"}])
    run(corrected, tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    np.testing.assert_allclose(stored.series("modulus")["modulus"], 1.0, atol=1e-14)
    assert stored.costs()["refused"] == {"refuse": 100}


def test_wrong_slots_quantities_and_needs_name_the_choices(tmp_path: Path, registry: Registry) -> None:
    cases = (
        ({"closures": [{"type": "drag", "slot": "nowhere"}]}, "answers damping, not nowhere"),
        ({"output": {"every": {"steps": 1}, "quantities": ["w"]}}, "unknown 'w'; the solver offers modulus, y_real"),
    )
    for changes, message in cases:
        with pytest.raises(ScenarioError, match=message):
            run(scenario(registry, **changes), tmp_path / "run", registry)
    assert not (tmp_path / "run").exists()


def test_a_run_is_not_overwritten_without_being_told_to(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry), tmp_path / "run", registry)
    before = state_bits(tmp_path / "run")
    with pytest.raises(RunFolderError, match="holds a run already"):
        run(scenario(registry, seed=9), tmp_path / "run", registry)
    assert state_bits(tmp_path / "run") == before
    assert run(scenario(registry), tmp_path / "run", registry, overwrite=True).status == "finished"


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="is not empty and holds no run"):
        run(scenario(registry), tmp_path, registry, overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_until_extends_a_finished_run(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, time={"end": 2.0, "dt": 0.01}), tmp_path / "long", registry)
    run(scenario(registry), tmp_path / "short", registry)
    assert resume(tmp_path / "short", registry, until=2.0).time == 2.0
    assert state_bits(tmp_path / "long") == state_bits(tmp_path / "short")


def test_until_brings_the_end_forward_unless_the_run_is_past_it(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, time={"end": 0.7, "dt": 0.01}), tmp_path / "short", registry)
    run(scenario(registry, time={"end": 2000.0, "dt": 0.01}), tmp_path / "long", registry, stop_after=50)
    for late in (0.2, 0.5, math.nan):
        with pytest.raises(ScenarioError, match=r"until: .* lies behind the run, which is at t = 0.5$"):
            resume(tmp_path / "long", registry, until=late)
    assert resume(tmp_path / "long", registry, until=0.7).status == "finished"
    assert state_bits(tmp_path / "long") == state_bits(tmp_path / "short")
    with pytest.raises(ScenarioError, match="time"):
        resume(tmp_path / "long", registry, until=math.inf)
    assert resume(tmp_path / "long", registry, until=0.7).message == "already finished"


UNEVEN = {"every": {"time": 0.3}, "quantities": ["y_real"]}


def frame_bits(folder: Path) -> list[tuple[float, int, bytes]]:
    stored = RunFolder(folder)
    times, steps = stored.frame_times(), stored.frame_steps()
    return [(t, n, stored.frame("y_real", i).tobytes()) for i, (t, n) in enumerate(zip(times, steps, strict=True))]


def test_the_last_state_is_stored_where_no_event_falls_on_the_end(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, output=UNEVEN), tmp_path / "run", registry)
    stored = RunFolder(tmp_path / "run")
    np.testing.assert_allclose(stored.frame_times(), [0.0, 0.3, 0.6, 0.9, 1.0])
    final, _ = checkpoint.latest(tmp_path / "run" / "checkpoints")
    np.testing.assert_array_equal(stored.frame("y_real", -1), final.arrays["fields/y"].real)
    run(scenario(registry, output={**UNEVEN, "last": False}), tmp_path / "without", registry)
    assert frame_bits(tmp_path / "without") == frame_bits(tmp_path / "run")[:-1]
    run(scenario(registry, output={}), tmp_path / "none", registry)
    assert RunFolder(tmp_path / "none").frame_times().size == 0
    run(scenario(registry, output={"at": [5.0], "quantities": ["y_real"]}), tmp_path / "late", registry)
    assert list(RunFolder(tmp_path / "late").frame_times()) == [1.0]


def test_a_run_that_goes_on_has_the_frames_of_one_that_never_ended_before(tmp_path: Path, registry: Registry) -> None:
    noisy = {"closures": [{"type": "noise"}], "output": UNEVEN}
    run(scenario(registry, **noisy, time={"end": 2.0, "dt": 0.01}), tmp_path / "whole", registry)
    run(scenario(registry, **noisy), tmp_path / "parts", registry)
    assert frame_bits(tmp_path / "parts")[-1][0] == 1.0
    resume(tmp_path / "parts", registry)  # which was over: the frame is dropped, and stored again
    resume(tmp_path / "parts", registry, until=2.0)
    assert frame_bits(tmp_path / "parts") == frame_bits(tmp_path / "whole")
    assert state_bits(tmp_path / "parts") == state_bits(tmp_path / "whole")


def test_a_stopped_run_stores_no_last_frame_and_one_killed_at_its_end_gets_it(
    tmp_path: Path, registry: Registry
) -> None:
    uneven = scenario(registry, output=UNEVEN)
    run(uneven, tmp_path / "whole", registry)
    run(uneven, tmp_path / "parts", registry, stop_after=50)
    np.testing.assert_allclose(RunFolder(tmp_path / "parts").frame_times(), [0.0, 0.3])
    resume(tmp_path / "parts", registry)
    assert frame_bits(tmp_path / "parts") == frame_bits(tmp_path / "whole")
    (tmp_path / "parts" / "outcome.json").unlink()  # killed before or after it wrote the frame
    resume(tmp_path / "parts", registry)
    assert frame_bits(tmp_path / "parts") == frame_bits(tmp_path / "whole")


def test_rows_past_the_checkpoint_are_computed_again(tmp_path: Path, registry: Registry) -> None:
    every_step = scenario(
        registry, observers=[{"type": "modulus", "every": {"steps": 1}}], checkpoint={"every": {"steps": 30}, "keep": 9}
    )
    run(every_step, tmp_path / "run", registry)
    complete = RunFolder(tmp_path / "run").series("modulus")
    for late in sorted((tmp_path / "run" / "checkpoints").glob("*.npz"))[2:]:
        late.unlink()  # as if the process had been killed after step 30
    resume(tmp_path / "run", registry)
    again = RunFolder(tmp_path / "run").series("modulus")
    for name, values in complete.items():
        np.testing.assert_array_equal(values, again[name], strict=True)


def test_wall_time_stops_with_a_checkpoint(tmp_path: Path, registry: Registry) -> None:
    endless = scenario(registry, time={"end": 1e6, "dt": 0.01}, output={}, observers=[])
    outcome = run(endless, tmp_path / "run", registry, wall_time=0.3)
    assert outcome.status == "stopped"
    assert "wall-time" in outcome.message
    assert checkpoint.latest(tmp_path / "run" / "checkpoints")[0].clock.step == outcome.steps


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_stop_with_a_checkpoint_and_code_75(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "endless.toml"
    file.write_text(
        "[mesh]\ntype='grid'\nshape=[5]\nlength=[1.0]\n[initial]\ntype='ones'\n[solver]\ntype='oscillators'\n"
        "[integrator]\ntype='rk4'\n[time]\nend=1e9\ndt=0.01\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(TOY)}
    command = [sys.executable, "-m", "subgrid", "run", str(file), "--out", str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first = tmp_path / "run" / "checkpoints" / "step_0000000000.npz"
    for _ in range(600):
        if first.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(0.2)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 75, errors
    assert "Traceback" not in errors
    stopped = json.loads((tmp_path / "run" / "outcome.json").read_text())
    assert stopped["status"] == "stopped"
    assert checkpoint.latest(tmp_path / "run" / "checkpoints")[0].clock.step == stopped["step"] > 0


def test_two_processes_cannot_write_to_one_folder(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry), tmp_path / "run", registry, stop_after=5)
    import fcntl

    with (tmp_path / "run" / "run.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(RunFolderError, match="another process"):
            resume(tmp_path / "run", registry)
    assert resume(tmp_path / "run", registry).status == "finished"


def test_costs_and_provenance_tell_what_happened(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, closures=[{"type": "drag"}]), tmp_path / "run", registry)
    costs, provenance = RunFolder(tmp_path / "run").costs(), RunFolder(tmp_path / "run").provenance()
    assert costs["steps"] == 100
    assert costs["evaluations"] == 400
    assert costs["closure_calls"] == {"drag": 400}
    assert {"solver", "integrator", "drag", "modulus", "output"} <= set(costs["seconds"])
    assert sum(costs["seconds"].values()) <= costs["wall_seconds"]
    assert provenance["plugins"]["toy"] == "toy 1.0"
    assert provenance["seed"] == 3


def test_processor_time_is_that_of_all_threads_and_adds_up(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(scenario(registry, backend={"threads": 2}), tmp_path / "run", registry, stop_after=30)
    stored = RunFolder(tmp_path / "run")
    first = stored.costs()
    assert 0.0 < first["processor_seconds"] < 1.5 * first["wall_seconds"]
    assert (stored.provenance()["threads"], "threads" in first) == (2, False)
    ticks = iter([10.0, 12.5])
    monkeypatch.setattr(time, "process_time", lambda: next(ticks))
    resume(tmp_path / "run", registry)
    assert stored.costs()["processor_seconds"] == first["processor_seconds"] + 2.5


def test_costs_of_the_parts_of_a_run_add_up(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, closures=[{"type": "drag"}]), tmp_path / "run", registry, stop_after=40)
    resume(tmp_path / "run", registry)
    costs = RunFolder(tmp_path / "run").costs()
    assert (costs["steps"], costs["evaluations"], costs["closure_calls"]) == (100, 400, {"drag": 400})


def test_expectations_are_checked(tmp_path: Path, registry: Registry) -> None:
    expect = {
        "good": {"of": "modulus.modulus", "statistic": "mean", "value": 1.0, "abs": 1e-6, "source": "exact"},
        "bad": {"of": "modulus.modulus", "statistic": "last", "value": 2.0, "rel": 1e-3, "source": "wrong"},
    }
    late = {"of": "modulus.modulus", "after": 5.0, "value": 1.0, "abs": 0.1, "source": "exact"}
    outcome = run(scenario(registry, expect={**expect, "late": late}), tmp_path / "run", registry)
    assert {e.name: e.ok for e in outcome.expectations} == {"good": True, "bad": False, "late": None}


def test_full_disk_is_one_line_and_keeps_what_was_committed(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    original = checkpoint.np.savez

    def full_later(*arguments: Any, **arrays: Any) -> None:
        if len(written) >= 3:
            raise OSError(28, "No space left on device")
        written.append(1)
        original(*arguments, **arrays)

    monkeypatch.setattr(checkpoint.np, "savez", full_later)
    with pytest.raises(RunFolderError, match="the disk is full"):
        run(scenario(registry, checkpoint={"every": {"steps": 10}}), tmp_path / "run", registry)
    monkeypatch.undo()
    monkeypatch.syspath_prepend(str(TOY))
    assert checkpoint.latest(tmp_path / "run" / "checkpoints")[0].clock.step == 20
    assert resume(tmp_path / "run", registry).status == "finished"


def test_a_trajectory_that_cannot_grow_ends_the_run_in_order(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed = []
    original = os.posix_fallocate

    def full_later(*arguments: int) -> None:
        claimed.append(arguments)
        if len(claimed) > 8:
            raise OSError(28, "No space left on device")
        original(*arguments)

    monkeypatch.setattr(os, "posix_fallocate", full_later)
    growing = scenario(registry, output={"every": {"steps": 1}, "quantities": ["y_real"]})
    with pytest.raises(RunFolderError, match="the disk is full"):
        run(growing, tmp_path / "run", registry)
    monkeypatch.setattr(os, "posix_fallocate", original)
    stored = RunFolder(tmp_path / "run")
    committed = len(stored.frame_times())
    assert stored.outcome()["status"] == "failed"
    assert committed > 0
    assert np.isfinite(stored.frame("y_real", -1)).all()
    assert resume(tmp_path / "run", registry).status == "finished"
    assert len(RunFolder(tmp_path / "run").frame_times()) == 101


def test_resume_refuses_a_folder_that_is_no_run(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(RunFolderError, match="not a run folder"):
        resume(tmp_path, registry)


@pytest.mark.parametrize("integrator", ["tsit5", "dormand_prince"])
def test_a_corrector_voids_the_slope_that_the_next_step_would_reuse(
    tmp_path: Path, registry: Registry, integrator: str
) -> None:
    # y is turned by a random angle at every step; |y| grows by sqrt(1 + 0.01 angle^2) at each kick and by nothing else
    kicked = scenario(
        registry,
        integrator={"type": integrator, "rtol": 1e-10, "atol": 1e-12},
        time={"end": 1.0, "dt": 0.01},
        correctors=[{"type": "kick"}],
        observers=[{"type": "modulus", "every": {"steps": 1}}],
        output={},
    )
    run(kicked, tmp_path / "kicked", registry)
    modulus = RunFolder(tmp_path / "kicked").series("modulus")
    steps = int(modulus["step"][-1])
    expected = np.ones(5)
    for step in range(1, steps + 1):
        angle = Streams(3, "kick", step).generator("angle").normal(size=5)
        expected = expected * np.sqrt(1.0 + 0.01 * angle**2)
    assert modulus["modulus"][-1] == pytest.approx(expected.mean(), rel=1e-8)


def test_a_fixed_step_above_the_stability_limit_is_refused(tmp_path: Path, registry: Registry) -> None:
    stiff = scenario(registry, solver={"type": "oscillators", "limit": 0.005})
    with pytest.raises(ScenarioError, match=r"time\.dt: 0\.01 is above the stability limit 0\.005"):
        run(stiff, tmp_path / "run", registry)


def test_a_mesh_that_memory_cannot_hold_is_refused(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("subgrid.assembly.available_memory", lambda: 2.0**30)
    with pytest.raises(ScenarioError, match=r"mesh\.shape: 8 fields on 100000000 cells take 5\.96 GiB, 1 GiB are free"):
        run(scenario(registry, mesh={"type": "grid", "shape": [100_000_000], "length": [1.0]}), tmp_path, registry)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("omega = 2.0", "omega = 3.0", "solver.omega was 2.0 and is 3.0"),
        ("seed = 3", "seed = 4", "seed was 3 and is 4"),
        ("dt = 0.01", "dt = 0.005", "time.dt was 0.01 and is 0.005"),
        ('precision = "float64"', 'precision = "float32"', "backend.precision was 'float64' and is 'float32'"),
        ("every = {time = 0.1}", "every = {time = 0.2}", "observers.0.every.time was 0.1 and is 0.2"),
    ],
)
def test_a_changed_scenario_is_not_resumed(tmp_path: Path, registry: Registry, old: str, new: str, change: str) -> None:
    run(scenario(registry), tmp_path / "run", registry, stop_after=50)
    file = tmp_path / "run" / "scenario.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new, 1))
    before = state_bits(tmp_path / "run")
    with pytest.raises(RunFolderError, match=re.escape(change) + ".*start a new run with --out"):
        resume(tmp_path / "run", registry)
    assert state_bits(tmp_path / "run") == before


def test_what_the_states_do_not_follow_from_may_change(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry, time={"end": 2.0, "dt": 0.01}), tmp_path / "whole", registry)
    run(scenario(registry), tmp_path / "run", registry, stop_after=50)
    changed = scenario(
        registry,
        name="other",
        time={"end": 2.0, "dt": 0.01, "max_steps": 1000},
        backend={"threads": 1},
        checkpoint={"every": {"steps": 30}},
    )
    (tmp_path / "run" / "scenario.toml").write_text(to_toml(changed))
    assert resume(tmp_path / "run", registry).time == 2.0
    assert state_bits(tmp_path / "whole") == state_bits(tmp_path / "run")


@pytest.mark.parametrize("content", ["{", "[]", '{"seconds": 3}', '{"scenario_folder": 3, "steps": "many"}', ""])
def test_damaged_notes_do_not_prevent_a_resume(tmp_path: Path, registry: Registry, content: str) -> None:
    run(scenario(registry), tmp_path / "run", registry, stop_after=50)
    for name in ("costs.json", "provenance.json", "outcome.json"):
        (tmp_path / "run" / name).write_text(content)
    assert resume(tmp_path / "run", registry).status == "finished"
    assert RunFolder(tmp_path / "run").costs()["steps"] == 50
    log = (tmp_path / "run" / "run.log").read_text()
    assert "costs.json" in log
    assert "relative paths start from the current folder" in log


@pytest.mark.parametrize(
    ("content", "problem"),
    [('{"status": 1}', "status is missing or no str"), ('{"status": "stopped", "message": ""}', "time is missing")],
)
def test_outcome_is_checked(tmp_path: Path, registry: Registry, content: str, problem: str) -> None:
    run(scenario(registry), tmp_path / "run", registry, stop_after=5)
    (tmp_path / "run" / "outcome.json").write_text(content)
    with pytest.raises(RunFolderError, match=problem):
        RunFolder(tmp_path / "run").outcome()


def test_a_killed_run_is_told_from_one_that_goes_on(tmp_path: Path, registry: Registry) -> None:
    import fcntl

    folder = tmp_path / "run"
    run(scenario(registry), folder, registry, stop_after=50)
    (folder / "outcome.json").unlink()
    killed = RunFolder(folder).outcome()
    assert (killed["status"], killed["step"], killed["time"]) == ("killed", 50, 0.5)
    with (folder / "run.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert RunFolder(folder).outcome()["status"] == "running"


def test_resume_of_a_finished_run_says_so(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry), tmp_path / "run", registry)
    again = resume(tmp_path / "run", registry)
    assert (again.status, again.message, again.steps) == ("finished", "already finished", 100)


def test_memory_of_another_type_is_refused(tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    import toy_plugin

    def advance(self: Any, inputs: Any, memory: Any, t: float, dt: float, rng: Any) -> dict[str, Any]:
        return {"force": memory["force"].astype("float32")}

    monkeypatch.setattr(toy_plugin.Noise, "advance", advance)
    with pytest.raises(PluginError, match=r"closure 'noise' of .*memory 'force' became float32 .* it was float64"):
        run(scenario(registry, closures=[{"type": "noise"}]), tmp_path / "a", registry)

    def correct(self: Any, state: Any, memory: Any, t: float, dt: float, rng: Any) -> Any:
        return toy_plugin.Correction({}, {"count": np.zeros(2, dtype=np.int64)})

    monkeypatch.setattr(toy_plugin.Kick, "correct", correct)
    with pytest.raises(PluginError, match=r"corrector 'kick' of .*'count' became int64 with shape \(2,\).*shape \(\)"):
        run(scenario(registry, correctors=[{"type": "kick"}]), tmp_path / "b", registry)


def test_a_solution_that_breaks_down_gives_no_warnings(tmp_path: Path, registry: Registry) -> None:
    overflowing = scenario(registry, closures=[{"type": "drag", "rate": -1e150}])
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(NonFiniteError):
            run(overflowing, tmp_path / "run", registry)
    assert seen == []


def test_what_stands_in_the_way_is_stored_when_it_changes(
    tmp_path: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    import toy_plugin

    def moving(self: Any, fields: Any, t: float) -> dict[str, Any]:
        return {"piston": (np.arange(5) < (1 if t < 0.5 else 3)).astype(float), "dry": np.zeros(5)}

    monkeypatch.setattr(toy_plugin.Oscillators, "obstacles", moving, raising=False)
    every = {"every": {"time": 0.25}, "quantities": ["y_real"]}
    run(scenario(registry, output=every, time={"end": 0.5, "dt": 0.01}), tmp_path / "run", registry)
    resume(tmp_path / "run", registry, until=1.0)
    stored = RunFolder(tmp_path / "run")
    assert [stored.obstacles(frame)["piston"].sum() for frame in range(5)] == [1, 1, 3, 3, 3]
    assert set(stored.obstacles(-1)) == {"piston", "dry"}
    assert list(stored._read("obstacles", ["step"])["step"]) == [0, 50]  # resuming adds no row
    run(scenario(registry, output=every), tmp_path / "whole", registry)
    assert list(RunFolder(tmp_path / "whole")._read("obstacles", ["step"])["step"]) == [0, 50]

    monkeypatch.setattr(toy_plugin.Oscillators, "obstacles", lambda *_: {"piston": np.zeros(4)})
    with pytest.raises(PluginError, match=r"toy.*obstacles gives 'piston' of shape \(4,\), the mesh has \(5,\)"):
        run(scenario(registry, output=every), tmp_path / "wrong", registry)


def test_solvers_in_whose_way_nothing_stands_store_nothing(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry), tmp_path / "run", registry)
    assert RunFolder(tmp_path / "run").obstacles(0) == {}


def test_files_say_where_values_stand(tmp_path: Path, registry: Registry) -> None:
    run(scenario(registry), tmp_path / "nodes", registry)
    stored = RunFolder(tmp_path / "nodes")
    assert stored.quantities()["y_real"].location == "node"
    assert stored.series_info("modulus")["y"].location == "node"
    mesh = {"type": "grid", "shape": [5], "length": [1.0], "offset": "cell"}
    run(scenario(registry, mesh=mesh), tmp_path / "cells", registry)
    assert RunFolder(tmp_path / "cells").quantities()["y_real"].location == "cell"
