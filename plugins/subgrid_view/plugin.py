"""Catalogue of the viewing family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

COMPONENTS: list[Component] = []


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
