"""Advection by a uniform flow with diffusion."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Fields, Integrator, ScenarioError, Setup, StateSpec
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid.kernels.stencil_transport import transport, transport_reference
from subgrid_stencil.config import AdvectionDiffusionConfig
from subgrid_stencil.single_field import SingleField

ANGLES = 24
"""Waves for which the stability limit is evaluated along each axis, besides the longest."""

FACE_VALUES: dict[str, tuple[float, ...]] = {
    "central2": (0.0, 0.5, 0.5, 0.0),
    "central4": (-1 / 12, 7 / 12, 7 / 12, -1 / 12),
    "upwind3": (-1 / 6, 5 / 6, 2 / 6, 0.0),
}
"""Weights of cells i-1 ... i+2 in the value on face i+1/2, for a flow towards higher i."""


class AdvectionDiffusion(SingleField):
    """u_t + div(velocity u) = diffusivity lap u in one, two or three dimensions, in flux form.

    Advection is centred of order 2 or 4, or upwind-biased of order 3 (Hundsdorfer and Verwer 2003, section I.3);
    diffusion has order 2, and walls reduce the order to 2. Centred schemes want a cell Peclet number c dx/D of at most
    2. Budget: processes ``advection`` and ``diffusion``, both through walls only.
    """

    width = 2
    processes = ("advection", "diffusion")

    def __init__(self, config: AdvectionDiffusionConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        stated = f"diffusivity={self.config.diffusivity:g}, velocity={self.config.velocity}"
        return f"AdvectionDiffusion({stated}, scheme={self.config.scheme})"

    def setup(self, setup: Setup) -> StateSpec:
        """Raises ScenarioError when velocity, boundaries and mesh do not agree."""
        if len(self.config.velocity) > setup.mesh.ndim:
            raise ScenarioError(
                f"solver.velocity: {len(self.config.velocity)} components on a mesh of {setup.mesh.ndim} axes"
            )
        spec = self.prepare(setup, self.config.boundaries)
        spacing = (1.0,) * (3 - setup.mesh.ndim) + setup.mesh.spacing
        self.parts = {"advection": np.zeros((3, 5)), "diffusion": np.zeros((3, 5))}
        for axis, velocity in zip((2, 1, 0), self.config.velocity, strict=False):
            self.parts["advection"][axis] = advective_weights(self.config.scheme, velocity) / spacing[axis]
        for axis, inverse_square in enumerate(self.inverse_squares):
            row = np.array([0.0, 1.0, -2.0, 1.0, 0.0])
            self.parts["diffusion"][axis] = self.config.diffusivity * inverse_square * row
        self.symbol = spectrum(self.parts["advection"] + self.parts["diffusion"], self.cells)
        self.weights = self._weights("advection", "diffusion")
        return spec

    def _weights(self, *parts: str) -> Array:
        values = np.sum([self.parts[part] for part in parts], axis=0)
        return self.backend.asarray(values, "real") if self.backend.in_place else values

    def combine(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        arguments = (u, self.ghosts.fill(u, t), self.weights, self.real(keep), self.real(scale))
        if out is None:
            return transport_reference(*arguments, self.backend.xp)
        in_bands(transport, u.shape, self.backend.threads, *arguments, out)
        return out

    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        cells, xp = u.reshape(self.cells), self.backend.xp
        ghosts, zero, one = self.ghosts.fill(cells, t), self.real(0.0), self.real(1.0)
        return {
            part: xp.mean(transport_reference(cells, ghosts, self._weights(part), zero, one, xp)) for part in self.parts
        }

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Largest step that keeps dt times the symbol of every wave in the scheme's region of stability.

        Of the region it is used that it holds the diamond spanned by both extents, or, where the imaginary extent is
        zero, the disk over the real extent.
        """
        decay, turn = np.abs(self.symbol.real), np.abs(self.symbol.imag)
        if integrator.imaginary_extent > 0.0:
            rate = float(np.max(decay / integrator.real_extent + turn / integrator.imaginary_extent))
            return 1.0 / rate if rate else math.inf
        moving = decay + turn > 0.0
        steps = integrator.real_extent * decay[moving] / (decay[moving] ** 2 + turn[moving] ** 2)
        return float(np.min(steps)) if steps.size else math.inf


def advective_weights(scheme: str, velocity: float) -> NDArray[np.float64]:
    """Weights of neighbours -2 ... 2 in -velocity (u_face+ - u_face-), times the spacing."""
    face = np.array(FACE_VALUES[scheme])
    if velocity < 0.0:
        face = face[::-1]
    # face i+1/2 reads cells -1 ... 2, face i-1/2 cells -2 ... 1
    return -velocity * (np.concatenate([[0.0], face]) - np.concatenate([face, [0.0]]))


def spectrum(weights: NDArray[np.float64], cells: tuple[int, ...]) -> NDArray[np.complex128]:
    """Symbols [1/s] of the five-point stencils over waves of all directions, the longest of the grid among them."""
    total = np.zeros(1, dtype=np.complex128)
    for row, n in zip(weights, cells, strict=True):
        if n == 1:
            continue
        angles = np.concatenate([[2.0 * np.pi / n], np.linspace(0.0, np.pi, ANGLES + 1)])
        angles = np.concatenate([angles, -angles[1:]])
        symbol = sum(row[m + 2] * (np.exp(1j * m * angles) - 1.0) for m in (-2, -1, 1, 2))
        # waves that decay and turn alike need to be looked at once
        total = np.unique(np.round((total[:, None] + symbol[None, :]).ravel(), 12))
    return total
