"""Discovery of plugins: each on its own, everything refused is told in one line."""

import sys
from pathlib import Path

import pytest

from subgrid.component import KINDS
from subgrid.errors import PluginError, ScenarioError
from subgrid.registry import Registry

CLOSURE = 'Component("closure", "{name}", "{module}:Closure", "{module}:Config", "a closure"{more})'
PLUGIN = """
from subgrid.options import Options

class Config(Options):
    cs: float = 0.1

class Closure:
    def __init__(self, config):
        self.cs = config.cs

@hookimpl
def components():
    return [{components}]
"""


def plugin(module: str, *names: str, more: str = "") -> str:
    entries = [CLOSURE.format(name=name, module=module, more=more) for name in names]
    return PLUGIN.format(components=", ".join(entries))


def only_problem(registry: Registry) -> str:
    assert len(registry.problems) == 1
    assert "\n" not in registry.problems[0]
    return registry.problems[0]


def test_installed_plugins_load_without_problems() -> None:
    registry = Registry.load(strict=True)
    assert {"core", "spectral", "closures", "observers"} <= {plugin.name for plugin in registry.plugins}
    assert sum(plugin.component_count for plugin in registry.plugins) == len(registry.components())


def test_every_installed_component_has_options_of_its_own_kind() -> None:
    registry = Registry.load()
    for component in registry.components():
        if component.kind == "command":
            continue  # its options are those of its function
        assert registry.options_class(component).model_json_schema()["type"] == "object"


def test_components_come_ordered_by_kind_and_name(install) -> None:
    install("alpha", plugin("alpha", "zeta", "beta"))
    components = Registry.load().components()
    assert components == sorted(components, key=lambda c: (KINDS.index(c.kind), c.name))
    assert {"zeta", "beta"} <= {c.name for c in Registry.load().components("closure")}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import package_that_is_not_there", "ModuleNotFoundError: No module named 'package_that_is_not_there'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError"),
        ("API_VERSION = 999", "made for plugin API 999, this subgrid has 1"),
        ("del API_VERSION", "does not state API_VERSION"),
        ("@hookimpl\ndef components():\n    raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("@hookimpl\ndef components():\n    return None", "TypeError"),
        ("@hookimpl\ndef run_started(nonsense): ...", "PluginValidationError"),
    ],
)
def test_broken_plugin_is_one_line_and_hides_nothing(install, source: str, reason: str) -> None:
    before = Registry.load().components()
    install("broken", source, version="3.4")
    registry = Registry.load()
    assert only_problem(registry).startswith("plugin 'broken' (broken 3.4): not loaded: ")
    assert reason in only_problem(registry)
    assert registry.components() == before
    assert "broken" not in {plugin.name for plugin in registry.plugins}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("42", "expected a Component, got int"),
        ('Component("closure", "a", "m:C", "m:D", None)', "are strings"),
        ('Component("closur", "a", "m:C", "m:D", "s")', "unknown kind; did you mean 'closure'?"),
        ('Component("closure", "a b", "m:C", "m:D", "s")', "letters, digits"),
        ('Component("closure", "a", "m.C", "m:D", "s")', "target must read 'module:Class', got 'm.C'"),
        ('Component("closure", "a", "m:C", "m:D()", "s")', "config must read 'module:Class'"),
        ('Component("closure", "a", "m:C", "m:D", "s", requires=(1,))', "requires must be a tuple of package names"),
        ('Component("closure", "leith", "m:C", "m:D", "s")', "already offers that name"),
    ],
)
def test_malformed_component_is_refused_alone(install, entry: str, reason: str) -> None:
    good = CLOSURE.format(name="fine", module="mixed", more="")
    install("mixed", PLUGIN.format(components=f"{entry}, {good}"))
    registry = Registry.load()
    # 'leith' is taken by the closures family, unless a distribution before it in the alphabet has it
    taken = "already offers" in reason
    assert reason in only_problem(registry)
    assert ("plugin 'closures'" if taken else "plugin 'mixed'") in only_problem(registry)
    assert registry.find("closure", "fine").summary == "a closure"


def test_duplicate_names_both_owners_and_keeps_the_first(install) -> None:
    install("second", plugin("second", "twice"))
    install("first", plugin("first", "twice", "twice"))
    registry = Registry.load()
    assert registry.owner(registry.find("closure", "twice")).name == "first"
    assert len(registry.problems) == 2
    for problem, refused in zip(registry.problems, ("first", "second"), strict=True):
        assert problem.startswith(f"plugin '{refused}' (")
        assert "plugin 'first' (first 1.0) already offers that name" in problem
    assert Registry.load().problems == registry.problems


