"""One member of a sweep, run in the process that calls this: started, continued from its checkpoint, or left alone."""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from subgrid import __version__, checkpoint
from subgrid.errors import BreakdownError, RunFolderError, SubgridError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import Outcome, resume, run
from subgrid.scenario import parse
from subgrid.toml_text import read_text

ENDED = ("finished", "blown up", "failed")
"""States that a member does not leave by itself: only the last two are tried again, and only when that is asked for."""


@dataclass(frozen=True)
class Job:
    """What a worker is told about a member: ``scenario`` is TOML, ``versions`` what the sweep is made with."""

    number: int
    folder: str
    scenario: str
    scenario_folder: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Ending:
    """How a member ended: finished, blown up (the numbers broke down), failed, or stopped (it can go on)."""

    status: str
    message: str = ""
    time: float = math.nan
    step: int = -1
    seconds: float = 0.0

    def to_data(self) -> dict[str, Any]:
        """As JSON has it, which knows no NaN."""
        data = asdict(self)
        return {**data, "time": None if math.isnan(self.time) else self.time}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Ending:
        time = data.get("time")
        return cls(
            str(data["status"]),
            str(data.get("message", "")),
            math.nan if time is None else float(time),
            int(data.get("step", -1)),
            float(data.get("seconds", 0.0)),
        )


@cache
def _registry() -> Registry:
    return Registry.load()


def run_member(job: Job) -> Ending:
    """Bring a member to its end, whatever state its folder is in. No exception of a member escapes."""
    folder = Path(job.folder)
    try:
        registry = _registry()
        if odd := other_versions(job.versions, registry):
            return Ending("failed", f"the worker has other versions than the sweep: {odd}")
        done = ended(folder)
        if done is not None and done.status == "finished":
            return done
        outcome = _continued(job, folder, registry)
        return Ending(outcome.status, outcome.message, outcome.time, outcome.steps, outcome.seconds)
    except BreakdownError as error:
        return _stopped_at("blown up", str(error), folder)
    except SubgridError as error:
        return _stopped_at("failed", str(error), folder)
    except Exception as error:
        _keep_traceback(folder, error)
        return _stopped_at("failed", f"internal error: {type(error).__name__}: {error}", folder)


def _continued(job: Job, folder: Path, registry: Registry) -> Outcome:
    try:
        checkpoint.latest(folder / "checkpoints")
    except RunFolderError:  # there is none, or none that can be read: the member starts (anew)
        scenario = parse(read_text(job.scenario), registry, Path(job.scenario_folder))
        return run(scenario, folder, registry, overwrite=True)
    return resume(folder, registry)


def _keep_traceback(folder: Path, error: Exception) -> None:
    try:
        (folder / "error.log").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    except OSError:
        return  # the message of the ending still says what happened


def _stopped_at(status: str, message: str, folder: Path) -> Ending:
    done = ended(folder)
    line = " ".join(message.split())
    return Ending(status, line) if done is None else Ending(status, line, done.time, done.step, done.seconds)


def ended(folder: Path) -> Ending | None:
    """What the run folder itself says about how the member ended, ``None`` when it did not end in order."""
    try:
        outcome = RunFolder(folder).outcome()
        return Ending(
            str(outcome["status"]),
            str(outcome["message"]),
            float(outcome["time"]),
            int(outcome["step"]),
            float(outcome.get("wall_seconds", 0.0)),
        )
    except (RunFolderError, TypeError, ValueError):
        return None


def other_versions(wanted: Mapping[str, str], registry: Registry) -> str:
    """Where this installation differs from the versions that a sweep is made with; empty when it does not."""
    here = {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in registry.plugins}
    here["subgrid"] = __version__
    return "; ".join(
        f"{name} is {here.get(name, 'missing')}, was {version}"
        for name, version in wanted.items()
        if here.get(name) != version
    )
