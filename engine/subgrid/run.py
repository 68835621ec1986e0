"""Runs in a folder: start, resume, and end in an orderly way whatever happens."""

from __future__ import annotations

import errno
import fcntl
import math
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from subgrid import checkpoint, loop
from subgrid.assembly import Simulation, assemble, initialise
from subgrid.closures import SlotTable
from subgrid.errors import BreakdownError, RunFolderError, ScenarioError, StoppedEarly, SubgridError
from subgrid.expect import Expectation, check
from subgrid.interruption import heard_by
from subgrid.memory import peak_memory, release_free_memory, reset_peak_memory
from subgrid.output import RunFolder, rebuild, write_json, write_whole
from subgrid.overrides import merged
from subgrid.progress import Progress, RunLog, compilation_announced
from subgrid.provenance import collect
from subgrid.recorder import FolderRecorder
from subgrid.registry import Registry
from subgrid.scenario import Scenario, parse, to_toml
from subgrid.stability import unstable_step

RUN_FILES = (
    *("provenance.json", "trajectory.h5", "costs.json", "outcome.json", "run.log", "error.log"),
    *("scenario.toml", "run.lock"),
)
"""Emptied in this order: a folder is known as that of a run by its scenario until nothing else is left."""

BEGINNING = ("run.lock", "scenario.tmp")
"""What a run that was killed before it wrote its scenario leaves behind."""

ALREADY_FINISHED = "already finished"
"""Message of a resumed run whose end had been reached before."""

COST_TABLES = ("seconds", "refused", "particles_removed", "closure_calls", "fallbacks", "linear_solves")
"""Entries of ``costs.json`` with a number for each component."""


LARGEST = ("peak_memory_mb",)
"""Numbers of ``costs.json`` of which a run in parts has the largest, not the sum."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended. ``status`` is finished or stopped; ``seconds`` is the wall time of this call."""

    status: str
    message: str
    folder: Path
    steps: int
    time: float
    seconds: float
    expectations: tuple[Expectation, ...] = ()


HANG_GRACE = 30.0
"""Seconds that a step may go on after the wall-time limit (no longer than the limit itself), unless steps are long."""


class Overdue(RuntimeError):
    """Something within a step, or in setup, did not come back."""


class Alarm:
    """Ends what does not come back by itself: raises `Overdue` inside it, some time after a deadline.

    A signal does it, which Python code meets between two of its instructions; compiled code that never returns has to
    be killed from outside. A long step is no hang: the grace is ten times the longest one, and compiling does not
    count.
    """

    def __init__(self, wall_time: float | None) -> None:
        self._wall_time = wall_time
        self._deadline = math.inf if wall_time is None else time.monotonic() + wall_time
        self._heard = time.monotonic()
        self._grace = min(HANG_GRACE, max(1.0, wall_time or 0.0))
        self._longest = 0.0

    def heard(self) -> None:
        """A step came back."""
        now = time.monotonic()
        self._longest = max(self._longest, now - self._heard)
        self._heard = now

    @contextmanager
    def set(self) -> Iterator[None]:
        """While this lasts, the alarm is set. Only the main thread of a process can do that."""
        if self._wall_time is None or threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGALRM, self._ring)
        signal.setitimer(signal.ITIMER_REAL, self._patience())
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)

    def _patience(self) -> float:
        quiet_since = max(self._deadline, self._heard)
        return max(0.05, quiet_since + max(self._grace, 10.0 * self._longest) - time.monotonic())

    def _ring(self, number: int, frame: FrameType | None) -> None:
        patience = self._patience()
        if patience > 0.05 or _compiles(frame):
            signal.setitimer(signal.ITIMER_REAL, max(patience, 1.0))
            return
        late = time.monotonic() - self._deadline
        raise Overdue(f"it did not come back within {late:.0f} s after the limit of {self._wall_time:g} s")


def _compiles(frame: FrameType | None) -> bool:
    """Whether Numba is at work below this frame."""
    while frame is not None:
        if "numba/core" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


class StopCondition:
    """Ends a run early: a signal, the wall-time limit, or a number of steps."""

    def __init__(
        self, simulation: Simulation, wall_time: float | None, stop_after: int | None, tell: bool = False
    ) -> None:
        self._tell = tell
        self._clock = simulation.state.clock
        self._deadline = math.inf if wall_time is None else time.monotonic() + wall_time
        limits = [limit for limit in (stop_after, simulation.scenario.time.max_steps) if limit is not None]
        self.last_step = min(limits, default=None)
        """The step after which the run ends in any case, if there is one."""
        self.reason = ""

    def signalled(self, name: str) -> None:
        """Note a signal. A step, or what is compiled for it, may take a while: say what is waited for."""
        self.reason = f"stopped by {name}"
        if self._tell:
            # a signal handler must not use the buffer that it may have interrupted
            os.write(2, f"{name}: ends with a checkpoint after this step; once more gives the step up\n".encode())

    def __call__(self) -> bool:
        if self.reason:
            return True
        if time.monotonic() >= self._deadline:
            self.reason = "stopped at the wall-time limit"
        elif self.last_step is not None and self._clock.step >= self.last_step:
            self.reason = f"stopped after step {self._clock.step}"
        return bool(self.reason)


