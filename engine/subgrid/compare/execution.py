"""Runs the members of a comparison side by side, and takes over those that are finished already."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from subgrid import loop
from subgrid.assembly import assemble, initialise
from subgrid.compare.plan import Member, Plan
from subgrid.errors import InadmissibleError, NonFiniteError, RunFolderError, StoppedEarly, SubgridError
from subgrid.interruption import raised
from subgrid.output import RunFolder, write_json
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import Scenario, parse

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Ending:
    """How a member ended: finished, blown up (the solution became non-finite) or failed (anything else)."""

    status: str
    message: str
    time: float
    step: int
    reused: bool = False


Report = Callable[[str], None]


def execute(plan: Plan, jobs: int, report: Report) -> dict[Path, Ending]:
    """Run every member of the plan, at most ``jobs`` at once, and return their endings by folder.

    Raises the error of a member that others start from; the failure of a variant is a result. Raises StoppedEarly
    when a signal ended a member; the finished ones are kept for the next call. SIGINT and SIGTERM end all members at
    once and raise KeyboardInterrupt.
    """
    endings: dict[Path, Ending] = {}
    for stage in plan.stages:
        waiting = []
        for member in stage:
            known = reusable(member)
            if known is None:
                waiting.append(member)
            else:
                endings[member.folder] = known
                report(f"{_title(member)}: {known.status}, taken over from an earlier comparison")
        with raised(), closing(_side_by_side(waiting, jobs)) as ended:
            for member, ending in ended:
                endings[member.folder] = ending
                report(f"{_title(member)}: {_described(ending)}")
        _require_sources(plan, stage, endings)
    return endings


def reusable(member: Member) -> Ending | None:
    """The ending of an earlier run of the same member, when nothing that it follows from has changed."""
    try:
        stored = json.loads(_note(member).read_text())
        RunFolder(member.folder).outcome()
        if stored.pop("key") != member.key or stored["status"] not in ("finished", "blown up"):
            return None
        return Ending(**{**stored, "reused": True})
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RunFolderError):
        return None


def run_member(member: Member) -> Ending:
    """Run one member in this process and leave a note of how it ended beside its folder."""
    registry = Registry.load()
    _note(member).unlink(missing_ok=True)
    member.folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        scenario = parse(member.data, registry, member.scenario_folder)
        _warm_up(scenario, registry)
        outcome = run(scenario, member.folder, registry, overwrite=True)
        ending = Ending(outcome.status, outcome.message, outcome.time, outcome.steps)
    except (NonFiniteError, InadmissibleError) as error:
        stopped = RunFolder(member.folder).outcome()
        ending = Ending("blown up", str(error), float(stopped["time"]), int(stopped["step"]))
    except SubgridError as error:
        ending = Ending("failed", str(error), float("nan"), -1)
    if ending.status in ("finished", "blown up"):
        write_json(_note(member), {"key": member.key, **asdict(ending)})
    return ending


class _Unrecorded:
    """Where a step of warming up sends what it saw."""

    def series(self, label: str, values: Mapping[str, Any]) -> None: ...

    def frame(self, view: Mapping[str, Any]) -> None: ...

    def checkpoint(self) -> None: ...


def _warm_up(scenario: Scenario, registry: Registry) -> None:
    """Start and take a step without a folder: what loading compiled code costs is no cost of whoever comes first."""
    try:
        simulation, ledger, recorder = assemble(scenario, registry), loop.Ledger(), _Unrecorded()
        initialise(simulation, registry)
        with np.errstate(all="ignore"):
            loop.record(simulation, recorder, ledger, landed=True)
            calls = iter((False, True))
            loop.advance(simulation, recorder, ledger, lambda: next(calls), last_step=1)
    except SubgridError:
        return  # the run itself will meet the same fault, and tell it


def _note(member: Member) -> Path:
    return member.folder.with_name(member.folder.name + ".json")


def _side_by_side(members: Sequence[Member], jobs: int) -> Generator[tuple[Member, Ending]]:
    if not members:
        return
    # spawn, because a process that has run a parallel Numba kernel must not fork
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    with _single_threaded(), ProcessPoolExecutor(min(jobs, len(members)), mp_context=context) as pool:
        try:
            with _sigint_blocked():
                pending: dict[Future[Ending], Member] = {pool.submit(run_member, member): member for member in members}
            for future in as_completed(pending):
                ending = future.result()
                if ending.status == "stopped":
                    raise StoppedEarly(f"{_title(pending[future])}: {ending.message}; call again to go on")
                yield pending[future], ending
        except BaseException:
            # what a worker leaves unfinished has no note, and is computed anew by the next call
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Have worker processes start deaf to SIGINT, which a terminal sends to all: this process alone answers it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Have worker processes start with one thread each: numerical libraries read these variables when imported."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _require_sources(plan: Plan, stage: Sequence[Member], endings: dict[Path, Ending]) -> None:
    variants = {member.folder for members in plan.variants.values() for member in members}
    for member in stage:
        ending = endings[member.folder]
        if member.folder in variants or ending.status == "finished":
            continue
        if ending.status == "blown up":
            raise NonFiniteError(f"{_title(member)}: {ending.message}")
        raise RunFolderError(f"{_title(member)}: {ending.message}")


def _title(member: Member) -> str:
    return f"{member.name} (seed {member.seed})"


def _described(ending: Ending) -> str:
    if ending.status == "finished":
        return f"finished after {ending.step} steps"
    if ending.status == "blown up":
        return f"blown up at t = {ending.time:.4g}"
    return f"failed: {ending.message}"
