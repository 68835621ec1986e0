"""Data sets: frames of stored runs, read in parts."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import RunFolder, RunFolderError, ScenarioError, Streams
from subgrid.tasks import choose_from

__all__ = ["Batches", "DataSet", "StoredRun", "find_runs"]

Arrays = dict[str, NDArray[Any]]

CHUNK = 8
"""Frames that are read at once when a run is worked through."""
POOL = 4
"""Batches' worth of frames that are kept in memory, to draw batches from."""


def find_runs(patterns: Sequence[str], folder: Path, key: str) -> list[Path]:
    """Run folders that patterns name, and the finished runs of sweeps whose index file is named, each once.

    ``sweep.json#train`` are the runs of one part of a sweep that was split. Raises ScenarioError naming the pattern
    that finds nothing, and RunFolderError for an index that cannot be read.
    """
    found: dict[Path, None] = {}
    for index, pattern in enumerate(patterns):
        name, _, part = pattern.partition("#")
        path = folder / name
        if part and not path.is_file():
            raise RunFolderError(f"{key}.{index}: {path}: no such file; before '#' stands the index of a sweep")
        if path.is_file():
            runs = _runs_of_sweep(path, part, f"{key}.{index}")
        elif Path(pattern).is_absolute():
            runs = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        else:
            runs = sorted(folder.glob(pattern))
        runs = [run for run in runs if (run / "scenario.toml").is_file()]
        if not runs:
            raise ScenarioError(f"{key}.{index}: {pattern!r} finds no run folder")
        found |= dict.fromkeys(Path(os.path.abspath(run)) for run in runs)
    return list(found)


def _runs_of_sweep(path: Path, part: str, key: str) -> list[Path]:
    """Folders of the finished runs in the index of a sweep, of one part of it when that is named."""
    try:
        members = json.loads(path.read_text())["members"]
        parts = {str(member["part"]) for member in members if member.get("part")}
        finished = [member for member in members if member["status"] == "finished"]
        found = [path.parent / member["folder"] for member in finished if part in ("", member.get("part"))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{key}: {path} is no index of 'subgrid sweep' ({_reason(error)})") from error
    if part and part not in parts:
        hint = choose_from(part, parts) if parts else "its file has no [split]"
        raise ScenarioError(f"{key}: {path.name} has no part {part[:60]!r}; {hint}")
    if not found:
        raise ScenarioError(f"{key}: no run of {path}{f', part {part!r},' if part else ''} has finished")
    return found


def _reason(error: Exception) -> str:
    return f"there is no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:200]


@dataclass(frozen=True)
class StoredRun:
    """A run with the frames of it that are used, from ``first`` to ``last`` (not included)."""

    folder: RunFolder
    scenario: Mapping[str, Any]
    times: NDArray[np.float64]
    first: int
    last: int

    @classmethod
    def open(cls, path: Path, after: float, before: float) -> StoredRun:
        """Raises RunFolderError when the folder cannot be read, ScenarioError when no frame is left."""
        folder = RunFolder(path)
        times = folder.frame_times()
        first, last = (int(np.searchsorted(times, time)) for time in (after, np.nextafter(before, np.inf)))
        if first >= last:
            raise ScenarioError(f"{path}: has no frames between t = {after:g} and {before:g}")
        return cls(folder, folder.scenario(), times, first, last)

    @property
    def path(self) -> Path:
        return self.folder.path

    def __len__(self) -> int:
        return self.last - self.first

    def require(self, names: Iterable[str], slot: str) -> None:
        """Raise ScenarioError when the frames do not hold what a slot is about."""
        held = self.folder.quantities()
        missing = [name for name in names if name not in held]
        if missing:
            raise ScenarioError(
                f"{self.path}: frames of solver {self.option('solver.type')!r} do not hold {', '.join(missing)}, which "
                f"slot {slot!r} is about; they hold {', '.join(held)}"
            )

    def option(self, path: str) -> Any:
        """An option of the run's scenario by its path. Raises ScenarioError when there is none."""
        value: Any = self.scenario
        for key in path.split("."):
            if not isinstance(value, Mapping) or key not in value:
                raise ScenarioError(f"{self.path}: its scenario has no option {path!r}")
            value = value[key]
        return value

    def chunks(self, names: Sequence[str]) -> Iterator[Arrays]:
        """All frames that are used, a few at a time: (time, component, y, x), each quantity by its name."""
        for first in range(self.first, self.last, CHUNK):
            yield self.folder.frames(names, first, min(first + CHUNK, self.last))

    def frame(self, names: Sequence[str], index: int) -> Arrays:
        """One frame, counted from the start of the run: (component, y, x) by name."""
        return {name: values[0] for name, values in self.folder.frames(names, index, index + 1).items()}

    def digest(self) -> str:
        """SHA-256 of the trajectory."""
        digest = hashlib.sha256()
        with (self.path / "trajectory.h5").open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True)