def run(
    scenario: Scenario,
    folder: Path,
    registry: Registry,
    *,
    overwrite: bool = False,
    wall_time: float | None = None,
    stop_after: int | None = None,
    progress: bool = False,
) -> Outcome:
    """Run a scenario from its start into ``folder``.

    ``wall_time`` [s] and ``stop_after`` (a step number) end it early with a checkpoint; the outcome is then "stopped".
    Raises RunFolderError when the folder holds a run already (unless ``overwrite``), NonFiniteError when the solution
    breaks down, ConvergenceError when a linear solve does not converge, ScenarioError or PluginError when components do
    not fit or a fixed step is above the stability limit.
    """
    started, alarm = time.perf_counter(), Alarm(wall_time)
    with _readable_errors(folder):
        with alarm.set():
            simulation = assemble(scenario, registry)
            initialise(simulation, registry)
        if problem := unstable_step(simulation):
            raise ScenarioError(problem)
        release_free_memory()
        stop = StopCondition(simulation, wall_time, stop_after, progress)
        # from here on there is a folder, which a signal shall leave with a checkpoint
        with heard_by(stop.signalled), _prepared(folder, overwrite):
            write_whole(folder / "scenario.toml", to_toml(scenario))
            write_json(folder / "provenance.json", collect(simulation, registry))
            recorder = FolderRecorder(simulation, folder, "w")
            ledger = loop.Ledger()
            log = RunLog(folder / "run.log", progress)
            log.line(f"run {scenario.name}: {scenario.solver.type} on {simulation.mesh.shape}, {simulation.backend!r}")

            def begin() -> None:
                loop.check_finite(simulation)
                loop.record(simulation, recorder, ledger, landed=True)
                recorder.checkpoint()

            return _go(simulation, registry, folder, recorder, ledger, log, begin, stop, alarm, started)


def resume(
    folder: Path,
    registry: Registry,
    *,
    until: float | None = None,
    wall_time: float | None = None,
    stop_after: int | None = None,
    progress: bool = False,
) -> Outcome:
    """Continue a run from its newest readable checkpoint, to the same bits as if it had never stopped.

    ``until`` moves the end time, to anywhere that lies ahead. Rows written after the checkpoint are dropped and
    computed again. Raises RunFolderError when there is nothing to continue or the files do not fit, ScenarioError when
    the run is past ``until`` or its steps do not meet it.
    """
    started, alarm = time.perf_counter(), Alarm(wall_time)
    with _readable_errors(folder):
        stored = RunFolder(folder)
        origin, lost = _scenario_folder(stored)
        scenario = parse(stored.scenario(), registry, origin)
        with _locked(folder):
            found, damaged = checkpoint.latest(folder / "checkpoints")
            if until is not None and until != scenario.time.end:
                if not until > found.clock.time:
                    raise ScenarioError(f"until: {until:g} lies behind the run, which is at t = {found.clock.time:.9g}")
                scenario = parse(merged(stored.scenario(), {"time.end": until}), registry, origin)
            found.require(scenario)
            with alarm.set():
                simulation = assemble(scenario, registry)
            found.restore(simulation.state, simulation.backend)
            stop = StopCondition(simulation, wall_time, stop_after, progress)
            with heard_by(stop.signalled):
                if not _ended_in_order(folder):
                    rebuild(folder / "trajectory.h5", found.counts)
                recorder = FolderRecorder(simulation, folder, "r+")
                recorder.go_back(found.counts)
                write_whole(folder / "scenario.toml", to_toml(scenario))
                log = RunLog(folder / "run.log", progress)
                for line in (*damaged, *lost):
                    log.line(f"passed over: {line}")
                over = found.clock.time >= scenario.time.end
                if not over:
                    log.line(f"resume from step {found.clock.step}, t = {found.clock.time:.9g}")
                ledger = loop.Ledger()
                outcome = _go(simulation, registry, folder, recorder, ledger, log, lambda: None, stop, alarm, started)
            return replace(outcome, message=ALREADY_FINISHED) if over else outcome


