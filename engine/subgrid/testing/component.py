"""What every component promises: its catalogue entry, its options, and how it shows itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from subgrid.component import Component
from subgrid.options import Options
from subgrid.registry import RESERVED_KEYS, Registry

HEAVY = ("h5py", "jax", "matplotlib", "numba", "numpy", "scipy", "torch", "xarray")
"""Packages that listing plugins must not import."""


@cache
def installed() -> Registry:
    """The plugins of this environment, read once."""
    return Registry.load()


class ComponentConformance:
    """Tests for a component of any kind.

    Attributes
    ----------
    kind, name
        What it is registered as.
    options
        Options that the tests use, as a scenario states them. Those with a default may be left out.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    options: ClassVar[Mapping[str, Any]] = {}

    @pytest.fixture
    def registry(self) -> Registry:
        """Where the component is found: the installed plugins. Override it to test one that is not installed."""
        return installed()

    @pytest.fixture
    def component(self, registry: Registry) -> Component:
        return registry.find(self.kind, self.name)

    @pytest.fixture
    def options_class(self, registry: Registry, component: Component) -> type[Options]:
        return registry.options_class(component)

    def test_summary_is_one_short_line(self, component: Component) -> None:
        assert component.summary.strip() == component.summary != ""
        assert "\n" not in component.summary
        assert len(component.summary) <= 100, "plugins list shows one line for each component"

    def test_target_is_a_class(self, component: Component) -> None:
        module, _, attribute = component.target.partition(":")
        assert isinstance(getattr(import_module(module), attribute), type)

    def test_requirements_can_be_installed(self, registry: Registry, component: Component) -> None:
        assert not component.requires or component.extra, "name the extra that installs what the component requires"
        assert registry.missing_requirements(component) == ""

    def test_manifest_is_light(self, registry: Registry, component: Component) -> None:
        loaded = modules_of_manifest(registry.owner(component).module)
        assert not loaded & set(HEAVY), f"{registry.owner(component)} imports {sorted(loaded & set(HEAVY))}"

    def test_defaults_work(self, registry: Registry, component: Component, options_class: type[Options]) -> None:
        required = {name for name, field in options_class.model_fields.items() if field.is_required()}
        assert required <= set(self.options), f"no default, and not in `options`: {sorted(required)}"
        registry.create(component, options_class(**{name: self.options[name] for name in required}))

    def test_unknown_option_is_refused(self, options_class: type[Options]) -> None:
        with pytest.raises(ValidationError, match="no_such_option"):
            options_class(**{**self.options, "no_such_option": 1})

    def test_options_are_frozen(self, options_class: type[Options]) -> None:
        options = options_class(**self.options)
        for name in options_class.model_fields:
            with pytest.raises(ValidationError, match="frozen"):
                setattr(options, name, getattr(options, name))

    def test_option_names_are_free(self, options_class: type[Options]) -> None:
        assert not RESERVED_KEYS & set(options_class.model_fields), "these keys belong to the engine"

    def test_options_survive_as_plain_data(self, options_class: type[Options]) -> None:
        options = options_class(**self.options)
        assert options_class(**options.model_dump()) == options

    def test_repr_names_the_class_and_no_address(
        self, registry: Registry, component: Component, options_class: type[Options]
    ) -> None:
        created = registry.create(component, options_class(**self.options))
        shown = repr(created)
        assert shown.startswith(type(created).__name__)
        assert " at 0x" not in shown
        assert "\n" not in shown


@cache
def modules_of_manifest(module: str) -> frozenset[str]:
    """Top-level packages that a fresh interpreter has loaded after importing a plugin's manifest."""
    program = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    path = [entry for entry in sys.path if entry]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {path!r}; {program}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return frozenset(done.stdout.split())
