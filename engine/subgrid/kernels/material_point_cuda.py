"""Numba-CUDA twins of the kernels of material points: ``kernel[blocks(count), BLOCK](...)``, one thread for each
particle, node or condition.

Arguments are those of the CPU kernels without the band of particles. ``grid`` is flat, four values for each node, and
zero before a scatter. `scatter_2d` and `scatter_3d` add by atomic operations, whose order and so the last bits differ
from run to run. `collect_2d` and `collect_3d` do the same with one thread for each node, which reads particles in
their order: they must be sorted by `cell_keys`, and ``starts`` says where each block of nodes begins. That gives the
same bits always, and reads every particle 9 or 27 times.

Laws are the sources of `subgrid.kernels.constitutive`, compiled for the device.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda

from subgrid.kernels import constitutive
from subgrid.kernels.device import on_device
from subgrid.kernels.stencil_cuda import BLOCK, blocks

__all__ = [
    "BLOCK",
    "block_starts",
    "blocks",
    "collect_2d",
    "collect_3d",
    "condition",
    "fluid_2d",
    "fluid_3d",
    "gather_2d",
    "gather_3d",
    "isotropic_2d",
    "isotropic_3d",
    "scatter_2d",
    "scatter_3d",
    "velocities",
]  # fmt: skip

Array = Any


def block_starts(keys: Array, nodes: int) -> Array:
    """First particle of every block of nodes, and the number of particles, from sorted keys: shape (nodes + 1,)."""
    return np.searchsorted(keys, np.arange(nodes + 1)).astype(np.int64)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _weight(f, offset):  # type: ignore[no-untyped-def]
    """Quadratic B-spline of the node ``offset`` (0, 1, 2) behind the first, from which the particle is ``f`` cells."""
    if offset == 0:
        return (1.5 - f) * (1.5 - f) * 0.5
    if offset == 1:
        return 0.75 - (f - 1.0) * (f - 1.0)
    return (f - 0.5) * (f - 0.5) * 0.5


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _push(affine, stress, m, pull, p, a, b):  # type: ignore[no-untyped-def]
    """Momentum that particle p gives a node per distance along b."""
    return m * affine[p, a, b] - pull * stress[p, a, b]


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _momentum_2d(velocity, affine, stress, m, pull, p, a, dx, dy):  # type: ignore[no-untyped-def]
    """Component a of the momentum that particle p gives a node at (dx, dy) from it, before weighting."""
    return (
        m * velocity[p, a] + _push(affine, stress, m, pull, p, a, 0) * dx + _push(affine, stress, m, pull, p, a, 1) * dy
    )


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _momentum_3d(velocity, affine, stress, m, pull, p, a, dx, dy, dz):  # type: ignore[no-untyped-def]
    """As `_momentum_2d`, for a node at (dx, dy, dz)."""
    return _momentum_2d(velocity, affine, stress, m, pull, p, a, dx, dy) + _push(affine, stress, m, pull, p, a, 2) * dz


@cuda.jit  # type: ignore[untyped-decorator]
def scatter_2d(position, velocity, affine, stress, mass, volume, origin, spacing, dt, nx, ny, grid, lost):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.material_points_2d.scatter`; ``lost`` (1,) counts particles that are not on the grid."""
    p = cuda.grid(1)
    if p < position.shape[0]:
        x = (position[p, 0] - origin[0]) / spacing + 2.0
        y = (position[p, 1] - origin[1]) / spacing + 2.0
        if not (x >= 0.5 and x < nx - 1.5 and y >= 0.5 and y < ny - 1.5):
            cuda.atomic.add(lost, 0, 1)
            return
        i = int(x - 0.5)
        j = int(y - 0.5)
        fx = x - i
        fy = y - j
        m, pull = mass[p], 4.0 * dt / (spacing * spacing) * volume[p]
        for b in range(3):
            for a in range(3):
                w = _weight(fx, a) * _weight(fy, b)
                dx = (a - fx) * spacing
                dy = (b - fy) * spacing
                at = 4 * ((j + b) * nx + i + a)
                cuda.atomic.add(grid, at, w * m)
                for q in range(2):
                    momentum = _momentum_2d(velocity, affine, stress, m, pull, p, q, dx, dy)
                    cuda.atomic.add(grid, at + 1 + q, w * momentum)


