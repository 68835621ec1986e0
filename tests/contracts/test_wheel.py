"""The built wheel, outside the source tree and without the editable install."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from subgrid.registry import Registry

SCENARIO = """
[mesh]
type = "grid"
shape = [16]
length = ["2 pi"]
[initial]
type = "sine"
[solver]
type = "burgers"
[integrator]
type = "etdrk4"
[time]
end = 0.1
dt = 0.01
"""


@pytest.fixture
def outside(wheel: Path, tmp_path: Path) -> dict[str, str]:
    """Environment of an interpreter that sees the wheel and third-party packages; -S leaves .pth files aside."""
    third_party = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(wheel), *sorted(third_party)])}


def python(environment: dict[str, str], folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-S", *arguments], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_modules_come_from_the_wheel(outside: dict[str, str], wheel: Path, tmp_path: Path) -> None:
    program = "import subgrid, subgrid_closures; print(subgrid.__file__, subgrid_closures.__file__)"
    assert all(place.startswith(str(wheel)) for place in python(outside, tmp_path, "-c", program).split())


def test_help_and_plugins(outside: dict[str, str], tmp_path: Path) -> None:
    assert "resume" in python(outside, tmp_path, "-m", "subgrid", "--help")
    listed = python(outside, tmp_path, "-m", "subgrid", "plugins", "list", "--strict")
    assert all(component.name in listed for component in Registry.load().components())


def test_a_run(outside: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wave.toml").write_text(SCENARIO)
    assert "finished: 10 steps" in python(outside, tmp_path, "-m", "subgrid", "run", "wave.toml", "--quiet")


def test_type_information_is_shipped(wheel: Path) -> None:
    assert (wheel / "subgrid" / "py.typed").is_file()
    assert not list(wheel.glob("tests*"))
