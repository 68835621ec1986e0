"""Which of a solver's quantities is the velocity, and how its axes are laid out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Backend, Grid, Quantity, ScenarioError


class Velocity:
    """Reads a solver's velocity as an array (component, ..., *mesh): quantity ``velocity``, or ``u`` in one dimension.

    ``dims`` names the axes between component and mesh, e.g. ("layer",). Raises ScenarioError when neither is offered.
    """

    def __init__(self, label: str, mesh: Grid, quantities: Mapping[str, Quantity]) -> None:
        self.name = "velocity" if "velocity" in quantities else "u"
        if self.name not in quantities or (self.name == "u" and mesh.ndim != 1):
            offered = ", ".join(quantities)
            raise ScenarioError(f"observers ({label}): needs quantity 'velocity' (or 'u' in 1D); offered are {offered}")
        dims = quantities[self.name].dims
        self.has_components = len(dims) > mesh.ndim and self.name == "velocity"
        self.dims = dims[1 if self.has_components else 0 : len(dims) - mesh.ndim]

    def read(self, view: Mapping[str, object], backend: Backend) -> NDArray[np.float64]:
        """Velocity [m/s] as a NumPy array with the component axis first."""
        values = np.asarray(backend.to_numpy(view[self.name]), dtype=np.float64)
        return values if self.has_components else values[np.newaxis]
