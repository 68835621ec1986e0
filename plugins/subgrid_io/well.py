"""The Well layout (Ohana et al., NeurIPS D&B 2024, arXiv:2412.00568): HDF5 files of trajectories and their statistics.

``data/<split>/<name>.hdf5`` holds fields as float32 [trajectory, time, x, y(, z)(, components)], x first, and
``stats.yaml`` mean, standard deviation and root mean square of every field and of its change between frames, over the
training split where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from subgrid.api import RunFolder, ScenarioError
from subgrid_io.selection import Selection

SPLITS = ("train", "valid", "test")
SWEEP = "sweep.json"
"""The index of a sweep."""

PARTS = {"": "train", "train": "train", "validation": "valid", "valid": "valid", "test": "test"}
"""Splits of The Well by the parts of a sweep."""

EVEN = 1e-6
"""How much the time between frames may vary, relative to itself: the layout has one time axis."""

CROSSED = {"inflow", "outflow", "open"}
"""Kinds of conditions, as scenarios name them, through which something enters or leaves."""

Chosen = Sequence[tuple[str, Selection]]


def members(paths: Sequence[Path], split: str) -> list[tuple[Path, str]]:
    """Run folders with the split that each belongs to.

    A path may be the folder of a sweep: its finished members stand in the part that its index gives them (``auto``).
    Raises ScenarioError for a split or a part that The Well does not know, and for a sweep without finished members.
    """
    if split not in ("auto", *SPLITS):
        raise ScenarioError(f"--split {split}: choose from auto, {', '.join(SPLITS)}")
    found = []
    for path in paths:
        runs = _of_sweep(path) if (path / SWEEP).is_file() else [(path, "train")]
        found += [(run, part if split == "auto" else split) for run, part in runs]
    return found


def _of_sweep(folder: Path) -> list[tuple[Path, str]]:
    try:
        entries = json.loads((folder / SWEEP).read_text(encoding="utf-8"))["members"]
        known = [
            (folder / entry["folder"], entry.get("part", "")) for entry in entries if entry["status"] == "finished"
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ScenarioError(f"{folder / SWEEP}: is no index of a sweep ({type(error).__name__})") from error
    if not known:
        raise ScenarioError(f"{folder}: the sweep has no finished member")
    unknown = sorted({str(part) for _, part in known} - PARTS.keys())
    if unknown:
        raise ScenarioError(f"{folder}: part {unknown[0]!r} of the sweep is none of {', '.join(filter(None, PARTS))}")
    return [(run, PARTS[part]) for run, part in known]


def write_well(chosen: Chosen, folder: Path, name: str) -> Iterator[str]:
    """Write one file for each split. Raises ScenarioError when the runs do not belong into one data set."""
    parts = _parts(chosen[0][1], [selection for _, selection in chosen])
    sides = _sides(chosen[0][1])
    for _, selection in chosen:
        _check(selection, chosen[0][1])
        for other, quantity in {**selection.others, **selection.columns}.items():
            yield f"left out: {other} ({'particles' if quantity.location == 'particle' else 'no field on the mesh'})"
        if _sides(selection) != sides:
            known = chosen[0][1].run.path
            yield f"simplified: {selection.run.path} has other boundaries than {known}, whose are written"
    statistics = _Statistics()
    for split in SPLITS:
        group = [selection for part, selection in chosen if part == split]
        if not group:
            continue
        (folder / "data" / split).mkdir(parents=True)
        first = not statistics.fields
        with h5py.File(folder / "data" / split / f"{name}.hdf5", "w") as file:
            _write_file(file, name, group, parts, statistics if first else None)
        yield f"data/{split}/{name}.hdf5: {len(group)} trajectories of {len(group[0])} frames"
    (folder / "stats.yaml").write_text(statistics.yaml(), encoding="utf-8")


def _check(selection: Selection, first: Selection) -> None:
    """Refuse runs that do not share mesh, fields and frame times with the first, or whose frames are uneven."""
    where = selection.run.path
    if not selection.fields:
        raise ScenarioError(f"{where}: has no field on the mesh, which is what The Well holds")
    if selection.mesh != first.mesh:
        raise ScenarioError(f"{where}: its mesh differs from that of {first.run.path}; one data set has one mesh")
    if set(selection.fields) != set(first.fields):
        raise ScenarioError(
            f"{where}: stores {', '.join(sorted(selection.fields))}, {first.run.path} "
            f"{', '.join(sorted(first.fields))}; choose common ones with --quantity"
        )
    if len(selection) != len(first):
        raise ScenarioError(f"{where}: {len(selection)} frames, {first.run.path} has {len(first)}; see --frames")
    gaps = np.diff(selection.times)
    if len(gaps) and np.ptp(gaps) > EVEN * abs(gaps).max():
        raise ScenarioError(
            f"{where}: frames are {gaps.min():.6g} to {gaps.max():.6g} apart, and The Well wants even times; "
            "--frames :-1 leaves out the state at the end of the run, --frames FIRST:LAST more"
        )


@dataclass(frozen=True)
class _Part:
    """A field of The Well: a scalar, vector or tensor that is one or a part of our quantities."""

    name: str
    source: str
    order: int
    index: tuple[int | slice, ...]
    axes: tuple[int, ...]
    constant: bool = False

    def of(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """One frame (x, y(, z)(, components)) out of one of ours."""
        return np.ascontiguousarray(values[self.index].transpose(self.axes), dtype=np.float32)


def _parts(selection: Selection, runs: Sequence[Selection]) -> list[_Part]:
    """Fields of the data set. Leading dims that are no vector or tensor of space become fields of their own.

    Obstacles that move in none of the runs are constant, as the layout calls what is an input and no target.
    """
    ndim = selection.mesh.ndim
    found = []
    for name, quantity in selection.fields.items():
        shape, _ = selection.layout(name)
        leading = dict(zip(quantity.dims, shape[1:], strict=True))
        inner = [dims for dims in (("row", "column"), ("component",)) if all(leading.get(dim) == ndim for dim in dims)]
        kept = inner[0] if inner else ()
        outer = [dim for dim in quantity.dims[: len(quantity.dims) - ndim] if dim not in kept]
        for numbers in product(*(range(leading[dim]) for dim in outer)):
            where = dict(zip(outer, numbers, strict=True))
            index = tuple(where.get(dim, slice(None)) for dim in quantity.dims)
            suffix = "".join(f"_{dim}{number}" for dim, number in where.items())
            order = len(kept)
            # ours are (components, z, y, x), theirs (x, y, z, components)
            axes = (*range(order + ndim - 1, order - 1, -1), *range(order))
            constant = all(name in run.obstacles and run.constant(name) for run in runs)
            found.append(_Part(name + suffix, name, order, index, axes, constant))
    return found


def _write_file(
    file: h5py.File, name: str, runs: Sequence[Selection], parts: Sequence[_Part], statistics: _Statistics | None
) -> None:
    mesh = runs[0].mesh
    file.attrs["n_trajectories"] = len(runs)
    file.attrs["n_spatial_dims"] = mesh.ndim
    file.attrs["grid_type"] = "cartesian"
    file.attrs["dataset_name"] = name
    _write_dimensions(file.create_group("dimensions"), runs)
    boundaries = file.create_group("boundary_conditions")
    _write_boundaries(boundaries, runs[0])
    for part in parts:
        if part.constant:
            _write_body(boundaries, part, runs)
    varying = _parameters(runs)
    file.attrs["simulation_parameters"] = list(varying)
    scalars = file.create_group("scalars")
    scalars.attrs["field_names"] = list(varying)
    for key, values in varying.items():
        _dataset(scalars, key, np.asarray(values, dtype=np.float32), sample=True, time=False)
        file.attrs[key] = np.asarray(values)
    for order in range(3):
        group = file.create_group(f"t{order}_fields")
        mine = [part for part in parts if part.order == order]
        group.attrs["field_names"] = [part.name for part in mine]
        for part in mine:
            _write_field(group, part, runs, statistics)


def _write_field(group: h5py.Group, part: _Part, runs: Sequence[Selection], statistics: _Statistics | None) -> None:
    mesh = runs[0].mesh
    shape = (*reversed(mesh.shape), *(mesh.ndim,) * part.order)
    times = () if part.constant else (len(runs[0]),)
    chunks = (1, *(1 for _ in times), *shape)
    data = group.create_dataset(part.name, (len(runs), *times, *shape), np.float32, chunks=chunks)
    data.attrs["sample_varying"], data.attrs["time_varying"], data.attrs["symmetric"] = True, bool(times), False
    data.attrs["dim_varying"] = np.ones(mesh.ndim, dtype=bool)
    for trajectory, selection in enumerate(runs):
        before: NDArray[np.float32] | None = None
        for number, values in enumerate(selection.frames(part.source)):
            frame = part.of(values)
            data[(trajectory, number) if times else trajectory] = frame
            if statistics is not None:
                statistics.add(part, frame, before)
            before = frame
            if part.constant:
                break


def _write_dimensions(group: h5py.Group, runs: Sequence[Selection]) -> None:
    mesh = runs[0].mesh
    group.attrs["spatial_dims"] = list(reversed(mesh.axes))
    for axis, values in zip(mesh.axes, mesh.coordinates(), strict=True):
        _dataset(group, axis, values.astype(np.float32), sample=False, time=False)
    same = all(np.array_equal(run.times, runs[0].times) for run in runs)
    times = runs[0].times if same else np.stack([run.times for run in runs])
    _dataset(group, "time", times.astype(np.float32), sample=not same, time=True)


def _sides(selection: Selection) -> dict[str, tuple[str, str]]:
    """Types of The Well at the lower and upper end of each axis.

    The mesh knows walls only; what crosses them is said by the options of the solver, wherever these hold a table of
    ``low`` and ``high`` for an axis. If any condition lets something through, the side is open.
    """
    mesh = selection.mesh
    told: dict[tuple[str, str], set[str]] = {}
    _collect(selection.run.scenario().get("solver", {}), mesh.axes, told)
    sides = {}
    for axis, kind in zip(mesh.axes, mesh.boundaries, strict=True):
        low, high = ("OPEN" if told.get((axis, side), set()) & CROSSED else "WALL" for side in ("low", "high"))
        sides[axis] = ("PERIODIC", "PERIODIC") if kind == "periodic" else (low, high)
    return sides


def _collect(options: Any, axes: Sequence[str], told: dict[tuple[str, str], set[str]]) -> None:
    """Kinds of the conditions at each end of each axis, from everywhere in a table of options."""
    if not isinstance(options, dict):
        return
    for key, value in options.items():
        if key in axes and isinstance(value, dict):
            for side in ("low", "high"):
                condition = value.get(side)
                kind = condition.get("type") if isinstance(condition, dict) else condition
                told.setdefault((key, side), set()).add(str(kind))
        _collect(value, axes, told)


def _write_boundaries(group: h5py.Group, selection: Selection) -> None:
    """An entry for each type at the ends of an axis, with a mask of the ends that are of this type."""
    mesh, sides = selection.mesh, _sides(selection)
    for axis, n in zip(mesh.axes, mesh.shape, strict=True):
        for kind in dict.fromkeys(sides[axis]):
            mask = np.zeros(n, dtype=bool)
            mask[[end for end, side in zip((0, -1), sides[axis], strict=True) if side == kind]] = True
            _boundary(group, f"{axis}_{kind.lower()}", kind, [axis], mask)


def _write_body(group: h5py.Group, part: _Part, runs: Sequence[Selection]) -> None:
    """A wall where more than half of the cell is taken, if the bodies of all runs stand in the same places."""
    shares = [part.of(next(run.frames(part.source))) for run in runs]
    if (shares[0] > 0.5).any() and all(np.array_equal(shares[0], share) for share in shares):
        axes = list(reversed(runs[0].mesh.axes))
        _boundary(group, f"{part.name}_wall", "WALL", axes, shares[0] > 0.5)


def _boundary(group: h5py.Group, name: str, kind: str, axes: Sequence[str], mask: NDArray[np.bool_]) -> None:
    boundary = group.create_group(name)
    boundary.attrs["bc_type"] = kind
    boundary.attrs["associated_dims"] = list(axes)
    boundary.attrs["associated_fields"] = np.array([], dtype=h5py.string_dtype())
    boundary.attrs["sample_varying"], boundary.attrs["time_varying"] = False, False
    boundary["mask"] = mask


def _dataset(group: h5py.Group, name: str, values: NDArray[Any], *, sample: bool, time: bool) -> None:
    data = group.create_dataset(name, data=values)
    data.attrs["sample_varying"], data.attrs["time_varying"] = sample, time


def _parameters(runs: Sequence[Selection]) -> dict[str, list[float]]:
    """Numbers among the options of the solver, which may differ between trajectories."""
    tables = [_numbers(run.run) for run in runs]
    return {key: [table[key] for table in tables] for key in tables[0] if all(key in table for table in tables)}


def _numbers(run: RunFolder) -> dict[str, float]:
    solver: Mapping[str, Any] = run.scenario().get("solver", {})
    return {key: float(value) for key, value in solver.items() if type(value) in (int, float)}


@dataclass
class _Moments:
    """Running mean and mean square over samples of shape (components)."""

    count: int = 0
    total: Any = 0.0
    squares: Any = 0.0

    def add(self, values: NDArray[np.float64]) -> None:
        self.count += values.shape[0]
        self.total = self.total + values.sum(axis=0)
        self.squares = self.squares + (values**2).sum(axis=0)

    @property
    def mean(self) -> Any:
        return self.total / max(self.count, 1)

    @property
    def rms(self) -> Any:
        return np.sqrt(self.squares / max(self.count, 1))

    @property
    def std(self) -> Any:
        return np.sqrt(np.maximum(self.squares / max(self.count, 1) - self.mean**2, 0.0))


@dataclass
class _Statistics:
    """Moments of every field and of its change from frame to frame."""

    fields: dict[str, _Moments] = field(default_factory=dict)
    changes: dict[str, _Moments] = field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def add(self, part: _Part, frame: NDArray[np.float32], before: NDArray[np.float32] | None) -> None:
        space = frame.ndim - part.order
        self.shapes[part.name] = frame.shape[space:]
        flat = frame.astype(np.float64).reshape(int(np.prod(frame.shape[:space])), -1)
        self.fields.setdefault(part.name, _Moments()).add(flat)
        change = self.changes.setdefault(part.name, _Moments())
        if before is not None:
            change.add(flat - before.astype(np.float64).reshape(flat.shape))

    def yaml(self) -> str:
        """The statistics file; written by hand, because it is six tables of numbers."""
        lines = []
        for kind in ("mean", "std", "rms"):
            for suffix, table in (("", self.fields), ("_delta", self.changes)):
                lines.append(f"{kind}{suffix}:")
                for name, moments in table.items():
                    value = np.broadcast_to(getattr(moments, kind), (int(np.prod(self.shapes[name])),))
                    lines.append(f"  {name}: {_listed(value.reshape(self.shapes[name]))}")
        return "\n".join(lines) + "\n"


def _listed(values: NDArray[np.float64]) -> str:
    if values.ndim == 0:
        return np.format_float_scientific(float(values), trim="0", min_digits=1)
    return "[" + ", ".join(_listed(part) for part in values) + "]"
