"""`subgrid plugins new`: what it writes is a plugin that passes its own tests, is listed, and has no lint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from subgrid.component import KINDS as COMPONENT_KINDS
from subgrid.errors import RunFolderError, ScenarioError
from subgrid.scaffold import KINDS, write_plugin

ROOT = Path(__file__).parents[2]


def installed(folder: Path, name: str) -> dict[str, str]:
    """An environment in which the package is on the path with the metadata that an installation would give it."""
    info = folder / f"subgrid_{name}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: subgrid-{name.replace('_', '-')}\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text(f"[subgrid]\n{name} = subgrid_{name}.plugin\n")
    return {**os.environ, "PYTHONPATH": str(folder)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_generated_tests_pass(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "plugin"
    files = write_plugin("my_part", kind, folder)
    assert all(file.is_file() for file in files)
    environment = installed(folder, "my_part")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout


def test_the_generated_files_have_no_lint(tmp_path: Path) -> None:
    for kind in KINDS:
        write_plugin("my_part", kind, tmp_path / kind)
    for arguments in (["check"], ["format", "--check", "--diff"]):
        command = ["ruff", *arguments, "--config", str(ROOT / "pyproject.toml"), str(tmp_path)]
        done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_it_is_listed_once_it_is_installed(tmp_path: Path) -> None:
    write_plugin("my_part", "closure", tmp_path / "plugin")
    environment = installed(tmp_path / "plugin", "my_part")
    command = [sys.executable, "-m", "subgrid", "plugins", "list", "--strict"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "my_part (subgrid-my-part 0.1.0): 1 components" in done.stdout


@pytest.mark.parametrize("name", ["", "My", "3d", "a-b", "class", "a/b", "../x", "x" * 41])
def test_names_that_python_cannot_use(tmp_path: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match="is no name for a plugin"):
        write_plugin(name, "closure", tmp_path / "plugin")
    assert not (tmp_path / "plugin").exists()


def test_kinds_are_those_of_components_and_folders_stay(tmp_path: Path) -> None:
    assert set(KINDS) <= set(COMPONENT_KINDS)
    with pytest.raises(ScenarioError, match="'graph': choose from closure, solver"):
        write_plugin("a", "graph", tmp_path / "plugin")
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunFolderError, match="is not empty"):
        write_plugin("a", "closure", tmp_path)
