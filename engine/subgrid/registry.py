"""Which components exist: found through entry points of group ``subgrid``, imported only when a scenario uses them.

Each plugin is loaded on its own. One that is broken, speaks another API number, or offers malformed or duplicate
components becomes a line in `Registry.problems`, and everything else goes on working.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from subgrid import hookspecs
from subgrid.component import API_VERSION, KINDS, Check, Component
from subgrid.errors import PluginError, ScenarioError
from subgrid.suggest import choose_from

if TYPE_CHECKING:
    from subgrid.options import Options

GROUP = "subgrid"
RESERVED_KEYS = frozenset({"type", "label", "slot", "weight", "fallback", "every", "at"})
"""Keys of a component's table that belong to the engine, so no option may have their name."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin: its entry point and the distribution that brought it."""

    name: str
    distribution: str
    version: str
    module: str
    component_count: int = 0

    def __str__(self) -> str:
        return f"plugin '{self.name}' ({self.distribution} {self.version})"


class Hooks:
    """Announces the life cycle of runs: ``hooks.run_started(folder=...)`` calls every plugin that listens.

    Raises PluginError naming the plugin whose hook fails; the others have been called by then.
    """

    def __init__(self, manager: pluggy.PluginManager, owners: Mapping[ModuleType, Plugin]) -> None:
        self._manager = manager
        self._owners = owners

    def run_started(self, folder: Path) -> None:
        self._announce("run_started", folder=folder)

    def run_finished(self, folder: Path, outcome: str) -> None:
        self._announce("run_finished", folder=folder, outcome=outcome)

    def _announce(self, event: str, **facts: Any) -> None:
        failures = []
        for module, plugin in self._owners.items():
            others = [other for other in self._owners if other is not module]
            try:
                self._manager.subset_hook_caller(event, others)(**facts)
            except Exception as error:
                failures.append(f"{plugin}: hook {event} failed: {_one_line(error)}")
        if failures:
            raise PluginError("\n".join(failures))


