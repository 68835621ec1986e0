"""Meshes: immutable geometry. Axes are ordered (z, y, x), so that x is contiguous in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

AXIS_NAMES = ("z", "y", "x")


@dataclass(frozen=True)
class Grid:
    """Uniform Cartesian grid in one, two or three dimensions.

    ``shape`` counts cells, ``length`` is the extent [m or non-dimensional], ``origin`` the lower corner; all three are
    ordered like the array axes, x last. Values live at ``origin + (i + offset) * spacing``: ``offset`` is 0 for
    nodes (the convention of Fourier collocation) and 0.5 for cell centres. ``boundaries`` says for
    each axis whether it is ``"periodic"`` or ends at a ``"wall"`` on both sides, half a spacing from the outer values.
    ``units`` are those of lengths and coordinates.
    """

    units: ClassVar[str] = "m"

    shape: tuple[int, ...]
    length: tuple[float, ...]
    origin: tuple[float, ...] = ()
    boundaries: tuple[str, ...] = ()
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= len(self.shape) <= 3 or len(self.length) != len(self.shape):
            raise ValueError(f"a grid has 1 to 3 axes with one length each, got {self.shape} and {self.length}")
        unknown = set(self.boundaries) - {"periodic", "wall"}
        if unknown or len(self.boundaries) not in (0, len(self.shape)):
            raise ValueError(f"each axis is 'periodic' or 'wall', got boundaries {self.boundaries}")
        object.__setattr__(self, "origin", self.origin or (0.0,) * self.ndim)
        object.__setattr__(self, "boundaries", self.boundaries or ("periodic",) * self.ndim)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes, e.g. ``("y", "x")``."""
        return AXIS_NAMES[3 - self.ndim :]

    @property
    def spacing(self) -> tuple[float, ...]:
        return tuple(length / n for length, n in zip(self.length, self.shape, strict=True))

    @property
    def periodic(self) -> bool:
        return all(boundary == "periodic" for boundary in self.boundaries)

    def coordinates(self) -> tuple[NDArray[np.float64], ...]:
        """One coordinate vector for each axis, in axis order."""
        return tuple(
            np.float64(start) + (np.arange(n, dtype=np.float64) + self.offset) * step
            for start, n, step in zip(self.origin, self.shape, self.spacing, strict=True)
        )

    def meshgrid(self) -> tuple[NDArray[np.float64], ...]:
        """Coordinates of every point, each of ``shape``, in axis order: ``y, x = grid.meshgrid()`` in 2D."""
        return tuple(np.meshgrid(*self.coordinates(), indexing="ij"))
