"""Numba-CUDA twins of `subgrid_sph.kernels`, one thread for each particle: ``kernel[blocks, 128](..., rows)``.

They run the same source, a row at a time, so that there is one text to read; arguments are those of the CPU kernels
with the first row and the number of rows at the end.
"""

from __future__ import annotations

from numba import cuda

from subgrid.kernels.device import on_device
from subgrid_sph import kernels

__all__ = ["BLOCK", "delta_forces", "delta_rates", "densities", "extrapolate", "transport_forces"]

BLOCK = 128
"""Threads of a block."""

_GEOMETRY = {name: on_device(getattr(kernels, name)) for name in ("_periods", "_near_an_end", "_apart")}

_delta_rates = on_device(kernels.delta_rates, **_GEOMETRY)
_delta_forces = on_device(kernels.delta_forces, **_GEOMETRY)
_densities = on_device(kernels.densities, **_GEOMETRY)
_extrapolate = on_device(kernels.extrapolate, **_GEOMETRY)
_transport_forces = on_device(kernels.transport_forces, **_GEOMETRY)


@cuda.jit  # type: ignore[untyped-decorator]
def delta_rates(  # type: ignore[no-untyped-def]
    record, begin, end, indices, low, lengths, h, scale, fluid, diffusion, rest, out, start, rows
):
    """Twin of `subgrid_sph.kernels.delta_rates`."""
    i = cuda.grid(1)
    if i < rows:
        i += start
        _delta_rates(record, begin, end, indices, low, lengths, h, scale, fluid, diffusion, rest, out, i, i + 1)


@cuda.jit  # type: ignore[untyped-decorator]
def delta_forces(  # type: ignore[no-untyped-def]
    record, density, begin, end, indices, low, lengths, h, scale, fluid, artificial, viscosity, wall_viscosity, gravity,
    out, start, rows,
):  # fmt: skip
    """Twin of `subgrid_sph.kernels.delta_forces`."""
    i = cuda.grid(1)
    if i < rows:
        i += start
        _delta_forces(
            record, density, begin, end, indices, low, lengths, h, scale, fluid, artificial, viscosity, wall_viscosity,
            gravity, out, i, i + 1,
        )  # fmt: skip


@cuda.jit  # type: ignore[untyped-decorator]
def densities(record, begin, end, indices, low, lengths, h, scale, mass, out, start, rows):  # type: ignore[no-untyped-def]
    """Twin of `subgrid_sph.kernels.densities`."""
    i = cuda.grid(1)
    if i < rows:
        i += start
        _densities(record, begin, end, indices, low, lengths, h, scale, mass, out, i, i + 1)


@cuda.jit  # type: ignore[untyped-decorator]
def extrapolate(  # type: ignore[no-untyped-def]
    record, density, begin, end, indices, low, lengths, h, fluid, gravity, pressure, velocity, start, rows
):
    """Twin of `subgrid_sph.kernels.extrapolate`."""
    i = cuda.grid(1)
    if i < rows:
        i += start
        _extrapolate(
            record, density, begin, end, indices, low, lengths, h, fluid, gravity, pressure, velocity, i, i + 1
        )


@cuda.jit  # type: ignore[untyped-decorator]
def transport_forces(  # type: ignore[no-untyped-def]
    record, begin, end, indices, low, lengths, h, scale, mass, viscosity, wall_viscosity, background, fluid, gravity,
    out, shift, start, rows,
):  # fmt: skip
    """Twin of `subgrid_sph.kernels.transport_forces`."""
    i = cuda.grid(1)
    if i < rows:
        i += start
        _transport_forces(
            record, begin, end, indices, low, lengths, h, scale, mass, viscosity, wall_viscosity, background, fluid,
            gravity, out, shift, i, i + 1,
        )  # fmt: skip
