"""One netCDF-4 file: frames at the root, the series of each observer in group ``series/<label>``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from subgrid_io.dataset import attributes, axes, described, open_series, row_sizes
from subgrid_io.layout import PARTICLE, dimensions, shapes_of
from subgrid_io.selection import Selection


def write_netcdf(selection: Selection, path: Path) -> Iterator[str]:
    """Write frame by frame, so that memory holds one of them."""
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts(attributes(selection.run))
        _write_frames(file, selection)
        for label in selection.run.labels():
            _write_series(file.createGroup(f"series/{label}"), selection, label)
    yield f"{len(selection)} frames of {', '.join(selection.every)}"


def _write_frames(file: Any, selection: Selection) -> None:
    shapes = shapes_of(selection)
    dims = dimensions(selection, shapes)
    counts = {
        rows: np.diff(selection.run.particle_ends(name), prepend=0)[selection.indices]
        for rows, name in row_sizes(selection, dims).items()
    }
    sizes = {"time": len(selection), **{rows: int(count.sum()) for rows, count in counts.items()}}
    for name, names in dims.items():
        sizes.update({dim: size for dim, size in zip(names, shapes[name], strict=True) if dim not in counts})
    for dim, size in sizes.items():
        file.createDimension(dim, size)
    _coordinate(file, "time", ("time",), selection.times, {})
    _coordinate(file, "step", ("time",), selection.steps, {})
    for dim, (_, values, facts) in axes(selection, dims).items():
        _coordinate(file, dim, (dim,), values, facts)
    for rows, count in counts.items():
        _coordinate(file, f"{rows}_size", ("time",), count, {"sample_dimension": rows, "coordinates": "step"})
    for name, quantity in selection.every.items():
        particle = quantity.location == PARTICLE
        _, dtype = selection.layout(name)
        along = dims[name] if particle else ("time", *dims[name])
        variable = file.createVariable(name, np.dtype(dtype).newbyteorder("="), along, fill_value=False)
        variable.setncatts(described(quantity) | ({} if particle else {"coordinates": "step"}))
        end = 0
        for number, values in enumerate(selection.frames(name)):
            if particle:
                variable[end : end + len(values)] = values
                end += len(values)
            else:
                variable[number] = values


def _write_series(group: Any, selection: Selection, label: str) -> None:
    series = open_series(selection.run.path, label)
    for dim, size in series.sizes.items():
        group.createDimension(str(dim), size)
    for name, variable in series.variables.items():
        _coordinate(group, str(name), tuple(map(str, variable.dims)), variable.values, dict(variable.attrs))


def _coordinate(group: Any, name: str, dims: tuple[str, ...], values: Any, facts: dict[str, str]) -> None:
    variable = group.createVariable(name, np.asarray(values).dtype, dims, fill_value=False)
    variable.setncatts(facts)
    variable[...] = values
