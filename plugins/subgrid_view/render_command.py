"""``subgrid render``: what stands on the command line, and nothing heavier until it is used."""

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


def render(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, drawn side by side with the same limits.")],
    fields: FieldsOption = [],  # noqa: B006  typer copies it
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="FILE.png, .mp4 or .gif. Default: <name of the run folder>.png.")
    ] = None,
    style: StyleOption = "auto",
    vectors: VectorsOption = None,
    streamlines: StreamlinesOption = None,
    director: DirectorOption = None,
    time: Annotated[
        str | None, typer.Option(metavar="T", help="Time of the picture, or A:B of the film. Default: the last, all.")
    ] = None,
    frame: Annotated[
        str | None, typer.Option(metavar="I", help="Number of the frame (-1 is the last), or A:B:STEP of the film.")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=240.0, help="Pictures a second of a film.")] = 15.0,
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Pixels, multiples of 16. Default: what the panels need.")
    ] = None,
    cmap: CmapOption = None,
    limits: LimitsOption = None,
    levels: Annotated[
        str | None, typer.Option(metavar="V,V,..", help="Values of the isosurfaces. Default: some between the limits.")
    ] = None,
    camera: Annotated[
        str | None, typer.Option(metavar="AZIMUTH:ELEVATION", help="Where a 3D scene is seen from [degrees].")
    ] = None,
) -> None:
    """Make a picture or a film of runs of any solver: PNG, MP4 or GIF.

    The colours of a field have the same limits in all frames and runs, about zero where it is signed. A picture of a
    one-dimensional run shows it in space and time, unless --time or --frame picks a moment.
    """
    from subgrid_view.probe import Probe

    with Probe() as probe:
        from subgrid_view.render import Request, render_runs

        request = Request.parse(
            runs=runs, fields=fields, out=out, style=style, vectors=vectors, streamlines=streamlines,
            director=director, time=time, frame=frame, fps=fps, size=size, cmap=cmap, limits=limits, levels=levels,
            camera=camera,
        )  # fmt: skip
        typer.echo(render_runs(request, probe))
