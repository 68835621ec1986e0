"""Packages installed outside this environment, as a stranger would."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def pip_install(source: Path, target: Path) -> None:
    """Build a wheel of a source tree and unpack it into ``target``; everything it needs is here already."""
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def example_plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the stranger's package is installed."""
    target = tmp_path_factory.mktemp("example_plugin")
    pip_install(ROOT / "tests" / "example_plugin", target)
    return target


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which the wheel of subgrid itself is installed."""
    target = tmp_path_factory.mktemp("wheel")
    pip_install(ROOT, target)
    return target
