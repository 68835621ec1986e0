"""The Poisson equation of the pressure, solved directly by the transforms that fit the sides of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from scipy import fft

from subgrid.api import Array

Sides = Literal["periodic", "closed-closed", "closed-open", "open-closed", "open-open"]
"""Both ends of an axis: closed where no pressure gradient crosses (walls, inflow), open where the pressure is 0."""

_TRANSFORMS: dict[str, tuple[str, int, float]] = {
    # kind and type of the real transform, and what is added to the index of the wave in half waves
    "closed-closed": ("dct", 2, 0.0),
    "closed-open": ("dct", 4, 0.5),
    "open-closed": ("dst", 4, 0.5),
    "open-open": ("dst", 2, 1.0),
}


class FastPoisson:
    """Solves lap_h p = r at cell centres, second differences, walls half a cell from the outer values.

    Each pair of sides has its transform along an axis: FFT, DCT-II, DCT-IV, DST-IV or DST-II (Schumann and Sweet, J.
    Comput. Phys. 75, 123, 1988). Without an open side the mean of p is zero, and r must have none.
    """

    def __init__(self, shape: Sequence[int], spacing: Sequence[float], sides: Sequence[Sides], threads: int) -> None:
        self.shape, self.threads = tuple(shape), threads
        axes = range(-len(self.shape), 0)
        self.real = [
            (axis, *_TRANSFORMS[side][:2]) for axis, side in zip(axes, sides, strict=True) if side in _TRANSFORMS
        ]
        self.complex = [axis for axis, side in zip(axes, sides, strict=True) if side == "periodic"]
        total: Any = 0.0
        for axis, n, step, side in zip(axes, self.shape, spacing, sides, strict=True):
            if side == "periodic":
                waves = np.arange(n // 2 + 1) if self.complex and axis == self.complex[-1] else np.arange(n)
                angle = np.pi * waves / n
            else:
                angle = 0.5 * np.pi * (np.arange(n) + _TRANSFORMS[side][2]) / n
            along = [1] * len(self.shape)
            along[axis] = angle.size
            total = total - (4.0 / step**2 * np.sin(angle) ** 2).reshape(along)
        singular = all(side in ("periodic", "closed-closed") for side in sides)
        if singular:
            total[(0,) * len(self.shape)] = np.inf
        self.inverse = 1.0 / total

    def __call__(self, r: Array) -> Array:
        """Return p, shape and type of ``r``."""
        values = r
        for axis, kind, number in self.real:
            values = getattr(fft, kind)(values, number, axis=axis, workers=self.threads)
        if self.complex:
            values = fft.rfftn(values, axes=self.complex, workers=self.threads)
        values = values * self.inverse.astype(values.real.dtype, copy=False)
        if self.complex:
            sizes = [self.shape[axis] for axis in self.complex]
            values = fft.irfftn(values, s=sizes, axes=self.complex, workers=self.threads)
        for axis, kind, number in reversed(self.real):
            values = getattr(fft, f"i{kind}")(values, number, axis=axis, workers=self.threads)
        return values