class DataSet:
    """Frames of several runs. ``mesh_axes`` is the number of axes that a frame has at its end for the mesh."""

    runs: tuple[StoredRun, ...]
    names: tuple[str, ...]
    mesh_axes: int

    def __post_init__(self) -> None:
        if not self.runs:
            raise ScenarioError("data: there are no runs")

    def __len__(self) -> int:
        return sum(len(run) for run in self.runs)

    def draw(self, rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
        """Random frames as (run, frame): any frame of any run is as likely as another."""
        ends = np.cumsum([len(run) for run in self.runs])
        chosen = rng.integers(0, ends[-1], size=count)
        which = np.searchsorted(ends, chosen, side="right")
        starts = ends - [len(run) for run in self.runs]
        return [(int(r), int(n - starts[r]) + self.runs[r].first) for r, n in zip(which, chosen, strict=True)]

    def read(self, frames: Sequence[tuple[int, int]]) -> list[Arrays]:
        """Frames that `draw` chose, each as `StoredRun.frame` gives it."""
        return [self.runs[run].frame(self.names, index) for run, index in frames]

    def samples(self) -> Iterator[Arrays]:
        """Everything, a few frames at a time, with time as the last but ``mesh_axes`` axis: (component, time, y, x)."""
        for run in self.runs:
            for chunk in run.chunks(self.names):
                yield {name: np.moveaxis(values, 0, -1 - self.mesh_axes) for name, values in chunk.items()}


class Batches:
    """Batches of frames, or of random points of them, that depend on the seed and the number of the step alone.

    Arrays are (component, frame, point), or (component, frame, y, x) when ``points`` is 0; the last ``axes`` axes are
    those of one frame. A few batches' worth of frames is in memory at a time, and replaced every ``refresh`` steps.
    """

    def __init__(self, data: DataSet, seed: int, label: str, frames: int, points: int, refresh: int) -> None:
        self._data, self._seed, self._label = data, seed, label
        self._frames, self._points, self._refresh = frames, points, refresh
        self.axes = 1 if points else data.mesh_axes
        self._block = -1
        self._pool: list[Arrays] = []

    def __call__(self, step: int) -> Arrays:
        if step // self._refresh != self._block:
            self._block = step // self._refresh
            rng = Streams(self._seed, self._label, self._block).generator("frames")
            self._pool = self._data.read(self._data.draw(rng, POOL * self._frames))
        rng = Streams(self._seed, self._label, step).generator("batch")
        chosen = [self._pool[i] for i in rng.choice(len(self._pool), self._frames, replace=False)]
        names, axes = self._data.names, self._data.mesh_axes
        if not self._points:
            return {name: np.stack([frame[name] for frame in chosen], axis=-1 - axes) for name in names}
        size = int(np.prod(chosen[0][names[0]].shape[-axes:]))
        where = rng.integers(0, size, size=(self._frames, self._points))
        return {
            name: np.stack([_flat(frame[name], axes)[..., w] for frame, w in zip(chosen, where, strict=True)], axis=-2)
            for name in names
        }


def _flat(values: NDArray[Any], axes: int) -> NDArray[Any]:
    return values.reshape(*values.shape[: values.ndim - axes], -1)
