"""Units as strings: checked where a scenario is read, written to files, never seen by numerics.

A unit is a product such as ``m2/s``, ``1/s``, ``kg m^-3`` or ``km``; ``pi`` and plain numbers are allowed as factors,
so a length may read ``"2 pi"``. An empty unit is dimensionless.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

LONGEST = 200
"""Most characters of a number with a unit."""

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
    "deg": (math.pi / 180.0, ""),
    "pi": (math.pi, ""),
}
_PREFIX = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "k": 1e3, "M": 1e6, "G": 1e9}
_PREFIXED = ("m", "s", "g", "N", "Pa", "J", "W", "Hz", "K")
_ANGLES = ("rad", "deg")
_FACTOR = re.compile(r"([A-Za-z]+)(?:\^?([+-]?\d{1,2}))?", re.ASCII)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_PRODUCT = re.compile(r"\s*/?\s*[^\s*/]+(?:(?:\s*[*/]\s*|\s+)[^\s*/]+)*\s*")


@dataclass(frozen=True)
class Dimension:
    """Scale factor to SI and exponents of the base units; ``pure`` when it is made of numbers and pi only."""

    scale: float
    exponents: tuple[tuple[str, int], ...]
    pure: bool


def parse(unit: str) -> Dimension:
    """Dimension of a unit string. Raises ValueError for an unknown unit, or one too large or small for a float."""
    scale, exponents = 1.0, dict.fromkeys(_BASE, 0)
    if unit.strip() and not _PRODUCT.fullmatch(unit):
        raise ValueError(f"cannot read unit {_quoted(unit)}")
    sign = 1
    pure = True
    for token in re.findall(r"/|[^\s*/]+", unit):
        if token == "/":
            sign = -1
            continue
        factor, powers = _parse_factor(token, unit)
        if factor == 0.0:
            raise ValueError(f"unit {_quoted(unit)} is out of range")
        scale = scale * factor if sign > 0 else scale / factor
        pure = pure and not powers and not token.startswith(_ANGLES)
        for base, power in powers.items():
            exponents[base] += sign * power
        sign = 1
    if not 0.0 < scale < math.inf:
        raise ValueError(f"unit {_quoted(unit)} is out of range")
    return Dimension(scale, tuple((b, power) for b, power in exponents.items() if power and b != "rad"), pure)


def _parse_factor(token: str, unit: str) -> tuple[float, dict[str, int]]:
    if _NUMBER.fullmatch(token):
        return float(token), {}
    match = _FACTOR.fullmatch(token)
    if match is None:
        raise ValueError(f"cannot read unit {_quoted(unit)}")
    power = int(match[2] or 1)
    scale, powers = _symbol(match[1], unit)
    try:
        return float(scale**power), {base: exponent * power for base, exponent in powers.items()}
    except OverflowError as error:
        raise ValueError(f"unit {_quoted(unit)} is out of range") from error


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
    raise ValueError(f"unknown unit {_quoted(symbol)}")


def to_number(text: str, unit: str) -> float:
    """Value of ``text`` (a number with an optional unit) in ``unit``.

    Raises ValueError when the text has no number or unit that can be read, or another dimension.
    """
    stripped = text.strip()
    if len(stripped) > LONGEST:
        raise ValueError(f"cannot read {_quoted(text)} as a number with a unit")
    sign = -1.0 if stripped.startswith("-") else 1.0
    magnitude = stripped[1:].lstrip() if stripped[:1] in ("+", "-") else stripped
    match = _NUMBER.match(magnitude)
    number = sign * (float(match[0]) if match else 1.0)
    rest = magnitude[match.end() :] if match else magnitude
    if not magnitude or (rest and not (rest[0] in " */" or rest[0].isalpha())):
        raise ValueError(f"cannot read {_quoted(text)} as a number with a unit")
    given, wanted = parse(rest.lstrip(" *")), parse(unit)
    if not given.pure and given.exponents != wanted.exponents:
        raise ValueError(f"unit {_quoted(rest.strip())} does not fit; expected {unit or 'a dimensionless number'}")
    # a bare number, or one with pure factors such as "2 pi", is in the declared unit
    value = number * given.scale if given.pure else number * given.scale / wanted.scale
    if not math.isfinite(value):
        raise ValueError(f"{_quoted(text)} is too large")
    return value


def _quoted(text: str) -> str:
    stripped = text.strip()
    return repr(stripped if len(stripped) <= 60 else stripped[:57] + "...")
