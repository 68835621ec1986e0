"""How many threads of this process were at work, which is not how many were allowed to be: small problems use one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

SHARE = 0.02
"""Part of the busiest thread's time from which another one counts: less is housekeeping, such as writing a file."""


def thread_times() -> dict[str, int]:
    """Processor time of every thread so far, in ticks of the system, by its number; empty where Linux is not there."""
    times = {}
    for task in Path("/proc/self/task").glob("*"):
        with suppress(OSError):  # a thread that ended meanwhile
            # the name of a thread, in brackets, may hold anything
            entries = (task / "stat").read_text().rpartition(")")[2].split()
            times[task.name] = int(entries[11]) + int(entries[12])
    return times


def at_work_since(before: Mapping[str, int]) -> int:
    """Threads that worked since an earlier `thread_times`, at least one."""
    spent = [ticks - before.get(name, 0) for name, ticks in thread_times().items()]
    busiest = max(spent, default=0)
    return max(1, sum(ticks > SHARE * busiest for ticks in spent if ticks > 0))
