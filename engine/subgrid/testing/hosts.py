"""Small scenarios, as plain data, in which conformance suites try a component.

Sides and numbers of points differ between the axes, so that swapped axes are noticed.
"""

from __future__ import annotations

from typing import Any, Final

FLOW_2D: Final[dict[str, Any]] = {
    "mesh": {"type": "grid", "shape": [16, 12], "length": ["2 pi", "1.5 pi"]},
    "initial": {"type": "mcwilliams", "peak_wavenumber": 3.0},
    "solver": {"type": "navier_stokes_2d", "viscosity": 1e-2},
    "integrator": {"type": "rk4"},
    "time": {"end": 0.16, "dt": 0.02},
}
"""Decaying two-dimensional turbulence; slots ``eddy_viscosity`` and ``subgrid_forcing``."""

TWO_LAYERS: Final[dict[str, Any]] = {
    "mesh": {"type": "grid", "shape": [16, 12], "length": ["1000 km", "750 km"]},
    "initial": {"type": "random_potential_vorticity", "amplitude": 1e-6, "cutoff": 3},
    "solver": {"type": "two_layer_qg"},
    "integrator": {"type": "rk4"},
    "time": {"end": 57600.0, "dt": 7200.0},
}
"""Two-layer quasi-geostrophic flow; the same slots, with an axis ``layer``."""

BURGERS: Final[dict[str, Any]] = {
    "mesh": {"type": "grid", "shape": [32], "length": ["2 pi"]},
    "initial": {"type": "sine"},
    "solver": {"type": "burgers", "viscosity": 0.1},
    "integrator": {"type": "rk4"},
    "time": {"end": 0.16, "dt": 0.02},
}
"""A steepening wave in one dimension."""
