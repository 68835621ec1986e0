"""Conformance suites that plugin authors subclass: each promise of a component's kind is a test.

::

    from subgrid.testing import ClosureConformance

    class TestVreman(ClosureConformance):
        name = "vreman"

Needs pytest. ``subgrid.testing.ode`` has problems with exact solutions for integrators.
"""

from subgrid.testing.closure import ClosureConformance
from subgrid.testing.command import CommandConformance
from subgrid.testing.component import ComponentConformance
from subgrid.testing.corrector import CorrectorConformance
from subgrid.testing.hosts import BURGERS, FLOW_2D, TWO_LAYERS
from subgrid.testing.initial import InitialConformance
from subgrid.testing.integrator import IntegratorConformance
from subgrid.testing.linsolve import LinsolveConformance
from subgrid.testing.observer import ObserverConformance
from subgrid.testing.solver import ParticleSolverConformance, SolverConformance

__all__ = [
    "BURGERS",
    "FLOW_2D",
    "TWO_LAYERS",
    "ClosureConformance",
    "CommandConformance",
    "ComponentConformance",
    "CorrectorConformance",
    "InitialConformance",
    "IntegratorConformance",
    "LinsolveConformance",
    "ObserverConformance",
    "ParticleSolverConformance",
    "SolverConformance",
]
