"""Colour maps and the limits of what they show, the same over all frames and all runs of a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from subgrid.api import ScenarioError
from subgrid_view.reading import Field, Source

DIVERGING, SEQUENTIAL = "RdBu_r", "viridis"
SIGNED_SHARE = 0.05
"""A field is signed when the smaller of its two sides reaches this share of the larger one."""

# Tol's "bright" hues: told apart in print and by colour-blind readers.
HUES = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#EE8866", "#44AA99", "#882255", "#999933")


@dataclass(frozen=True)
class Scale:
    """Limits and colour map of a field."""

    low: float
    high: float
    cmap: str

    def table(self) -> NDArray[np.uint8]:
        """The colours from low to high, shape (256, 3)."""
        return colour_table(self.cmap)


def colour_table(name: str) -> NDArray[np.uint8]:
    """256 colours of a map of matplotlib. Raises ScenarioError with near misses."""
    from matplotlib import colormaps

    if name not in colormaps:
        near = get_close_matches(name, list(colormaps), 3) or [DIVERGING, SEQUENTIAL, "magma", "cividis", "twilight"]
        raise ScenarioError(f"--cmap {name[:40]!r}: no such colour map; near it are {', '.join(near)}")
    colours = colormaps[name](np.linspace(0.0, 1.0, 256))[:, :3]
    return np.round(255.0 * colours).astype(np.uint8)


@dataclass(frozen=True)
class Limits:
    """What ``--limits`` asks for: two numbers, or the share of values that the colours span."""

    low: float | None = None
    high: float | None = None
    share: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Limits:
        """Read ``-2:2``, ``0:``, ``:3`` or ``99%``. Raises ScenarioError."""
        try:
            if text.endswith("%"):
                share = float(text[:-1]) / 100.0
                if 0.0 < share <= 1.0:
                    return cls(share=share)
            low, high = (float(part) if part.strip() else None for part in text.split(":"))
            limits = cls(low, high)
            if all(math.isfinite(end) for end in (low, high) if end is not None) and (
                low is None or high is None or low < high
            ):
                return limits
        except ValueError:
            pass
        raise ScenarioError(
            f"--limits {text[:40]!r}: give LOW:HIGH with LOW below HIGH, or a share of the values as 99%"
        )


def value_range(values: Iterable[NDArray[np.float64]], share: float = 1.0) -> tuple[float, float]:
    """Smallest and largest finite value, or the ends of the central ``share`` of every array, of all arrays."""
    low, high = math.inf, -math.inf
    for array in values:
        finite = array[np.isfinite(array)] if not np.isfinite(array).all() else array.ravel()
        if finite.size:
            ends = (
                (finite.min(), finite.max())
                if share == 1.0
                else np.quantile(finite, [0.5 - 0.5 * share, 0.5 + 0.5 * share])
            )
            low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    return (low, high) if low <= high else (0.0, 1.0)


def scale_of(shown: Iterable[tuple[Source, Field, Iterable[int]]], limits: Limits, cmap: str | None) -> Scale:
    """The scale of a field over these frames of these runs: about zero and diverging where it is signed.

    Reads one frame at a time.
    """
    if limits.low is not None and limits.high is not None:
        low, high = limits.low, limits.high
        return Scale(low, high, cmap or (DIVERGING if low < 0.0 < high else SEQUENTIAL))
    magnitude = False

    def arrays() -> Iterator[NDArray[np.float64]]:
        nonlocal magnitude
        for source, field, frames in shown:
            magnitude = magnitude or field.is_magnitude
            for frame in frames:
                yield source.scalar(field, frame)

    low, high = value_range(arrays(), limits.share)
    if limits.low is None and limits.high is None:
        if low < 0.0 < high and min(-low, high) >= SIGNED_SHARE * max(-low, high):
            end = max(-low, high)
            return Scale(-end, end, cmap or DIVERGING)
        low = min(low, 0.0) if magnitude else low
    low, high = _apart(low if limits.low is None else limits.low, high if limits.high is None else limits.high)
    return Scale(low, high, cmap or SEQUENTIAL)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Limits that span something, also where a field is constant."""
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    half = 0.05 * abs(high) or 0.5
    return low - half, max(high, low) + half
