"""Checks a table of a scenario against an options model and words every problem as one line with its key path."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from subgrid.options import Options, Unit
from subgrid.suggest import choose_from, near_miss

Model = TypeVar("Model", bound=Options)
Location = tuple[str | int, ...]
MOST_BITS = 128
"""Bits of the largest whole number that is read: more than any option holds, few enough to be printed."""

_RANGE: dict[str, str] = {
    "greater_than": "is not greater than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than": "is not less than {lt}",
    "less_than_equal": "is greater than {le}",
    "multiple_of": "is not a multiple of {multiple_of}",
    "finite_number": "is not a finite number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_parsing_size": "is too large",
    "int_from_float": "is not a whole number",
}
_SHAPE: dict[str, str] = {
    "string_type": "is not a string",
    "bool_type": "is not true or false",
    "bool_parsing": "is not true or false",
    "tuple_type": "is not a list",
    "list_type": "is not a list",
    "set_type": "is not a list",
    "dict_type": "is not a table",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "too_short": "has {actual_length} entries, at least {min_length} are needed",
    "too_long": "has more than {max_length} entries",
    "string_too_short": "is shorter than {min_length} characters",
    "string_too_long": "is longer than {max_length} characters",
}
_CLASS = re.compile(r"\^\[([^\[\]^]+)\][+*]?\$")
"""A pattern of text that has characters of one class only."""


def checked(
    model: type[Model], table: Mapping[str, Any], path: str, problems: list[str], engine_keys: Iterable[str] = ()
) -> Model | None:
    """The options in ``table``, or ``None`` after adding a line to ``problems`` for everything that is wrong.

    ``engine_keys`` are valid beside the model's own and named among the choices for an unknown key.
    """
    enormous = [f"{joined(path, *where)}: {shown(value)} is too large" for where, value in _enormous(table)]
    if enormous:  # pydantic complains on stderr when it cannot write such a number into its messages
        problems += enormous
        return None
    by_place = {where: [message] for where, message in _confused_truths(model, table)}
    try:
        options = model.model_validate(dict(table))
        if not by_place:
            return options
    except ValidationError as error:
        for where, messages in _by_place(error, model, table, tuple(engine_keys)).items():
            by_place.setdefault(where, messages)
    except (ValueError, ArithmeticError, TypeError, RecursionError) as error:
        by_place[()] = [f"cannot be checked ({type(error).__name__}: {' '.join(str(error).split())[:200]})"]
    problems += [f"{joined(path, *where)}: {', or '.join(messages)}" for where, messages in by_place.items()]
    return None


def shown(value: object) -> str:
    """A value of a scenario as it may stand in an error line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= MOST_BITS else f"a whole number of {value.bit_length()} bits"
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:57] + "...")
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        if len(value) <= 4 and not any(isinstance(item, Mapping | list | tuple) for item in value):
            return "[" + ", ".join(shown(item) for item in value) + "]"
        return f"a list of {len(value)}"
    return str(value)[:60]


def joined(path: str, *keys: str | int) -> str:
    """A key path such as ``closures.0.weight``."""
    parts = [str(part) for part in (path, *keys) if part != ""]
    return ".".join(part if part.isprintable() and len(part) <= 200 else ascii(part[:60]) for part in parts)


def unit_of(annotation: Any) -> str | None:
    """Unit that an annotation declares, at any depth."""
    for item in (*getattr(annotation, "__metadata__", ()), *typing.get_args(annotation)):
        if isinstance(item, Unit):
            return item.unit
        found = unit_of(item)
        if found is not None:
            return found
    return None


def _enormous(value: Any, where: Location = ()) -> Iterator[tuple[Location, int]]:
    """Whole numbers of more than `MOST_BITS`, with their places."""
    if isinstance(value, int):
        if value.bit_length() > MOST_BITS:
            yield where, value
    elif isinstance(value, Mapping | list | tuple):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _enormous(item, (*where, key))


def _confused_truths(model: type[BaseModel], table: Mapping[str, Any]) -> Iterator[tuple[Location, str]]:
    """Places where a truth value stands for something else or the other way round: pydantic reads true as 1."""
    for key, value in table.items():
        field = model.model_fields.get(key)
        if field is None:
            continue
        nested = models_in(field.annotation)
        entries = list(enumerate(value)) if isinstance(value, list | tuple) else [(None, value)]
        for index, item in entries:
            where: Location = (key,) if index is None else (key, index)
            if isinstance(item, Mapping):
                for inner, message in _confused_truths(nested[0], item) if len(nested) == 1 else ():
                    yield (*where, *inner), message
            elif isinstance(item, bool) and not _mentions(field.annotation, (bool, Any)):
                yield where, f"{shown(item)} does not belong here"
            elif field.annotation is bool and not isinstance(item, bool):
                yield where, f"{shown(item)} is not true or false"


