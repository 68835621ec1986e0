"""Changes to a scenario before it is checked: ``--set a.b.0.c=value``, values by path, and tables that merge."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from subgrid.errors import ScenarioError
from subgrid.toml_text import read_text

_BARE_WORD = re.compile(r"([=\[,]\s*)(?!(?:true|false|inf|nan)\b)([A-Za-z_][\w./+-]*)(?=\s*[,\]}])")
"""Text without quotes where a value stands in a list or a table."""


NOTHING = "null"
"""Value of ``--set`` that takes a key away."""


def with_overrides(data: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """A copy of the data with every ``path=value`` applied in order.

    Values are TOML; plain text needs no quotes, but lists, tables and quoted text must be right, and a bare ``null``
    takes a key away (TOML has no such value; quoted it is text). Missing tables are
    created, an index one past the end of a list appends. Raises ScenarioError with a line for each override whose path
    leads nowhere or whose value cannot be read.
    """
    changed = deepcopy(dict(data))
    problems = []
    for override in overrides:
        path, separator, text = override.partition("=")
        keys = [key.strip() for key in path.split(".")]
        if not separator or not all(keys):
            problems.append(f"--set {override[:80]!r}: expected KEY.KEY=VALUE")
            continue
        try:
            if text.strip() == NOTHING:
                _remove(changed, keys)
            else:
                _assign(changed, keys, _read_value(text))
        except (LookupError, _NotToml) as error:
            problems.append(f"--set {override[:80]!r}: {error.args[0]}")
    if problems:
        raise ScenarioError(problems)
    return changed


def with_values(data: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the data with a value put at every path, as `with_overrides` does it.

    Raises ScenarioError with a line for each path that leads nowhere.
    """
    changed = deepcopy(dict(data))
    problems = []
    for path, value in values.items():
        try:
            _assign(changed, path.split("."), deepcopy(value))
        except LookupError as error:
            problems.append(f"{path[:80]}: {error.args[0]}")
    if problems:
        raise ScenarioError(problems)
    return changed


def merged(data: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Scenario data with changes: tables merge, everything else is replaced, ``"a.b"`` stands for a path.

    A table whose ``type`` changes is replaced as a whole: options of the former type mean nothing to the new one.
    """
    result = dict(data)
    for key, value in changes.items():
        first, dot, rest = key.partition(".")
        change = {rest: value} if dot else value
        present = result.get(first)
        if isinstance(change, Mapping) and isinstance(present, Mapping) and _same_type(present, change):
            result[first] = merged(present, change)
        elif isinstance(change, Mapping):
            result[first] = merged({}, change)
        else:
            result[first] = change
    return result


def _same_type(present: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    return "type" not in change or "type" not in present or present["type"] == change["type"]


class _NotToml(ValueError):
    """A value that looks like TOML and is none."""


def _read_value(text: str) -> Any:
    """A value of ``--set``. Raises _NotToml for what begins as TOML does and does not go on so."""
    try:
        table = read_text(f"value = {text}")
    except ValueError as error:
        if not text.lstrip().startswith(("[", "{", '"', "'")):
            return text
        reason = re.sub(r" \(at [^)]*\)", "", str(error).removeprefix("not TOML: "))
        raise _NotToml(f"the value is not TOML ({reason[:1].lower()}{reason[1:]}); {_advice(text)}") from error
    return table["value"] if len(table) == 1 else text


def _advice(text: str) -> str:
    """How the value was meant, perhaps: text within lists and tables needs quotes, which shells take away."""
    quoted = _BARE_WORD.sub(lambda word: word[1] + '"' + word[2] + '"', text)
    try:
        read_text(f"value = {quoted}")
    except ValueError:
        quoted = '[{type="leith", weight=0.5}]'
        return f"quote all of it for the shell, and text within it: --set 'closures={quoted}'"
    return f"text within lists and tables needs quotes, and all of it another pair for the shell: '{quoted[:80]}'"


def _assign(data: dict[str, Any], keys: list[str], value: Any) -> None:
    """Put a value at a path. Raises LookupError when the path does not fit the data."""
    place: Any = data
    for depth, key in enumerate(keys):
        last = depth == len(keys) - 1
        following: Any = value if last else ([] if keys[depth + 1] == "0" else {})
        where = ".".join(keys[:depth]) or "the scenario"
        if isinstance(place, dict):
            place[key] = value if last else place.get(key, following)
            place = place[key]
        elif isinstance(place, list):
            index = _index(key, place, where)
            if index == len(place):
                place.append(following)
            elif last:
                place[index] = value
            place = place[index]
        else:
            raise LookupError(f"{where} is a single value, so it has no {key!r}")


def _remove(data: dict[str, Any], keys: list[str]) -> None:
    """Take a key of a table away, or an entry of a list. Raises LookupError when it is not there."""
    place: Any = data
    for depth, key in enumerate(keys):
        where = ".".join(keys[:depth]) or "the scenario"
        step: Any = _index(key, place, where) if isinstance(place, list) else key
        there = range(len(place)) if isinstance(place, list) else place if isinstance(place, dict) else ()
        if step not in there:
            raise LookupError(f"{where} has no {key[:60]!r} to take away")
        if depth == len(keys) - 1:
            del place[step]
        else:
            place = place[step]


def _index(key: str, entries: list[Any], where: str) -> int:
    if not (key.isascii() and key.isdigit()):
        raise LookupError(f"{where} is a list of {len(entries)}, so {key[:60]!r} must be an index")
    if len(key) > 9 or int(key) > len(entries):
        raise LookupError(f"{where} has {len(entries)} entries, so there is no index {key[:60]}")
    return int(key)
