"""What README and docs say is true: snippets run, files and commands exist, nothing public is left out."""

import math
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from typer.main import get_command

from subgrid import hookspecs
from subgrid.assembly import assemble
from subgrid.cli import EXIT_CODES, app
from subgrid.component import KINDS, Component
from subgrid.registry import Plugin, Registry
from subgrid.scenario import parse
from subgrid.testing import FLOW_2D, TWO_LAYERS, ClosureConformance

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()
ALL = "\n".join(page.read_text() for page in PAGES)


def test_the_python_snippet_of_the_readme_runs(tmp_path: Path) -> None:
    snippet = README.split("## From Python")[1].split("```python\n")[1].split("```")[0]
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    for _ in range(2):  # a reader runs it again
        done = subprocess.run([sys.executable, "-c", snippet], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    status, energy, *shape = done.stdout.split(maxsplit=2)
    assert status == "finished"
    # w = 2 cos x cos y has E = 1/4, which decays at the rate 2 nu k^2 with k^2 = 2
    assert float(energy) == pytest.approx(0.25 * math.exp(-2.0 * 0.01 * 2.0 * 10.0), rel=1e-6)
    assert shape == ["(32, 32)\n"]


def test_the_closure_of_the_readme_is_changed_by_one_line() -> None:
    setting = re.search(r"--set 'closures=(.*)'", README)
    assert setting is not None
    data = {**FLOW_2D, "closures": [{"type": "none"}]}
    changed = parse(data, Registry.load(), ROOT, [f"closures={setting.group(1)}"])
    assert [choice.type for choice in changed.closures] == ["leith"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_exist(page: Path) -> None:
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    files = re.findall(r"(?:scenarios|tests|plugins|engine|docs)/[\w/.-]*\w", text)
    here = [link for link in links if link and not link.startswith("https://")]
    missing = [link for link in here if not (page.parent / link).exists()]
    missing += [file for file in files if not (ROOT / file).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page: Path) -> None:
    verbs = set(re.findall(r"(?:`|^ {4})(?:\S*/)?subgrid ([a-z]+)", page.read_text(), re.MULTILINE))
    offered = {component.name for component in Registry.load().components("command")}
    assert verbs <= set(get_command(app).commands) | offered  # type: ignore[attr-defined]


def test_scenario_of_the_documentation_is_valid() -> None:
    page = (ROOT / "docs" / "command_line.md").read_text()
    parse(tomllib.loads(page.split("```toml\n")[1].split("```")[0]), Registry.load(), ROOT)


class TestTheEvolvingClosureOfTheDocumentation(ClosureConformance):
    name = "red_noise"

    @pytest.fixture
    def registry(self, monkeypatch: pytest.MonkeyPatch) -> Registry:
        page = (ROOT / "docs" / "writing_a_closure.md").read_text()
        source = page.split("## A closure that evolves")[1].split("```python\n")[1].split("```")[0]
        module = ModuleType("red_noise")
        exec(source, module.__dict__)
        monkeypatch.setitem(sys.modules, "red_noise", module)
        registry = Registry.load()
        component = Component("closure", "red_noise", "red_noise:RedNoise", "red_noise:RedNoiseConfig", "red noise")
        registry.add([component], Plugin("documentation", "documentation", "1.0", "subgrid.plugin"))
        return registry


def test_exit_codes_agree_with_the_help() -> None:
    codes = dict(re.findall(r"^  (\d+) +(\S.*)$", EXIT_CODES, re.MULTILINE))
    table = dict(re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "docs" / "command_line.md").read_text(), re.MULTILINE))
    assert set(codes) == set(table)
    for code in codes:
        assert re.search(rf"\b{code} ", README.split("Exit codes:")[1])


def test_every_hook_kind_and_slot_is_documented() -> None:
    hooks = [name for name in dir(hookspecs) if hasattr(getattr(hookspecs, name), "subgrid_spec")]
    assert len(hooks) == 4
    registry = Registry.load()
    solvers = [assemble(parse(host, registry, ROOT), registry).solver for host in (FLOW_2D, TWO_LAYERS)]
    slots = {name for solver in solvers for name in solver.slots}
    inputs = {name for solver in solvers for slot in solver.slots.values() for name in slot.inputs}
    for name in [*hooks, *KINDS, *slots, *inputs]:
        assert re.search(rf"\b{name}\b", ALL), f"{name} is not documented"


def test_targets_of_make_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^ {4})make ([a-z]+)", ALL, re.MULTILINE)) <= targets


def test_the_demo_points_at_figures_that_compare_draws() -> None:
    figures = set(re.findall(r"demo/figures/(\w+)\.png", (ROOT / "Makefile").read_text()))
    source = (ROOT / "engine" / "subgrid" / "compare" / "figures.py").read_text()
    assert figures
    assert all(f'"{name}"' in source for name in figures)


def test_the_walls_of_the_conventions_are_valid() -> None:
    tables = tomllib.loads((ROOT / "docs" / "conventions.md").read_text().split("```toml\n")[1].split("```")[0])
    rest = {"initial": {"type": "gaussian"}, "integrator": {"type": "euler"}, "time": {"end": 1.0, "cfl": 0.9}}
    registry = Registry.load()
    assert assemble(parse({**tables, **rest}, registry, ROOT), registry).mesh.boundaries == ("wall", "periodic")
