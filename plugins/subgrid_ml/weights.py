"""Weights of learned components: arrays with a card, in one safetensors file.

The file is a length, a JSON header and raw numbers (https://huggingface.co/docs/safetensors). It is read here with
NumPy alone: a run with a learned closure needs neither torch nor the safetensors package, nothing in the file is
executed, and every size is checked against the length of the file before anything is allocated.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import RunFolderError, ScenarioError

__all__ = ["LARGEST_FILE", "Weights", "read_tensors", "write_tensors"]

LARGEST_FILE = 2**30
"""Most bytes of a weights file that is read."""
LARGEST_HEADER = 2**22
MOST_TENSORS = 10_000
MOST_DIMENSIONS = 8
CARD_VERSION = 1
CARD = "subgrid"
"""Key of the header's metadata under which the card stands."""

_TYPES = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
_NAMES = {kind: name for name, kind in _TYPES.items()}


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
    """Write arrays (float32, float64 or int64) and metadata that JSON understands, by atomic rename."""
    header: dict[str, Any] = {"__metadata__": {CARD: json.dumps(metadata, sort_keys=True)}}
    offset = 0
    for name, values in tensors.items():
        end = offset + values.nbytes
        header[name] = {"dtype": _NAMES[values.dtype], "shape": list(values.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for values in tensors.values():
                file.write(np.ascontiguousarray(values).tobytes())
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Arrays and metadata of a file that `write_tensors` wrote. Raises RunFolderError, in one line, for any other."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST_FILE:
                raise _Refused(f"it has {size} bytes, more than {LARGEST_FILE}")
            header, start = _header(file.read(8), file, size)
            layout = {name: _entry(name, entry, size - start) for name, entry in header.items()}
            _require_gapless(layout, size - start)
            content = file.read(size - start)
    except FileNotFoundError as error:
        raise RunFolderError(f"{path}: no such file") from error
    except (OSError, _Refused) as error:
        raise RunFolderError(f"{path}: is no weights file: {getattr(error, 'strerror', None) or error}") from error
    tensors = {
        name: np.frombuffer(content, kind, math.prod(shape), begin).reshape(shape).astype(kind.newbyteorder("="))
        for name, (kind, shape, begin, _) in layout.items()
        if name != "__metadata__"
    }
    return tensors, _card(header.get("__metadata__"), path)


class _Refused(ValueError):
    """Why a file is not read."""


def _header(length: bytes, file: Any, size: int) -> tuple[dict[str, Any], int]:
    """The header as plain data, and where the numbers begin."""
    if len(length) < 8:
        raise _Refused("it is shorter than its header")
    count = struct.unpack("<Q", length)[0]
    if count > min(LARGEST_HEADER, size - 8):
        raise _Refused(f"its header claims {count} bytes, the file has {size}")
    try:
        header = json.loads(file.read(count))
    except (ValueError, RecursionError) as error:
        raise _Refused("its header is not JSON") from error
    if not isinstance(header, dict) or len(header) > MOST_TENSORS:
        raise _Refused("its header is no table of arrays")
    return header, 8 + count


def _entry(name: str, entry: Any, room: int) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Type, shape and place of one array, checked against the bytes that there are."""
    if name == "__metadata__":
        return np.dtype("<i8"), (0,), 0, 0
    try:
        kind, shape, (begin, end) = _TYPES[entry["dtype"]], tuple(entry["shape"]), entry["data_offsets"]
        counts = (*shape, begin, end)
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= LARGEST_FILE for n in counts):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise _Refused(f"its entry {name[:60]!r} cannot be read") from error
    if len(shape) > MOST_DIMENSIONS or end > room or end - begin != math.prod(shape) * kind.itemsize:
        raise _Refused(f"its array {name[:60]!r} does not fit the file, which may have been cut off")
    return kind, shape, begin, end


def _require_gapless(layout: Mapping[str, tuple[Any, Any, int, int]], room: int) -> None:
    reached = 0
    for _, _, begin, end in sorted(layout.values(), key=lambda entry: entry[2:]):
        if begin != reached and begin != end:
            raise _Refused("its arrays overlap or leave gaps")
        reached = max(reached, end)
    if reached != room:
        raise _Refused(f"its arrays end at byte {reached} of {room}; it may have been cut off")


def _card(metadata: Any, path: Path) -> dict[str, Any]:
    try:
        card = json.loads(metadata[CARD])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: has no card of subgrid; it was not written by 'subgrid train'") from error
    if not isinstance(card, dict):
        raise RunFolderError(f"{path}: its card is no table")
    return card


@dataclass(frozen=True)
class Weights:
    """What a trained closure consists of.

    ``arrays`` are its parameters and its normalisation by name. ``card`` says what they are for: ``closure``,
    ``architecture``, ``slot``, ``inputs``, ``range`` (smallest and largest value of inputs in training), and for people
    ``data``, ``training`` and ``figures``.
    """

    arrays: Mapping[str, NDArray[Any]]
    card: Mapping[str, Any]
    origin: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read a file. Raises RunFolderError when it is damaged, hostile, or holds no weights of a closure."""
        arrays, card = read_tensors(path)
        if card.get("version") != CARD_VERSION:
            raise RunFolderError(f"{path}: card of version {card.get('version')!r}, this subgrid reads {CARD_VERSION}")
        for name, values in arrays.items():
            if not np.all(np.isfinite(values)):
                raise RunFolderError(f"{path}: array {name!r} is not finite")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return cls(arrays, card, {"file": str(path), "sha256": digest})

    def save(self, path: Path) -> None:
        """Write the file, and its card beside it as JSON for people (only the file is ever read)."""
        card = {"version": CARD_VERSION, **self.card}
        write_tensors(path, {name: np.asarray(values) for name, values in self.arrays.items()}, card)
        path.with_suffix(".json").write_text(json.dumps(card, indent=1, sort_keys=True) + "\n")

    def require(self, **expected: Any) -> None:
        """Raise ScenarioError, naming the first difference, unless the card has these entries."""
        for name, wanted in expected.items():
            found = self.card.get(name)
            if found != wanted:
                raise ScenarioError(
                    f"{self.origin.get('file', 'weights')}: made for {name} {_told(found)}, needed is {_told(wanted)}"
                )

    def require_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise ScenarioError, naming the first difference, unless the arrays have exactly these names and shapes."""
        place = self.origin.get("file", "weights")
        for name in sorted({*shapes, *self.arrays}):
            found = tuple(self.arrays[name].shape) if name in self.arrays else None
            if found != shapes.get(name):
                wanted = _shape(shapes.get(name))
                raise ScenarioError(f"{place}: array {name!r} has {_shape(found)}, this architecture asks for {wanted}")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "no such array" if shape is None else f"shape {shape}"


def _told(value: Any) -> str:
    return json.dumps(value)[:200] if value is not None else "nothing that it names"
