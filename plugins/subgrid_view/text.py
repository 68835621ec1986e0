"""Words and numbers for pictures and pages: one line, printable, nothing that a text renderer would interpret."""

from __future__ import annotations

import math
import re

SUPERSCRIPTS = str.maketrans("23", "²³")


def plain(text: object, limit: int = 100) -> str:
    """One printable line of at most ``limit`` characters; names come from files that anyone may have written."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def units_text(units: str) -> str:
    """``m2/s`` as m²/s."""
    return re.sub(r"(?<=[A-Za-z])[23](?!\d)", lambda digit: digit[0].translate(SUPERSCRIPTS), plain(units, 40))


def with_units(name: str, units: str) -> str:
    """A name and its units, as on an axis."""
    return f"{name} [{units_text(units)}]" if units else name


def number(value: float, digits: int = 4) -> str:
    """A number as people write it: with an exponent only where it is very large or very small."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "\N{MINUS SIGN}∞"
    text = f"{value:.{digits}g}"
    if "e" in text and 1e-4 <= abs(value) < 1e6:
        text = f"{float(text):.9f}".rstrip("0").rstrip(".")
    return text.replace("e+0", "e").replace("e+", "e").replace("e-0", "e-").replace("-", "\N{MINUS SIGN}")


def nice_ticks(low: float, high: float, count: int = 5) -> list[float]:
    """About ``count`` round numbers (1, 2 or 5 times a power of ten apart) between ``low`` and ``high``."""
    span = high - low
    if not (math.isfinite(span) and span > 0.0):
        return [low] if math.isfinite(low) else []
    raw = span / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    if not power > 0.0:
        return [low, high]
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * (1.0 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first > 10 * max(1, count):
        return [low, high]
    return [0.0 if i == 0 else i * step for i in range(first, last + 1)]


def tick_labels(ticks: list[float]) -> list[str]:
    """Labels that tell the ticks apart with as few digits as possible."""
    for digits in range(1, 12):
        labels = [number(tick, digits) for tick in ticks]
        if len(set(labels)) == len(labels) and all(
            math.isclose(float(f"{tick:.{digits}g}"), tick, rel_tol=1e-9, abs_tol=1e-300) for tick in ticks
        ):
            return labels
    return [number(tick, 6) for tick in ticks]
