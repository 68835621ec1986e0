"""Benchmarks: the same work done by subgrid and by what a user would pick instead, timed side by side.

A round times everyone once, ours first, so that whatever else the machine does strikes all of them alike. A sample in
which a thread had to wait for a core that others held is taken again. Figures are formed within a round; the median
over the rounds is reported, with the smallest and the largest, and beside it the figure of everyone's fastest round.
Times are wall times, in one process, on the same cores for everyone.
"""

from __future__ import annotations

import gc
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Any, Literal, Protocol

from subgrid.errors import ScenarioError

if TYPE_CHECKING:
    from subgrid.assembly import Simulation

Work = Callable[[], object]
"""One call of the work to be timed, with everything that is done only once already done."""

Clock = Callable[[], float]

Figure = Literal["speedup", "cost", "excess"]
"""What a comparison asks: how many times faster ours is, how many times theirs ours costs, or how many seconds more."""

TRIES = 25
"""Most times that a disturbed sample is taken again; then the one that waited least counts."""

DISTURBED = 0.02
"""Share of a sample's time that its threads may wait for a core."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Rival:
    """Another way to do the work of a case: a peer, or a limit such as the transforms alone.

    ``prepare`` imports, builds and warms up, and returns the call to time, which does ``work`` units; an ImportError
    means that the peer is not installed. ``goal`` is the smallest speedup, or the largest cost or excess [s], wanted.
    """

    name: str
    prepare: Callable[[], Work]
    work: int = 1
    figure: Figure = "speedup"
    goal: float | None = None


@dataclass(frozen=True)
class Case:
    """A workload: our way to do it, and its rivals.

    A call of what ``prepare`` returns does ``work`` units, each called a ``unit``. ``goal`` is the longest time [s]
    wanted for one.
    """

    name: str
    prepare: Callable[[], Work]
    rivals: Sequence[Rival] = ()
    work: int = 1
    unit: str = "step"
    goal: float | None = None


@dataclass(frozen=True)
class Reading:
    """A number that is measured in a way of its own, once each round: memory, or the time of another process.

    ``goal`` is the largest value wanted.
    """

    name: str
    measure: Callable[[], float]
    unit: str = ""
    goal: float | None = None
    rounds: int = 5


class Workbench(Protocol):
    """What benchmarks may ask of the engine. Scenarios are given as plain data, as TOML would give them."""

    def simulation(self, data: Mapping[str, Any]) -> Simulation:
        """A simulation with its initial state, ready to step."""

    def first_step_seconds(self, data: Mapping[str, Any]) -> float:
        """Wall time [s] of ``subgrid run`` for one step, in a process of its own."""

    def memory_ratio(self, data: Mapping[str, Any], small: Mapping[str, Any]) -> float:
        """Peak growth of a process by a run, over what the run must hold; ``small`` is a run that loads the code."""


class Benchmark(Protocol):
    """A component of kind ``benchmark``: the workloads of a family. Its constructor takes its options only."""

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        """The workloads, cheap to list: whatever costs time waits for ``prepare``."""


@dataclass(frozen=True)
class Line:
    """One result: a case beside one rival (``rival`` is empty where there is none).

    ``ours`` and ``theirs`` are median seconds for one unit of work, ``values`` the figure of every round, ``fastest``
    the figure of everyone's fastest round.
    """

    case: str
    figure: str
    values: tuple[float, ...] = ()
    fastest: float | None = None
    goal: float | None = None
    unit: str = ""
    ours: float | None = None
    rival: str = ""
    theirs: float | None = None
    note: str = ""

    @property
    def value(self) -> float | None:
        """Median of the figure."""
        return median(self.values) if self.values else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without a goal or a figure."""
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.figure == "speedup" else self.value <= self.goal


SETTLING = 0.005
"""Seconds of rest before each contender, in which the threads of the one before stop looking for work."""


def limit_threads(count: int) -> None:
    """Give this process ``count`` cores, before numerical packages are imported; 0 keeps all that it has.

    Affinity binds everyone alike, also packages that know no variable for their number of threads.
    Raises ScenarioError when the process has fewer cores.
    """
    cores = sorted(os.sched_getaffinity(0))
    if count > len(cores):
        raise ScenarioError(f"--threads {count}: this process may use {len(cores)} core(s)")
    if count:
        os.sched_setaffinity(0, cores[:count])
    for name in THREAD_VARIABLES:
        os.environ[name] = str(count or len(cores))
    # workers that spin after their work is done would slow down whoever is timed next
    os.environ["OMP_WAIT_POLICY"] = "passive"


