"""`sweep`: run what is not done yet of a sweep, keep its index, and write its table and figure."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from subgrid.errors import RunFolderError
from subgrid.interruption import raised
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.sweep import options
from subgrid.sweep.cluster import DaskCluster
from subgrid.sweep.index import Entry, Index, stored
from subgrid.sweep.member import ENDED, Ending, Job, ended
from subgrid.sweep.members import Member, Plan, plan, with_folders
from subgrid.sweep.options import SweepFile
from subgrid.sweep.pool import Executor, LocalPool
from subgrid.sweep.table import SweepTable, tabulate

SWEEP_FILES = ("sweep.json", "sweep.lock", "members")


class Report(Protocol):
    """Told how a sweep goes on."""

    def line(self, text: str) -> None:
        """Something worth a line."""

    def progress(self, counts: Mapping[str, int], seconds_left: float | None) -> None:
        """How many members are in which state, and the time until all are done where that can be told."""


class Silent:
    """A report that nobody reads."""

    def line(self, text: str) -> None:
        return

    def progress(self, counts: Mapping[str, int], seconds_left: float | None) -> None:
        return


@dataclass(frozen=True)
class Sweep:
    """A sweep at its end. ``folder`` holds sweep.json, table.txt, .csv and .json, members/ and figure.png."""

    folder: Path
    entries: tuple[Entry, ...]
    table: SweepTable
    figure: Path | None

    def with_status(self, *statuses: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.ending.status in statuses]


def sweep(
    path: Path,
    out: Path,
    registry: Registry,
    *,
    jobs: int = 0,
    cluster: str = "",
    retry: bool = False,
    member_time: float | None = None,
    overrides: Sequence[str] = (),
    report: Report | None = None,
) -> Sweep:
    """Run the members of a sweep file that are not finished yet, below ``out``.

    ``jobs`` members go side by side, as many as there are cores when it is 0; with ``cluster`` (an address, or
    ``local``) Dask says where. Members that failed in an earlier call are run again only when told to (``retry``),
    those that were killed or stopped always, from their checkpoints. A member that takes longer than ``member_time``
    [s] fails. What goes wrong in one member is written into the index and stops no other.

    Raises ScenarioError or PluginError for what is wrong in the file, and RunFolderError when ``out`` holds something
    else, is in use, or was made with other versions.
    """
    report = report or Silent()
    file = options.load(path, overrides)
    planned = plan(file, registry)
    _prepare(out)
    with _locked(out):
        members, left = with_folders(planned.members, out / "members")
        _refuse_other_versions(out, members, planned)
        known = stored(out)
        index = Index(out, file, planned, members)
        todo = _take_over(index, known, retry)
        _announce(index, todo, left, report)
        index.write()
        log = out / "workers.log"
        count = min(jobs or len(os.sched_getaffinity(0)), max(1, len(todo)))
        executor: Executor = (
            DaskCluster(cluster, count, member_time, log) if cluster else LocalPool(count, member_time, log)
        )
        try:
            if todo:
                with raised(), executor:
                    _execute(executor, _jobs(todo, file, planned, member_time), index, report, count)
        finally:
            _look_after(index)
            index.write()
        table = _with_table(out, index, file, planned, report)
        return Sweep(out, tuple(index.entries), table, _with_figure(out, table, file, report))


def _prepare(out: Path) -> None:
    if (out / "scenario.toml").is_file():
        raise RunFolderError(f"{out}: holds a run; choose another --out for the sweep")
    if out.is_dir() and any(out.iterdir()) and not any((out / name).exists() for name in SWEEP_FILES):
        raise RunFolderError(f"{out}: is not empty and holds no sweep; choose another --out")
    try:
        (out / "members").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{error.filename or out}: cannot be made ({error.strerror})") from error


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    with (out / "sweep.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunFolderError(f"{out}: another process runs this sweep") from error
        yield


def _refuse_other_versions(out: Path, members: Sequence[Member], planned: Plan) -> None:
    """Raise RunFolderError when a member there was made with another version of subgrid or of a plugin."""
    for member in members:
        if not (member.folder / "provenance.json").is_file():
            continue
        provenance = RunFolder(member.folder).provenance()
        plugins = provenance.get("plugins")
        there = {**(plugins if isinstance(plugins, dict) else {}), "subgrid": provenance.get("subgrid")}
        for name, version in planned.versions.items():
            if there.get(name) != version:
                made_with = f"{name} {there.get(name) or 'missing'}"
                raise RunFolderError(
                    f"{out}: {member.folder.name} was made with {made_with}, this is {version}; "
                    "one sweep has one version: choose another --out"
                )


def _take_over(index: Index, known: Mapping[str, Ending], retry: bool) -> list[Member]:
    """Note how members ended in earlier calls, and return those that are to be run."""
    todo = []
    for entry in index.entries:
        there = ended(entry.member.folder)
        before = known.get(entry.member.key)
        if there is not None and there.status == "finished":
            entry.ending = there
        elif before is not None and before.status in ENDED and before.status != "finished" and not retry:
            entry.ending = before
        else:
            todo.append(entry.member)
    return todo


def _announce(index: Index, todo: Sequence[Member], left: Sequence[Path], report: Report) -> None:
    counts = index.counts()
    done, broken = counts.get("finished", 0), counts.get("failed", 0) + counts.get("blown up", 0)
    parts = [f"{len(index.entries)} members"]
    if done:
        parts.append(f"{done} finished before")
    if broken:
        parts.append(f"{broken} broken before (--retry runs them again)")
    report.line(f"{', '.join(parts)}, {len(todo)} to run")
    if left:
        names = ", ".join(path.name for path in left[:5]) + (", ..." if len(left) > 5 else "")
        report.line(f"{len(left)} folders in members/ belong to no member of the file as it is now: {names}")


def _jobs(todo: Sequence[Member], file: SweepFile, planned: Plan, member_time: float | None) -> list[Job]:
    scenarios = str(file.scenario_folder.resolve())
    return [
        Job(
            member.number, str(member.folder.resolve()), member.scenario, scenarios, dict(planned.versions), member_time
        )
        for member in todo
    ]


def _execute(executor: Executor, jobs: Sequence[Job], index: Index, report: Report, side_by_side: int) -> None:
    titles = {entry.member.number: entry.member.title for entry in index.entries}
    begun = time.monotonic()

    def started(job: Job) -> None:
        index.set(job.number, Ending("running"))

    report.progress(index.counts(), None)
    for done, (job, ending) in enumerate(executor.run(jobs, started), 1):
        index.set(job.number, ending)
        if ending.status != "finished":
            report.line(f"{titles[job.number]}: {ending.status}: {ending.message}")
        report.progress(index.counts(), (time.monotonic() - begun) / done * (len(jobs) - done))


def _look_after(index: Index) -> None:
    """After an interruption: members that were running are stopped, and continue from their checkpoints."""
    for entry in index.entries:
        if entry.ending.status == "running":
            entry.ending = ended(entry.member.folder) or Ending("stopped", "interrupted")


def _with_table(out: Path, index: Index, file: SweepFile, planned: Plan, report: Report) -> SweepTable:
    table, problems = tabulate(index.entries, file.options, planned.expectations)
    for problem in problems:
        report.line(problem)
    (out / "table.txt").write_text(table.render(), encoding="utf-8")
    (out / "table.csv").write_text(table.csv(), encoding="utf-8")
    content: dict[str, Any] = {"name": file.options.name, "description": file.options.description, **table.data()}
    (out / "table.json").write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return table


def _with_figure(out: Path, table: SweepTable, file: SweepFile, report: Report) -> Path | None:
    if find_spec("matplotlib") is None:
        report.line("no figure: it needs matplotlib, pip install 'subgrid[viz]'")
        return None
    if not (table.columns or file.options.figure.y):
        report.line("no figure: [table] names no columns to show")
        return None
    from subgrid.sweep.figure import draw

    return draw(table, file.options, out / "figure.png")
