"""The run folder: what a run writes while it goes on, and how everything else reads it.

::

    scenario.toml     the resolved scenario          provenance.json   versions, hardware, seeds
    trajectory.h5     frames and series              checkpoints/      restart points
    costs.json        wall time by component         outcome.json      how the run ended
    run.log

In ``trajectory.h5`` space for rows is allocated in blocks ahead of time and a row counts only once the
``committed`` counter, written last, includes it. A process killed at any moment leaves every committed row readable.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from subgrid.checkpoint import newest_clock
from subgrid.errors import RunFolderError
from subgrid.filekind import described
from subgrid.mesh import Grid
from subgrid.protocols import Quantity

FORMAT_VERSION = 1
BLOCK_BYTES = 32 * 2**20
"""Most bytes that one growth of a data set reserves."""

METADATA_BYTES = 128 * 1024
"""Room for headers and chunk indices set aside with every growth."""

OUTCOME: Mapping[str, type] = {"status": str, "message": str, "time": float, "step": int}
"""What ``outcome.json`` must tell."""

CHUNK_CACHE_BYTES = 256 * 1024
"""HDF5's cache for each column: every row is written once, so larger chunks (frames) need not wait in memory."""


OBSTACLES = "obstacles"
"""Table of what takes cells from the medium: one row for the first frame, and one whenever it has changed."""

END = ":end"
"""Behind the name of a particle quantity: where the values of each frame end in its column."""


