"""Writes runs in a format, beside what is there until everything is written."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from subgrid.api import PluginError, RunFolder, ScenarioError
from subgrid_io.selection import Selection, select

MARKER = ".subgrid-export"
"""A file in folders that an export wrote, which alone may be replaced."""


def export_runs(
    runs: Sequence[Path], to: str, out: Path, quantities: Sequence[str], frames: str, split: str, overwrite: bool
) -> Iterator[str]:
    """Write runs in format ``to`` and yield a line for each thing written or left out.

    Output appears under its name only when it is complete. Raises ScenarioError when an argument does not fit the runs
    or something else stands at ``out``, and RunFolderError when a run cannot be read.
    """
    if to == "well":
        from subgrid_io.well import members, write_well

        chosen = [(part, select(RunFolder(path), quantities, frames)) for path, part in members(runs, split)]
        yield from _replaced(out, overwrite, lambda target: write_well(chosen, target, out.name))
        return
    if len(runs) > 1:
        raise ScenarioError(f"--to {to}: takes one run at a time, got {len(runs)}; only 'well' joins runs")
    selection = select(RunFolder(runs[0]), quantities, frames)
    yield from _replaced(out, overwrite, lambda target: _writer(to)(selection, target))


def _writer(to: str) -> Callable[[Selection, Path], Iterator[str]]:
    if to == "netcdf":
        _require("netCDF4", "xarray")
        from subgrid_io.netcdf import write_netcdf

        return write_netcdf
    if to == "vtkhdf":
        from subgrid_io.vtkhdf import write_vtkhdf

        return write_vtkhdf
    if to == "numpy":
        from subgrid_io.npy import write_npy

        return write_npy
    from subgrid_io.vtk_xml import write_vtk, write_vtu

    return write_vtk if to == "vtk" else write_vtu


def _require(*packages: str) -> None:
    missing = [package for package in packages if find_spec(package) is None]
    if missing:
        raise PluginError(f"--to netcdf needs {', '.join(missing)}: pip install 'subgrid[io]'")


def _replaced(out: Path, overwrite: bool, write: Callable[[Path], Iterator[str]]) -> Iterator[str]:
    """Let ``write`` fill a neighbour of ``out`` (a file or a folder), which then takes its place."""
    if out.exists() or out.is_symlink():
        if not overwrite:
            raise ScenarioError(f"{out}: exists already; choose another --out or pass --overwrite")
        if out.is_dir() and not (out / MARKER).is_file():
            raise ScenarioError(f"{out}: is a folder that no export wrote; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f"{out.name}.partial")
    _remove(partial)
    try:
        lines = list(write(partial))
        if partial.is_dir():
            (partial / MARKER).touch()
        _remove(out)
        os.replace(partial, out)
    finally:
        _remove(partial)
    yield from lines
    yield f"written: {out}"


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
