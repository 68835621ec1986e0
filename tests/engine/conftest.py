"""Fake installed packages: a module and a ``*.dist-info`` folder on the path."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from subgrid.registry import Registry

HEADER = """
from subgrid.component import API_VERSION, Component
from subgrid.hookspecs import hookimpl
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(name, source)`` makes a plugin module with that source look like an installed package."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)

    def install_package(name: str, source: str, version: str = "1.0", entry_points: str = "") -> None:
        (folder / f"{name}.py").write_text(HEADER + source)
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points or f"[subgrid]\n{name} = {name}\n")

    yield install_package
    for module in set(sys.modules) - before:
        if Path(getattr(sys.modules[module], "__file__", None) or "/").parent == folder:
            del sys.modules[module]


@pytest.fixture
def sample_registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Registry with the sample plugin beside everything else."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "sample"))
    return Registry.load()