def _mentions(annotation: Any, wanted: tuple[Any, ...]) -> bool:
    return annotation in wanted or any(_mentions(item, wanted) for item in typing.get_args(annotation))


def _by_place(
    error: ValidationError, model: type[Options], table: Mapping[str, Any], engine_keys: tuple[str, ...]
) -> dict[Location, list[str]]:
    # A value that fits no branch of a union gives an error for each branch; they become one line.
    by_place: dict[Location, list[str]] = {}
    for detail in error.errors(include_url=False):
        where, value = _place(model, table, detail["loc"], detail["type"])
        message = _message(dict(detail), model, table, where, value, engine_keys if len(where) == 1 else ())
        messages = by_place.setdefault(where, [])
        if message not in messages:
            messages.append(message)
    return {
        where: messages
        for where, messages in by_place.items()
        # a list is called too short for entries that were refused: those have lines of their own
        if not any(" entries" in message for message in messages) or not _has_inner(where, by_place)
    }


def _has_inner(where: Location, places: Iterable[Location]) -> bool:
    return any(len(place) > len(where) and place[: len(where)] == where for place in places)


def _place(model: type[BaseModel], table: Any, location: Location, kind: str) -> tuple[Location, Any]:
    """Where in the table an error is, and the value there; names of union branches are dropped."""
    where: list[str | int] = []
    value, models, in_branch = table, [model], False
    for index, key in enumerate(location):
        if len(models) > 1 and not in_branch and key in _branches(models, value):
            in_branch = True  # the tag that chose the branch, even where the table has a key of that name
            continue
        if isinstance(value, Mapping) and key in value:
            value = value[str(key)]
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        elif kind != "missing" or index < len(location) - 1:
            continue
        where.append(key)
        models, in_branch = _models_at(model, table, tuple(where)), False
    return tuple(where), value


def _message(
    detail: dict[str, Any],
    model: type[Options],
    table: Mapping[str, Any],
    where: Location,
    value: Any,
    engine_keys: tuple[str, ...],
) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        owner = _model_at(model, table, where[:-1])
        keys = (*owner.model_fields, *engine_keys) if owner else engine_keys
        return f"unknown key; {choose_from(str(where[-1]), keys)}"
    if kind == "missing":
        return _missing(model, table, where)
    detail = {**detail, "input": value}
    return problem_of(detail, _unit(model, table, where))


def problem_of(detail: Mapping[str, Any], unit: str = "") -> str:
    """What pydantic found wrong with a value (one entry of ``ValidationError.errors()``), in our words."""
    kind, context, value = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "float_type" and isinstance(value, int):
        kind = "int_parsing_size"
    if kind in _RANGE:
        bounds = {name: f"{bound:.12g}" if isinstance(bound, float) else bound for name, bound in context.items()}
        return f"{shown(value)} {_RANGE[kind].format(**bounds)}{unit}"
    if kind in _SHAPE:
        return f"{shown(value)} {_SHAPE[kind].format(**context)}"
    if kind == "string_pattern_mismatch":
        return f"{shown(value)} {_misshapen(str(context.get('pattern', '')))}"
    if kind == "unknown_type":
        return f"{_without_type(value)}; {detail['msg']}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _without_tag(value, str(context["discriminator"]).strip("'"), str(context.get("expected_tags", "")))
    if kind in ("literal_error", "enum"):
        return _not_a_choice(value, str(context.get("expected", "")))
    # whatever a validator wrote itself, or a rarer kind of error in pydantic's words
    message = " ".join(str(context["error"] if kind == "value_error" else detail["msg"]).split()).rstrip(".")
    if isinstance(value, Mapping) or repr(value) in message:
        return message
    return f"{shown(value)}: {message[:1].lower() + message[1:]}"


