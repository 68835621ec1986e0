"""Domain means of any quantity that a solver offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import Array, Clock, Quantity, ScenarioError, Setup
from subgrid_observers.config import DomainMeanConfig


class DomainMean:
    """Mean over the mesh, ``<q>`` or ``<q^2>``, of each quantity asked for; other axes such as layers are kept.

    Quantities without mesh axes are stored as they are (or squared). Units are those of the quantity, squared where
    its square is averaged.
    """

    def __init__(self, config: DomainMeanConfig) -> None:
        self.config = config
        self.needs = config.quantities

    def __repr__(self) -> str:
        return f"DomainMean({', '.join(self.config.quantities)})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        """Raises ScenarioError for a quantity whose mesh axes are not its last ones."""
        self.backend = setup.backend
        mesh_axes = setup.mesh.axes
        self.axes: dict[str, tuple[int, ...]] = {}
        declared = {}
        for name in self.config.quantities:
            dims = quantities[name].dims
            over = tuple(axis for axis, dim in enumerate(dims) if dim in mesh_axes)
            if over not in ((), tuple(range(len(dims) - len(mesh_axes), len(dims)))):
                raise ScenarioError(
                    f"observers ({setup.label}): {name!r} has dims {dims}; its mesh axes must come last"
                )
            self.axes[name] = over
            kept = tuple(dim for dim in dims if dim not in mesh_axes)
            units = quantities[name].units
            squared = self.config.power == 2
            declared[name] = Quantity(
                kept,
                f"({units})^2" if squared and units else units,
                "none",
                description=f"domain mean of the {'square of ' if squared else ''}{name}",
            )
        return declared

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        """Return the mean of each quantity, shaped by its other axes."""
        return {
            name: np.mean(self.backend.to_numpy(view[name]) ** self.config.power, axis=axes)
            for name, axes in self.axes.items()
        }
