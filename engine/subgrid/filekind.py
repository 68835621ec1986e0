"""What a file or folder that a user names is, so that every command can say which one takes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from subgrid.errors import ScenarioError
from subgrid.toml_text import read_file


@dataclass(frozen=True)
class FileKind:
    """A kind of TOML file, told by keys at its top that others do not have, and the verb that takes it."""

    name: str
    verb: str
    keys: frozenset[str]

    def __str__(self) -> str:
        return f"a {self.name}, which 'subgrid {self.verb}' takes"


SCENARIO = FileKind("scenario", "run", frozenset({"mesh", "initial", "solver", "integrator"}))
COMPARISON = FileKind("comparison", "compare", frozenset({"variants", "baseline", "reference"}))
TRAINING = FileKind("training file", "train", frozenset({"stages", "data", "closure"}))
SWEEP = FileKind("sweep", "sweep", frozenset({"grid", "linked", "random", "seeds"}))

KINDS = (SCENARIO, COMPARISON, TRAINING, SWEEP)
"""In this order: a file that has keys of several is of the first."""


def kind_of(data: Mapping[str, Any]) -> FileKind | None:
    """The kind of a TOML file's content, or None where no key tells."""
    return next((kind for kind in KINDS if kind.keys & set(data)), None)


def read_kind(path: Path, wanted: FileKind) -> dict[str, Any]:
    """Content of a TOML file that is to be of one kind.

    Raises ScenarioError when it cannot be read, or is evidently something else, naming the command that takes it.
    """
    what = _not_toml(path)
    if what:
        raise ScenarioError(f"{path}: is {what}, and no {wanted.name}")
    data = read_file(path)
    found = kind_of(data)
    if found not in (wanted, None):
        raise ScenarioError(f"{path}: is {found}, and no {wanted.name}")
    return data


def described(path: Path) -> str:
    """What stands at a path where a run folder was looked for."""
    if not os.path.exists(path):
        return "there is no such folder"
    what = _not_toml(path)
    if what:
        return f"it is {what}"
    if os.path.isdir(path):
        return "it has no scenario.toml"
    try:
        found = kind_of(read_file(path))
    except ScenarioError:
        found = None
    return f"it is {found or 'a file'}"


def _not_toml(path: Path) -> str:
    """What a folder, or a file that a command of ours wrote, is; empty for whatever may be a file of TOML."""
    # not the methods of Path, which raise for names that no file can have
    if os.path.isdir(path):
        if (path / "scenario.toml").is_file():
            return "a run folder, which 'subgrid info' shows and 'subgrid resume' continues"
        if (path / "sweep.json").is_file():
            return f"a sweep, whose runs are in {path / 'members'}"
        if (path / "table.json").is_file() and (path / "runs").is_dir():
            return f"a comparison, whose runs are in {path / 'runs'}"
        return ""
    written = {
        "sweep.json": "the index of a sweep, which 'subgrid train' takes as data",
        "trajectory.h5": f"part of a run: name its folder {path.parent}",
    }
    endings = {
        ".safetensors": "trained weights, which a closure of a scenario names",
        ".npz": "a checkpoint or another archive of arrays; 'subgrid resume' takes the run folder",
    }
    return (written.get(path.name) or endings.get(path.suffix, "")) if os.path.isfile(path) else ""
