"""``subgrid export``. Imports nothing heavy before it is used."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """What to write."""

    netcdf = "netcdf"
    vtk = "vtk"
    vtu = "vtu"
    vtkhdf = "vtkhdf"
    well = "well"
    numpy = "numpy"


SUFFIX = {Format.netcdf: ".nc"}
"""What follows the name of the run in the default output; other formats write a folder."""


def export(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or for The Well also the folder of a sweep.")],
    to: Annotated[Format, typer.Option("--to", help="The format.")],
    out: Annotated[
        Path | None,
        typer.Option(help="File (netcdf) or folder. Default: beside the run, with the format in its name."),
    ] = None,
    quantities: Annotated[
        list[str] | None, typer.Option("--quantity", "-q", help="Only this quantity; may be given again.")
    ] = None,
    frames: Annotated[
        str, typer.Option(metavar="START:STOP:STEP", help="Some frames, as Python slices count them.")
    ] = ":",
    split: Annotated[
        str, typer.Option(help="The Well: train, valid or test, or 'auto' for what the index of a sweep says.")
    ] = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what an earlier export wrote.")] = False,
) -> None:
    """Write runs in the formats of other tools.

    netcdf: one file, frames and series, for xarray. vtk: .vti and .vtp with .pvd collections, for any ParaView.
    vtu: the same with particles as unstructured points. vtkhdf: one file for the mesh and one for each set of
    particles, all times inside, for ParaView 5.12 and newer. well: the layout of The Well with its statistics, one
    trajectory for each run. numpy: .npy files with a JSON description.
    """
    from subgrid_io.exporting import export_runs

    default = runs[0].parent / f"{runs[0].name}{SUFFIX.get(to, f'_{to.value}')}"
    for line in export_runs(runs, to.value, out or default, quantities or (), frames, split, overwrite):
        typer.echo(line)