def _scenario_folder(stored: RunFolder) -> tuple[Path, list[str]]:
    """Where relative paths in the options of a stored run start from, and what is wrong when that is not known."""
    try:
        folder = stored.provenance().get("scenario_folder")
    except RunFolderError as error:
        return Path(), [f"{error}; relative paths start from the current folder"]
    if not isinstance(folder, str):
        return Path(), ["provenance.json: no scenario_folder; relative paths start from the current folder"]
    return Path(folder), []


def _go(
    simulation: Simulation,
    registry: Registry,
    folder: Path,
    recorder: FolderRecorder,
    ledger: loop.Ledger,
    log: RunLog,
    begin: Callable[[], None],
    stop: StopCondition,
    alarm: Alarm,
    started: float,
) -> Outcome:
    """Step to the end, and leave the folder in order however that goes."""
    clock = simulation.state.clock
    earlier = _earlier_costs(folder, log)
    (folder / "outcome.json").unlink(missing_ok=True)
    reset_peak_memory()
    processor = time.process_time()
    status, message, given_up = "failed", "", False
    simulation.closures.listen(log.line)
    try:
        registry.hook.run_started(folder=folder)
        # overflow and NaN are looked for after every step and end the run; NumPy's warnings would say it less well
        with (
            compilation_announced(log),
            Progress(simulation, log) as report,
            np.errstate(all="ignore"),
        ):

            def stopped() -> bool:
                alarm.heard()
                report()
                return stop()

            with alarm.set():
                begin()
                finished = loop.advance(simulation, recorder, ledger, stopped, stop.last_step)
            recorder.checkpoint()
            if finished:
                loop.record_last(simulation, recorder, ledger)
        status, message = ("finished", "") if finished else ("stopped", stop.reason)
    except BreakdownError as error:
        recorder.settle()
        message = f"{error}; last good checkpoint: {_last_checkpoint(folder)}"
        raise type(error)(message) from error
    except KeyboardInterrupt as error:
        # a second signal, long after the first: the step is given up, as if the process had been killed in it
        given_up, status, message = True, "stopped", f"{error} gave the step up"
        raise StoppedEarly(f"{folder}: {message}; go on from the last checkpoint: subgrid resume {folder}") from error
    except BaseException as error:
        message = str(error) or type(error).__name__
        log.write("".join(traceback.format_exception(error)))
        raise
    finally:
        seconds, busy = time.perf_counter() - started, time.process_time() - processor
        ended = {"status": status, "message": message, "time": clock.time, "step": clock.step, "wall_seconds": seconds}
        with _first_failure_wins(status):
            recorder.close()
        with _first_failure_wins(status):
            try:
                if not given_up:
                    write_json(folder / "outcome.json", ended)
                    write_json(folder / "costs.json", _added(earlier, _costs(simulation, ledger, seconds, busy)))
                _record_fallbacks(folder, simulation.closures)
                log.note(
                    f"{status} at step {clock.step}, t = {clock.time:.9g} after {seconds:.2f} s {message}".rstrip()
                )
            finally:
                log.close()
        registry.hook.run_finished(folder=folder, outcome=status)
    expectations: tuple[Expectation, ...] = ()
    if status == "finished":
        expectations = tuple(check(name, expect, folder) for name, expect in simulation.scenario.expect.items())
    return Outcome(status, message, folder, clock.step, clock.time, seconds, expectations)


@contextmanager
def _first_failure_wins(status: str) -> Iterator[None]:
    """While a failed run is put in order, what fails as well (usually at the same full disk) is not reported again."""
    try:
        yield
    except Exception:
        if status != "failed":
            raise


@contextmanager
def _prepared(folder: Path, overwrite: bool) -> Iterator[None]:
    """An empty run folder that is this process's alone. One that holds a run is only emptied when told to, and only of
    run files."""
    if folder.exists() and not folder.is_dir():
        raise RunFolderError(f"{folder}: is a file, not a folder")
    if (folder / "scenario.toml").is_file():
        if not overwrite:
            status = _status(folder)
            hint = "" if status == "finished" else f", or continue it with: subgrid resume {folder}"
            raise RunFolderError(
                f"{folder}: holds a run already ({status}); choose another --out, pass --overwrite{hint}"
            )
        with _locked(folder):
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)
            for name in RUN_FILES:
                (folder / name).unlink(missing_ok=True)
    elif folder.is_dir() and any(path.name not in BEGINNING for path in folder.iterdir()):
        raise RunFolderError(f"{folder}: is not empty and holds no run; choose another --out")
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        yield


def _status(folder: Path) -> str:
    """How the run in a folder ended, as far as it can be read."""
    try:
        return str(RunFolder(folder).outcome()["status"])
    except RunFolderError:
        return "damaged"


