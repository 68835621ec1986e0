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
    Component(
        "closure",
        "dynamic_smagorinsky",
        "subgrid_closures.dynamic_smagorinsky:DynamicSmagorinsky",
        "subgrid_closures.config:DynamicSmagorinskyConfig",
        "Smagorinsky with C_S from the Germano identity",
    ),
    Component(
        "closure",
        "dynamic_leith",
        "subgrid_closures.dynamic_leith:DynamicLeith",
        "subgrid_closures.config:DynamicLeithConfig",
        "Leith with C_L from the Germano identity",
    ),
    Component(
        "closure",
        "gradient",
        "subgrid_closures.gradient:Gradient",
        "subgrid_closures.config:GradientConfig",
        "gradient (Clark) closure, the expansion of a Gaussian filter",
    ),
    Component(
        "closure",
        "zanna_bolton",
        "subgrid_closures.zanna_bolton:ZannaBolton",
        "subgrid_closures.config:ZannaBoltonConfig",
        "Zanna-Bolton momentum forcing kappa div T",
    ),
    Component(
        "closure",
        "backscatter",
        "subgrid_closures.backscatter:Backscatter",
        "subgrid_closures.config:BackscatterConfig",
        "biharmonic dissipation with its energy returned by negative viscosity (Jansen-Held)",
    ),
    Component(
        "closure",
        "gent_mcwilliams",
        "subgrid_closures.gent_mcwilliams:GentMcWilliams",
        "subgrid_closures.config:GentMcWilliamsConfig",
        "diffusion of the interface height between two layers",
    ),
    Component(
        "closure",
        "approximate_deconvolution",
        "subgrid_closures.approximate_deconvolution:ApproximateDeconvolution",
        "subgrid_closures.config:ApproximateDeconvolutionConfig",
        "advection by the van Cittert-deconvolved flow, with relaxation",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
