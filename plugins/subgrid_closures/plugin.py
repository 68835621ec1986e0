"""Catalogue of the closures family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl

COMPONENTS: list[Component] = [
    Component(
        "closure",
        "none",
        "subgrid_closures.no_closure:NoClosure",
        "subgrid_closures.config:NoClosureConfig",
        "no closure: the unresolved scales do nothing",
    ),
    Component(
        "closure",
        "constant_viscosity",
        "subgrid_closures.constant_viscosity:ConstantViscosity",
        "subgrid_closures.config:ConstantViscosityConfig",
        "the same eddy viscosity everywhere",
    ),
    Component(
        "closure",
        "smagorinsky",
        "subgrid_closures.smagorinsky:Smagorinsky",
        "subgrid_closures.config:SmagorinskyConfig",
        "eddy viscosity from the strain rate, (C_S Delta)^2 |S|",
    ),
    Component(
        "closure",
        "leith",
        "subgrid_closures.leith:Leith",
        "subgrid_closures.config:LeithConfig",
        "eddy viscosity from the vorticity gradient, (C_L Delta)^3 |grad w|",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
