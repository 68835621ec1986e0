"""`subgrid doctor`: a line for each thing, advice where something is missing, and plugins that add lines."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from subgrid import doctor
from subgrid.component import Check
from subgrid.registry import Registry
from subgrid.requirement_names import extras_of


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., dict[str, Check]]:
    """``examined(answer)``: the checks by name, with probes that give this answer."""

    def examine(answer: tuple[int, str] = (0, "fine")) -> dict[str, Check]:
        monkeypatch.setattr(doctor, "find_spec", lambda name: object())
        monkeypatch.setattr(doctor, "probe", lambda program: answer)
        return {check.name: check for check in doctor.examine(Registry.load(), tmp_path)}

    return examine


def test_every_topic_has_a_line(examined: Callable[..., dict[str, Check]]) -> None:
    checks = examined()
    topics = {"subgrid", "processor", "memory", "disk", "kernel cache", "GPU", "rendering", "MPI", "plugins"}
    assert topics <= set(checks)
    assert {name for name in checks if name.startswith("extra ")} >= {"extra ml", "extra viz", "extra dask"}
    assert all(check.advice for check in checks.values() if check.status == "note")


def test_a_probe_that_dies_is_a_problem_with_advice(examined: Callable[..., dict[str, Check]]) -> None:
    checks = examined((-11, "the process died of signal 11"))
    assert checks["rendering"].status == "problem"
    assert "libegl1" in checks["rendering"].advice
    assert checks["MPI"].status == "note"


def test_probes_survive_crashes_and_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.probe("print('a'); print('b')") == (0, "b")
    code, told = doctor.probe("import os; os.kill(os.getpid(), 11)")
    assert (code, told) == (-11, "the process died of signal 11")
    code, told = doctor.probe("raise ValueError('no luck')")
    assert (code, told) == (1, "ValueError: no luck")
    monkeypatch.setattr(doctor, "PROBE_SECONDS", 0.2)
    assert doctor.probe("import time; time.sleep(60)")[0] == doctor.NO_ANSWER


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    found = list(doctor._disk(tmp_path / "missing"))
    assert found[0].status == "problem"


def test_plugins_add_lines_and_a_failing_one_is_named(install: Any) -> None:
    install(
        "tooled",
        "from subgrid.component import Check\n@hookimpl\ndef checks():\n"
        "    return [Check('mytool', 'note', 'is missing', 'install it')]\n",
    )
    install("wreck", "@hookimpl\ndef checks():\n    raise ValueError('no luck')\n", version="0.7")
    install("odd", "@hookimpl\ndef checks():\n    return ['text']\n")
    checks = list(Registry.load().checks())
    assert Check("mytool", "note", "is missing", "install it") in checks
    texts = [check.text for check in checks if check.status == "problem"]
    assert "plugin 'wreck' (wreck 0.7): hook checks failed: ValueError: no luck" in texts
    assert "plugin 'odd' (odd 1.0): checks gives no Check" in texts


def test_extras_come_from_the_metadata() -> None:
    extras = extras_of("subgrid")
    assert "torch" in extras["ml"]
    assert "dev" not in extras
    assert extras_of("no-such-distribution") == {}