def run_case(
    case: Case | Reading, rounds: int = 40, seconds: float = 0.01, clock: Clock = perf_counter
) -> Iterator[Line]:
    """Time a case beside its rivals, in samples of ``seconds``: long enough to run warm, short enough to fit between
    what else is going on."""
    if isinstance(case, Reading):
        case.measure()  # fills caches on disk, as an earlier run would have done
        values = tuple(case.measure() for _ in range(case.rounds))
        yield Line(case.name, "value", values, min(values), case.goal, case.unit)
        return
    ready: list[tuple[Rival, Work]] = []
    for rival in case.rivals:
        try:
            ready.append((rival, rival.prepare()))
        except ImportError as error:
            yield _absent(case, rival, f"not installed ({error})")
        except Exception as error:  # a peer of a version that does not fit costs its line, not the others
            yield _absent(case, rival, f"does not run: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
    calls = [(case.prepare(), case.work), *((work, rival.work) for rival, work in ready)]
    ours, *others = interleave(calls, rounds, seconds, clock)
    if case.goal is not None or not ready:
        yield Line(case.name, "time", ours, min(ours), case.goal, case.unit, median(ours))
    for (rival, _), theirs in zip(ready, others, strict=True):
        values = tuple(_figure(rival.figure, a, b) for a, b in zip(ours, theirs, strict=True))
        fastest = _figure(rival.figure, min(ours), min(theirs))
        yield Line(
            case.name,
            rival.figure,
            values,
            fastest,
            rival.goal,
            case.unit,
            ours=median(ours),
            rival=rival.name,
            theirs=median(theirs),
        )


def interleave(
    calls: Sequence[tuple[Work, int]], rounds: int, seconds: float, clock: Clock = perf_counter
) -> list[tuple[float, ...]]:
    """Seconds for one unit of work, by contender and round; each call comes with the units it does."""
    counts = [calls_lasting(call, seconds, clock) for call, _ in calls]
    samples: list[list[float]] = [[] for _ in calls]
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for (call, work), count, sample in zip(calls, counts, samples, strict=True):
                sleep(SETTLING)
                sample.append(time_undisturbed(call, count, clock) / (count * work))
    finally:
        if collecting:
            gc.enable()
    return [tuple(sample) for sample in samples]


def calls_lasting(call: Work, seconds: float, clock: Clock) -> int:
    """Smallest power of two of calls that takes at least ``seconds``."""
    count = 1
    while time_calls(call, count, clock) < seconds:
        count *= 2
    return count


def time_calls(call: Work, count: int, clock: Clock) -> float:
    """Seconds that ``count`` calls take, after one that is not counted: it refills the caches that others used."""
    call()
    start = clock()
    for _ in repeat(None, count):
        call()
    return clock() - start


def time_undisturbed(call: Work, count: int, clock: Clock) -> float:
    """`time_calls`, repeated until no thread of this process waits for a core that another process holds."""
    least, best = float("inf"), 0.0
    for _ in range(TRIES):
        before = seconds_waited()
        elapsed = time_calls(call, count, clock)
        waited = seconds_waited() - before
        if waited < least:
            least, best = waited, elapsed
        if waited <= DISTURBED * elapsed:
            break
    return best


def seconds_waited() -> float:
    """Time [s] that the threads of this process were ready to run and had no core; zero where Linux does not tell."""
    total = 0
    for task in Path("/proc/self/task").glob("*/schedstat"):
        try:
            total += int(task.read_text().split()[1])
        except (OSError, IndexError):  # the thread ended just now, or the kernel keeps no statistics
            continue
    return total * 1e-9


def _figure(figure: Figure, ours: float, theirs: float) -> float:
    return {"speedup": theirs / ours, "cost": ours / theirs, "excess": ours - theirs}[figure]


def _absent(case: Case, rival: Rival, note: str) -> Line:
    return Line(case.name, rival.figure, goal=rival.goal, unit=case.unit, rival=rival.name, note=note)


COLUMNS = (
    ("workload", 46),
    ("ours", 8),
    ("against", 30),
    ("theirs", 8),
    ("median [range]", 32),
    ("fastest", 8),
    ("goal", 9),
)


def heading() -> str:
    """First line of the table."""
    return " ".join(f"{title:<{width}}" for title, width in COLUMNS) + " verdict"


def row(line: Line) -> str:
    """One line of the table: times for one unit of work, the figure with its range, goal and verdict."""
    cells = (
        line.case,
        seconds_text(line.ours),
        line.rival,
        seconds_text(line.theirs),
        _result(line),
        "" if line.fastest is None else _bare(line, line.fastest),
        _goal(line),
    )
    verdict = {True: "met", False: "MISSED", None: ""}[line.met]
    return (
        " ".join(f"{cell:<{width}}" for cell, (_, width) in zip(cells, COLUMNS, strict=True)) + f" {verdict}"
    ).rstrip()


def seconds_text(seconds: float | None) -> str:
    """A time in the unit that suits it, or nothing."""
    if seconds is None:
        return ""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us")):
        if abs(seconds) * factor >= 1.0:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _result(line: Line) -> str:
    if line.value is None:
        return line.note
    meaning = {"speedup": " faster" if line.value >= 1.0 else " (slower)", "cost": " the time", "excess": " more"}
    low, high = _bare(line, min(line.values)), _bare(line, max(line.values))
    return f"{_bare(line, line.value)}{meaning.get(line.figure, '')} [{low}, {high}]"


def _goal(line: Line) -> str:
    if line.goal is None:
        return ""
    return f"{'>=' if line.figure == 'speedup' else '<='} {_bare(line, line.goal)}"


def _bare(line: Line, value: float) -> str:
    """A figure with its unit: a ratio, a time, or the unit of a reading."""
    if line.figure in ("speedup", "cost"):
        return f"{value:.2f}x"
    if line.figure in ("time", "excess") or line.unit == "s":
        return seconds_text(value)
    return f"{value:.3g} {line.unit}".rstrip()


def machine() -> dict[str, Any]:
    """What the times depend on, and how busy the machine is."""
    from subgrid.provenance import processor

    return {
        "processor": processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }


def write_lines(path: Path, lines: Sequence[Line], about: dict[str, Any]) -> None:
    """Store every result with the figures of all rounds. Raises ScenarioError when the file cannot be written."""
    results = [{**asdict(line), "value": line.value, "met": line.met} for line in lines]
    try:
        path.write_text(json.dumps({**about, "lines": results}, indent=1) + "\n")
    except OSError as error:
        raise ScenarioError(f"--json {path}: {error.strerror}") from error
