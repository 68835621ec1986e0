"""The index of a sweep, ``sweep.json``: members, their parameters, where they are and how they ended."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from subgrid.errors import RunFolderError
from subgrid.output import write_json
from subgrid.sweep.member import Ending
from subgrid.sweep.members import Member, Plan
from subgrid.sweep.options import SweepFile

FORMAT_VERSION = 1
LARGEST_INDEX = 256 * 2**20
"""Most bytes of an index that is read."""

WRITE_INTERVAL = 1.0
"""Seconds between two writes while members end. The run folders know what the index does not say yet."""


@dataclass
class Entry:
    """A member and its state: waiting, running, finished, stopped, blown up or failed."""

    member: Member
    ending: Ending


class Index:
    """Keeps the states of all members and writes them, whole and by atomic rename."""

    def __init__(self, folder: Path, file: SweepFile, plan: Plan, members: Sequence[Member]) -> None:
        self._path = folder / "sweep.json"
        self._about = {
            "format": FORMAT_VERSION,
            "name": file.options.name,
            "description": file.options.description,
            "file": str(file.path.resolve()),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": dict(plan.versions),
            "varied": file.options.varied,
        }
        self.entries = [Entry(member, Ending("waiting")) for member in members]
        self._by_number = {entry.member.number: entry for entry in self.entries}
        self._written = -WRITE_INTERVAL

    def set(self, number: int, ending: Ending) -> None:
        self._by_number[number].ending = ending
        if time.monotonic() - self._written >= WRITE_INTERVAL:
            self.write()

    def counts(self) -> dict[str, int]:
        """Number of members in each state."""
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry.ending.status] = counts.get(entry.ending.status, 0) + 1
        return counts

    def write(self) -> None:
        members = [self._member(entry) for entry in self.entries]
        write_json(self._path, {**self._about, "counts": self.counts(), "members": members})
        self._written = time.monotonic()

    def _member(self, entry: Entry) -> dict[str, Any]:
        member = entry.member
        part = {"part": member.part} if member.part else {}
        return {
            "folder": member.folder.relative_to(self._path.parent).as_posix(),
            "key": member.key,
            "parameters": _plain(member.parameters),
            **part,
            **entry.ending.to_data(),
        }


def _plain(value: Any) -> Any:
    """Parameters as JSON has them: dates become text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def stored(folder: Path) -> dict[str, Ending]:
    """How members ended in an earlier call, by their keys. Raises RunFolderError when the index is damaged."""
    path = folder / "sweep.json"
    if not path.is_file():
        return {}
    try:
        return {str(member["key"]): Ending.from_data(member) for member in _members(path)}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunFolderError(
            f"{path}: not the index of a sweep ({' '.join(str(error).split())}); move it away, and it is made anew"
        ) from error


def _members(path: Path) -> Iterable[Mapping[str, Any]]:
    try:
        if path.stat().st_size > LARGEST_INDEX:
            raise ValueError(f"larger than {LARGEST_INDEX // 2**20} MB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, RecursionError) as error:
        raise RunFolderError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if content["format"] != FORMAT_VERSION:
        raise RunFolderError(f"{path}: format {content['format']}, this subgrid reads {FORMAT_VERSION}")
    members: list[Mapping[str, Any]] = content["members"]
    return members