def _ended_in_order(folder: Path) -> bool:
    """Whether the files of a run were closed, as far as its outcome can be read."""
    try:
        return (folder / "outcome.json").is_file() and RunFolder(folder).outcome()["status"] in ("finished", "stopped")
    except RunFolderError:
        return False


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of the run folder while this one writes to it."""
    with (folder / "run.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunFolderError(f"{folder}: another process is writing to this run folder") from error
        yield


@contextmanager
def _readable_errors(folder: Path) -> Iterator[None]:
    """Turn failures of the file system into one line. What was committed before stays intact."""
    try:
        yield
    except SubgridError:
        raise
    except Overdue as error:
        raise StoppedEarly(f"{folder}: {error}; 'subgrid resume' continues from its last checkpoint") from error
    except OSError as error:
        if error.errno == errno.ENOSPC or "errno = 28" in str(error):
            raise RunFolderError(f"{folder}: the disk is full; what was committed before is intact") from error
        place = error.filename or folder
        raise RunFolderError(f"{place}: {' '.join(str(error.strerror or error).split())}") from error


def _last_checkpoint(folder: Path) -> str:
    found = sorted((folder / "checkpoints").glob("step_*.npz"))
    return str(found[-1]) if found else "none"


def _costs(simulation: Simulation, ledger: loop.Ledger, seconds: float, busy: float) -> dict[str, Any]:
    """The cost ledger: wall seconds by component, processor seconds, steps, evaluations and peak memory."""
    rhs, closures = simulation.rhs, simulation.closures
    by_component = dict(ledger.seconds)
    by_component["solver"] = by_component.get("solver", 0.0) + rhs.seconds - rhs.closure_seconds
    by_component["integrator"] = by_component.get("integrator", 0.0) - rhs.seconds
    solves: dict[str, float] = {}
    if simulation.linear_solve is not None:
        solves = simulation.linear_solve.costs()
        by_component["solver"] -= solves["seconds"]
        by_component[simulation.linear_solve.label] = solves.pop("seconds")
    for label, spent in closures.seconds.items():
        by_component[label] = by_component.get(label, 0.0) + spent
    return {
        "seconds": by_component,
        "wall_seconds": seconds,
        "processor_seconds": busy,
        "steps": ledger.accepted,
        "rejected": ledger.rejected,
        "refused": ledger.refused,
        "particles_removed": ledger.particles_removed,
        "evaluations": ledger.evaluations,
        "closure_calls": closures.calls,
        "fallbacks": {label: taken.count for label, taken in closures.fallbacks.items()},
        "linear_solves": solves,
        "peak_memory_mb": peak_memory() / 2**20,
    }


def _record_fallbacks(folder: Path, closures: SlotTable) -> None:
    """Add to the provenance what the closures of this part of the run fell back to, and what they warned of."""
    if not (closures.fallbacks or closures.warnings):
        return
    try:
        provenance = RunFolder(folder).provenance()
    except RunFolderError:
        return  # damaged, which the log has told already, as it has what would stand here
    taken, warned = provenance.get("fallbacks", {}), provenance.get("warnings", {})
    for label, fallback in closures.fallbacks.items():
        first = taken.get(label, {**asdict(fallback), "count": 0})
        taken[label] = {**first, "count": first["count"] + fallback.count}
    provenance |= {"fallbacks": taken, "warnings": {**closures.warnings, **warned}}
    write_json(folder / "provenance.json", {key: value for key, value in provenance.items() if value != {}})


def _earlier_costs(folder: Path, log: RunLog) -> dict[str, Any]:
    """Costs of the parts of a run that ended in an orderly way; what a killed process spent is not known."""
    if not (folder / "costs.json").is_file():
        return {}
    try:
        costs = RunFolder(folder).costs()
        if _is_ledger(costs):
            return costs
        log.line(f"passed over: {folder / 'costs.json'}: not the costs of a run; they are counted from here")
    except RunFolderError as error:
        log.line(f"passed over: {error}; costs are counted from here")
    return {}


def _is_ledger(costs: dict[str, Any]) -> bool:
    """Whether a stored ledger has the tables and numbers of `_costs`."""
    numbers = [value for name, value in costs.items() if name not in COST_TABLES]
    for name in COST_TABLES:
        if not isinstance(costs.get(name), dict):
            return False
        numbers += costs[name].values()
    return all(isinstance(value, int | float) for value in numbers)


def _added(earlier: Mapping[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """Sum of two cost ledgers; of `LARGEST`, the larger."""
    total: dict[str, Any] = {}
    for name in {**earlier, **part}:
        one, two = earlier.get(name), part.get(name)
        if one is None or two is None:
            total[name] = two if one is None else one
        elif isinstance(two, dict):
            total[name] = _added(one, two)
        else:
            total[name] = max(one, two) if name in LARGEST else one + two
    return total
