"""Atoms on a lattice with thermal velocities."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrid.api import Setup
from subgrid_md.config import CrystalConfig

FACE_CENTRED = {
    2: ((0.25, 0.25), (0.75, 0.75)),
    3: ((0.25, 0.25, 0.25), (0.75, 0.75, 0.25), (0.75, 0.25, 0.75), (0.25, 0.75, 0.75)),
}


class Crystal:
    """One unit cell of a face-centred or simple lattice in each cell of the mesh.

    Velocities are drawn from Maxwell's distribution, freed of their mean and scaled, so that the momentum is zero and
    the temperature exact: ``sum m v^2 = (n - 1) d kT``.
    """

    def __init__(self, config: CrystalConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Crystal({self.config.lattice}, temperature={self.config.temperature})"

    def fill(self, setup: Setup) -> dict[str, Any]:
        """Columns of ``atoms``."""
        mesh, config = setup.mesh, self.config
        d, spacing = mesh.ndim, np.array(mesh.spacing[::-1])
        corners = np.stack(
            [c.ravel() for c in np.meshgrid(*[np.arange(n) for n in mesh.shape], indexing="ij")][::-1], axis=1
        )
        basis = np.array(FACE_CENTRED[d] if config.lattice == "face_centred" and d > 1 else [(0.5,) * d])
        points = (corners[:, None, :] + basis[None, :, :]).reshape(-1, d)
        points = points + config.jitter * setup.rng.generator("jitter").uniform(-0.5, 0.5, points.shape)
        velocity = setup.rng.generator("velocity").standard_normal(points.shape)
        velocity -= velocity.mean(axis=0)
        square = config.mass * np.sum(velocity**2)
        if square > 0:
            velocity *= np.sqrt((len(points) - 1) * d * config.temperature / square)
        return {"atoms": {"position": np.array(mesh.origin[::-1]) + points * spacing, "velocity": velocity}}
