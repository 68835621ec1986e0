"""TOML in both directions: a bounded reader with one-line errors, and a small writer for plain data."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from subgrid.errors import ScenarioError

LARGEST_FILE = 5 * 2**20
"""Most bytes that a scenario file may have."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}


def read_file(path: Path) -> dict[str, Any]:
    """Content of a TOML file. Raises ScenarioError, with the line of a mistake."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > LARGEST_FILE:
        raise ScenarioError(f"{path}: larger than {LARGEST_FILE // 2**20} MB, so it is hardly a scenario")
    try:
        return read_text(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScenarioError(f"{path}: not a text file in UTF-8 (line {line})") from error
    except ValueError as error:
        raise ScenarioError(f"{path}: {error}") from error


def read_text(text: str) -> dict[str, Any]:
    """Parse TOML. Raises ValueError saying what is wrong and on which line."""
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("not TOML that can be read: nested too deeply") from error
    except (ValueError, ArithmeticError) as error:  # besides syntax: dates that do not exist, integers of many digits
        raise ValueError(f"not TOML: {' '.join(str(error).split())}") from error


def write_text(data: Mapping[str, Any]) -> str:
    """TOML of plain data: scalars first, then a section for every table and list of tables."""
    plain: dict[str, Any] = {key: value for key, value in data.items() if not _is_section(value)}
    blocks = [_pairs(plain)] if plain else []
    for key, value in data.items():
        if isinstance(value, Mapping) and value and all(isinstance(item, Mapping) for item in value.values()):
            blocks += [f"[{_key(key)}.{_key(name)}]\n{_pairs(table)}" for name, table in value.items()]
        elif isinstance(value, Mapping):
            blocks.append(f"[{_key(key)}]\n{_pairs(value)}")
        elif _is_section(value):
            blocks += [f"[[{_key(key)}]]\n{_pairs(table)}" for table in value]
    return "\n".join(blocks)


def _is_section(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _pairs(table: Mapping[str, Any]) -> str:
    return "".join(f"{_key(key)} = {value_text(value)}\n" for key, value in table.items() if value is not None)


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _string(key)


def value_text(value: Any) -> str:
    """One TOML value. Raises TypeError for what TOML does not have."""
    if isinstance(value, Enum):
        return value_text(value.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        # Python writes no decimal text of more than 4300 digits; TOML knows hexadecimal for what is not negative
        return hex(value) if value >= 2**64 else str(value)
    if isinstance(value, float):
        return repr(value)  # shortest text that reads back to the same bits; nan and inf are TOML as well
    if isinstance(value, str | Path):
        return _string(str(value))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {value_text(v)}" for k, v in value.items() if v is not None) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    raise TypeError(f"TOML has no {type(value).__name__}")


def _string(text: str) -> str:
    def escaped(character: str) -> str:
        if character in _ESCAPES:
            return _ESCAPES[character]
        return f"\\u{ord(character):04X}" if ord(character) < 0x20 or ord(character) == 0x7F else character

    return '"' + "".join(map(escaped, text)) + '"'
