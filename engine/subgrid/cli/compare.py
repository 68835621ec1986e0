"""``subgrid compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    file: Annotated[Path, typer.Argument(help="Comparison file (TOML): a scenario, a reference and variants.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables and figures. Default: compare/<file name>.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Runs side by side. Default: all cores.")
    ] = None,
) -> None:
    """Compare closures, solvers or resolutions of one scenario against a reference: accuracy and cost."""
    import os

    from subgrid.compare import compare as compare_variants

    compare_variants(file, out or Path("compare") / file.stem, jobs or len(os.sched_getaffinity(0)))
