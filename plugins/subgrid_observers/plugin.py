"""Catalogue of the observers family: plain data, nothing heavy imported."""

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


def _observer(name: str, module: str, target: str, summary: str) -> Component:
    return Component(
        "observer", name, f"subgrid_observers.{module}:{target}", f"subgrid_observers.config:{target}Config", summary
    )


COMPONENTS: list[Component] = [
    _observer("energy", "totals", "Energy", "domain-mean kinetic energy"),
    _observer("enstrophy", "totals", "Enstrophy", "domain-mean enstrophy"),
    _observer("domain_mean", "domain_mean", "DomainMean", "mean or mean square of any quantity"),
    _observer("energy_spectrum", "spectrum", "EnergySpectrum", "energy spectrum, isotropic or along the axes"),
    _observer("enstrophy_spectrum", "spectrum", "EnstrophySpectrum", "enstrophy spectrum, isotropic or along the axes"),
    _observer("power_spectrum", "spectrum", "PowerSpectrum", "spectrum of any scalar field"),
    _observer("vorticity_pdf", "vorticity_pdf", "VorticityPdf", "histogram, moments and tail quantiles of vorticity"),
    _observer("cfl", "courant", "Courant", "Courant number and largest speed"),
    _observer("budget", "budget", "Budget", "energy and enstrophy rates by process"),
    _observer(
        "reference_correlation",
        "reference_correlation",
        "ReferenceCorrelation",
        "correlation and error against another run, filtered onto this grid",
    ),
]


@hookimpl
def components() -> list[Component]:
    return COMPONENTS
