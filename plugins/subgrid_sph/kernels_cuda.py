"""Numba-CUDA twins of `subgrid_sph.kernels`, one thread for each particle: ``kernel[blocks, 128](..., rows)``.

They run the same source, a row at a time, so that there is one text to read; arguments are those of the CPU kernels
with the first row and the number of rows at the end.
"""

from __future__ import annotations

from numba import cuda

from subgrid_sph import kernels

__all__ = ["BLOCK", "delta_forces", "delta_rates", "densities", "extrapolate", "transport_forces"]

BLOCK = 128
"""Threads of a block."""

_delta_rates = cuda.jit(device=True)(kernels.delta_rates.py_func)
_delta_forces = cuda.jit(device=True)(kernels.delta_forces.py_func)
_densities = cuda.jit(device=True)(kernels.densities.py_func)
_extrapolate = cuda.jit(device=True)(kernels.extrapolate.py_func)
_transport_forces = cuda.jit(device=True)(kernels.transport_forces.py_func)


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
