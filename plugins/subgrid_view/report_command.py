"""``subgrid report``: what stands on the command line, and nothing heavier until it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrid_view.command_options import (
    CmapOption,
    DirectorOption,
    FieldsOption,
    LimitsOption,
    StreamlinesOption,
    StyleOption,
    VectorsOption,
)


def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN|COMPARISON", help="A run folder, or what 'compare' left.")],
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Default: report.html in the folder.")] = None,
    fields: FieldsOption = [],  # noqa: B006  typer copies it
    style: StyleOption = "auto",
    vectors: VectorsOption = None,
    streamlines: StreamlinesOption = None,
    director: DirectorOption = None,
    cmap: CmapOption = None,
    limits: LimitsOption = None,
) -> None:
    """Make one HTML page of a run or a comparison, to be read anywhere, printed, or sent.

    What was run, what it shows and cost, what was expected, where it comes from, how to repeat it, a small film.
    """
    from subgrid_view.probe import Probe

    with Probe() as probe:
        from subgrid_view.render import Request
        from subgrid_view.report import write_report

        look = Request.parse(
            runs=[folder], fields=fields, out=Path("report.png"), style=style, vectors=vectors,
            streamlines=streamlines, director=director, cmap=cmap, limits=limits,
        ).look  # fmt: skip
        write_report(folder, out, look, probe, typer.echo)
