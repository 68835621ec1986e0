"""``subgrid view``: what stands on the command line, and nothing heavier until it is used."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrid_view.command_options import (
    CmapOption,
    DirectorOption,
    FieldOption,
    LimitsOption,
    StreamlinesOption,
    StyleOption,
    VectorsOption,
)


def view(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    beside: Annotated[Path | None, typer.Argument(metavar="[RUN2]", help="Another one, linked side by side.")] = None,
    field: FieldOption = None,
    style: StyleOption = "auto",
    vectors: VectorsOption = None,
    streamlines: StreamlinesOption = None,
    director: DirectorOption = None,
    cmap: CmapOption = None,
    limits: LimitsOption = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of 127.0.0.1; 0 takes a free one.")] = 0,
    open_page: Annotated[bool, typer.Option("--open", help="Open the page in the browser of this machine.")] = False,
) -> None:
    """Look at a run in the browser, also while it goes on: time, field, colours and camera.

    The page is served to this machine only, under the address that is printed. Ctrl-C ends it.
    """
    from subgrid_view.probe import Probe

    with Probe() as probe:
        from subgrid_view.viewing import serve

        serve(
            [run] if beside is None else [run, beside],
            port=port, open_page=open_page, probe=probe, field=field, style=style, vectors=vectors,
            streamlines=streamlines, director=director, cmap=cmap, limits=limits,
        )  # fmt: skip
