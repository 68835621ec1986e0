"""What a verb that a plugin adds to the command line promises."""

from __future__ import annotations

import subprocess
import sys
from typing import ClassVar

import pytest

from subgrid.component import Component
from subgrid.registry import Registry
from subgrid.testing.component import HEAVY, installed, modules_of_manifest


class CommandConformance:
    """Tests for a component of kind ``command``, registered as ``name``."""

    kind: ClassVar[str] = "command"
    name: ClassVar[str]

    @pytest.fixture
    def registry(self) -> Registry:
        """Where the command is found: the installed plugins."""
        return installed()

    @pytest.fixture
    def component(self, registry: Registry) -> Component:
        return registry.find("command", self.name)

    def test_summary_is_one_short_line(self, component: Component) -> None:
        assert component.summary.strip() == component.summary != ""
        assert "\n" not in component.summary
        assert len(component.summary) <= 100, "subgrid --help shows one line for each verb"

    def test_requirements_can_be_installed(self, registry: Registry, component: Component) -> None:
        assert not component.requires or component.extra, "name the extra that installs what the command requires"
        assert registry.missing_requirements(component) == ""

    def test_manifest_is_light(self, registry: Registry, component: Component) -> None:
        loaded = modules_of_manifest(registry.owner(component).module)
        assert not loaded & set(HEAVY), f"{registry.owner(component)} imports {sorted(loaded & set(HEAVY))}"

    def test_help_tells_every_parameter_and_imports_nothing_heavy(self) -> None:
        program = f"""
import sys
sys.argv = ["subgrid", "{self.name}", "--help"]
from subgrid.cli import main
try:
    main()
finally:
    print("heavy:", *(set(sys.modules) & {{*{HEAVY!r}, "pyvista", "vtk", "trame"}}))
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1].split() == ["heavy:"]
        assert self.name in done.stdout

    def test_a_wrong_option_is_one_line_and_code_two(self) -> None:
        command = [sys.executable, "-m", "subgrid", self.name, "--no-such-option"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
