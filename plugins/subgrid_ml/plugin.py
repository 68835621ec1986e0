"""Catalogue of the machine-learning family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

COMPONENTS = [
    Component(
        "command",
        "train",
        "subgrid_ml.command:train",
        "",
        "train a closure on stored runs, offline or through the solver",
        ("torch",),
        "ml",
    )
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
