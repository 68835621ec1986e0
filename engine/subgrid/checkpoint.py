"""Checkpoints: the whole state in a new file, forced to disk and renamed, so that a good one is never at risk.

A file is an uncompressed ``.npz`` without pickle: every array of the state by its path, and a JSON manifest that names
components by kind, type and label and holds all of the scenario that the trajectory follows from. Damage shows by the
checksums of the archive.
"""

from __future__ import annotations

import json
import math
import os
import struct
import threading
import tokenize
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subgrid import __version__
from subgrid.backend import Backend
from subgrid.errors import RunFolderError
from subgrid.scenario import Scenario, to_data
from subgrid.state import Clock, State
from subgrid.toml_text import write_text
from subgrid.validation import joined, shown

FORMAT_VERSION = 1

FREE_KEYS = ("name", "description", "checkpoint", "expect")
"""Tables of a scenario that may change between the parts of a run."""
FREE_ENTRIES = {"time": ("end", "max_steps"), "backend": ("threads",), "output": ("last",)}
"""Entries of the other tables that may change as well."""


def binding(scenario: Scenario) -> str:
    """What a run must keep when it is resumed, as TOML: all that its states and rows follow from."""
    kept = {key: value for key, value in to_data(scenario).items() if key not in FREE_KEYS}
    for table, names in FREE_ENTRIES.items():
        kept[table] = {key: value for key, value in kept[table].items() if key not in names}
    return write_text(kept)


def _differences(was: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*now, *was]):
            yield from _differences(was.get(key), now.get(key), joined(path, key))
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for index, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from _differences(one, other, joined(path, index))
    elif was != now:
        yield f"{path} was {_told(was)} and is {_told(now)}"


def _told(value: Any) -> str:
    return "not there" if value is None else shown(value)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds, read and checked."""

    path: Path
    clock: Clock
    counts: dict[str, int]
    components: list[str]
    scenario: str
    arrays: dict[str, Any]

    def require(self, scenario: Scenario) -> None:
        """Raise RunFolderError, naming the first change, when the run would not go on as it began."""
        change = next(_differences(tomllib.loads(self.scenario), tomllib.loads(binding(scenario))), "")
        if change:
            raise RunFolderError(
                f"{self.path}: the scenario changed since, {change}; change it back, or start a new run with --out"
            )

    def restore(self, state: State, backend: Backend) -> None:
        """Put the saved values into an allocated state. Raises RunFolderError when the two do not fit."""
        expected = {path: tuple(array.shape) for path, array in state.arrays() if not path.startswith("particles/")}
        saved = {path: array.shape for path, array in self.arrays.items() if not path.startswith("particles/")}
        if expected != saved:
            odd = sorted(set(expected.items()) ^ set(saved.items()))[0][0]
            raise RunFolderError(f"{self.path}: does not fit the scenario (first difference: {odd})")
        for name in state.fields:
            state.fields[name] = backend.asarray(self.arrays[f"fields/{name}"])
        for label, memory in state.memory.items():
            for name in memory:
                memory[name] = backend.asarray(self.arrays[f"memory/{label}/{name}"])
        for name, particles in state.particles.items():
            prefix = f"particles/{name}/"
            particles.restore(
                {path.removeprefix(prefix): a for path, a in self.arrays.items() if path.startswith(prefix)}
            )
        state.clock = Clock(self.clock.time, self.clock.step, self.clock.dt)


class CheckpointWriter:
    """Writes checkpoints of one run and keeps the newest ``keep``.

    The file is written at once (into the page cache); waiting for the disk and the rename happen in a thread, so the
    run does not stand still for a slow disk.
    """

    def __init__(self, folder: Path, keep: int, components: list[str], scenario: str = "") -> None:
        self._folder = folder
        self._keep = keep
        self._components = components
        self._scenario = scenario
        self._thread: threading.Thread | None = None
        self._failure: OSError | None = None
        self._written_step = -1
        folder.mkdir(exist_ok=True)

    def write(self, state: State, backend: Backend, counts: Mapping[str, int], sync: Callable[[], None]) -> None:
        """Save the state, once for each step. ``sync`` forces the trajectory to disk before the file is visible."""
        self.wait()
        clock = state.clock
        if clock.step == self._written_step:
            return
        manifest = {
            "format": FORMAT_VERSION,
            "subgrid": __version__,
            "time": clock.time.hex(),
            "step": clock.step,
            "dt": clock.dt.hex(),
            "counts": dict(counts),
            "components": self._components,
            "scenario": self._scenario,
        }
        arrays = {path: backend.to_numpy(array) for path, array in state.arrays()}
        target = self._folder / f"step_{clock.step:010d}.npz"
        temporary = target.with_suffix(".tmp")
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, manifest=np.asarray(json.dumps(manifest)), **arrays)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        self._written_step = clock.step
        self._thread = threading.Thread(target=self._publish, args=(temporary, target, sync))
        self._thread.start()

    def _publish(self, temporary: Path, target: Path, sync: Callable[[], None]) -> None:
        try:
            sync()
            _fsync(temporary)
            os.replace(temporary, target)
            _fsync(self._folder)
            for old in sorted(self._folder.glob("step_*.npz"))[: -self._keep]:
                old.unlink()
        except OSError as error:
            self._failure = error

    def wait(self) -> None:
        """Return when the last checkpoint is safe. Raises the OSError that prevented it."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


