"""``subgrid plugins``: what is installed, and what each component takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subgrid.cli.usage import Verbs
from subgrid.errors import PluginError, ScenarioError

if TYPE_CHECKING:
    from subgrid.component import Component
    from subgrid.registry import Registry

app = typer.Typer(cls=Verbs, help="List plugins and components.", rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command("list")
def list_plugins(
    strict: Annotated[bool, typer.Option("--strict", help="Fail when there is a problem; for plugin authors.")] = False,
) -> None:
    """List plugins, their components, and everything that was refused."""
    from subgrid.registry import Registry

    registry = Registry.load()
    for plugin in registry.plugins:
        typer.echo(f"{plugin.name} ({plugin.distribution} {plugin.version}): {plugin.component_count} components")
    typer.echo()
    for line in _catalogue(registry, registry.components()):
        typer.echo(line)
    for problem in registry.problems:
        typer.echo(f"problem: {problem}")
    if strict and registry.problems:
        raise PluginError(f"{len(registry.problems)} problem(s) with plugins")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A component (leith or closure/leith) or a plugin.")],
) -> None:
    """Show a component with its options, or the components of a plugin."""
    from subgrid.registry import Registry
    from subgrid.suggest import choose_from

    registry = Registry.load()
    kind, _, short = name.rpartition("/")
    found = [c for c in registry.components() if c.name == short and kind in ("", c.kind)]
    if not found and name in {plugin.name for plugin in registry.plugins}:
        for line in _catalogue(registry, [c for c in registry.components() if registry.owner(c).name == name]):
            typer.echo(line)
        return
    if not found:
        names = {c.name for c in registry.components()} | {plugin.name for plugin in registry.plugins}
        raise ScenarioError(f"no component or plugin is called {name[:60]!r}; {choose_from(name, names)}")
    for component in found:
        for line in _described(registry, component):
            typer.echo(line)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="Name of the component; the package is called subgrid-NAME.")],
    kind: Annotated[
        str, typer.Option("--kind", help="closure, solver, corrector, observer, initial or linsolve.")
    ] = "closure",
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: subgrid-NAME.")] = None,
) -> None:
    """Write a plugin package that works, with the test that holds it to its promises."""
    from subgrid.registry import Registry
    from subgrid.scaffold import write_plugin

    registry = Registry.load()
    for component in registry.components(kind):
        if component.name == name:
            raise ScenarioError(f"{registry.owner(component)} offers the {kind} {name!r} already; choose another name")
    folder = out or Path(f"subgrid-{name.replace('_', '-')}")
    for file in write_plugin(name, kind, folder):
        typer.echo(file)
    typer.echo(f"\nNext: pip install --editable '{folder}[test]' && pytest {folder}")


def _catalogue(registry: Registry, components: list[Component]) -> Iterator[str]:
    width = max((len(component.name) for component in components), default=0)
    for component in components:
        missing = registry.missing_requirements(component)
        note = f"  [not usable: {missing}]" if missing else ""
        yield f"{component.kind:<10} {component.name:<{width}}  {component.summary}{note}"


def _described(registry: Registry, component: Component) -> Iterator[str]:
    yield f"{component.kind} {component.name}: {component.summary}"
    yield f"  offered by {registry.owner(component)}, implemented in {component.target}"
    missing = registry.missing_requirements(component)
    if missing:
        yield f"  not usable: {missing}"
    if component.kind == "command":
        yield f"  options: subgrid {component.name} --help"
        return
    schema = registry.options_class(component).model_json_schema()
    yield from _options(schema, schema.get("$defs", {}), "  ")


def _options(schema: dict[str, Any], definitions: dict[str, Any], indent: str) -> Iterator[str]:
    """A line for each option; below a table those of its own options, for each type that it may have."""
    required = schema.get("required", [])
    for name, prop in schema.get("properties", {}).items():
        if name == "type" and "const" in prop:
            continue
        default = "required" if name in required else f"default {_toml(prop.get('default'))}"
        facts = ", ".join(fact for fact in (default, *_facts(prop)) if fact)
        meaning = _first(prop, "description")
        yield f"{indent}{name} ({facts}){f': {meaning}' if meaning else ''}"
        for table in _tables(prop, definitions):
            type_ = table.get("properties", {}).get("type", {}).get("const")
            if type_ is not None:
                yield f"{indent}  {name}.type = {_toml(type_)}: {_summary(table)}"
            yield from _options(table, definitions, indent + ("    " if type_ is not None else "  "))


def _tables(prop: dict[str, Any], definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Schemas of the tables that an option may be."""
    branches = [prop, *prop.get("oneOf", []), *prop.get("anyOf", []), prop.get("items", {})]
    names = [branch["$ref"].rpartition("/")[2] for branch in branches if "$ref" in branch]
    return [definitions[name] for name in names if "properties" in definitions.get(name, {})]


def _summary(table: dict[str, Any]) -> str:
    return str(table.get("description", "")).partition("\n")[0]


def _facts(prop: dict[str, Any]) -> Iterator[str]:
    unit = _first(prop, "unit")
    if unit is not None:
        yield f"unit {unit or 'dimensionless'}"
    choices = _first(prop, "enum")
    if choices:
        yield "one of " + ", ".join(map(_toml, choices))
    signs = {"exclusiveMinimum": ">", "gt": ">", "minimum": ">=", "ge": ">="}
    signs |= {"exclusiveMaximum": "<", "lt": "<", "maximum": "<=", "le": "<="}
    for key, sign in signs.items():
        bound = _first(prop, key)
        if bound is not None:
            yield f"{sign} {bound}"


def _first(schema: Any, key: str) -> Any:
    """Value of a schema keyword, looked for inside unions and lists as well."""
    if not isinstance(schema, dict):
        return None
    if key in schema:
        return schema[key]
    inner = [*schema.get("anyOf", []), schema.get("items")]
    return next((found for item in inner if (found := _first(item, key)) is not None), None)


def _toml(value: Any) -> str:
    from subgrid.toml_text import value_text

    return "none" if value is None else value_text(value)
