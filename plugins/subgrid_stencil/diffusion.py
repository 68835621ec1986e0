"""Sweeps of the diffusion kernel over the fields of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Backend
from subgrid.kernels.stencil_diffusion import diffuse, diffuse_reference
from subgrid.kernels.stencil_ghosts import GhostLayers, in_bands
from subgrid.kernels.stencil_window import Tiling


class Diffusion:
    """``keep u + scale (sum_a c_a (u_-1 - 2 u + u_+1) + source)``, once or several times in one sweep.

    ``coefficients`` are diffusivity / spacing^2 [1/s] by axis (z, y, x); ``source`` is shaped (nz, ny, nx), or None.
    """

    def __init__(
        self, ghosts: GhostLayers, coefficients: Sequence[float], source: Array | None, backend: Backend
    ) -> None:
        self.ghosts, self.backend = ghosts, backend
        self.real: Any = backend.dtype() if backend.in_place else float
        self.coefficients = tuple(self.real(value) for value in coefficients)
        self.source = backend.zeros((1, 1, 1)) if source is None else backend.asarray(source, "real")
        self.several = Tiling.of(ghosts.planes, 1, np.dtype(backend.precision).itemsize, backend.threads)
        self.single = Tiling.of(ghosts.planes, 1, np.dtype(backend.precision).itemsize, backend.threads, most=1)
        self.planar_source = np.zeros((0, 0, 0), backend.precision)
        if source is not None and backend.in_place:
            self.planar_source = self.source.reshape(ghosts.planes)

    def __call__(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        """One application at time ``t`` to u of shape (nz, ny, nx); NumPy backends write into ``out``."""
        if self.backend.in_place and out is not None:
            return self.steps(u, [t], keep, [scale], out)
        ghosts = self.ghosts.fill(u, t)
        real = self.real(keep), self.real(scale)
        return diffuse_reference(u, ghosts, self.coefficients, self.source, *real, self.backend.xp)

    def steps(self, u: Array, times: Sequence[float], keep: float, scales: Sequence[float], out: Array) -> Array:
        """One application after the other, at these times and with these scales; at most ``several.steps``."""
        planes, rows, nx = self.ghosts.planes
        tiling = self.single if len(times) == 1 else self.several
        in_bands(
            diffuse,
            (1, planes, rows * nx),
            self.backend.threads,
            u.reshape(self.ghosts.planes),
            self.ghosts.rules(times),
            tuple(self.coefficients[axis] for axis in self.ghosts.sweep_axes),
            self.planar_source,
            self.real(keep),
            np.array(scales, self.real),
            tiling.height,
            tiling.width,
            tiling.streamed,
            out.reshape(self.ghosts.planes),
        )
        return out