class Registry:
    """The components that the installed plugins offer.

    ``plugins`` are those that could be loaded, ``problems`` has one line for everything that was refused, ``hook``
    announces the start and end of runs.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._modules: dict[ModuleType, Plugin] = {}
        self.hook = Hooks(self._manager, self._modules)
        self._owners: dict[tuple[str, str], tuple[Component, Plugin]] = {}
        self.plugins: list[Plugin] = []
        self.problems: list[str] = []

    @classmethod
    def load(cls, strict: bool = False) -> Registry:
        """Find the plugins of this environment, in alphabetical order of distribution and entry point.

        ``strict`` is for plugin authors: any problem raises PluginError with all problem lines.
        """
        registry = cls()
        for plugin, entry_point in sorted(
            registry._entry_points(), key=lambda found: (found[0].distribution, found[0].name)
        ):
            registry._load_plugin(plugin, entry_point)
        if strict and registry.problems:
            raise PluginError("\n".join(registry.problems))
        return registry

    def add(self, components: Iterable[Component], plugin: Plugin) -> None:
        """Offer components that no installed plugin brings, for a notebook, a test or a benchmark.

        Raises PluginError when one is malformed or its name is taken.
        """
        for component in components:
            if not self._accept(component, plugin):
                raise PluginError(self.problems.pop())

    def components(self, kind: str | None = None) -> list[Component]:
        """Components of one kind, or all, ordered by kind and name."""
        chosen = [component for component, _ in self._owners.values() if kind in (None, component.kind)]
        return sorted(chosen, key=lambda component: (KINDS.index(component.kind), component.name))

    def owner(self, component: Component) -> Plugin:
        """The plugin that offers a component."""
        return self._owners[component.kind, component.name][1]

    def checks(self) -> Iterator[Check]:
        """What plugins say about the machine, for ``subgrid doctor``; one that fails gives a line that names it."""
        implementations: list[Any] = self._manager.hook.checks.get_hookimpls()
        for found in implementations:
            plugin = self._modules.get(found.plugin)
            if plugin is None:
                continue
            try:
                lines = list(found.function())
            except (Exception, SystemExit) as error:
                yield Check(plugin.name, "problem", f"{plugin}: hook checks failed: {_one_line(error)}")
                continue
            for line in lines:
                yield (
                    line
                    if isinstance(line, Check)
                    else Check(plugin.name, "problem", f"{plugin}: checks gives no Check")
                )

    def find(self, kind: str, name: str) -> Component:
        """The component of this kind and name. Raises ScenarioError with near misses and the valid choices."""
        if (kind, name) in self._owners:
            return self._owners[kind, name][0]
        message = f"no {kind} is called {name[:60]!r}; {choose_from(name, (c.name for c in self.components(kind)))}"
        if self.problems:
            message += f" ({len(self.problems)} problem(s) with plugins: see 'subgrid plugins list')"
        raise ScenarioError(message)

    def options_class(self, component: Component) -> type[Options]:
        """The options model of a component; imports its config module only.

        Raises PluginError when the plugin does not keep what its catalogue says.
        """
        from subgrid.options import Options

        config = self._import(component, component.config)
        if not (isinstance(config, type) and issubclass(config, Options)):
            raise PluginError(
                f"{self._described(component)}: {component.config} is no subclass of subgrid.options.Options"
            )
        taken = sorted(RESERVED_KEYS & set(config.model_fields))
        if taken:
            raise PluginError(f"{self._described(component)}: option names {', '.join(taken)} belong to the engine")
        return config

    def missing_requirements(self, component: Component) -> str:
        """What to install before a component can be used, or an empty string. Imports nothing."""
        missing = [package for package in component.requires if not _installed(package)]
        if not missing:
            return ""
        extra = f"[{component.extra}]" if component.extra else ""
        what = f"'{self.owner(component).distribution}{extra}'" if extra else " ".join(missing)
        return f"{component.kind} '{component.name}' needs {', '.join(missing)}: pip install {what}"

    def create(self, component: Component, options: Options) -> Any:
        """A component from its options; imports the implementation.

        Raises PluginError when a required package is missing (naming the extra that installs it) or the plugin fails.
        """
        missing = self.missing_requirements(component)
        if missing:
            raise PluginError(missing)
        implementation = self._import(component, component.target)
        try:
            return implementation(options)
        except ScenarioError:
            raise
        except Exception as error:
            raise PluginError(f"{self._described(component)}: cannot be created: {_one_line(error)}") from error

    def command(self, component: Component) -> Callable[..., Any]:
        """The function behind a verb that a plugin adds to the command line.

        Raises PluginError when a required package is missing (naming the extra that installs it) or the plugin fails.
        """
        missing = self.missing_requirements(component)
        if missing:
            raise PluginError(missing)
        function = self._import(component, component.target)
        if not callable(function):
            raise PluginError(f"{self._described(component)}: {component.target} is no function")
        return function  # type: ignore[no-any-return]

    def _import(self, component: Component, target: str) -> Any:
        module, _, attribute = target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self._described(component)}: cannot import {target}: {_one_line(error)}") from error

    def _described(self, component: Component) -> str:
        return f"{self.owner(component)}: {component.kind} '{component.name}'"

    def _entry_points(self) -> Iterator[tuple[Plugin, metadata.EntryPoint]]:
        # Not metadata.entry_points(): one distribution with damaged metadata would hide all others.
        seen = set()
        for distribution in metadata.distributions():
            try:
                name = distribution.name
                if not name or _normalized(name) in seen:
                    continue
                seen.add(_normalized(name))
                for entry_point in distribution.entry_points.select(group=GROUP):
                    yield Plugin(entry_point.name, name, distribution.version, entry_point.value), entry_point
            except Exception as error:
                self.problems.append(f"an installed distribution has unreadable metadata: {_one_line(error)}")

    def _load_plugin(self, plugin: Plugin, entry_point: metadata.EntryPoint) -> None:
        try:
            module = entry_point.load()
            _check_api(module)
            self._register(module, plugin)
            offered = self._offered(module)
            self._modules[module] = plugin
        except (Exception, SystemExit) as error:
            self._forget(plugin)
            self.problems.append(f"{plugin}: not loaded: {_one_line(error)}")
            return
        accepted = [component for component in offered if self._accept(component, plugin)]
        self.plugins.append(Plugin(plugin.name, plugin.distribution, plugin.version, plugin.module, len(accepted)))

    def _forget(self, plugin: Plugin) -> None:
        """Take a plugin that failed half-way out of the hooks."""
        if self._manager.get_plugin(_key(plugin)) is not None:
            self._manager.unregister(name=_key(plugin))

    def _register(self, module: ModuleType, plugin: Plugin) -> None:
        self._manager.register(module, name=_key(plugin))
        known = [hook for hook in dir(hookspecs) if not hook.startswith("_") and self._has_spec(hook)]
        for caller in self._manager.get_hookcallers(module) or ():
            if not caller.has_spec():
                self.problems.append(f"{plugin}: unknown hook '{caller.name}'; {choose_from(caller.name, known)}")

    def _has_spec(self, hook: str) -> bool:
        caller = getattr(self._manager.hook, hook, None)
        return caller is not None and bool(caller.has_spec())

    def _offered(self, module: ModuleType) -> list[Any]:
        # Each plugin is asked on its own: a failing one must not stop the others.
        implementations = self._manager.hook.components.get_hookimpls()
        offers: list[Any] = [found.function() for found in implementations if found.plugin is module]
        return [component for offer in offers for component in offer]

    def _accept(self, component: Any, plugin: Plugin) -> bool:
        problem = _malformed(component)
        if not problem and (component.kind, component.name) in self._owners:
            first = self._owners[component.kind, component.name][1]
            problem = f"{component.kind} '{component.name}' refused: {first} already offers that name"
        if problem:
            self.problems.append(f"{plugin}: {problem}")
            return False
        self._owners[component.kind, component.name] = (component, plugin)
        return True


def _key(plugin: Plugin) -> str:
    return f"{plugin.distribution}:{plugin.name}"


def _check_api(module: Any) -> None:
    version = getattr(module, "API_VERSION", None)
    if version is None:
        raise PluginError(f"the module does not state API_VERSION (this subgrid has {API_VERSION})")
    if version != API_VERSION:
        raise PluginError(f"made for plugin API {version!r}, this subgrid has {API_VERSION}")


def _malformed(component: Any) -> str:
    """What is wrong with a catalogue entry, or an empty string."""
    if not isinstance(component, Component):
        return f"malformed catalogue entry: expected a Component, got {type(component).__name__}"
    texts = (component.kind, component.name, component.target, component.config, component.summary, component.extra)
    lists = component.requires
    if not all(isinstance(text, str) for text in texts) or not isinstance(lists, tuple | list):
        return f"malformed component {_short(component)}: kind, name, target, config, summary and extra are strings"
    described = f"malformed component {component.kind[:60]!r} {component.name[:60]!r}"
    if component.kind not in KINDS:
        return f"{described}: unknown kind; {choose_from(component.kind, KINDS)}"
    if not _NAME.fullmatch(component.name):
        return f"{described}: a name has letters, digits, '_' and '-' only"
    targets = {"target": component.target}
    if component.kind != "command":
        targets["config"] = component.config
    elif component.config:
        return f"{described}: a command takes its options from its function, config must be empty"
    for label, target in targets.items():
        if not _TARGET.fullmatch(target):
            return f"{described}: {label} must read 'module:Class', got {target[:80]!r}"
    if not all(isinstance(package, str) and package for package in lists):
        return f"{described}: requires must be a tuple of package names, got {_short(lists)}"
    return ""


def _installed(package: str) -> bool:
    try:
        return find_spec(package.partition(".")[0]) is not None
    except (ImportError, ValueError):
        return False


def _normalized(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    described = (
        text if isinstance(error, PluginError) else f"{type(error).__name__}: {text}" if text else type(error).__name__
    )
    return described[:300]


def _short(value: object) -> str:
    return " ".join(repr(value).split())[:120]