@cuda.jit  # type: ignore[untyped-decorator]
def collect_2d(position, velocity, affine, stress, mass, volume, origin, spacing, dt, nx, ny, starts, grid):  # type: ignore[no-untyped-def]
    """As `scatter_2d`, node by node in the order of the particles, which are sorted by blocks of nodes."""
    node = cuda.grid(1)
    if node >= nx * ny:
        return
    i = node % nx
    j = node // nx
    zero = grid[4 * node] * 0.0
    total_m, total_x, total_y = zero, zero, zero
    for b in range(3):
        for a in range(3):
            if i < a or j < b:
                continue
            block = (j - b) * nx + i - a
            for p in range(starts[block], starts[block + 1]):
                fx = (position[p, 0] - origin[0]) / spacing + 2.0 - (i - a)
                fy = (position[p, 1] - origin[1]) / spacing + 2.0 - (j - b)
                w = _weight(fx, a) * _weight(fy, b)
                m, pull = mass[p], 4.0 * dt / (spacing * spacing) * volume[p]
                dx = (a - fx) * spacing
                dy = (b - fy) * spacing
                total_m += w * m
                total_x += w * _momentum_2d(velocity, affine, stress, m, pull, p, 0, dx, dy)
                total_y += w * _momentum_2d(velocity, affine, stress, m, pull, p, 1, dx, dy)
    grid[4 * node] = total_m
    grid[4 * node + 1] = total_x
    grid[4 * node + 2] = total_y


