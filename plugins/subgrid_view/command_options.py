"""Options that the verbs of this family share. Imports nothing heavy."""

from __future__ import annotations

from typing import Annotated

import typer

FieldsOption = Annotated[
    list[str],
    typer.Option("--field", "-f", metavar="NAME", help="Quantity to show, NAME[0] for one entry; may be repeated."),
]
FieldOption = Annotated[
    str | None, typer.Option("--field", "-f", metavar="NAME", help="Quantity to show first, NAME[0] for one entry.")
]
StyleOption = Annotated[
    str,
    typer.Option(help="auto, or: space-time, profile (1D); volume, isosurfaces, slices (3D).", metavar="STYLE"),
]
VectorsOption = Annotated[str | None, typer.Option("--vectors", metavar="NAME", help="Arrows of this vector over it.")]
StreamlinesOption = Annotated[
    str | None, typer.Option("--streamlines", metavar="NAME", help="Streamlines of this vector over it.")
]
DirectorOption = Annotated[
    str | None,
    typer.Option("--director", metavar="NAME", help="Director and +-1/2 defects of this second moment over it."),
]
CmapOption = Annotated[
    str | None, typer.Option("--cmap", metavar="NAME", help="Colour map, by its name in matplotlib.")
]
LimitsOption = Annotated[
    str | None,
    typer.Option("--limits", metavar="LOW:HIGH", help="Ends of the colours; or 99% to span that share of the values."),
]
