"""Numba-CUDA twins of `subgrid_md.kernels`, one thread for each atom: ``kernel[blocks, 128](..., atoms)``.

They run the same source, a row at a time; arguments are those of the CPU kernels with the number of atoms at the end.
"""

from __future__ import annotations

from numba import cuda

from subgrid.kernels.device import on_device
from subgrid_md import kernels

__all__ = ["BLOCK", "forces", "measures"]

BLOCK = 128
"""Threads of a block."""

_GEOMETRY = {name: on_device(getattr(kernels, name)) for name in ("_box", "_apart")}

_forces = on_device(kernels.forces, **_GEOMETRY)
_measures = on_device(kernels.measures, **_GEOMETRY)


@cuda.jit  # type: ignore[untyped-decorator]
def forces(position, begin, end, indices, periods, epsilon, sigma, slope, out, atoms):  # type: ignore[no-untyped-def]
    """Twin of `subgrid_md.kernels.forces`."""
    i = cuda.grid(1)
    if i < atoms:
        _forces(position, begin, end, indices, periods, epsilon, sigma, slope, out, i, i + 1)


@cuda.jit  # type: ignore[untyped-decorator]
def measures(  # type: ignore[no-untyped-def]
    position, begin, end, indices, periods, epsilon, sigma, shift, slope, dimensions, energy, virial, laplacian, atoms
):
    """Twin of `subgrid_md.kernels.measures`."""
    i = cuda.grid(1)
    if i < atoms:
        _measures(
            position, begin, end, indices, periods, epsilon, sigma, shift, slope, dimensions, energy, virial, laplacian,
            i, i + 1,
        )  # fmt: skip
