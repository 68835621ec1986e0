"""Names of dimensions, so that dims of one name and different lengths are told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from subgrid_io.selection import Selection

PARTICLE = "particle"
ROWS = "_row"
"""What follows the name of a particle set, or of a lone column, in the dimension of its rows."""


def dimensions(selection: Selection, shapes: Mapping[str, Sequence[int]]) -> dict[str, tuple[str, ...]]:
    """Names of the dimensions of each quantity, without time, given its shape in one frame.

    Particles of all frames stand behind one another along ``<set>_row`` (contiguous ragged arrays of the CF
    conventions). A dim of several lengths gets its length behind its name: ``component_3``.
    """
    lengths: dict[str, set[int]] = {}
    owners = {f"{name}_{column}": name for name, table in selection.particles.items() for column in table}
    described = selection.every
    for name, quantity in described.items():
        for dim, length in zip(quantity.dims, shapes[name], strict=True):
            if dim != PARTICLE:
                lengths.setdefault(dim, set()).add(int(length))
    named: dict[str, tuple[str, ...]] = {}
    for name, quantity in described.items():
        named[name] = tuple(
            owners.get(name, name) + ROWS
            if dim == PARTICLE
            else dim
            if len(lengths[dim]) == 1
            else f"{dim}_{int(length)}"
            for dim, length in zip(quantity.dims, shapes[name], strict=True)
        )
    return named


def shapes_of(selection: Selection) -> dict[str, tuple[int, ...]]:
    """Shape of each quantity in one frame; 0 particles for those of particles, whose number changes."""
    shapes = {}
    for name, quantity in selection.every.items():
        shape, _ = selection.layout(name)
        shapes[name] = (0, *shape[1:]) if quantity.location == PARTICLE else shape[1:]
    return shapes
