"""Units as strings: checked where a scenario is read, written to files, never seen by numerics.

A unit is a product such as ``m2/s``, ``1/s``, ``kg m^-3`` or ``km``; ``pi`` and plain numbers are allowed as factors, so
a length may read ``"2 pi"``. An empty unit is dimensionless.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_BASE = {"m": "m", "kg": "kg", "s": "s", "K": "K", "rad": ""}
_DERIVED: dict[str, tuple[float, str]] = {
    "g": (1e-3, "kg"),
    "min": (60.0, "s"),
    "h": (3600.0, "s"),
    "day": (86400.0, "s"),
    "d": (86400.0, "s"),
    "N": (1.0, "kg m s-2"),
    "Pa": (1.0, "kg m-1 s-2"),
    "J": (1.0, "kg m2 s-2"),
    "W": (1.0, "kg m2 s-3"),
    "Hz": (1.0, "s-1"),
    "degree": (math.pi / 180.0, ""),
    "pi": (math.pi, ""),
}
_PREFIX = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9}
_PREFIXED = ("m", "s", "g", "N", "Pa", "J", "W", "Hz", "K")
_FACTOR = re.compile(r"([A-Za-z]+)(?:\^?([+-]?\d+))?$")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True)
class Dimension:
    """A scale factor to SI and the exponents of the base units."""

    scale: float
    exponents: tuple[tuple[str, int], ...]


def parse(unit: str) -> Dimension:
    """Dimension of a unit string. Raises ValueError for an unknown unit."""
    scale, exponents = 1.0, dict.fromkeys(_BASE, 0)
    sign = 1
    for token in re.findall(r"/|[^\s*/]+", unit):
        if token == "/":
            sign = -1
            continue
        factor, powers = _parse_factor(token, unit)
        scale *= factor**sign
        for base, power in powers.items():
            exponents[base] += sign * power
        sign = 1
    return Dimension(scale, tuple((base, power) for base, power in exponents.items() if power and base != "rad"))


def _parse_factor(token: str, unit: str) -> tuple[float, dict[str, int]]:
    if _NUMBER.fullmatch(token):
        return float(token), {}
    match = _FACTOR.match(token)
    if match is None or abs(int(match[2] or 1)) > 99:
        raise ValueError(f"cannot read unit {unit!r}")
    power = int(match[2] or 1)
    scale, powers = _symbol(match[1], unit)
    return float(scale**power), {base: exponent * power for base, exponent in powers.items()}


def _symbol(symbol: str, unit: str) -> tuple[float, dict[str, int]]:
    if symbol in _BASE:
        return 1.0, {symbol: 1}
    if symbol in _DERIVED:
        scale, definition = _DERIVED[symbol]
        dimension = parse(definition)
        return scale * dimension.scale, dict(dimension.exponents)
    if symbol[0] in _PREFIX and symbol[1:] in _PREFIXED:
        scale, powers = _symbol(symbol[1:], unit)
        return _PREFIX[symbol[0]] * scale, powers
    raise ValueError(f"unknown unit {symbol!r} in {unit!r}")


def to_number(text: str, unit: str) -> float:
    """Value of ``text`` (a number with an optional unit) in ``unit``.

    Raises ValueError when the text has no number or unit that can be read, or another dimension.
    """
    stripped = text.strip()
    match = _NUMBER.match(stripped)
    number = float(match[0]) if match else 1.0
    rest = stripped[match.end() :] if match else stripped
    if not stripped or (match and rest and rest[0] not in " *" and not rest[0].isalpha()):
        raise ValueError(f"cannot read {text!r} as a number with a unit")
    given = parse(rest)
    if not given.exponents:  # a bare number, or one with pure factors such as "2 pi", is in the declared unit
        return number * given.scale
    wanted = parse(unit)
    if given.exponents != wanted.exponents:
        raise ValueError(f"unit {rest.strip()!r} does not fit; expected {unit or 'a dimensionless number'}")
    return number * given.scale / wanted.scale