def _misshapen(pattern: str) -> str:
    """What text that does not match a pattern lacks."""
    plain = _CLASS.fullmatch(pattern)
    if plain is None:
        return f"does not have the form {pattern.strip('^$')}"
    ranges = {"A-Za-z": "letters", "0-9": "digits"}
    allowed = [word for characters, word in ranges.items() if characters in plain[1]]
    rest = plain[1].replace("A-Za-z", "").replace("0-9", "")
    *firsts, last = [*allowed, *(f"'{character}'" for character in rest)]
    return f"may have {', '.join(firsts)} and {last} only, and at least one of them"


def _without_type(value: Any) -> str:
    if not isinstance(value, Mapping):
        return f"{shown(value)} is not a table with a type"
    return f"no type is called {shown(value['type'])}" if "type" in value else "needs a type"


def _without_tag(value: Any, key: str, choices: str) -> str:
    """What to say of a table whose kind stands under ``key``."""
    if not isinstance(value, Mapping):
        return f"{shown(value)} is not a table with a {key}"
    if key not in value:
        return f"needs a {key}"
    known = re.findall(r"'([^']*)'", choices)
    tag = value[key]
    hint = choose_from(tag, known) if isinstance(tag, str) else f"choose from {', '.join(known)}"
    return f"no {key} is called {shown(tag)}; {hint}"


def _not_a_choice(value: Any, expected: str) -> str:
    hint = near_miss(value, re.findall(r"'([^']*)'", expected)) if isinstance(value, str) else ""
    return f"{shown(value)} is not one of {expected.replace(' or ', ', ')}" + (f"; {hint}" if hint else "")


def _missing(model: type[Options], table: Mapping[str, Any], where: Location) -> str:
    owner = _model_at(model, table, where[:-1])
    field = owner.model_fields.get(str(where[-1])) if owner else None
    if field is None:
        return "missing"
    return f"missing{f' ({field.description})' if field.description else ''}{_unit(model, table, where)}"


def _unit(model: type[Options], table: Mapping[str, Any], where: Location) -> str:
    owner = _model_at(model, table, where[:-1])
    names = [key for key in where if isinstance(key, str)]
    if not where or not names:
        return ""
    if owner is None or isinstance(where[-1], int):
        owner = _model_at(model, table, where[: where.index(names[-1])])
    field = owner.model_fields.get(names[-1]) if owner else None
    if field is None:
        return ""
    declared = [item.unit for item in field.metadata if isinstance(item, Unit)]
    unit = declared[0] if declared else unit_of(field.annotation)
    return "" if unit is None else f" (unit: {unit or 'dimensionless'})"


def _model_at(model: type[BaseModel], table: Any, where: Location) -> type[BaseModel] | None:
    """The nested model that a location lies in: of a union, the one that the table chooses."""
    models = _models_at(model, table, where)
    value = _value_at(table, where)
    return _chosen(models, value)


def _models_at(model: type[BaseModel], table: Any, where: Location) -> list[type[BaseModel]]:
    """Models that may stand at a location."""
    models, named = [model], False
    for depth, key in enumerate(where):
        if isinstance(key, int) or named:
            named = False
            continue
        owner = _chosen(models, _value_at(table, where[:depth]))
        field = owner.model_fields.get(key) if owner else None
        models = [] if field is None else models_in(field.annotation)
        named = field is not None and typing.get_origin(field.annotation) is dict  # the next key is anybody's choice
    return models


def _value_at(table: Any, where: Location) -> Any:
    value = table
    for key in where:
        if isinstance(value, Mapping):
            value = value.get(str(key))
        elif isinstance(value, list | tuple) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _chosen(models: list[type[BaseModel]], value: Any) -> type[BaseModel] | None:
    """The model whose tag a table has, else the first."""
    return next((model for model in models if _tags(model, value)), next(iter(models), None))


def _branches(models: list[type[BaseModel]], value: Any) -> set[str]:
    """How pydantic calls the branch of a union that a table chose: by the tag."""
    return {tag for model in models for tag in _tags(model, value)}


def _tags(model: type[BaseModel], value: Any) -> list[str]:
    """Values in a table that are the only ones that a model allows there, such as its type."""
    if not isinstance(value, Mapping):
        return []
    fixed = {key: typing.get_args(field.annotation) for key, field in model.model_fields.items() if _is_tag(field)}
    return [value[key] for key, allowed in fixed.items() if isinstance(value.get(key), str) and value[key] in allowed]


def _is_tag(field: FieldInfo) -> bool:
    return typing.get_origin(field.annotation) is typing.Literal and len(typing.get_args(field.annotation)) == 1


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Every model that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for item in typing.get_args(annotation) for model in models_in(item)]
