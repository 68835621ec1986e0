"""What this machine and this installation can do: a line for each thing, and advice where something is missing.

Whatever may crash or import heavy packages is tried in a process of its own. Plugins add lines through the hook
``checks()``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from subgrid import __version__
from subgrid.component import Check
from subgrid.memory import available_memory
from subgrid.provenance import processor
from subgrid.registry import Registry
from subgrid.requirement_names import extras_of

PROBE_SECONDS = 60.0
"""Longest time that a probe in a process of its own may take."""

NO_ANSWER = 124
"""Exit code that stands for a probe that took too long."""

LEAST_DISK = 1e9
"""Free bytes below which runs are likely to end by a full disk."""

SLOW_SYNC = 0.1
"""Seconds that forcing a small file to disk may take before checkpoints make runs wait."""

THREAD_VARIABLES = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS")


def examine(registry: Registry, folder: Path) -> Iterator[Check]:
    """Every check, as it is done. ``folder`` is where runs would be written."""
    yield Check("subgrid", "ok", f"{__version__}, Python {platform.python_version()}, {platform.platform()}")
    yield _processor()
    yield _memory()
    yield from _disk(folder)
    yield _numba_cache()
    yield _gpu()
    yield _rendering()
    yield _mpi()
    yield from _extras()
    yield from _plugins(registry)
    yield from registry.checks()


def _processor() -> Check:
    cores = len(os.sched_getaffinity(0))
    limits = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    text = f"{processor()}, {cores} of {os.cpu_count()} cores for this process"
    if not limits:
        return Check("processor", "ok", text)
    advice = "runs take no more threads than these variables say; unset them to use all cores"
    return Check("processor", "note", f"{text}; {', '.join(limits)}", advice)


def _memory() -> Check:
    left = available_memory()
    text = f"{left / 2**30:.1f} GiB available"
    return Check("memory", "ok", text) if left > 2**30 else Check("memory", "note", text, "close other programs")


def _disk(folder: Path) -> Iterator[Check]:
    """Space, and the time to force a file to disk, which every checkpoint does."""
    try:
        free = shutil.disk_usage(folder).free
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"x" * 65536)
            file.flush()
            start = time.perf_counter()
            os.fsync(file.fileno())
            seconds = time.perf_counter() - start
    except OSError as error:
        yield Check("disk", "problem", f"{folder}: {error.strerror}", "choose a folder that can be written, with --out")
        return
    text = f"{free / 1e9:.0f} GB free in {folder}, a file is forced to disk in {1e3 * seconds:.1f} ms"
    if free < LEAST_DISK:
        yield Check("disk", "problem", text, "make room: a run that meets a full disk stops")
    elif seconds > SLOW_SYNC:
        yield Check("disk", "note", text, "write checkpoints less often, or to a local disk")
    else:
        yield Check("disk", "ok", text)


def _numba_cache() -> Check:
    place = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent / "kernels" / "__pycache__")
    existing = next(folder for folder in (place, *place.absolute().parents) if folder.exists())
    if os.access(existing, os.W_OK):
        return Check("kernel cache", "ok", f"compiled kernels are kept in {place}")
    advice = "set NUMBA_CACHE_DIR to a folder that can be written; else every run compiles anew"
    return Check("kernel cache", "problem", f"{place} cannot be written", advice)


def _gpu() -> Check:
    if find_spec("torch") is None:
        return Check("GPU", "note", "torch is not installed", "pip install 'subgrid[ml]' for --device cuda")
    code, told = probe("import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')")
    if code == NO_ANSWER:
        return Check("GPU", "note", told, "try again when the machine is less busy")
    if code:
        return Check("GPU", "problem", f"torch cannot be imported ({told})", "install torch again")
    if not told:
        return Check("GPU", "note", "torch sees no CUDA device", "runs use the CPU; check nvidia-smi if there is a GPU")
    return Check("GPU", "ok", told)


def _rendering() -> Check:
    """VTK ends the whole process where its back end is missing, so that only another process can try."""
    if find_spec("pyvista") is None:
        return Check("rendering", "note", "pyvista is not installed", "pip install pyvista for pictures")
    code, told = probe(
        "import pyvista as pv; p = pv.Plotter(off_screen=True, window_size=(64, 64)); p.add_mesh(pv.Sphere()); "
        "image = p.screenshot(return_img=True); print(p.render_window.GetClassName()); assert image.std() > 0"
    )
    if code == NO_ANSWER:
        return Check("rendering", "note", told, "try again when the machine is less busy")
    if code:
        advice = "install Mesa's EGL (apt-get install libegl1 libgl1-mesa-dri), or libosmesa6"
        return Check("rendering", "problem", f"off-screen rendering fails ({told})", advice)
    return Check("rendering", "ok", f"off screen, {told}")


def _mpi() -> Check:
    if find_spec("mpi4py") is None:
        return Check("MPI", "note", "mpi4py is not installed", "nothing of subgrid needs it yet")
    code, told = probe("from mpi4py import MPI; print(MPI.Get_library_version().splitlines()[0])")
    if code:
        return Check("MPI", "note", f"mpi4py finds no MPI library ({told})", "pip install mpich")
    return Check("MPI", "ok", told)


def _extras() -> Iterator[Check]:
    for extra, packages in extras_of("subgrid").items():
        missing = [package for package in packages if not _has(package)]
        if missing:
            advice = f"pip install 'subgrid[{extra}]' if you need it"
            yield Check(f"extra {extra}", "note", f"missing: {', '.join(missing)}", advice)
        else:
            yield Check(f"extra {extra}", "ok", f"{len(packages)} packages")


def _has(package: str) -> bool:
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


def _plugins(registry: Registry) -> Iterator[Check]:
    yield Check("plugins", "ok", f"{len(registry.plugins)} with {len(registry.components())} components")
    for problem in registry.problems:
        yield Check("plugins", "problem", problem, "tell its author, or uninstall it")


def probe(program: str) -> tuple[int, str]:
    """Run a line of Python in a process of its own: its exit code, and the last line of what it printed."""
    command = [sys.executable, "-W", "ignore", "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return NO_ANSWER, f"no answer in {PROBE_SECONDS:.0f} s"
    except OSError as error:
        return 1, str(error.strerror)
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    told = lines[-1][:200] if lines else ""
    if done.returncode < 0:
        told = f"the process died of signal {-done.returncode}"
    return done.returncode, told
