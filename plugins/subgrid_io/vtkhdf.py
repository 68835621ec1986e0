"""Temporal VTKHDF: all frames in one file, read by VTK 9.3 and ParaView 5.12 and newer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from subgrid_io.selection import Selection
from subgrid_io.vtk_arrays import extent, field_tuples, left_out, on_cells, origin, particle_tuples, points, spacing
from subgrid_io.vtk_xml import VERTEX


def write_vtkhdf(selection: Selection, folder: Path) -> Iterator[str]:
    """``fields.vtkhdf`` (image data) and ``<set>.vtkhdf`` (unstructured grids of vertices)."""
    folder.mkdir()
    yield from left_out(selection)
    if selection.fields:
        with h5py.File(folder / "fields.vtkhdf", "w") as file:
            _write_image(file, selection)
        yield f"fields.vtkhdf: {len(selection)} frames of {', '.join(selection.fields)}"
    for name, table in selection.particles.items():
        with h5py.File(folder / f"{name}.vtkhdf", "w") as file:
            _write_particles(file, selection, name)
        yield f"{name}.vtkhdf: {len(selection)} frames of {', '.join(table)}"


def _root(file: h5py.File, kind: str) -> h5py.Group:
    root = file.create_group("VTKHDF")
    root.attrs["Version"] = np.array([2, 0], dtype=np.int64)
    # VTK compares the type as ASCII of fixed length
    root.attrs.create("Type", kind.encode("ascii"), dtype=h5py.string_dtype("ascii", len(kind)))
    return root


def _steps(root: h5py.Group, selection: Selection) -> h5py.Group:
    steps = root.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(len(selection))
    steps["Values"] = selection.times
    return steps


def _write_image(file: h5py.File, selection: Selection) -> None:
    mesh, count = selection.mesh, len(selection)
    root = _root(file, "ImageData")
    root.attrs["WholeExtent"] = np.array(extent(mesh), dtype=np.int64)
    root.attrs["Origin"] = np.array(origin(mesh))
    root.attrs["Spacing"] = np.array(spacing(mesh))
    root.attrs["Direction"] = np.eye(3).ravel()
    place = "CellData" if on_cells(mesh) else "PointData"
    data = root.create_group(place)
    offsets = _steps(root, selection).create_group(f"{place}Offsets")
    for name, quantity in selection.fields.items():
        for number, values in enumerate(selection.frames(name)):
            for part, tuples in field_tuples(name, quantity, values, mesh.axes):
                one = _without_flat_axes(tuples, extent(mesh))
                if number == 0:
                    data.create_dataset(part, (count, *one.shape), one.dtype, chunks=(1, *one.shape))
                    offsets[part] = np.arange(count, dtype=np.int64)
                data[part][number] = one


def _without_flat_axes(tuples: NDArray[np.generic], bounds: tuple[int, ...]) -> NDArray[np.generic]:
    """Values (z, y, x, numbers) without the axes along which the extent is a point, which VTK leaves out as well."""
    flat = [2 - axis for axis in range(3) if bounds[2 * axis] == bounds[2 * axis + 1]]
    return tuples.squeeze(axis=(*flat, 3) if tuples.shape[-1] == 1 else tuple(flat))


def _write_particles(file: h5py.File, selection: Selection, name: str) -> None:
    root = _root(file, "UnstructuredGrid")
    positions = f"{name}_position"
    counts = np.diff(selection.run.particle_ends(positions), prepend=0)[selection.indices].astype(np.int64)
    starts = np.cumsum(counts) - counts
    total, frames = int(counts.sum()), len(selection)
    for key in ("NumberOfPoints", "NumberOfCells", "NumberOfConnectivityIds"):
        root[key] = counts
    steps = _steps(root, selection)
    steps["NumberOfParts"] = np.ones(frames, dtype=np.int64)
    steps["PartOffsets"] = np.arange(frames, dtype=np.int64)
    steps["PointOffsets"] = starts
    steps["CellOffsets"] = starts[:, np.newaxis]
    steps["ConnectivityIdOffsets"] = starts[:, np.newaxis]
    _, dtype = selection.layout(positions)
    places = root.create_dataset("Points", (total, 3), dtype)
    connectivity = root.create_dataset("Connectivity", (total,), np.int64)
    offsets = root.create_dataset("Offsets", (total + frames,), np.int64)
    root.create_dataset("Types", (total,), np.uint8, fillvalue=VERTEX)
    for number, values in enumerate(selection.frames(positions)):
        window = slice(int(starts[number]), int(starts[number] + counts[number]))
        places[window] = points(values)
        connectivity[window] = np.arange(counts[number])
        # each frame has one offset more than cells
        offsets[window.start + number : window.stop + number + 1] = np.arange(counts[number] + 1)
    data, column_offsets = root.create_group("PointData"), steps.create_group("PointDataOffsets")
    _write_columns(data, column_offsets, selection, name, starts, total)


def _write_columns(
    data: h5py.Group, offsets: h5py.Group, selection: Selection, name: str, starts: Any, total: int
) -> None:
    for column, quantity in selection.particles[name].items():
        for number, values in enumerate(selection.frames(f"{name}_{column}")):
            for part, tuples in particle_tuples(column, quantity, values):
                one = tuples[..., 0] if tuples.shape[-1] == 1 else tuples
                if part not in data:
                    data.create_dataset(part, (total, *one.shape[1:]), one.dtype)
                    offsets[part] = starts
                data[part][int(starts[number]) : int(starts[number]) + len(one)] = one