DAMAGE = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, NotImplementedError),
    *(RuntimeError, SyntaxError, OverflowError, RecursionError, MemoryError),
    *(zipfile.BadZipFile, struct.error, tokenize.TokenError),
)
"""What reading a damaged archive may raise: besides what is said, of passwords, methods and headers that are none."""


def _check_sizes(path: Path) -> None:
    """Raise ValueError when an archive claims more than it holds, before anything is allocated for it.

    Checkpoints are not compressed, so that no array can be larger than the file.
    """
    size = path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
                raise ValueError(f"{entry.filename!r} is compressed or larger than the file")
            with archive.open(entry) as member:
                version = np.lib.format.read_magic(member)
                header = (
                    np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = header(member)
            if dtype.hasobject or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > entry.file_size:
                raise ValueError(f"{entry.filename!r} claims more than is there")


def read(path: Path) -> Checkpoint:
    """Read one checkpoint file. Raises RunFolderError when it is damaged or of another version."""
    try:
        _check_sizes(path)
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            content = {name: archive[name] for name in archive.files}
        manifest = json.loads(str(content.pop("manifest")))
        if manifest["format"] != FORMAT_VERSION:
            raise RunFolderError(f"{path}: format {manifest['format']}, this subgrid reads {FORMAT_VERSION}")
        clock = _clock_in(manifest)
        counts = {str(name): int(count) for name, count in manifest["counts"].items()}
        components, scenario = [str(name) for name in manifest["components"]], str(manifest["scenario"])
        tomllib.loads(scenario)
        return Checkpoint(path, clock, counts, components, scenario, content)
    except DAMAGE as error:
        raise RunFolderError(f"{path}: damaged checkpoint ({_reason(error)})") from error


def damages(folder: Path) -> list[str]:
    """A line for each checkpoint of a folder that is cut off, no archive, or without a readable manifest.

    The values of arrays are not looked at: what it costs does not grow with the state. `read` checks them as well.
    """
    lines = []
    for path in sorted(folder.glob("step_*.npz")):
        try:
            _check_sizes(path)
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                _clock_in(json.loads(str(archive["manifest"])))
        except FileNotFoundError:
            continue  # the run goes on and has newer ones
        except DAMAGE as error:
            lines.append(f"{path}: damaged checkpoint ({_reason(error)})")
    return lines


def newest_clock(folder: Path) -> Clock | None:
    """Where the newest checkpoint with a readable manifest stands; arrays are not looked at."""
    for path in sorted(folder.glob("step_*.npz"), reverse=True):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                return _clock_in(json.loads(str(archive["manifest"])))
        except DAMAGE:
            continue  # the one before may be intact, and `latest` says what is wrong with this one
    return None


def _clock_in(manifest: Mapping[str, Any]) -> Clock:
    return Clock(float.fromhex(manifest["time"]), int(manifest["step"]), float.fromhex(manifest["dt"]))


def _reason(error: Exception) -> str:
    # NumPy takes any file that it does not know for a pickle, and advises to allow those
    return "not an archive of arrays" if "pickle" in str(error) else " ".join(str(error).split())[:300]


def latest(folder: Path) -> tuple[Checkpoint, list[str]]:
    """Newest readable checkpoint, and a line for each newer one that is damaged."""
    damaged: list[str] = []
    for path in sorted(folder.glob("step_*.npz"), reverse=True):
        try:
            return read(path), damaged
        except RunFolderError as error:
            damaged.append(str(error))
    raise RunFolderError("\n".join([f"{folder}: no checkpoint to resume from", *damaged]))
