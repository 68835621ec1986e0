"""Closures by name, and flows for them to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from subgrid.api import Backend, Closure, Grid, Quantity, Setup, Slot, Streams
from subgrid.kernels.fourier import FourierBasis
from subgrid.registry import Registry
from subgrid_closures.resolved_flow import flow_inputs

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("none", {}),
    ("constant_viscosity", {}),
    ("smagorinsky", {}),
    ("smagorinsky", {"averaging": "local"}),
    ("leith", {}),
    ("leith", {"averaging": "local"}),
    *[
        (name, {"estimate": estimate, "averaging": averaging})
        for name in ("dynamic_smagorinsky", "dynamic_leith")
        for estimate, averaging in [
            ("positive_mean", "domain"),
            ("mean", "local"),
            ("positive_local", "domain"),
            ("local_ratio", "local"),
        ]
    ],
    ("dynamic_smagorinsky", {"form": "momentum"}),
    ("dynamic_smagorinsky", {"form": "momentum", "estimate": "mean", "averaging": "local"}),
    ("gradient", {}),
    ("gradient", {"order": 4}),
    ("zanna_bolton", {}),
    ("backscatter", {}),
    ("backscatter", {"layer_thickness": (1.0, 4.0)}),
    ("gent_mcwilliams", {}),
    ("approximate_deconvolution", {}),
]
"""Every closure with every choice that changes its path through the code."""

COUPLED_LAYERS = ("gent_mcwilliams", "layer_thickness")
"""Marks of the variants whose layers know of each other."""


def variant_id(variant: tuple[str, dict[str, Any]]) -> str:
    name, options = variant
    return "-".join([name, *map(str, options)]) + "".join(f"-{value}" for value in options.values())


every_variant = pytest.mark.parametrize("variant", VARIANTS, ids=map(variant_id, VARIANTS))


def square(cells: int) -> Grid:
    return Grid((cells, cells), (2 * np.pi, 2 * np.pi))


@pytest.fixture
def make_closure(registry: Registry) -> Callable[..., Any]:
    """``make_closure(name, mesh, backend, **options)``: a closure that is set up."""

    def make(name: str, mesh: Grid | None = None, backend: Backend | None = None, **options: Any) -> Closure:
        component = registry.find("closure", name)
        closure: Closure = registry.create(component, registry.options_class(component)(**options))
        setup = Setup(mesh or square(32), backend or Backend(threads=1), name, Streams(0, name), 0.01, Path())
        slot = closure.slots[0]
        dims = ("layer", "y", "x") if name in COUPLED_LAYERS else ("y", "x")
        closure.setup(setup, Slot(slot, {}, Quantity(dims)))
        return closure

    return make


def random_vorticity(mesh: Grid, layers: int = 0, seed: int = 1) -> NDArray[np.float64]:
    """Vorticity with a flat spectrum inside the 2/3 rule and without mean."""
    basis = FourierBasis(mesh, Backend(threads=1))
    shape = (layers, *mesh.shape) if layers else mesh.shape
    noise = np.random.default_rng(seed).normal(size=shape)
    field: NDArray[np.float64] = basis.backward(basis.forward(noise) * basis.kept_modes("two_thirds"))
    return field


def inputs_of(vorticity: Any, mesh: Grid, backend: Backend | None = None) -> Mapping[str, Any]:
    """All closure inputs of a vorticity field (..., ny, nx)."""
    basis = FourierBasis(mesh, backend or Backend(threads=1))
    return flow_inputs(basis, basis.forward(vorticity))
