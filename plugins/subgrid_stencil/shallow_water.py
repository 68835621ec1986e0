"""The shallow water equations over a bed that may fall dry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Integrator,
    LazyFields,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
)
from subgrid.kernels.shallow_water import LIMITERS, rates
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid_stencil.cell_map import cell_map
from subgrid_stencil.config_shallow_water import Bed, Ends, ShallowWaterConfig
from subgrid_stencil.initial import squared_distance

__all__ = ["ShallowWater"]


class ShallowWater:
    """Depth ``h`` and discharge ``hu``[, ``hv``] in one or two dimensions, by finite volumes.

    HLL fluxes with hydrostatic reconstruction, second order with limited slopes: mass is kept to round-off, depth stays
    non-negative within `stable_dt` under strong-stability-preserving integrators (``ssp_rk3``, ``euler``), and a lake
    at rest stays at rest around dry ground. NumPy only. ``setup`` raises ScenarioError for other backends, three axes,
    conditions and beds that do not fit the mesh.
    """

    def __init__(self, config: ShallowWaterConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ShallowWater(gravity={self.config.gravity:g}, limiter={self.config.limiter!r})"

    def setup(self, setup: Setup) -> StateSpec:
        mesh, backend = setup.mesh, setup.backend
        if backend.name != "numpy":
            raise ScenarioError("backend.name: 'shallow_water' computes with 'numpy' only")
        if mesh.ndim > 2 or min(mesh.shape) < 4:
            raise ScenarioError(f"mesh.shape: needs one or two axes of 4 cells or more, got {mesh.shape}")
        self.mesh, self.backend = mesh, backend
        self.real = backend.dtype("real")
        self.ends = tuple(self._ends(name) for name in mesh.axes)
        self.bed = bed_height(setup, self.config.bed).astype(self.real)
        self._padded_bed = self._pad(self.bed, None)
        self.names = ("hu", "hv")[: mesh.ndim]
        self.linear: Fields = {}
        self.fused: Mapping[str, Any] = {}
        self.slots: Mapping[str, Slot] = {}
        dims = mesh.axes
        self.quantities: Mapping[str, Quantity] = {
            "depth": Quantity(dims, "m", description="depth of water h"),
            "surface": Quantity(dims, "m", description="height of the surface, of the bed where it is dry"),
            "bed": Quantity(dims, "m", description="height of the bed"),
            "discharge": Quantity(("component", *dims), "m2/s", description="h u, ordered (x, y)"),
            "velocity": Quantity(("component", *dims), "m/s", description="u, ordered (x, y); zero where it is dry"),
            "energy": Quantity(dims, "m3/s2", description="h |u|^2 / 2 + g h (h / 2 + bed)"),
        }
        spec = {"h": ArraySpec(mesh.shape, "real", "cell", "m")}
        return StateSpec(fields=spec | {name: ArraySpec(mesh.shape, "real", "cell", "m2/s") for name in self.names})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Depth from ``depth`` or ``surface`` [m], discharge from ``discharge`` [m2/s] or at rest.

        Raises ScenarioError for negative depths.
        """
        if "depth" in physical:
            depth = np.asarray(physical["depth"], dtype=self.real).copy()
        elif "surface" in physical:
            depth = np.maximum(np.asarray(physical["surface"], dtype=self.real) - self.bed, 0)
        else:
            raise ScenarioError(
                "initial: solver 'shallow_water' starts from depth or surface, "
                f"not from {', '.join(sorted(physical)) or 'nothing'}"
            )
        if depth.min() < 0.0:
            raise ScenarioError(f"initial: depth is negative, {depth.min():g} m at its lowest; give 0 for dry ground")
        discharge = np.asarray(physical.get("discharge", np.zeros((len(self.names), *self.mesh.shape))))
        fields = {name: discharge[i].astype(self.real) for i, name in enumerate(self.names)}
        return {"h": depth, **fields}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there are no slots."""
        return LazyFields(lambda name: fields[name], ())

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Rates of change of depth [m/s] and discharge [m2/s2]."""
        result = {name: np.empty(self.mesh.shape, dtype=self.real) for name in fields} if out is None else out
        velocity = self._velocity(fields)
        padded = [self._pad(np.maximum(fields["h"], 0), None)]
        padded += [self._pad(values, self.mesh.ndim - 1 - i) for i, values in enumerate(velocity)]
        shape = (1,) * (3 - self.mesh.ndim) + self.mesh.shape
        outputs = [result[name].reshape(shape) for name in ("h", *self.names)]
        if self.mesh.ndim == 1:
            # a row of nothing across: its rate is zero and is thrown away
            padded.append(np.zeros_like(padded[0]))
            outputs.append(np.empty(shape, dtype=self.real))
        spacing = self.mesh.spacing
        inverse = (self.real(1.0 / spacing[-1]), self.real(1.0 / spacing[0] if self.mesh.ndim == 2 else 0.0))
        arguments = (
            *(values.reshape(-1) for values in padded),
            self._padded_bed.reshape(-1),
            self.real(self.config.gravity),
            inverse,
            LIMITERS[self.config.limiter],
            self.real(0.5),
            *outputs,
        )
        in_bands(rates, shape, self.backend.threads, *arguments)
        return result

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        if name == "depth":
            return fields["h"]
        if name == "surface":
            return fields["h"] + self.bed
        if name == "bed":
            return self.bed
        if name == "discharge":
            return np.stack([fields[each] for each in self.names])
        if name == "velocity":
            return np.stack(self._velocity(fields))
        if name == "energy":
            h, speed = fields["h"], sum(u * u for u in self._velocity(fields))
            return 0.5 * h * speed + self.real(self.config.gravity) * h * (0.5 * h + self.bed)
        raise KeyError(f"shallow_water has no quantity {name!r}; choose from {', '.join(self.quantities)}")

    def obstacles(self, fields: Fields, t: float) -> Mapping[str, Array]:
        """Dry ground, where no water moves."""
        return {"dry": fields["h"] <= self.config.dry_depth}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """1 / (2 sum_axis max(|u| + sqrt(g h)) / dx): no cell can lose more water than it holds."""
        celerity = np.sqrt(self.config.gravity * np.maximum(fields["h"], 0))
        speeds = [
            float(np.max(np.abs(u) + celerity)) / step
            for u, step in zip(self._velocity(fields), reversed(self.mesh.spacing), strict=True)
        ]
        return 0.5 / sum(speeds) if sum(speeds) else math.inf

    def _velocity(self, fields: Fields) -> list[Array]:
        h = fields["h"]
        wet = h > self.config.dry_depth
        return [np.divide(fields[name], h, out=np.zeros_like(h), where=wet) for name in self.names]

    def _ends(self, name: str) -> Ends | None:
        stated = getattr(self.config.boundaries, name)
        if self.mesh.boundaries[self.mesh.axes.index(name)] == "periodic":
            if stated is not None:
                raise ScenarioError(
                    f"solver.boundaries.{name}: axis {name} is periodic, no condition can hold there; "
                    f"set mesh.boundaries.{name} = 'wall'"
                )
            return None
        return stated or Ends()

    def _pad(self, values: Array, across: int | None) -> Array:
        """Two more cells on each side; a component ``across`` an axis changes sign behind its walls."""
        for axis, ends in enumerate(self.ends):
            if ends is None:
                values = np.concatenate([_range(values, axis, -2, None), values, _range(values, axis, 0, 2)], axis)
                continue
            low = np.flip(_range(values, axis, 0, 2), axis)
            high = np.flip(_range(values, axis, -2, None), axis)
            if ends.low == "outflow":
                low = np.repeat(_range(values, axis, 0, 1), 2, axis)
            elif axis == across:
                low = -low
            if ends.high == "outflow":
                high = np.repeat(_range(values, axis, -1, None), 2, axis)
            elif axis == across:
                high = -high
            values = np.concatenate([low, values, high], axis)
        return np.ascontiguousarray(values)


def bed_height(setup: Setup, bed: Bed) -> Array:
    """Height of the bed [m] over the mesh. Raises ScenarioError for places and files that do not fit it."""
    mesh = setup.mesh
    height = np.zeros(mesh.shape)
    for number, hill in enumerate(bed.hills):
        distance = squared_distance(mesh, hill.center, f"solver.bed.hills.{number}.center")
        height += hill.height * np.exp(-0.5 * distance / hill.width**2)
    if bed.bowl is not None:
        distance = squared_distance(mesh, bed.bowl.center, "solver.bed.bowl.center")
        height += bed.bowl.depth * (distance / bed.bowl.radius**2 - 1.0)
    if bed.map is not None:
        height += cell_map(setup, bed.map, "solver.bed.map")
    return height


def _range(values: Array, axis: int, first: int, last: int | None) -> Array:
    index: list[Any] = [slice(None)] * values.ndim
    index[axis] = slice(first, last)
    return values[tuple(index)]
