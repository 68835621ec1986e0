"""Catalogue of what ships with the core: the grid, time integrators and the restart of a field from a run folder."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

COMPONENTS: list[Component] = [
    Component(
        "mesh",
        "grid",
        "subgrid.grid:GridMesh",
        "subgrid.grid:GridConfig",
        "uniform periodic grid in 1, 2 or 3 dimensions",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
