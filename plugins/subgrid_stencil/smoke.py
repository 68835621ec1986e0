"""A scalar that the flow carries and that lifts the flow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from subgrid.api import Array
from subgrid_stencil.config_incompressible import Smoke
from subgrid_stencil.initial import squared_distance
from subgrid_stencil.staggered import Faces


class SmokeTransport:
    """Fluxes of smoke through faces, in conservation form, and its sources."""

    def __init__(self, faces: Faces, config: Smoke) -> None:
        self.faces, self.config = faces, config
        source = np.zeros(faces.mesh.shape)
        for number, stated in enumerate(config.sources):
            distance = squared_distance(faces.mesh, stated.center, f"solver.smoke.sources.{number}.center")
            source += stated.rate * (distance <= stated.radius**2)
        self.source = source.astype(faces.dtype)

    def lift(self, smoke: Array) -> Array:
        """Buoyant acceleration on the faces normal to the vertical axis, the first of the mesh's."""
        axis = self.faces.axes[0]
        cells = self.faces.dtype(self.config.buoyancy) * smoke.reshape(self.faces.cells)
        if self.faces.periodic[axis]:
            return 0.5 * (cells + np.roll(cells, 1, axis))
        padded = np.concatenate([np.take(cells, [0], axis), cells, np.take(cells, [-1], axis)], axis)
        n = self.faces.cells[axis] + 1
        return 0.5 * (_range(padded, axis, 0, n) + _range(padded, axis, 1, n + 1))

    def rate(self, smoke: Array, padded: Mapping[int, Array]) -> Array:
        """Rate of change [1/s] of ``smoke``, over the mesh; ``padded`` are the components of velocity."""
        cells = smoke.reshape(self.faces.cells)
        total = self.source.reshape(self.faces.cells)
        for axis in self.faces.axes:
            flux = self._flux(cells, padded[axis], axis)
            n = self.faces.cells[axis]
            scale = self.faces.dtype(1.0 / self.faces.spacing[axis])
            total = total - scale * (_range(flux, axis, 1, n + 1) - _range(flux, axis, 0, n))
        return total.reshape(smoke.shape)

    def _flux(self, cells: Array, velocity: Array, axis: int) -> Array:
        """Flux through faces 0 to n."""
        n = self.faces.cells[axis]
        s = self._with_ghosts(cells, axis)
        interior = list(self.faces.interior())
        interior[axis] = slice(1, n + 2)
        speed = velocity[tuple(interior)]
        # face f lies between entries f + 1 and f + 2 of s
        far_low, low, high, far_high = (_range(s, axis, first, first + n + 1) for first in range(4))
        if self.config.scheme == "central2":
            carried = 0.5 * (low + high)
        else:
            carried = np.where(speed > 0.0, _limited(far_low, low, high), _limited(far_high, high, low))
        slope = self.faces.dtype(self.config.diffusivity / self.faces.spacing[axis]) * (high - low)
        return speed * carried - slope

    def _with_ghosts(self, cells: Array, axis: int) -> Array:
        sides = self.faces.sides[axis]
        if sides is None:
            n = self.faces.cells[axis]
            return np.concatenate([_range(cells, axis, n - 2, n), cells, _range(cells, axis, 0, 2)], axis)
        ends = []
        for index, side in zip((0, -1), sides, strict=True):
            value = np.take(cells, [index], axis)
            ghost = np.zeros_like(value) if side.inflow else value
            ends.append(np.concatenate([ghost, ghost], axis))
        return np.concatenate([ends[0], cells, ends[1]], axis)


def _limited(behind: Array, up: Array, down: Array) -> Array:
    """Value on the face downstream of cell ``up`` by van Leer's limiter: the harmonic mean of both slopes."""
    a, b = up - behind, down - up
    product = a * b
    rising = product > 0.0
    return up + np.divide(product, a + b, out=np.zeros_like(product), where=rising)


def _range(values: Array, axis: int, first: int, last: int) -> Array:
    index = [slice(None)] * 3
    index[axis] = slice(first, last)
    return values[tuple(index)]
