"""First guesses of steady problems."""

from __future__ import annotations

import numpy as np

from subgrid.api import Fields, Setup
from subgrid_linsolve.config_steady import UniformConfig


class Uniform:
    """The same value everywhere, by default zero."""

    def __init__(self, config: UniformConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Uniform(value={self.config.value:g})"

    def fill(self, setup: Setup) -> Fields:
        """Return ``u`` over the mesh."""
        return {"u": np.full(setup.mesh.shape, self.config.value)}
