from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl


@hookimpl
def components():
    module, summary = "subgrid_vreman.vreman", "eddy viscosity that vanishes in plane shear (Vreman 2004)"
    return [Component("closure", "vreman", f"{module}:Vreman", f"{module}:VremanConfig", summary)]
