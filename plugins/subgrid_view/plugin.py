"""Catalogue of the viewing family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

PICTURES = ("pyvista", "matplotlib", "imageio_ffmpeg")

COMPONENTS = [
    Component(
        "command",
        "render",
        "subgrid_view.render_command:render",
        "",
        "make a picture or a film of runs: PNG, MP4, GIF",
        requires=PICTURES,
        extra="viz",
    ),
    Component(
        "command",
        "view",
        "subgrid_view.view_command:view",
        "",
        "look at a run in the browser, also while it goes on",
        requires=("pyvista", "matplotlib", "imageio_ffmpeg", "trame", "trame_vtk", "trame_pyvista"),
        extra="web",
    ),
    Component(
        "command",
        "report",
        "subgrid_view.report_command:report",
        "",
        "make one HTML page of a run or a comparison",
        requires=PICTURES,
        extra="viz",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