def test_damaged_metadata_hides_only_its_own_package(install) -> None:
    install("healthy", plugin("healthy", "alive"))
    install("damaged", plugin("damaged", "dead"), entry_points="[subgrid]\nno equals sign here\n")
    registry = Registry.load()
    assert "unreadable metadata" in only_problem(registry)
    assert registry.find("closure", "alive")


def test_unknown_hook_is_told_with_near_miss(install) -> None:
    install("mistyped", "@hookimpl\ndef run_startet(folder): ...\n\n@hookimpl\ndef components():\n    return []")
    problem = only_problem(Registry.load())
    assert "unknown hook 'run_startet'; did you mean 'run_started'?" in problem


def test_life_cycle_hooks_reach_plugins(install, tmp_path: Path) -> None:
    install("listener", "seen = []\n@hookimpl\ndef run_finished(folder, outcome):\n    seen.append((folder, outcome))")
    registry = Registry.load()
    registry.hook.run_finished(folder=tmp_path, outcome="finished")
    assert sys.modules["listener"].seen == [(tmp_path, "finished")]


def test_failing_hook_names_its_plugin_after_all_were_called(install, tmp_path: Path) -> None:
    for name, body in (("a_bad", "1 / 0"), ("b_good", "seen.append(folder)"), ("c_late", "raise OSError('no')")):
        install(name, f"seen = []\n@hookimpl\ndef run_started(folder):\n    {body}")
    registry = Registry.load()
    with pytest.raises(PluginError) as caught:
        registry.hook.run_started(folder=tmp_path)
    assert str(caught.value).splitlines() == [
        "plugin 'a_bad' (a_bad 1.0): hook run_started failed: ZeroDivisionError: division by zero",
        "plugin 'c_late' (c_late 1.0): hook run_started failed: OSError: no",
    ]
    assert sys.modules["b_good"].seen == [tmp_path]


def test_refused_plugin_listens_to_nothing(install, tmp_path: Path) -> None:
    hook = "@hookimpl\ndef run_started(folder):\n    raise RuntimeError\n"
    install("half", hook + "@hookimpl\ndef components():\n    raise RuntimeError")
    Registry.load().hook.run_started(folder=tmp_path)


def test_strict_mode_raises_every_problem(install) -> None:
    install("broken", "1 / 0")
    install("wrong", "API_VERSION = 0")
    with pytest.raises(PluginError, match=r"(?s)broken.*wrong"):
        Registry.load(strict=True)


def test_missing_requirement_names_the_extra_without_importing(install) -> None:
    source = plugin("needy", "hungry", more=', requires=("xml", "absent_package.part"), extra="big"')
    install("needy", source)
    registry = Registry.load()
    component = registry.find("closure", "hungry")
    options = registry.options_class(component)()
    with pytest.raises(PluginError, match=r"needs absent_package.part: pip install 'needy\[big\]'"):
        registry.create(component, options)
    assert "absent_package" not in sys.modules


def test_failures_of_an_implementation_name_plugin_and_version(install) -> None:
    broken = plugin("liar", "absent").replace("liar:Closure", "liar:Nothing")
    install("liar", broken, version="0.3")
    install("thrower", plugin("thrower", "raises").replace("self.cs = config.cs", "raise KeyError('x')"), version="0.4")
    registry = Registry.load()
    for name, pattern in (("absent", r"liar 0.3.*cannot import liar:Nothing"), ("raises", r"thrower 0.4.*KeyError")):
        component = registry.find("closure", name)
        with pytest.raises(PluginError, match=pattern):
            registry.create(component, registry.options_class(component)())


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ("class Config: pass", "no subclass of"),
        ("class Config(Options):\n    weight: float = 1.0", "belong to the engine"),
    ],
)
def test_options_that_break_the_contract_are_refused(install, config: str, reason: str) -> None:
    install("odd", plugin("odd", "strange").replace("class Config(Options):\n    cs: float = 0.1", config))
    registry = Registry.load()
    with pytest.raises(PluginError, match=reason):
        registry.options_class(registry.find("closure", "strange"))


def test_create_gives_the_component_its_options(install) -> None:
    install("good", plugin("good", "works"))
    registry = Registry.load()
    component = registry.find("closure", "works")
    assert registry.create(component, registry.options_class(component)(cs=0.4)).cs == 0.4


def test_unknown_name_gets_near_miss_and_choices() -> None:
    with pytest.raises(ScenarioError, match=r"no closure is called 'Smagorinski'; did you mean 'smagorinsky'\?.*leith"):
        Registry.load().find("closure", "Smagorinski")
