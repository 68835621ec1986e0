"""How much memory this process takes and how much the machine has left."""

from __future__ import annotations

import ctypes
import math
import resource
from pathlib import Path


def available_memory() -> float:
    """Memory [bytes] that the machine can still give; infinite where the system does not tell (not Linux)."""
    try:
        return _entry(Path("/proc/meminfo"), "MemAvailable")
    except (OSError, StopIteration):
        return math.inf


STATUS = Path("/proc/self/status")


def release_free_memory() -> None:
    """Give pages that setting up has used and freed back to the system, where the C library can (glibc).

    Without it they stay between the arrays of the run, a state's worth of them, for as long as it lasts.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reset_peak_memory() -> None:
    """Start measuring the peak memory of this process anew, where the system allows it (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int:
    """Peak resident memory [bytes] since the last reset."""
    try:
        return _entry(STATUS, "VmHWM")
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident_memory() -> int:
    """Resident memory [bytes] of this process now. Raises OSError where the system does not tell (not Linux)."""
    return _entry(STATUS, "VmRSS")


def _entry(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
