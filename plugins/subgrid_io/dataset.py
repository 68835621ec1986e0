"""A run as an `xarray.Dataset` whose values are read when they are used.

::

    from subgrid_io.dataset import open_run, open_series

    run = open_run("runs/demo")
    run["vorticity"].sel(time=3.0, method="nearest").plot()
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from subgrid.api import Quantity, RunFolder
from subgrid_io.layout import PARTICLE, ROWS, dimensions, shapes_of
from subgrid_io.selection import Selection, select


class _Stored(BackendArray, ABC):  # type: ignore[misc]
    """A quantity in the trajectory: opened for each read, so that a run may go on and no file stays open."""

    def __init__(self, selection: Selection, name: str) -> None:
        self._selection, self._name = selection, name
        self.shape, self.dtype = selection.layout(name)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER_1VECTOR, self._read)

    @abstractmethod
    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        """The part that is asked for."""


class _StoredColumn(_Stored):
    """One that stands in the frames."""

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        # h5py takes slices that go forward and increasing lists; NumPy does the rest
        within, after = zip(*(_forward(part, n) for part, n in zip(key, self.shape, strict=True)), strict=True)
        values = self._selection.run.rows(self._name, tuple(within))
        return np.asarray(values[tuple(part for part in after if part is not None)])


class _StoredObstacle(_Stored):
    """Shares of cells taken, which the run folder keeps only where they change."""

    def _read(self, key: tuple[Any, ...]) -> NDArray[Any]:
        time, *space = key
        values = [_along_each(self._frame(int(row)), space) for row in np.atleast_1d(np.arange(self.shape[0])[time])]
        if isinstance(time, int | np.integer):
            return values[0]
        return np.stack(values) if values else np.empty((0, *_along_each(self._frame(0), space).shape), self.dtype)

    def _frame(self, row: int) -> NDArray[Any]:
        return self._selection.frame(self._name, row)


def _along_each(values: NDArray[Any], key: Sequence[Any]) -> NDArray[Any]:
    """Index each axis by itself: NumPy alone would move the axis of a list that stands beside an integer."""
    for axis, part in reversed(list(enumerate(key))):
        values = values[(slice(None),) * axis + (part,)]
    return values


def _forward(part: Any, length: int) -> tuple[Any, Any]:
    """What h5py is asked for along one axis, and how that is put into the order wanted (None: the axis is gone)."""
    if isinstance(part, slice):
        start, stop, step = part.indices(length)
        if step > 0:
            return slice(start, stop, step), slice(None)
        wanted = range(start, stop, step)
        return (slice(wanted[-1], start + 1, -step) if len(wanted) else slice(0, 0)), slice(None, None, -1)
    if isinstance(part, int | np.integer):
        return int(part), None
    wanted_rows = np.asarray(part)
    unique, order = np.unique(np.where(wanted_rows < 0, wanted_rows + length, wanted_rows), return_inverse=True)
    return unique, order


def open_run(folder: Path | str) -> xr.Dataset:
    """Frames of a run folder, lazily: dims (time, component, z, y, x), units and descriptions as attributes.

    Particles of all frames stand behind one another along ``<set>_row``; ``<set>_row_size`` says how many belong to
    each time (contiguous ragged arrays of the CF conventions), and `particles_at` picks those of one frame. Attributes
    hold the resolved scenario as TOML and the provenance as JSON. Raises RunFolderError.
    """
    run = RunFolder(folder)
    selection = select(run) if run.quantities() else None
    if selection is None:
        return xr.Dataset(attrs=attributes(run))
    dims = dimensions(selection, shapes_of(selection))
    variables: dict[str, Any] = {}
    for name, quantity in selection.every.items():
        stored = (_StoredObstacle if name in selection.obstacles else _StoredColumn)(selection, name)
        lazy = indexing.LazilyIndexedArray(stored)
        leading = () if quantity.location == PARTICLE else ("time",)
        variables[name] = xr.Variable((*leading, *dims[name]), lazy, described(quantity))
    for rows, name in row_sizes(selection, dims).items():
        sizes = np.diff(run.particle_ends(name), prepend=0)
        variables[f"{rows}_size"] = xr.Variable(("time",), sizes, {"sample_dimension": rows})
    coordinates = {"time": ("time", selection.times), "step": ("time", selection.steps), **axes(selection, dims)}
    return xr.Dataset(variables, coordinates, attributes(run))


def particles_at(dataset: xr.Dataset, name: str, frame: int) -> xr.Dataset:
    """Columns of particle set ``name`` in one frame, by their names without the set's."""
    rows = name + ROWS
    ends = np.cumsum(dataset[f"{rows}_size"].values)
    last = int(ends[frame])
    first = last - int(dataset[f"{rows}_size"].values[frame])
    columns = [column for column in dataset.data_vars if rows in dataset[column].dims]
    chosen = dataset[columns].isel({rows: slice(first, last)})
    return chosen.rename({column: str(column).removeprefix(f"{name}_") for column in columns})