@cuda.jit  # type: ignore[untyped-decorator]
def gather_2d(position, velocity, affine, deformation, origin, spacing, dt, nx, ny, grid):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.material_points_2d.gather`."""
    p = cuda.grid(1)
    if p < position.shape[0]:
        x = (position[p, 0] - origin[0]) / spacing + 2.0
        y = (position[p, 1] - origin[1]) / spacing + 2.0
        i = int(x - 0.5)
        j = int(y - 0.5)
        fx = x - i
        fy = y - j
        zero = 0.0 * velocity[p, 0]
        velocity[p, 0] = zero
        affine[p, 0, 0] = zero
        affine[p, 0, 1] = zero
        velocity[p, 1] = zero
        affine[p, 1, 0] = zero
        affine[p, 1, 1] = zero
        for b in range(3):
            for a in range(3):
                w = _weight(fx, a) * _weight(fy, b)
                at = 4 * ((j + b) * nx + i + a)
                for q in range(2):
                    u = w * grid[at + 1 + q]
                    velocity[p, q] += u
                    affine[p, q, 0] += 4.0 / spacing * u * (a - fx)
                    affine[p, q, 1] += 4.0 / spacing * u * (b - fy)
        for q in range(2):
            position[p, q] += dt * velocity[p, q]
        for r in range(2):
            f0, f1 = deformation[p, 0, r], deformation[p, 1, r]
            for q in range(2):
                rate = affine[p, q, 0] * f0 + affine[p, q, 1] * f1
                deformation[p, q, r] += dt * rate


@cuda.jit  # type: ignore[untyped-decorator]
def scatter_3d(position, velocity, affine, stress, mass, volume, origin, spacing, dt, nx, ny, nz, grid, lost):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.material_points_3d.scatter`; ``lost`` (1,) counts particles that are not on the grid."""
    p = cuda.grid(1)
    if p < position.shape[0]:
        x = (position[p, 0] - origin[0]) / spacing + 2.0
        y = (position[p, 1] - origin[1]) / spacing + 2.0
        z = (position[p, 2] - origin[2]) / spacing + 2.0
        if not (x >= 0.5 and x < nx - 1.5 and y >= 0.5 and y < ny - 1.5 and z >= 0.5 and z < nz - 1.5):
            cuda.atomic.add(lost, 0, 1)
            return
        i = int(x - 0.5)
        j = int(y - 0.5)
        k = int(z - 0.5)
        fx = x - i
        fy = y - j
        fz = z - k
        m, pull = mass[p], 4.0 * dt / (spacing * spacing) * volume[p]
        for c in range(3):
            for b in range(3):
                for a in range(3):
                    w = _weight(fx, a) * _weight(fy, b) * _weight(fz, c)
                    dx = (a - fx) * spacing
                    dy = (b - fy) * spacing
                    dz = (c - fz) * spacing
                    at = 4 * (((k + c) * ny + j + b) * nx + i + a)
                    cuda.atomic.add(grid, at, w * m)
                    for q in range(3):
                        momentum = _momentum_3d(velocity, affine, stress, m, pull, p, q, dx, dy, dz)
                        cuda.atomic.add(grid, at + 1 + q, w * momentum)


@cuda.jit  # type: ignore[untyped-decorator]
def collect_3d(position, velocity, affine, stress, mass, volume, origin, spacing, dt, nx, ny, nz, starts, grid):  # type: ignore[no-untyped-def]
    """As `scatter_3d`, node by node in the order of the particles, which are sorted by blocks of nodes."""
    node = cuda.grid(1)
    if node >= nx * ny * nz:
        return
    i = node % nx
    j = (node // nx) % ny
    k = node // (nx * ny)
    zero = grid[4 * node] * 0.0
    total_m, total_x, total_y, total_z = zero, zero, zero, zero
    for c in range(3):
        for b in range(3):
            for a in range(3):
                if i < a or j < b or k < c:
                    continue
                block = ((k - c) * ny + j - b) * nx + i - a
                for p in range(starts[block], starts[block + 1]):
                    fx = (position[p, 0] - origin[0]) / spacing + 2.0 - (i - a)
                    fy = (position[p, 1] - origin[1]) / spacing + 2.0 - (j - b)
                    fz = (position[p, 2] - origin[2]) / spacing + 2.0 - (k - c)
                    w = _weight(fx, a) * _weight(fy, b) * _weight(fz, c)
                    m, pull = mass[p], 4.0 * dt / (spacing * spacing) * volume[p]
                    dx = (a - fx) * spacing
                    dy = (b - fy) * spacing
                    dz = (c - fz) * spacing
                    total_m += w * m
                    total_x += w * _momentum_3d(velocity, affine, stress, m, pull, p, 0, dx, dy, dz)
                    total_y += w * _momentum_3d(velocity, affine, stress, m, pull, p, 1, dx, dy, dz)
                    total_z += w * _momentum_3d(velocity, affine, stress, m, pull, p, 2, dx, dy, dz)
    grid[4 * node] = total_m
    grid[4 * node + 1] = total_x
    grid[4 * node + 2] = total_y
    grid[4 * node + 3] = total_z


@cuda.jit  # type: ignore[untyped-decorator]
def gather_3d(position, velocity, affine, deformation, origin, spacing, dt, nx, ny, nz, grid):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.material_points_3d.gather`."""
    p = cuda.grid(1)
    if p < position.shape[0]:
        x = (position[p, 0] - origin[0]) / spacing + 2.0
        y = (position[p, 1] - origin[1]) / spacing + 2.0
        z = (position[p, 2] - origin[2]) / spacing + 2.0
        i = int(x - 0.5)
        j = int(y - 0.5)
        k = int(z - 0.5)
        fx = x - i
        fy = y - j
        fz = z - k
        zero = 0.0 * velocity[p, 0]
        velocity[p, 0] = zero
        affine[p, 0, 0] = zero
        affine[p, 0, 1] = zero
        affine[p, 0, 2] = zero
        velocity[p, 1] = zero
        affine[p, 1, 0] = zero
        affine[p, 1, 1] = zero
        affine[p, 1, 2] = zero
        velocity[p, 2] = zero
        affine[p, 2, 0] = zero
        affine[p, 2, 1] = zero
        affine[p, 2, 2] = zero
        for c in range(3):
            for b in range(3):
                for a in range(3):
                    w = _weight(fx, a) * _weight(fy, b) * _weight(fz, c)
                    at = 4 * (((k + c) * ny + j + b) * nx + i + a)
                    for q in range(3):
                        u = w * grid[at + 1 + q]
                        velocity[p, q] += u
                        affine[p, q, 0] += 4.0 / spacing * u * (a - fx)
                        affine[p, q, 1] += 4.0 / spacing * u * (b - fy)
                        affine[p, q, 2] += 4.0 / spacing * u * (c - fz)
        for q in range(3):
            position[p, q] += dt * velocity[p, q]
        for r in range(3):
            f0, f1, f2 = deformation[p, 0, r], deformation[p, 1, r], deformation[p, 2, r]
            for q in range(3):
                rate = affine[p, q, 0] * f0 + affine[p, q, 1] * f1 + affine[p, q, 2] * f2
                deformation[p, q, r] += dt * rate