class Rows:
    """A growing table in an HDF5 group: time, step and named arrays for each row, with a committed-row counter.

    The number of particles changes from row to row. Their values stand in columns without a time axis, one row of
    particles behind the other, and a column ``name:end`` says where each row ends.
    """

    def __init__(self, group: h5py.Group) -> None:
        self._file = group.file
        self._ragged = {name: group[name] for name in group if name + END in group}
        self._columns = {name: data for name, data in group.items() if name not in ("committed", *self._ragged)}
        self._allocated = int(group["time"].shape[0])
        self.row_shapes = {name: tuple(data.shape[1:]) for name, data in self._columns.items()}
        self._counter = group["committed"]
        self.count = int(self._counter[()])

    @classmethod
    def create(
        cls,
        parent: h5py.Group,
        name: str,
        quantities: Mapping[str, Quantity],
        shapes: Mapping[str, tuple[int, ...]],
        dtype: str = "float64",
    ) -> Rows:
        """Create an empty table whose columns have these shapes for each row."""
        group = parent.create_group(name)
        group.create_dataset("committed", data=np.int64(0))
        _column(group, "time", (), "float64")
        _column(group, "step", (), "int64")
        for column, shape in shapes.items():
            quantity = quantities[column]
            ragged = quantity.location == "particle"
            if ragged:
                _column(group, column + END, (), "int64")
            data = _column(group, column, shape[1:] if ragged else shape, dtype)
            data.attrs["dims"] = ["time", *quantity.dims]
            data.attrs["units"] = quantity.units
            data.attrs["location"] = quantity.location
            data.attrs["description"] = quantity.description
            for dim, values in quantity.coordinates.items():
                data.attrs[f"coordinate:{dim}"] = np.asarray(values, dtype=np.float64)
        return cls(group)

    def append(self, rows: list[tuple[float, int, Mapping[str, Any]]]) -> None:
        """Write rows of (time, step, values) and commit them."""
        if not rows:
            return
        self._reserve(self.count + len(rows))
        window = slice(self.count, self.count + len(rows))
        self._columns["time"][window] = [row[0] for row in rows]
        self._columns["step"][window] = [row[1] for row in rows]
        for name, data in self._ragged.items():
            ends = self._append_particles(name, data, [np.asarray(row[2][name]) for row in rows])
            self._columns[name + END][window] = ends
        for name in (name for name in rows[0][2] if name not in self._ragged):
            values = [np.asarray(row[2][name]) for row in rows]
            # a frame comes alone, and is too large to copy
            self._columns[name][window] = values[0][np.newaxis] if len(values) == 1 else np.stack(values)
        self._file.flush()
        self.truncate(self.count + len(rows))

    def _append_particles(self, name: str, data: h5py.Dataset, values: list[NDArray[Any]]) -> NDArray[np.int64]:
        """Write the particles of new rows behind those of the committed ones; return where each row ends."""
        start = int(self._columns[name + END][self.count - 1]) if self.count else 0
        ends = start + np.cumsum([len(array) for array in values], dtype=np.int64)
        if ends[-1] > len(data):
            # in larger pieces, so that what each claim adds for metadata stays small beside them
            target = int(ends[-1]) + min(int(ends[-1]) // 4, BLOCK_BYTES // _row_bytes(data))
            claim_space(self._file, _stored_bytes(data, target) - _stored_bytes(data, len(data)))
            data.resize(target, axis=0)
        for array, end in zip(values, ends, strict=True):
            data[end - len(array) : end] = array
        return ends

    def last(self) -> dict[str, NDArray[Any]]:
        """The last row; nothing while there is none."""
        return {name: data[self.count - 1] for name, data in self._columns.items()} if self.count else {}

    def truncate(self, count: int) -> None:
        """Keep the first ``count`` rows; later ones will be written over."""
        self._counter[()] = count
        self._file.flush()
        self.count = count

    def _reserve(self, count: int) -> None:
        if count <= self._allocated:
            return
        row_bytes = sum(map(_row_bytes, self._columns.values()))
        block = max(1, min(max(8, self._allocated), BLOCK_BYTES // row_bytes))
        target = max(count, self._allocated + block)
        growth = sum(
            _stored_bytes(data, target) - _stored_bytes(data, self._allocated) for data in self._columns.values()
        )
        claim_space(self._file, growth)
        self._allocated = target
        for data in self._columns.values():
            data.resize(self._allocated, axis=0)
        self._file.flush()


def _row_bytes(data: h5py.Dataset) -> int:
    return int(data.dtype.itemsize * math.prod(data.shape[1:]))


def _stored_bytes(data: h5py.Dataset, rows: int) -> int:
    """Bytes on disk of the first ``rows`` rows, which come in whole chunks."""
    chunk = data.chunks[0]
    return int(-(-rows // chunk)) * int(chunk) * _row_bytes(data)


def claim_space(file: h5py.File, size: int) -> None:
    """Make the file system set aside ``size`` bytes and room for metadata before HDF5 writes any of them.

    A full disk then shows as an OSError here, while the file is in order; met inside HDF5 it leaves the library in a
    state in which even closing the file fails. Closing gives back what was not used.
    """
    if not hasattr(os, "posix_fallocate"):
        return
    file.flush()
    descriptor = os.open(file.filename, os.O_RDWR)
    try:
        os.posix_fallocate(descriptor, 0, os.fstat(descriptor).st_size + size + size // 16 + METADATA_BYTES)
    finally:
        os.close(descriptor)


def _column(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: str) -> h5py.Dataset:
    row_bytes = max(1, np.dtype(dtype).itemsize * math.prod(shape))
    rows = max(1, min(1024, 16384 // row_bytes))
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((rows, *shape))
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # no index change while rows are written
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    space = h5py.h5s.create_simple((0, *shape), (h5py.h5s.UNLIMITED, *shape))
    kind = h5py.h5t.py_create(np.dtype(dtype))
    return h5py.Dataset(h5py.h5d.create(group.id, name.encode(), kind, space, properties))


def _writable(path: Path, mode: str) -> h5py.File:
    # Metadata in blocks of their own: a process killed while they are written leaves the index of older rows readable.
    return h5py.File(path, mode, rdcc_nbytes=CHUNK_CACHE_BYTES, meta_block_size=METADATA_BYTES)


def rebuild(path: Path, counts: Mapping[str, int]) -> None:
    """Write the rows that a checkpoint knows into a new file, and put it in the place of the old one.

    HDF5 changes an index and the recorded length of its file one after the other. A process killed in between leaves
    a file whose committed rows can all be read, but in which nothing more can be written. Raises RunFolderError when
    rows are missing.
    """
    temporary = path.with_suffix(".tmp")
    try:
        with h5py.File(path, "r") as old, _writable(temporary, "w") as new:
            new.attrs.update(old.attrs)
            new.create_group("series")
            for name, group in _tables(old):
                if "committed" in group:
                    _copy_rows(group, new.create_group(name), counts.get(name, 0), f"{path}: {name}")
        descriptor = os.open(temporary, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except (KeyError, RuntimeError) as error:
        raise RunFolderError(f"{path}: damaged ({_reason(error)})") from error
    finally:
        temporary.unlink(missing_ok=True)


def _copy_rows(old: h5py.Group, new: h5py.Group, count: int, what: str) -> None:
    if count > int(old["committed"][()]):
        raise RunFolderError(f"{what} has {int(old['committed'][()])} rows, the checkpoint knows {count}")
    new.create_dataset("committed", data=np.int64(count))
    for name, data in old.items():
        if name == "committed":
            continue
        rows = count if name + END not in old else int(old[name + END][count - 1]) if count else 0
        copy = _column(new, name, data.shape[1:], data.dtype.str)
        copy.attrs.update(data.attrs)
        copy.resize(rows, axis=0)
        block = max(1, BLOCK_BYTES // max(1, data.dtype.itemsize * math.prod(data.shape[1:])))
        for first in range(0, rows, block):
            copy[first : min(first + block, rows)] = data[first : min(first + block, rows)]


class Trajectory:
    """Writes frames (whole fields) and series (observers' results) of one run.

    Series rows are kept in memory and written together with the next frame or checkpoint.
    """

    def __init__(self, path: Path, mode: str) -> None:
        try:
            self._file = _writable(path, mode)
        except OSError as error:
            raise RunFolderError(f"{path}: cannot open the trajectory ({_reason(error)})") from error
        self._path = path
        claim_space(self._file, 0)
        if mode == "w":
            self._file.attrs["format"] = "subgrid run"
            self._file.attrs["version"] = FORMAT_VERSION
            self._file.create_group("series")
        self._tables: dict[str, Rows] = {
            name: Rows(group) for name, group in _tables(self._file) if "committed" in group
        }
        self._pending: dict[str, list[tuple[float, int, Mapping[str, Any]]]] = {}

    def declare(
        self,
        table: str,
        quantities: Mapping[str, Quantity],
        shapes: Mapping[str, tuple[int, ...]],
        dtype: str = "float64",
    ) -> None:
        """Create table ``frames`` or ``series/<label>`` unless it exists."""
        if table not in self._tables:
            claim_space(self._file, 0)
            self._tables[table] = Rows.create(self._file, table, quantities, shapes, dtype)

    def __contains__(self, table: str) -> bool:
        return table in self._tables

    def row_shapes(self, table: str) -> Mapping[str, tuple[int, ...]]:
        """Shape of each column in a row, of those whose rows are alike."""
        return self._tables[table].row_shapes

    def last(self, table: str) -> Mapping[str, NDArray[Any]]:
        """The last committed row of a table; nothing while there is none."""
        return self._tables[table].last() if table in self._tables else {}

    def add(self, table: str, time: float, step: int, values: Mapping[str, Any]) -> None:
        """Remember a row until the next `commit`."""
        self._pending.setdefault(table, []).append((time, step, values))

    @property
    def pending_rows(self) -> int:
        return sum(len(rows) for rows in self._pending.values())

    def commit(self) -> None:
        """Write everything remembered. Raises RunFolderError when HDF5 cannot do it."""
        with _hdf5_failures(self._path):
            for table, rows in self._pending.items():
                self._tables[table].append(rows)
        self._pending.clear()

    def counts(self) -> dict[str, int]:
        """Committed rows of each table."""
        return {name: rows.count for name, rows in self._tables.items()}

    def truncate(self, counts: Mapping[str, int]) -> None:
        """Go back to the rows a checkpoint knew; tables that it did not know become empty."""
        for name, rows in self._tables.items():
            wanted = counts.get(name, 0)
            if wanted > rows.count:
                raise RunFolderError(f"{self._path}: {name} has {rows.count} rows, the checkpoint knows {wanted}")
            with _hdf5_failures(self._path):
                rows.truncate(wanted)

    def sync(self) -> None:
        """Force what is committed onto the disk."""
        descriptor = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file and give back what was claimed of the disk and not used."""
        writable = self._file.mode == "r+"
        self._file.close()
        if writable:
            # HDF5 does not know that the file was made longer, and only a newly opened one is cut at its end
            with h5py.File(self._path, "r+") as file:
                file.attrs["version"] = FORMAT_VERSION


def _tables(file: h5py.File) -> Iterable[tuple[str, h5py.Group]]:
    for name in ("frames", OBSTACLES):
        if name in file:
            yield name, file[name]
    for label, group in file["series"].items():
        yield f"series/{label}", group


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file by atomic rename."""
    write_whole(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=True) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a text file by atomic rename: a process that is killed leaves the old file or the new one."""
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


class RunFolder:
    """Reads a run folder, also while the run is still going on.

    Raises RunFolderError when the folder, or the file that is asked for, is missing, damaged or of another format
    version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if not os.path.isfile(self.path / "scenario.toml"):  # for which no name is too long
            raise RunFolderError(f"{self.path}: not a run folder ({described(self.path)})")

    def scenario(self) -> dict[str, Any]:
        """The resolved scenario as plain data."""
        try:
            return tomllib.loads((self.path / "scenario.toml").read_text())
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{self.path / 'scenario.toml'}: cannot be read ({_reason(error)})") from error

    def provenance(self) -> dict[str, Any]:
        return self._json("provenance.json")

    def costs(self) -> dict[str, Any]:
        return self._json("costs.json")

    def outcome(self) -> dict[str, Any]:
        """How the run ended: status (finished, stopped, failed, running or killed), time, step, message.

        For a run that has not ended in order, time and step are those of its newest checkpoint (NaN and -1 without).
        """
        if not (self.path / "outcome.json").is_file():
            clock = newest_clock(self.path / "checkpoints")
            status, message = ("running", "it goes on") if self._locked() else ("killed", "it did not end in order")
            step, time = (-1, math.nan) if clock is None else (clock.step, clock.time)
            return {"status": status, "message": message, "time": time, "step": step}
        outcome = self._json("outcome.json")
        for name, kind in OUTCOME.items():
            value = outcome.get(name)
            if not isinstance(value, kind) or isinstance(value, bool):
                raise RunFolderError(f"{self.path / 'outcome.json'}: {name} is missing or no {kind.__name__}")
        return outcome

    def _locked(self) -> bool:
        """Whether a process holds the lock of the folder, as one that writes to it does."""
        try:
            with (self.path / "run.lock").open() as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError, RecursionError) as error:
            raise RunFolderError(f"{path}: cannot be read ({_reason(error)})") from error
        if not isinstance(content, dict):
            raise RunFolderError(f"{path}: expected a table of values")
        return content

    @contextmanager
    def _open(self, what: str) -> Iterator[h5py.File]:
        """The trajectory. Whatever a damaged or made-up file makes HDF5 or NumPy raise becomes one line."""
        path = self.path / "trajectory.h5"
        try:
            # a run that goes on keeps its lock; rows that it has committed do not change
            file = h5py.File(path, "r", locking=False)
        except (*DAMAGE, MemoryError) as error:
            raise RunFolderError(f"{path}: cannot be read, missing or truncated ({_reason(error)})") from error
        with file:
            try:
                version = file.attrs.get("version")
                if version is None or np.ndim(version) or version != FORMAT_VERSION:
                    told = f"format version {str(version)[:40]}, this subgrid reads version {FORMAT_VERSION}"
                    raise RunFolderError(f"{path}: {told}")
                yield file
            except (*DAMAGE, MemoryError) as error:
                raise RunFolderError(f"{self.path}: {what} cannot be read ({_reason(error)})") from error

    def _read(self, table: str, columns: Iterable[str] | None = None, row: int | slice | None = None) -> dict[str, Any]:
        with self._open(table) as file:
            group = file[table]
            count = int(group["committed"][()])
            names = [name for name in group if name != "committed"] if columns is None else list(columns)
            if isinstance(row, int) and not -count <= row < count:
                raise RunFolderError(f"{self.path}: frame {row} does not exist, {count} are committed")
            if isinstance(row, int):
                window: slice | int = row % count
            else:
                window = slice(*row.indices(count)) if row is not None else slice(0, count)
            return {name: _stored(group, name, window) for name in names}

    def labels(self) -> list[str]:
        """Labels of the observers whose series are stored."""
        with self._open("series") as file:
            return sorted(file["series"])

    def series(self, label: str) -> dict[str, NDArray[Any]]:
        """``time``, ``step`` and every variable of one observer, time along the first axis."""
        if label not in self.labels():
            raise RunFolderError(f"{self.path}: no series {label!r}; choose from {', '.join(self.labels()) or 'none'}")
        return self._read(f"series/{label}")

    def series_info(self, label: str) -> dict[str, Quantity]:
        """Dims (without time), units and coordinates of each variable of one observer."""
        return self._info(f"series/{label}")

    def quantities(self) -> dict[str, Quantity]:
        """What the frames hold."""
        with self._open("frames") as file:
            if "frames" not in file:
                return {}
        return self._info("frames")

    def _info(self, table: str) -> dict[str, Quantity]:
        with self._open(table) as file:
            if table not in file:
                raise RunFolderError(f"{self.path}: has no {table}")
            return {
                name: _quantity(data)
                for name, data in file[table].items()
                if name not in ("committed", "time", "step") and not name.endswith(END)
            }

    def frame_times(self) -> NDArray[np.float64]:
        if not self.quantities():
            return np.zeros(0)
        times: NDArray[np.float64] = self._read("frames", ["time"])["time"]
        return times

    def frame(self, quantity: str, index: int) -> NDArray[Any]:
        """One frame of one quantity, over the mesh or over the particles there were; negative counts from the end."""
        if quantity not in self.quantities():
            offered = ", ".join(self.quantities()) or "none"
            raise RunFolderError(f"{self.path}: frames have no quantity {quantity!r}; choose from {offered}")
        frame: NDArray[Any] = self._read("frames", [quantity], row=index)[quantity]
        return frame

    def obstacles(self, index: int) -> dict[str, NDArray[Any]]:
        """Share of each cell, 0 to 1, that was taken from the medium in one frame, by what it is called; negative
        counts from the end. Empty for solvers in whose way nothing stands."""
        with self._open(OBSTACLES) as file:
            if OBSTACLES not in file or int(file[OBSTACLES]["committed"][()]) == 0:
                return {}
            step = self._read("frames", ["step"], row=index)["step"]
            row = int(np.searchsorted(self._read(OBSTACLES, ["step"])["step"], step, side="right")) - 1
            shares = self._read(OBSTACLES, row=max(row, 0))
            return {name: values for name, values in shares.items() if name not in ("time", "step")}

    def frames(self, quantities: Iterable[str], first: int, last: int) -> dict[str, NDArray[Any]]:
        """Frames ``first`` to ``last`` (not included) of several quantities over the mesh, time along the first axis.

        Reads these frames only, so that a long run can be worked through in parts.
        """
        return self._read("frames", quantities, row=slice(first, last))

    def frame_steps(self) -> NDArray[np.int64]:
        if not self.quantities():
            return np.zeros(0, dtype=np.int64)
        steps: NDArray[np.int64] = self._read("frames", ["step"])["step"]
        return steps

    def layout(self, quantity: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of a whole quantity of the frames: time first, or all particles of all frames behind one
        another, of which `particle_ends` tells the frames apart."""
        with self._open(quantity) as file:
            group = file["frames"]
            data, count = group[quantity], int(group["committed"][()])
            if quantity + END in group:
                count = int(group[quantity + END][count - 1]) if count else 0
            return (count, *data.shape[1:]), data.dtype

    def rows(self, quantity: str, key: Any) -> NDArray[Any]:
        """Part of a whole quantity of the frames, ``key`` indexing what `layout` describes as h5py does."""
        with self._open(quantity) as file:
            _require_backed(file["frames"][quantity])
            values: NDArray[Any] = file["frames"][quantity][key]
        return values

    def particle_ends(self, quantity: str) -> NDArray[np.int64]:
        """Where the particles of each frame end in the rows of a particle quantity."""
        ends: NDArray[np.int64] = self._read("frames", [quantity + END])[quantity + END]
        return ends

    def mesh(self) -> Grid:
        """The grid of the run."""
        described = self.provenance().get("mesh", {})
        try:
            return Grid(
                shape=tuple(described["shape"]),
                length=tuple(described["length"]),
                origin=tuple(described["origin"]),
                boundaries=tuple(described["boundaries"]),
                offset=float(described["offset"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunFolderError(f"{self.path / 'provenance.json'}: mesh cannot be read ({error})") from error


@contextmanager
def _hdf5_failures(path: Path) -> Iterator[None]:
    """HDF5 tells of damage that it meets while writing by a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        raise RunFolderError(f"{path}: cannot be written ({_reason(error)})") from error


DAMAGE = (KeyError, OSError, RuntimeError, ValueError, TypeError, AttributeError, OverflowError, IndexError)
"""What HDF5 and NumPy raise over files that are damaged, or that nobody of us wrote."""


def _stored(group: h5py.Group, name: str, window: slice | int) -> Any:
    """Rows of a column: all of the window, or the particles of one row."""
    data = group[name]
    _require_backed(data)
    if name + END not in group:
        return group[name][window]
    if isinstance(window, slice):
        raise KeyError(f"{name!r} has its own number of particles in every row; read it row by row")
    ends = group[name + END]
    return group[name][int(ends[window - 1]) if window else 0 : int(ends[window])]


def _require_backed(data: h5py.Dataset) -> None:
    """Raise ValueError when a column claims more than the file holds, before memory is asked for: columns are allocated
    before they are written, and HDF5 reads whole chunks."""
    claimed = math.prod(data.shape) * data.dtype.itemsize
    chunk = math.prod(data.chunks or (1,)) * data.dtype.itemsize
    if claimed > data.id.get_storage_size() or (claimed and chunk > os.path.getsize(data.file.filename)):
        raise ValueError(f"{data.name} claims more than the file holds")


def _reason(error: Exception) -> str:
    """What the system or HDF5 says in the end, without error numbers and the name of HDF5's function."""
    system = getattr(error, "strerror", None)
    text = " ".join(str(system or error).split())[:300]
    inner = re.search(r"\((.*)\)$", text)
    return inner[1] if inner and isinstance(error, OSError) else text


def _quantity(data: h5py.Dataset) -> Quantity:
    prefix = "coordinate:"
    return Quantity(
        dims=tuple(str(dim) for dim in data.attrs["dims"])[1:],
        units=str(data.attrs["units"]),
        location=str(data.attrs["location"]),
        description=str(data.attrs["description"]),
        coordinates={
            name.removeprefix(prefix): np.asarray(values)
            for name, values in data.attrs.items()
            if name.startswith(prefix)
        },
    )