def open_series(folder: Path | str, label: str) -> xr.Dataset:
    """Everything that one observer returned over time. Raises RunFolderError for a label that is not there."""
    run = RunFolder(folder)
    table, info = run.series(label), run.series_info(label)
    variables: dict[str, Any] = {}
    coordinates: dict[str, Any] = {"time": ("time", table["time"]), "step": ("time", table["step"])}
    for name, quantity in info.items():
        variables[name] = xr.Variable(("time", *quantity.dims), table[name], described(quantity))
        coordinates.update(_coordinates(quantity, table[name].shape[1:]))
    return xr.Dataset(variables, coordinates, {"observer": label, **attributes(run)})


def attributes(run: RunFolder) -> dict[str, str]:
    """What a file should say about where it comes from."""
    scenario = run.scenario()
    return {
        "Conventions": "CF-1.8",
        "title": str(scenario.get("name", "")),
        "comment": str(scenario.get("description", "")),
        "source": f"subgrid {run.provenance().get('subgrid', '')}",
        "subgrid_scenario": (run.path / "scenario.toml").read_text(encoding="utf-8"),
        "subgrid_provenance": json.dumps(run.provenance(), sort_keys=True),
    }


def described(quantity: Quantity) -> dict[str, str]:
    """Attributes of a variable."""
    facts = {"units": quantity.units or "1", "long_name": quantity.description, "location": quantity.location}
    return {name: text for name, text in facts.items() if text}


Coordinate = tuple[str, NDArray[np.float64], dict[str, str]]
"""Dimension, values (n,) and attributes."""


def axes(selection: Selection, dims: dict[str, tuple[str, ...]]) -> dict[str, Coordinate]:
    """Coordinates along the mesh, exactly where values stand, and along what quantities bring coordinates for."""
    used = {dim for names in dims.values() for dim in names}
    mesh = selection.mesh
    found = {
        dim: (dim, values, {"units": mesh.units, "axis": dim.upper()})
        for dim, values in zip(mesh.axes, mesh.coordinates(), strict=True)
        if dim in used
    }
    for name, quantity in selection.every.items():
        if quantity.coordinates:
            found.update(_coordinates(quantity, selection.layout(name)[0][1:]))
    return found


def _coordinates(quantity: Quantity, shape: tuple[int, ...]) -> dict[str, Coordinate]:
    """Coordinates that a quantity brings: along the dim of their name, else along the one of their length."""
    found = {}
    for name, values in quantity.coordinates.items():
        along = [dim for dim, n in zip(quantity.dims, shape, strict=True) if n == len(values)]
        if name in quantity.dims or len(along) == 1:
            found[name] = (name if name in quantity.dims else along[0], np.asarray(values, dtype=np.float64), {})
    return found


def row_sizes(selection: Selection, dims: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """For each dimension of particle rows, a quantity that says how many there are in each frame."""
    return {dims[name][0]: name for name, quantity in selection.every.items() if quantity.location == PARTICLE}
