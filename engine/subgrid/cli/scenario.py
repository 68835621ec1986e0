"""``subgrid scenario``: list, check, show and describe scenarios."""

from __future__ import annotations

import re
import textwrap
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from subgrid.cli.run import SetOption
from subgrid.cli.usage import Verbs
from subgrid.errors import PluginError, ScenarioError

app = typer.Typer(
    cls=Verbs, help="List, check and show scenarios.", rich_markup_mode=None, pretty_exceptions_enable=False
)

HEADLINE = 140
"""Most characters of what the list says about a scenario."""

_SENTENCE_END = re.compile(r"(?<=[.?!])(?<!et al\.)(?<!e\.g\.)(?<!i\.e\.)\s+")
"""A point that ends a sentence, and not an abbreviation."""

FileArgument = Annotated[Path, typer.Argument(help="Scenario file (TOML).")]


@app.command("list")
def list_scenarios(
    folder: Annotated[Path, typer.Argument(help="Where to look, with all folders below.")] = Path("scenarios"),
) -> None:
    """List scenario files with what they show; those of comparisons and sweeps are marked."""
    if not folder.is_dir():
        raise ScenarioError(f"{folder}: no such folder")
    paths = sorted(folder.glob("**/*.toml"))
    width = max((len(str(path)) for path in paths), default=0)
    for path in paths:
        typer.echo(f"{path!s:<{width}}  {headline(path)}".rstrip())


@app.command("check")
def check(file: FileArgument, overrides: SetOption = []) -> None:  # noqa: B006  typer copies it
    """Check a scenario and build everything it names, without running it."""
    from subgrid.assembly import assemble, initialise
    from subgrid.registry import Registry
    from subgrid.scenario import load
    from subgrid.stability import unstable_step

    registry = Registry.load()
    scenario = load(file, registry, overrides)
    missing = [line for choice in scenario.choices() if (line := registry.missing_requirements(choice.component))]
    if missing:
        raise PluginError("\n".join(missing))
    simulation = assemble(scenario, registry)
    initialise(simulation, registry)
    problem = unstable_step(simulation)
    if problem:
        raise ScenarioError(f"{file}: {problem}")
    size = " x ".join(map(str, simulation.mesh.shape))
    typer.echo(f"{file}: fine ({scenario.name}: {scenario.solver.type} on {size}, {scenario.integrator.type})")


@app.command("show")
def show(file: FileArgument, overrides: SetOption = []) -> None:  # noqa: B006  typer copies it
    """Print the resolved scenario, all defaults written out."""
    from subgrid.registry import Registry
    from subgrid.scenario import load, to_toml

    typer.echo(to_toml(load(file, Registry.load(), overrides)), nl=False)


@app.command("schema")
def schema() -> None:
    """Print the JSON schema of scenarios, with the options of every installed component."""
    import json

    from subgrid.registry import Registry
    from subgrid.schema import json_schema

    typer.echo(json.dumps(json_schema(Registry.load()), indent=2))


def headline(path: Path) -> str:
    """What a scenario shows: the first sentence of the comment at its top, else of its description."""
    from subgrid.filekind import SCENARIO, kind_of
    from subgrid.toml_text import read_file

    try:
        content = read_file(path)
        comment = takewhile(lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines())
        text = " ".join(line.lstrip("# ") for line in comment) or str(content.get("description", ""))
    except (OSError, UnicodeDecodeError, ScenarioError):
        return "(cannot be read: see 'subgrid scenario check')"
    kind = kind_of(content) or SCENARIO
    note = "" if kind is SCENARIO else f"[subgrid {kind.verb}] "
    return note + textwrap.shorten(_SENTENCE_END.split(text.strip())[0], HEADLINE, placeholder=" ...")
