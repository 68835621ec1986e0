"""Plugins that break in every way: the host names plugin, version and step, and what was committed stays."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid import checkpoint
from subgrid.errors import NonFiniteError, PluginError, StoppedEarly, SubgridError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import Alarm, run
from subgrid.scenario import parse

TOY = Path(__file__).parent / "toy"
FAULTY = Path(__file__).parent / "faulty"
STARTS = 20
"""Step from which the plugin misbehaves, where a fault is not there from the start."""


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.syspath_prepend(str(FAULTY))
    return Registry.load()


def broken_run(registry: Registry, folder: Path, kind: str, fault: str, wall_time: float | None = None) -> None:
    data: dict[str, Any] = {
        "mesh": {"type": "grid", "shape": [5], "length": [1.0]},
        "initial": {"type": "ones"},
        "solver": {"type": "oscillators", "omega": 2.0},
        "integrator": {"type": "rk4"},
        "time": {"end": 1.0, "dt": 0.01},
        "observers": [{"type": "modulus", "every": {"steps": 1}}],
        "output": {"every": {"steps": 5}, "quantities": ["y_real"]},
        "checkpoint": {"every": {"steps": 5}},
    }
    faulty = {"type": "faulty", "fault": fault}
    if kind == "observer":
        data["observers"].append({**faulty, "every": {"steps": 1}})
    elif kind in ("closure", "corrector"):
        data[f"{kind}s"] = [faulty]
    else:
        data[kind] = faulty
    run(parse(data, registry, folder), folder / "run", registry, wall_time=wall_time)


NAMED = r"{kind} 'faulty' of plugin 'faulty' \(faulty 3\.2\)"

FAULTS = [
    # (kind, fault, what is said, whether the run had begun)
    ("closure", "raises in setup", "failed in setup: ValueError: no luck", False),
    ("closure", "no storage", "setup returns NoneType, expected a StateSpec", False),
    ("closure", "no slots", "failed in setup: AttributeError", False),
    ("closure", "raises", "failed at step 20: ValueError: no luck", True),
    ("closure", "raises in advance", "failed at step 20: ValueError: no luck", True),
    ("closure", "nan", "answers slot 'damping' at step 20 with numbers that are not finite", True),
    (
        "closure",
        "wrong shape",
        r"answers slot 'damping' at step 20 with .* shape \(3,\), expected \(5,\)",
        True,
    ),
    ("closure", "wrong dtype", "answers slot 'damping' at step 20 with complex64 in a run of float64", True),
    ("closure", "no number", "answers slot 'damping' at step 20 with NoneType, expected real or complex numbers", True),
    ("closure", "writes input", "writes into its input 'y' at step 0", True),
    ("closure", "writes memory", "writes into its memory 'count' at step 0", True),
    ("closure", "undeclared memory", "returns memory 'other', which it did not ask for", True),
    ("solver", "raises in setup", "failed in setup: ValueError: no luck", False),
    ("solver", "no storage", "setup returns NoneType, expected a StateSpec", False),
    ("solver", "no slots", "failed in setup: AttributeError", False),
    ("solver", "raises", "failed at step 19: ValueError: no luck", True),
    ("solver", "raises in derive", "failed at step 20: ValueError: no luck", True),
    ("solver", "writes input", "writes into the field 'y' at step 0", True),
    ("integrator", "raises in setup", "failed in setup: ValueError: no luck", False),
    ("integrator", "raises", "failed at step 20: ValueError: no luck", True),
    (
        "integrator",
        "wrong shape",
        r"returns at step 20 field 'y' as .* with shape \(3,\), expected .*\(5,\)",
        True,
    ),
    ("integrator", "wrong dtype", "returns at step 20 field 'y' as complex64", True),
    ("integrator", "unknown field", "returns at step 20 field 'z', which the state does not have; it has y", True),
    ("integrator", "writes input", "writes into the field 'y' at step 0", True),
    ("corrector", "raises in setup", "failed in setup: ValueError: no luck", False),
    ("corrector", "raises", "failed at step 21: ValueError: no luck", True),
    ("corrector", "nothing", "returns NoneType, no Correction", True),
    ("corrector", "nan", "makes field 'y' non-finite at step 21", True),
    ("corrector", "wrong shape", r"returns at step 21 field 'y' as complex128 with shape \(3,\)", True),
    ("corrector", "wrong dtype", "returns at step 21 field 'y' as float64", True),
    ("corrector", "writes input", "writes into the field 'y' at step 1", True),
    ("observer", "raises in setup", "failed in setup: ValueError: no luck", False),
    ("observer", "no storage", "setup must return a Quantity for each name", False),
    ("observer", "raises", "failed at step 20: ValueError: no luck", True),
    ("observer", "nothing", "returns NoneType at step 20, expected values by name", True),
    ("observer", "undeclared", "returns seen, more at step 20, declared seen", True),
    ("observer", "wrong shape", r"returns 'seen' of shape \(3,\) at step 20, it was \(5,\)", True),
    ("observer", "wrong dims", r"returns 'seen' with shape \(5, 1\) at step 20, its dims are \('x',\)", True),
    ("observer", "text", "returns 'seen' at step 20 as text or objects", True),
    ("observer", "writes input", "writes into the field 'y(_real)?' at step 0", True),
    ("initial", "raises in setup", "cannot be created: ValueError: no luck", False),
    ("initial", "raises", "failed at step 0: ValueError: no luck", False),
    ("initial", "nan", "gives non-finite values of 'y'", False),
    ("initial", "wrong shape", r"does not give 'y' with shape \(5,\)", False),
    ("initial", "nothing", "gives NoneType, expected arrays by name", False),
]


@pytest.mark.parametrize(("kind", "fault", "said", "begun"), FAULTS, ids=[f"{k}-{f}" for k, f, *_ in FAULTS])
def test_the_plugin_its_version_and_the_step_are_named(
    registry: Registry, tmp_path: Path, kind: str, fault: str, said: str, begun: bool
) -> None:
    with pytest.raises(PluginError) as caught:
        broken_run(registry, tmp_path, kind, fault)
    named = NAMED.format(kind=kind) if fault != "raises in setup" or kind != "initial" else ""
    owner = r"plugin 'faulty' \(faulty 3\.2\)"
    assert re.search(f"(?:{named or owner})", str(caught.value)), str(caught.value)
    assert re.search(said, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "run" / "scenario.toml").exists() == begun
    if begun:
        stored = RunFolder(tmp_path / "run")
        assert stored.outcome()["status"] == "failed"
        assert "Traceback" in (tmp_path / "run" / "run.log").read_text(), "the author of the plugin finds it there"
        if "step 2" in str(caught.value):
            assert len(stored.frame_times()) >= 4
            found, damaged = checkpoint.latest(tmp_path / "run" / "checkpoints")
            assert (found.clock.step >= 15, damaged) == (True, [])
            assert np.isfinite(found.arrays["fields/y"]).all()


@pytest.mark.parametrize(("fault", "error"), [("nan", NonFiniteError), ("overflow", NonFiniteError)])
def test_a_solution_that_breaks_down_is_not_the_fault_of_who_sees_it(
    registry: Registry, tmp_path: Path, fault: str, error: type[SubgridError]
) -> None:
    kind = "solver" if fault == "nan" else "closure"
    with pytest.raises(error, match="field 'y' is not finite"):
        broken_run(registry, tmp_path, kind, fault)


@pytest.mark.parametrize(
    ("kind", "fault", "where"),
    [
        ("closure", "hangs", "failed at step 20"),
        ("closure", "hangs in setup", "failed in setup"),
        ("observer", "hangs", "failed at step 20"),
        ("corrector", "hangs", "failed at step 21"),
        ("solver", "hangs", "failed at step 19"),
    ],
)
def test_a_component_that_hangs_is_named_when_there_is_a_wall_time(
    registry: Registry, tmp_path: Path, kind: str, fault: str, where: str
) -> None:
    with pytest.raises(PluginError, match=f"{NAMED.format(kind=kind)} {where}: Overdue: it did not come back within"):
        broken_run(registry, tmp_path, kind, fault, wall_time=1.0)


def test_a_hang_outside_any_component_stops_the_run(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    monkeypatch.setattr("subgrid.recorder.FolderRecorder.frame", lambda *_: time.sleep(60))
    with pytest.raises(StoppedEarly, match="'subgrid resume' continues"):
        broken_run(registry, tmp_path, "closure", "none", wall_time=1.0)


def test_long_steps_are_no_hang() -> None:
    import time

    alarm = Alarm(0.05)
    with alarm.set():
        for _ in range(4):
            time.sleep(0.5)
            alarm.heard()


def test_without_a_wall_time_no_alarm_is_set() -> None:
    import signal

    with Alarm(None).set():
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


MANIFESTS = {
    "not loaded: ModuleNotFoundError: No module named 'no_such_package'": "import no_such_package",
    "not loaded: RuntimeError: at import": "raise RuntimeError('at import')",
    "not loaded: SystemExit": "raise SystemExit(3)",
    "made for plugin API 99, this subgrid has": "API_VERSION = 99",
    "does not state API_VERSION": "del API_VERSION",
    "not loaded: ValueError: no list": "@hookimpl\ndef components():\n    raise ValueError('no list')",
    "malformed catalogue entry: expected a Component, got int": "@hookimpl\ndef components():\n    return [3]",
    "unknown hook 'run_startet'; did you mean 'run_started'?": "@hookimpl\ndef run_startet(folder):\n    pass",
}


@pytest.mark.parametrize(("problem", "source"), MANIFESTS.items(), ids=[*MANIFESTS])
def test_a_broken_manifest_is_one_line_and_others_work(install: Any, problem: str, source: str) -> None:
    install("wreck", source, version="0.7")
    registry = Registry.load()
    lines = [line for line in registry.problems if "plugin 'wreck' (wreck 0.7)" in line]
    assert len(lines) == 1
    assert problem in lines[0]
    assert registry.find("solver", "oscillators")


def test_a_failing_hook_is_named_and_the_run_stays(registry: Registry, install: Any, tmp_path: Path) -> None:
    install("hooked", "@hookimpl\ndef run_finished(folder, outcome):\n    raise ValueError('no luck')\n")
    with pytest.raises(PluginError, match=r"plugin 'hooked' \(hooked 1\.0\): hook run_finished failed: ValueError"):
        broken_run(Registry.load(), tmp_path, "closure", "none")
    assert RunFolder(tmp_path / "run").outcome()["status"] == "finished"


def test_the_command_line_shows_no_traceback(tmp_path: Path) -> None:
    file = tmp_path / "broken.toml"
    file.write_text(
        "[mesh]\ntype='grid'\nshape=[5]\nlength=[1.0]\n[initial]\ntype='ones'\n[solver]\ntype='oscillators'\n"
        "[integrator]\ntype='rk4'\n[time]\nend=1.0\ndt=0.01\n[[closures]]\ntype='faulty'\nfault='raises'\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{TOY}{os.pathsep}{FAULTY}"}
    command = [sys.executable, "-m", "subgrid", "run", str(file), "--out", str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == PluginError.exit_code
    assert done.stderr.splitlines()[-1].startswith("error: closure 'faulty' of plugin 'faulty' (faulty 3.2) failed at")
    assert "Traceback" not in done.stderr + done.stdout
