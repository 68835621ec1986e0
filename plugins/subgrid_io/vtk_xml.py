"""VTK's XML files: ``.vti`` for the mesh, ``.vtp`` or ``.vtu`` for particles, ``.pvd`` for their times.

Arrays follow the XML as raw bytes, so that nothing is rounded. Written without VTK.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray

from subgrid_io.selection import Selection
from subgrid_io.vtk_arrays import extent, field_tuples, left_out, on_cells, origin, particle_tuples, points, spacing

Arrays = Mapping[str, NDArray[np.generic]]
VERTEX = 1
TYPES = {"f4": "Float32", "f8": "Float64", "i4": "Int32", "i8": "Int64", "u1": "UInt8", "u8": "UInt64"}


def write_vtk(selection: Selection, folder: Path) -> Iterator[str]:
    """``fields.pvd`` with a ``.vti`` for each frame, and ``<set>.pvd`` with ``.vtp`` files."""
    yield from _write(selection, folder, "vtp")


def write_vtu(selection: Selection, folder: Path) -> Iterator[str]:
    """The same with particles as unstructured grids of vertices (``.vtu``)."""
    yield from _write(selection, folder, "vtu")


def _write(selection: Selection, folder: Path, suffix: str) -> Iterator[str]:
    folder.mkdir()
    yield from left_out(selection)
    if selection.fields:
        with _Collection(folder, "fields", "vti", selection) as names:
            for number, path in enumerate(names):
                _write_image(selection, number, path)
        yield f"fields.pvd: {len(selection)} frames of {', '.join(selection.fields)}"
    for name, table in selection.particles.items():
        with _Collection(folder, name, suffix, selection) as names:
            for number, path in enumerate(names):
                _write_points(selection, name, number, path, suffix)
        yield f"{name}.pvd: {len(selection)} frames of {', '.join(table)}"


class _Collection:
    """Paths of the files of a series; the ``.pvd`` that lists them is written when all are there."""

    def __init__(self, folder: Path, name: str, suffix: str, selection: Selection) -> None:
        (folder / name).mkdir()
        self._target = folder / f"{name}.pvd"
        self._names = [f"{name}/{number:06d}.{suffix}" for number in range(len(selection))]
        self._times = selection.times

    def __enter__(self) -> list[Path]:
        return [self._target.parent / name for name in self._names]

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        entries = "\n".join(
            f'    <DataSet timestep="{float(time)!r}" group="" part="0" file={quoteattr(name)}/>'
            for time, name in zip(self._times, self._names, strict=True)
        )
        text = f'<?xml version="1.0"?>\n<VTKFile type="Collection" version="1.0">\n  <Collection>\n{entries}\n'
        self._target.write_text(text + "  </Collection>\n</VTKFile>\n", encoding="utf-8")


def _write_image(selection: Selection, number: int, path: Path) -> None:
    mesh, index = selection.mesh, int(selection.indices[number])
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, quantity in selection.fields.items():
        for part, values in field_tuples(name, quantity, selection.frame(name, index), mesh.axes):
            arrays[part] = values.reshape(-1, values.shape[-1])
    bounds = " ".join(map(str, extent(mesh)))
    numbers = {"Origin": origin(mesh), "Spacing": spacing(mesh)}
    attributes = " ".join(f'{name}="{" ".join(map(repr, values))}"' for name, values in numbers.items())
    sections = [("CellData" if on_cells(mesh) else "PointData", arrays)]
    head = f'ImageData WholeExtent="{bounds}" {attributes}'
    _write_file(path, head, f'Piece Extent="{bounds}"', sections, float(selection.times[number]))


def _write_points(selection: Selection, name: str, number: int, path: Path, suffix: str) -> None:
    index = int(selection.indices[number])
    data: dict[str, NDArray[np.generic]] = {}
    for column, quantity in selection.particles[name].items():
        values = selection.frame(f"{name}_{column}", index)
        if column == "position":
            places = points(values)
        data.update(particle_tuples(column, quantity, values))
    count = len(places)
    cells = {"connectivity": np.arange(count), "offsets": np.arange(1, count + 1)}
    if suffix == "vtp":
        head, piece, section = "PolyData", f'Piece NumberOfPoints="{count}" NumberOfVerts="{count}"', "Verts"
        piece += ' NumberOfLines="0" NumberOfStrips="0" NumberOfPolys="0"'
    else:
        head, piece, section = "UnstructuredGrid", f'Piece NumberOfPoints="{count}" NumberOfCells="{count}"', "Cells"
        cells["types"] = np.full(count, VERTEX, dtype=np.uint8)
    sections = [
        ("PointData", data),
        ("Points", {"Points": places}),
        (section, {key: values.reshape(-1, 1) for key, values in cells.items()}),
    ]
    _write_file(path, head, piece, sections, float(selection.times[number]))


def _write_file(path: Path, head: str, piece: str, sections: Sequence[tuple[str, Arrays]], time: float) -> None:
    """One XML file: the elements, then the bytes that they point at."""
    order = "LittleEndian" if sys.byteorder == "little" else "BigEndian"
    kind = head.partition(" ")[0]
    blocks: list[NDArray[np.generic]] = []
    offset = 0
    text = [
        '<?xml version="1.0"?>',
        f'<VTKFile type="{kind}" version="1.0" byte_order="{order}" header_type="UInt64">',
        f"<{head}>",
        "<FieldData>",
        f'<DataArray type="Float64" Name="TimeValue" NumberOfTuples="1" format="ascii">{time!r}</DataArray>',
        "</FieldData>",
        f"<{piece}>",
    ]
    for section, arrays in sections:
        text.append(f"<{section}>")
        for name, values in arrays.items():
            block = np.ascontiguousarray(values)
            text.append(
                f'<DataArray type="{TYPES[block.dtype.str[1:]]}" Name={quoteattr(name)} '
                f'NumberOfComponents="{block.shape[1]}" format="appended" offset="{offset}"/>'
            )
            blocks.append(block)
            offset += 8 + block.nbytes
        text.append(f"</{section}>")
    text.append(f'</Piece></{kind}>\n<AppendedData encoding="raw">\n_')
    with path.open("wb") as file:
        file.write("\n".join(text).encode())
        for block in blocks:
            file.write(np.uint64(block.nbytes).tobytes())
            file.write(block.tobytes())
        file.write(b"\n</AppendedData>\n</VTKFile>\n")
