"""Where a result came from: versions, hardware, seed, mesh, and what the run fell back to."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from subgrid import __version__
from subgrid.assembly import Simulation
from subgrid.protocols import TracedClosure
from subgrid.registry import Registry

PACKAGES = ("numpy", "scipy", "numba", "h5py", "torch", "pyfftw")


def collect(simulation: Simulation, registry: Registry) -> dict[str, Any]:
    """Everything needed to say what was run, as plain data."""
    scenario = simulation.scenario
    return {
        "subgrid": __version__,
        "plugins": {plugin.name: f"{plugin.distribution} {plugin.version}" for plugin in registry.plugins},
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "python": platform.python_version(),
        "machine": {"system": platform.platform(), "processor": processor()},
        "git": _git_state(scenario.folder),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": scenario.seed,
        "backend": repr(simulation.backend),
        "threads": simulation.backend.threads,
        "mesh": asdict(simulation.mesh),
        "scenario_folder": str(scenario.folder.resolve()),
        "weights": {
            entry.label: dict(entry.closure.origin)
            for entry in simulation.closures.everyone()
            if isinstance(entry.closure, TracedClosure) and entry.closure.origin
        },
        "components": [f"{choice.kind}/{choice.type}/{choice.label}" for choice in scenario.choices()],
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def processor() -> str:
    """Name of the processor model."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _git_state(folder: Path) -> dict[str, Any]:
    """Commit and cleanness of the repository that the scenario lies in; empty outside one."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return {"commit": commit, "dirty": bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))}
    except (OSError, subprocess.SubprocessError):
        return {}


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
