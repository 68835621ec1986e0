"""Can every integrator of the catalogue be built from its name, with defaults that work?"""

from __future__ import annotations

from importlib import import_module

import pytest

from subgrid.plugin import COMPONENTS
from subgrid.testing.ode import OdeRhs, drive, forced_cubic

# a solver that owns its step needs no scheme, and schemes need no such solver
INTEGRATORS = {entry.name: entry for entry in COMPONENTS if entry.kind == "integrator" and entry.name != "own"}


def load(target):
    module, name = target.split(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("name", INTEGRATORS)
def test_default_options_integrate_a_simple_problem(name):
    entry = INTEGRATORS[name]
    integrator = load(entry.target)(load(entry.config)())
    final = drive(integrator, OdeRhs(forced_cubic()), 1.0, 100)
    assert final == pytest.approx(forced_cubic().exact(1.0), abs=0.02**integrator.order + 1e-8)
    assert integrator.real_extent > 0
    assert type(integrator).__name__ in repr(integrator)
