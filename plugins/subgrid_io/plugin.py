"""Catalogue of the exchange family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

COMPONENTS: list[Component] = [
    Component(
        "command",
        "export",
        "subgrid_io.command:export",
        "",
        "write runs as netCDF, VTK, VTKHDF, The Well or NumPy",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
