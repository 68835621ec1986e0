"""The shipped conformance suites over every registered component, also of plugins that come later."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from subgrid.component import KINDS
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid.testing import (
    BURGERS,
    FLOW_2D,
    TWO_LAYERS,
    ClosureConformance,
    CommandConformance,
    ComponentConformance,
    CorrectorConformance,
    InitialConformance,
    IntegratorConformance,
    LinsolveConformance,
    ObserverConformance,
    ParticleSolverConformance,
    SolverConformance,
)

SUITES: dict[str, type[ComponentConformance | CommandConformance]] = {
    "mesh": ComponentConformance,
    "initial": InitialConformance,
    "solver": SolverConformance,
    "linsolve": LinsolveConformance,
    "integrator": IntegratorConformance,
    "closure": ClosureConformance,
    "corrector": CorrectorConformance,
    "observer": ObserverConformance,
    "benchmark": ComponentConformance,
    "command": CommandConformance,
}


def changed(scenario: Mapping[str, Any], **tables: Any) -> dict[str, Any]:
    """A host with other tables."""
    return {**deepcopy(dict(scenario)), **tables}


class NeedsReference:
    """A short run in folder ``reference`` for components that read one."""

    def prepare(self, folder: Path, registry: Registry) -> None:
        output = {"every": {"steps": 1}, "quantities": ["vorticity"]}
        run(parse(changed(FLOW_2D, output=output), registry, folder), folder / "reference", registry)


KDV = changed(
    BURGERS,
    mesh={"type": "grid", "shape": [48], "length": [20.0]},
    initial={"type": "kdv_solitons"},
    solver={"type": "kdv"},
    integrator={"type": "etdrk4"},
    time={"end": 0.08, "dt": 0.01},
)
FLAME = changed(BURGERS, solver={"type": "kuramoto_sivashinsky"}, integrator={"type": "etdrk4"})
HEAT = {
    "mesh": {"type": "grid", "shape": [9, 12], "length": [1.0, 1.5], "offset": "cell", "boundaries": {"y": "wall"}},
    "initial": {"type": "gaussian"},
    "solver": {"type": "heat", "boundaries": {"y": {"high": {"type": "robin", "value": 0.5}}}},
    "integrator": {"type": "rk4"},
    "time": {"end": 0.004, "dt": 0.001},
}
BOX = {"type": "grid", "shape": [6, 7, 8], "length": [1.0, 1.2, 1.4]}
MODE = changed(HEAT, initial={"type": "standing_mode"})
REACTION = changed(
    HEAT, initial={"type": "gray_scott_seed", "cells": 4}, solver={"type": "gray_scott"}, time={"end": 4.0, "dt": 0.5}
)

IMPLICIT = {
    "mesh": {
        "type": "grid",
        "shape": [12, 10],
        "length": [1.2, 1.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "bump"},
    "solver": {
        "type": "implicit_diffusion",
        "modulation": 0.5,
        "period": 0.08,
        "boundaries": {"x": {"low": {"type": "dirichlet"}, "high": {"type": "robin", "value": 0.5}}},
    },
    "integrator": {"type": "own"},
    "linear_solver": {"type": "sor_bandit"},
    "time": {"end": 0.08, "dt": 0.01},
}
STEADY = {
    "mesh": {"type": "grid", "shape": [6, 8], "length": [1.2, 1.0], "offset": "cell", "boundaries": {"x": "wall"}},
    "initial": {"type": "uniform"},
    "solver": {"type": "darcy", "boundaries": {"x": {"type": "dirichlet", "low": 1.0}}},
    "integrator": {"type": "own"},
    "linear_solver": {"type": "cg"},
    "time": {"end": 4.0, "dt": 1.0},
}
STAGGERED = {
    "mesh": {"type": "grid", "shape": [8, 10], "length": [1.0, 1.0], "offset": "cell"},
    "initial": {"type": "box_vortices", "wavenumber": 6.283185307179586},
    "solver": {"type": "incompressible_navier_stokes"},
    "integrator": {"type": "rk4"},
    "time": {"end": 0.04, "dt": 0.01},
}
TANK = changed(
    STAGGERED,
    mesh={**STAGGERED["mesh"], "boundaries": {"x": "wall", "y": "wall"}},
    initial={"type": "fluid_at_rest", "noise": 0.1},
)
BASIN = changed(
    STAGGERED,
    mesh={"type": "grid", "shape": [6, 5, 8], "length": [1.0] * 3, "offset": "cell", "boundaries": {"z": "wall"}},
)

POND = {
    "mesh": {"type": "grid", "shape": [8, 10], "length": [1.0, 1.0], "offset": "cell", "boundaries": {"x": "wall"}},
    "initial": {"type": "lake", "bump": {"center": [0.4, 0.5], "width": 0.1, "height": 0.2}},
    "solver": {"type": "shallow_water"},
    "integrator": {"type": "ssp_rk3"},
    "time": {"end": 0.008, "dt": 0.002},
}
DAM = changed(
    POND,
    mesh={"type": "grid", "shape": [20], "length": [2.0], "origin": [-1.0], "offset": "cell"},
    initial={"type": "dam_break"},
)

SPLASH: dict[str, Any] = {
    "mesh": {
        "type": "grid",
        "shape": [12, 16],
        "length": [0.75, 1.0],
        "offset": "cell",
        "boundaries": {"x": "wall", "y": "wall"},
    },
    "initial": {"type": "bodies", "bodies": [{"center": [0.5, 0.2], "size": [0.3, 0.3], "spin": 1.0}]},
    "solver": {"type": "mpm", "gravity": [0.0, -10.0], "sort_every": 2},
    "integrator": {"type": "own"},
    "closures": [{"type": "fixed_corotated"}],
    "time": {"end": 0.006, "dt": 0.001},
}
DROP: dict[str, Any] = {
    **SPLASH,
    "mesh": {"type": "grid", "shape": [6, 7, 8], "length": [0.6, 0.7, 0.8]},
    "initial": {"type": "bodies", "bodies": [{"shape": "ball", "center": [0.4, 0.3, 0.3], "radius": 0.2}]},
    "solver": {"type": "mpm", "gravity": [0.0, 0.0, -10.0]},
}
WAVE: dict[str, Any] = {
    "mesh": {"type": "grid", "shape": [8, 12], "length": [0.8, 1.2], "offset": "cell", "boundaries": {"y": "wall"}},
    "initial": {"type": "fluid_blocks", "fluid": [{"center": [0.6, 0.2], "size": [1.2, 0.4], "velocity": [0.3, 0.0]}]},
    "solver": {"type": "delta_sph", "gravity": [0.0, -1.0], "sort_every": 2},
    "integrator": {"type": "own"},
    "time": {"end": 0.012, "dt": 0.002},
}
CHANNEL: dict[str, Any] = {
    **WAVE,
    "initial": {"type": "fluid_blocks", "jitter": 0.1},
    "solver": {"type": "transport_sph", "gravity": [1.0, 0.0], "viscosity": 0.1, "sort_every": 2},
}
VORTICES: dict[str, Any] = {
    **CHANNEL,
    "mesh": {"type": "grid", "shape": [10, 10], "length": [1.0, 1.0]},
    "initial": {"type": "vortex_particles", "relaxation": 5, "density": 1000.0},
}
RAIN: dict[str, Any] = {
    **WAVE,
    "mesh": {"type": "grid", "shape": [8, 9, 10], "length": [0.8, 0.9, 1.0]},
    "initial": {"type": "fluid_blocks", "fluid": [{"center": [0.5, 0.4, 0.4], "size": [0.3, 0.4, 0.3]}]},
    "solver": {"type": "delta_sph", "gravity": [0.0, 0.0, -1.0], "smoothing": 1.5},
}
ARGON: dict[str, Any] = {
    "mesh": {
        "type": "grid",
        "shape": [3, 4, 4],
        "length": [6.0, 7.0, 7.5],
        "boundaries": {"z": "wall"},
        "offset": "cell",
    },
    "initial": {"type": "crystal", "jitter": 0.05},
    "solver": {"type": "lennard_jones", "sort_every": 2, "thermostat": {"temperature": 1.0}},
    "integrator": {"type": "own"},
    "time": {"end": 0.03, "dt": 0.005},
}
DISCS: dict[str, Any] = {
    **ARGON,
    "mesh": {"type": "grid", "shape": [5, 6], "length": [8.0, 9.0]},
    "solver": {"type": "lennard_jones", "truncation": "force_shifted"},
}
PLAIN_NUMPY = ("numpy-float64", "numpy-float32")

RODS = {
    "mesh": {"type": "grid", "shape": [16, 12], "length": [10.0, 7.5]},
    "initial": {"type": "random_orientations", "amplitude": 0.4, "largest_wavenumber": 2},
    "solver": {"type": "active_moments"},
    "integrator": {"type": "sbdf2"},
    "closures": [{"type": "bingham"}],
    "time": {"end": 0.32, "dt": 0.04},
}

UNTRAINED = {"weights": "none", "hidden": [3, 4]}

MATERIALS = (
    "fixed_corotated", "neo_hookean", "newtonian_fluid", "herschel_bulkley", "drucker_prager", "von_mises"
)  # fmt: skip

# What differs from the suite's defaults, by kind and name; several variants where options change the formula.
VARIANTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("mesh", "grid"): [{"options": {"shape": (6, 4), "length": (2.0, 1.0)}}],
    ("initial", "from_run"): [{"options": {"run": "reference"}, "mixin": NeedsReference}],
    ("initial", "sine"): [{"scenario": BURGERS}],
    ("initial", "random_fourier"): [{"scenario": BURGERS}],
    ("initial", "kassam_trefethen"): [
        {"scenario": changed(BURGERS, solver={"type": "kuramoto_sivashinsky"}, integrator={"type": "etdrk4"})}
    ],
    ("initial", "kdv_solitons"): [{"scenario": KDV}],
    ("initial", "cole_hopf"): [{"scenario": BURGERS}],
    ("initial", "random_potential_vorticity"): [{"scenario": TWO_LAYERS}],
    ("initial", "at_rest"): [{}, {"options": {"quantity": "potential_vorticity"}, "scenario": TWO_LAYERS}],
    ("initial", "fourier_modes"): [
        {},
        {
            "options": {"quantity": "potential_vorticity", "waves": [{"amplitude": 1e-6}]},
            "scenario": TWO_LAYERS,
        },
    ],
    ("initial", "bump"): [{"scenario": IMPLICIT, "backends": PLAIN_NUMPY}],
    # it has no right-hand side to be tried on: the solvers that own their step are
    ("integrator", "own"): [{"suite": ComponentConformance}],
    ("observer", "linear_solver"): [{"scenario": IMPLICIT, "backends": PLAIN_NUMPY}],
    ("solver", "implicit_diffusion"): [
        {"scenario": IMPLICIT, "backends": PLAIN_NUMPY},
        {
            "scenario": changed(IMPLICIT, linear_solver={"type": "cg"}),
            "backends": PLAIN_NUMPY,
            "options": {"scheme": "backward_euler", "circling_source": {}},
        },
    ],
    ("solver", "implicit_advection_diffusion"): [
        {
            "scenario": changed(IMPLICIT, linear_solver={"type": "gmres"}),
            "backends": PLAIN_NUMPY,
            "options": {
                "velocity": (0.5, -1.0),
                "scheme": "upwind3",
                "boundaries": {"x": {"high": {"type": "outflow"}}},
            },
        },
    ],
    ("initial", "uniform"): [{"scenario": STEADY, "backends": PLAIN_NUMPY}],
    ("solver", "darcy"): [
        {
            "scenario": STEADY,
            "backends": PLAIN_NUMPY,
            "options": {
                "permeability": {"type": "log_normal", "length": 0.3},
                "boundaries": {"x": {"type": "dirichlet", "low": 1.0}},
                "source": {"gaussians": ({"center": (0.5, 0.5), "width": 0.1},)},
            },
        },
    ],
    ("solver", "poisson"): [
        {
            "scenario": STEADY,
            "backends": PLAIN_NUMPY,
            "options": {"source": {"uniform": 1.0}, "boundaries": {"x": {"type": "dirichlet"}}},
        },
    ],
    ("linsolve", "fft_poisson"): [{"systems": ("nodes", "walls", "mixed", "periodic"), "matrices": False}],
    ("linsolve", "multigrid"): [{"matrices": False}],
    ("linsolve", "pcg"): [{"options": {"preconditioner": name}} for name in ("jacobi", "ic0", "ssor", "amg")],
    ("linsolve", "amg"): [{"options": {"coarsening": name}} for name in ("ruge_stuben", "smoothed_aggregation")],
    ("linsolve", "sor"): [{}, {"options": {"omega": "optimal"}}],
    ("linsolve", "gmres"): [{"options": {"preconditioner": name}} for name in ("none", "jacobi", "ilu")],
    ("linsolve", "sor_bandit"): [{}, {"options": {"policy": "tsallis_inf", "recycle": 2}}],
    ("linsolve", "sor_bandit_contextual"): [
        {"options": {"policy": name}} for name in ("gaussian_process", "chebyshev", "bins")
    ],
    ("solver", "kuramoto_sivashinsky"): [{"scenario": FLAME}],
    ("solver", "burgers"): [{"scenario": BURGERS}, {"scenario": BURGERS, "options": {"forcing": {}}}],
    ("solver", "kdv"): [{"scenario": KDV}],
    ("solver", "navier_stokes_2d"): [
        {},
        {
            "scenario": changed(FLOW_2D, time={"end": 0.04, "dt": 0.005}),
            "options": {
                "beta": 3.0,
                "drag": 0.1,
                "hyperviscosity": 1e-8,
                "mean_flow": (0.5, -0.25),
                "forcing": {"type": "kolmogorov"},
                "advection": "flux",
                "dealias": "none",
            },
        },
    ],
    ("initial", "standing_mode"): [{"scenario": MODE}],
    ("initial", "gaussian"): [{"scenario": HEAT}, {"scenario": changed(HEAT, mesh=BOX, solver={"type": "heat"})}],
    ("initial", "gray_scott_seed"): [{"scenario": REACTION, "options": {"cells": 4}}],
    ("initial", "front"): [{"scenario": HEAT}],
    ("solver", "heat"): [
        {"scenario": HEAT, "options": {"source": {"center": (0.3, 0.4)}}},
        {"scenario": changed(HEAT, integrator={"type": "euler"})},
        {"scenario": changed(HEAT, mesh=BOX)},
    ],
    ("solver", "advection_diffusion"): [
        {"scenario": HEAT, "options": {"velocity": (1.0, -0.5), "scheme": scheme}}
        for scheme in ("central2", "central4", "upwind3")
    ],
    ("solver", "wave"): [
        {"scenario": HEAT},
        {"scenario": changed(HEAT, mesh=BOX)},
        {"scenario": changed(HEAT, integrator={"type": "own"})},
    ],
    ("solver", "gray_scott"): [
        {"scenario": REACTION},
        {"scenario": changed(REACTION, mesh=BOX, integrator={"type": "euler"})},
    ],
    ("solver", "fisher_kolmogorov"): [
        {
            "scenario": HEAT,
            "options": {"regions": ({"center": (0.5, 0.5), "radius": 0.3, "diffusivity": 0.1},)},
        },
        {"scenario": changed(HEAT, mesh=BOX, integrator={"type": "euler"})},
    ],
    ("solver", "incompressible_navier_stokes"): [
        {"scenario": STAGGERED, "backends": PLAIN_NUMPY},
        {
            "scenario": TANK,
            "backends": PLAIN_NUMPY,
            "options": {
                "force": (0.1, -0.2),
                "boundaries": {
                    "x": {"low": {"type": "inflow", "velocity": (1.0, 0.2)}, "high": {"type": "outflow"}},
                    "y": {"low": {"type": "slip"}, "high": {"type": "moving_wall", "velocity": (1.0, 0.0)}},
                },
                "obstacle": {"time": 0.02, "bodies": ({"type": "ball", "center": (0.5, 0.5), "radius": 0.2},)},
                "smoke": {"diffusivity": 0.01, "sources": ({"center": (0.3, 0.3), "radius": 0.2},)},
            },
        },
        {"scenario": BASIN, "backends": PLAIN_NUMPY},
    ],
    ("initial", "fluid_at_rest"): [
        {"scenario": TANK, "backends": PLAIN_NUMPY},
        {"scenario": STAGGERED, "backends": PLAIN_NUMPY, "options": {"velocity": (1.0, 0.5), "noise": 0.1}},
    ],
    ("initial", "box_vortices"): [
        {"scenario": STAGGERED, "backends": PLAIN_NUMPY},
        {"scenario": BASIN, "backends": PLAIN_NUMPY},
    ],
    ("observer", "box_vortices_error"): [{"scenario": STAGGERED, "backends": PLAIN_NUMPY}],
    ("observer", "cavity_reference"): [{"scenario": TANK, "backends": PLAIN_NUMPY}],
    ("solver", "shallow_water"): [
        {
            "scenario": POND,
            "backends": PLAIN_NUMPY,
            "options": {
                "bed": {"hills": ({"center": (0.5, 0.5), "width": 0.2, "height": 1.2},)},
                "boundaries": {"x": {"low": "outflow"}},
            },
        },
        {"scenario": DAM, "backends": PLAIN_NUMPY, "options": {"limiter": "none"}},
    ],
    ("initial", "lake"): [{"scenario": POND, "backends": PLAIN_NUMPY}],
    ("initial", "dam_break"): [{"scenario": DAM, "backends": PLAIN_NUMPY}],
    ("observer", "dam_break_error"): [{"scenario": DAM, "backends": PLAIN_NUMPY}],
    ("solver", "two_layer_qg"): [{"scenario": TWO_LAYERS}, {"scenario": TWO_LAYERS, "options": {"advection": "flux"}}],
    ("closure", "smagorinsky"): [{}, {"options": {"averaging": "local"}}, {"scenario": TWO_LAYERS}],
    ("closure", "leith"): [{}, {"options": {"averaging": "local"}}, {"scenario": TWO_LAYERS}],
    ("closure", "dynamic_smagorinsky"): [
        {},
        {"options": {"form": "momentum", "averaging": "local", "estimate": "positive_local"}},
        {"scenario": TWO_LAYERS},
    ],
    ("closure", "dynamic_leith"): [{}, {"options": {"estimate": "local_ratio"}}, {"scenario": TWO_LAYERS}],
    ("closure", "gradient"): [{}, {"options": {"order": 4}}, {"scenario": TWO_LAYERS}],
    ("closure", "zanna_bolton"): [{}, {"scenario": TWO_LAYERS}],
    ("closure", "backscatter"): [
        {},
        {"options": {"layer_thickness": (500.0, 2000.0)}, "scenario": TWO_LAYERS},
    ],
    ("closure", "gent_mcwilliams"): [{"scenario": TWO_LAYERS}],
    ("closure", "none"): [{}, {"scenario": TWO_LAYERS, "keys": {"slot": "subgrid_forcing"}}],
    ("corrector", "exponential_filter"): [{}, {"scenario": BURGERS}, {"scenario": TWO_LAYERS}],
    ("solver", "mpm"): [
        {"scenario": host, "suite": ParticleSolverConformance, "backends": PLAIN_NUMPY, "options": options}
        for host, options in (
            (SPLASH, {"obstacles": ({"shape": "ball", "center": (0.5, 0.0), "radius": 0.1},)}),
            (SPLASH, {"track_work": True, "reproducible": True, "walls": {"y": {"low": {"type": "no_slip"}}}}),
            (DROP, {}),
        )
    ],
    ("initial", "random_bodies"): [
        {"scenario": host, "backends": PLAIN_NUMPY, "options": {"radius": (0.08, 0.12), "shapes": shapes}}
        for host, shapes in ((SPLASH, ("ball", "box", "blob")), (DROP, ("ball", "box")))
    ],
    ("initial", "bodies"): [
        {
            "scenario": SPLASH,
            "backends": PLAIN_NUMPY,
            "options": {"bodies": SPLASH["initial"]["bodies"], "arrangement": kind},
        }
        for kind in ("lattice", "random")
    ],
    **{
        ("closure", law): [{"scenario": {**host, "closures": []}, "backends": PLAIN_NUMPY} for host in (SPLASH, DROP)]
        for law in MATERIALS
    },
    **{
        ("observer", name): [{"scenario": SPLASH, "backends": PLAIN_NUMPY}]
        for name in ("material_totals", "material_extent", "material_profile")
    },
    ("solver", "delta_sph"): [
        {"scenario": host, "suite": ParticleSolverConformance, "backends": PLAIN_NUMPY, "options": options}
        for host, options in (
            (WAVE, {"gravity": (0.0, -1.0), "sort_every": 2}),
            (WAVE, {"walls": "no_slip", "viscosity": 0.01}),
            (WAVE, {"walls": "dynamic", "gravity": (0.0, -1.0), "exponent": 1}),
            (RAIN, {"gravity": (0.0, 0.0, -1.0), "smoothing": 1.5}),
        )
    ],
    ("solver", "transport_sph"): [
        {"scenario": host, "suite": ParticleSolverConformance, "backends": PLAIN_NUMPY, "options": options}
        for host, options in ((CHANNEL, {"viscosity": 0.1}), (VORTICES, {}), (RAIN, {"smoothing": 1.5}))
    ],
    ("initial", "fluid_blocks"): [
        {"scenario": WAVE, "backends": PLAIN_NUMPY, "options": {"jitter": 0.2, "open": ("y_high",)}},
        {"scenario": RAIN, "backends": PLAIN_NUMPY, "options": {"fluid": RAIN["initial"]["fluid"]}},
    ],
    ("initial", "vortex_particles"): [
        {"scenario": VORTICES, "backends": PLAIN_NUMPY, "options": {"relaxation": 5, "density": 1000.0}}
    ],
    ("observer", "fluid_totals"): [{"scenario": host, "backends": PLAIN_NUMPY} for host in (WAVE, RAIN)],
    ("observer", "fluid_extent"): [{"scenario": WAVE, "backends": PLAIN_NUMPY}],
    ("observer", "vortex_decay"): [{"scenario": VORTICES, "backends": PLAIN_NUMPY}],
    ("observer", "channel_error"): [{"scenario": CHANNEL, "backends": PLAIN_NUMPY}],
    ("observer", "hydrostatic_error"): [
        {"scenario": WAVE, "backends": PLAIN_NUMPY, "options": {"surface": 0.4, "gravity": 1.0}}
    ],
    ("solver", "lennard_jones"): [
        {"scenario": host, "suite": ParticleSolverConformance, "backends": PLAIN_NUMPY, "options": options}
        for host, options in (
            (ARGON, {"thermostat": {"temperature": 1.0}}),
            (ARGON, {"truncation": "cut", "trap": 0.1}),
            (DISCS, {"truncation": "force_shifted"}),
        )
    ],
    ("initial", "crystal"): [
        {"scenario": ARGON, "backends": PLAIN_NUMPY, "options": {"jitter": 0.05}},
        {"scenario": DISCS, "backends": PLAIN_NUMPY, "options": {"lattice": "simple", "temperature": 0.0}},
    ],
    ("observer", "thermodynamics"): [
        {"scenario": ARGON, "backends": PLAIN_NUMPY, "options": {"tail": True}},
        {"scenario": DISCS, "backends": PLAIN_NUMPY},
    ],
    ("observer", "radial_distribution"): [
        {"scenario": host, "backends": PLAIN_NUMPY, "options": {"largest": 3.0, "bins": 20}} for host in (ARGON, DISCS)
    ],
    ("solver", "active_moments"): [{"scenario": RODS}],
    ("solver", "active_orientations"): [
        {"scenario": changed(RODS, closures=[], time={"end": 0.08, "dt": 0.01}), "options": {"angles": 18}}
    ],
    **{("observer", name): [{"scenario": RODS}] for name in ("rod_statistics", "defects", "mode_growth")},
    ("solver", "active_kinetic"): [
        {"scenario": changed(RODS, closures=[]), "options": {"angular_modes": 5}},
        {"scenario": changed(RODS, closures=[], initial={"type": "nematic", "amplitude": 0.1})},
    ],
    **{
        ("closure", name): [{"scenario": {**RODS, "closures": []}}] for name in ("bingham", "quadratic", "quasi_linear")
    },
    **{
        ("closure", name): [{"scenario": {**RODS, "closures": []}, "options": options} for options in ({}, UNTRAINED)]
        for name in ("learned_equivariant", "learned_residual")
    },
    **{("initial", name): [{"scenario": RODS}] for name in ("random_orientations", "isotropic_mode", "nematic")},
    ("observer", "soliton_error"): [{"scenario": KDV}],
    ("observer", "cole_hopf_error"): [{"scenario": changed(BURGERS, initial={"type": "cole_hopf"})}],
    ("observer", "power_spectrum"): [{"scenario": BURGERS}, {"options": {"quantity": "vorticity", "form": "x"}}],
    ("observer", "standing_mode_error"): [{"scenario": MODE}, {"scenario": MODE, "options": {"speed": 1.0}}],
    ("observer", "gaussian_error"): [{"scenario": HEAT}],
    ("observer", "reference_correlation"): [{"options": {"run": "reference"}, "mixin": NeedsReference}],
    ("observer", "energy_spectrum"): [{}, {"scenario": TWO_LAYERS}, {"scenario": BURGERS}],
}


def suites() -> Iterator[tuple[str, type]]:
    """One test class for each variant of each component."""
    for component in Registry.load().components():
        variants = VARIANTS.get((component.kind, component.name), [{}])
        for number, variant in enumerate(variants):
            attributes = {key: value for key, value in variant.items() if key not in ("mixin", "suite")}
            bases = tuple(filter(None, (variant.get("mixin"), variant.get("suite", SUITES[component.kind]))))
            name = f"Test_{component.kind}_{component.name}" + (f"_{number}" if number else "")
            yield name, type(name, bases, {"kind": component.kind, "name": component.name, **attributes})


globals().update(suites())


def test_every_kind_has_a_suite() -> None:
    assert set(SUITES) == set(KINDS)


def test_variants_name_registered_components() -> None:
    registered = {(component.kind, component.name) for component in Registry.load().components()}
    assert set(VARIANTS) <= registered


def test_no_plugin_has_a_problem() -> None:
    assert Registry.load().problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_offered(kind: str) -> None:
    assert Registry.load().components(kind)