@cuda.jit  # type: ignore[untyped-decorator]
def velocities(grid, kick):  # type: ignore[no-untyped-def]
    """Momentum to velocity where there is mass, plus ``kick`` (3,); the mass becomes one. One thread for each node."""
    node = cuda.grid(1)
    if 4 * node < grid.size and grid[4 * node] > 0.0:
        m = grid[4 * node]
        grid[4 * node] = m / m
        for a in range(3):
            grid[4 * node + 1 + a] = grid[4 * node + 1 + a] / m + kick[a]


@cuda.jit  # type: ignore[untyped-decorator]
def condition(grid, index, normal, wall, kind, friction):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.material_point_nodes.condition`; one thread for each condition.

    Conditions that share a node, as those of two walls in a corner do, need a launch each.
    """
    n = cuda.grid(1)
    if n >= index.size:
        return
    at = 4 * index[n]
    u, v, w = grid[at + 1] - wall[n, 0], grid[at + 2] - wall[n, 1], grid[at + 3] - wall[n, 2]
    along = u * normal[n, 0] + v * normal[n, 1] + w * normal[n, 2]
    if kind[n] > 1 and along >= 0.0:
        return
    u, v, w = u - along * normal[n, 0], v - along * normal[n, 1], w - along * normal[n, 2]
    kept = 1.0
    if kind[n] == 0:
        kept = 0.0
    elif kind[n] == 3:
        speed = math.sqrt(u * u + v * v + w * w)
        kept = max(0.0, 1.0 + friction[n] * along / speed) if speed > 0.0 else 0.0
    grid[at + 1], grid[at + 2], grid[at + 3] = wall[n, 0] + kept * u, wall[n, 1] + kept * v, wall[n, 2] + kept * w


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _cube_root(J):  # type: ignore[no-untyped-def]
    return J ** (1.0 / 3.0)


_overstress = on_device(constitutive._overstress)
_relaxed = on_device(constitutive._relaxed, _overstress=_overstress)
_stress = on_device(constitutive._stress)
_pressure = on_device(constitutive._pressure)
_diagonalise = on_device(constitutive._diagonalise)
_isotropic_2d = on_device(constitutive.isotropic_2d, _relaxed=_relaxed, _stress=_stress)
_strain_3d = on_device(constitutive.strain_3d, _relaxed=_relaxed, _stress=_stress, _diagonalise=_diagonalise)
_fluid_2d = on_device(constitutive.fluid_2d, _pressure=_pressure)
_fluid_3d = on_device(constitutive.fluid_3d, _pressure=_pressure, _cube_root=_cube_root)


@cuda.jit  # type: ignore[untyped-decorator]
def isotropic_2d(F, memory, law, parameters, dt, stress):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.constitutive.isotropic_2d`."""
    p = cuda.grid(1)
    if p < F.shape[0]:
        _isotropic_2d(F, memory, law, parameters, dt, stress, p, p + 1)


@cuda.jit  # type: ignore[untyped-decorator]
def isotropic_3d(F, memory, law, parameters, dt, stress):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.constitutive.isotropic_3d`."""
    A, U = cuda.local.array((3, 3), np.float64), cuda.local.array((3, 3), np.float64)
    M, G = cuda.local.array((3, 3), np.float64), cuda.local.array((3, 3), np.float64)
    s, n, t = cuda.local.array(3, np.float64), cuda.local.array(3, np.float64), cuda.local.array(3, np.float64)
    p = cuda.grid(1)
    if p < F.shape[0]:
        _strain_3d(F, memory, law, parameters, dt, stress, p, A, U, M, G, s, n, t)


@cuda.jit  # type: ignore[untyped-decorator]
def fluid_2d(F, C, parameters, stress):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.constitutive.fluid_2d`."""
    p = cuda.grid(1)
    if p < F.shape[0]:
        _fluid_2d(F, C, parameters, stress, p, p + 1)


@cuda.jit  # type: ignore[untyped-decorator]
def fluid_3d(F, C, parameters, stress):  # type: ignore[no-untyped-def]
    """Twin of `subgrid.kernels.constitutive.fluid_3d`."""
    p = cuda.grid(1)
    if p < F.shape[0]:
        _fluid_3d(F, C, parameters, stress, p, p + 1)
