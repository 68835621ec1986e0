"""JSON schema of a whole scenario, with the options of every component, so that editors complete and check it."""

from __future__ import annotations

import math
from typing import Any

from subgrid.component import Component
from subgrid.errors import PluginError
from subgrid.options import Options
from subgrid.registry import Registry
from subgrid.scenario import (
    KEYS,
    LISTED_KINDS,
    OPTIONAL_TABLES,
    SINGLE_KINDS,
    BackendOptions,
    CheckpointOptions,
    Expect,
    Header,
    OutputOptions,
    TimeOptions,
)

RANGES = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(registry: Registry) -> dict[str, Any]:
    """Schema (draft 2020-12) of a scenario as parsed from TOML.

    A component whose options cannot be imported is described by that problem, and any options are allowed for it.
    """
    definitions: dict[str, Any] = {}
    for kind in KEYS:
        choices = []
        for component in registry.components(kind):
            definitions[_name(component)] = _component_schema(component, registry, definitions)
            choices.append({"$ref": f"#/$defs/{_name(component)}"})
        definitions[kind] = {"oneOf": choices} if choices else {"type": "object", "required": ["type"]}
    header = _model_schema(Header, "header", definitions)
    tables = {
        "backend": _model_schema(BackendOptions, "backend", definitions),
        "time": _model_schema(TimeOptions, "time", definitions),
        "output": _model_schema(OutputOptions, "output", definitions),
        "checkpoint": _model_schema(CheckpointOptions, "checkpoint", definitions),
        "expect": {"type": "object", "additionalProperties": _model_schema(Expect, "expect", definitions)},
    }
    singles = {kind: {"$ref": f"#/$defs/{kind}"} for kind in SINGLE_KINDS}
    optional = {key: {"$ref": f"#/$defs/{kind}"} for key, kind in OPTIONAL_TABLES.items()}
    lists = {key: {"type": "array", "items": {"$ref": f"#/$defs/{kind}"}} for key, kind in LISTED_KINDS.items()}
    return {
        "$schema": DIALECT,
        "title": "subgrid scenario",
        "type": "object",
        "properties": {**header["properties"], **singles, **optional, **tables, **lists},
        "required": [*SINGLE_KINDS, "time"],
        "additionalProperties": False,
        "$defs": definitions,
    }


def _name(component: Component) -> str:
    return f"{component.kind}.{component.name}"


def _component_schema(component: Component, registry: Registry, definitions: dict[str, Any]) -> dict[str, Any]:
    """One table: the engine's keys and the component's own options."""
    prefix = _name(component)
    keys = _model_schema(KEYS[component.kind], prefix, definitions)
    if "fallback" in keys["properties"]:
        keys["properties"]["fallback"] = {"$ref": f"#/$defs/{component.kind}"}
    try:
        own = _model_schema(registry.options_class(component), prefix, definitions)
    except PluginError as error:
        own = {"properties": {}, "additionalProperties": True}
        described = str(error)
    else:
        described = component.summary
    return {
        "type": "object",
        "description": described,
        "properties": {**keys["properties"], "type": {"const": component.name}, **own["properties"]},
        "required": ["type", *own.get("required", [])],
        "additionalProperties": own["additionalProperties"],
    }


def _model_schema(model: type[Options], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Schema of one options model; its nested models move to the common definitions under a prefix of their own."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}.{{model}}")
    for name, nested in schema.pop("$defs", {}).items():
        definitions[f"{prefix}.{name}"] = _tidy(nested)
    schema.setdefault("properties", {})
    tidy: dict[str, Any] = _tidy(schema)
    return tidy


def _tidy(schema: Any) -> Any:
    """A schema without null, which TOML does not have, and with standard names for ranges of converted numbers."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            tidy[key] = {name: _tidy(item) for name, item in value.items()}
        elif key != "title" and not (key == "default" and _unwritable(value)):
            tidy[RANGES.get(str(key), str(key))] = value if key in ("default", "const", "enum") else _tidy(value)
    choices = [choice for choice in tidy.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) == 1:
        del tidy["anyOf"]
        return {**choices[0], **tidy}
    if choices:
        tidy["anyOf"] = choices
    return tidy


def _unwritable(default: Any) -> bool:
    """Whether neither TOML nor JSON has a text for a default: nothing, or an infinity that means no limit."""
    return default is None or (isinstance(default, float) and not math.isfinite(default))
