"""The same material points in taichi, as its users write them: a fluid in one kernel each way, fields, no sorting."""

import os
from typing import Any

import numpy as np

from subgrid.api import Work


def taichi_fluid(position: Any, cells: int, dt: float, modulus: float, gravity: float) -> Work:
    """One step of a weakly compressible fluid with p = K/7 (J^-7 - 1) on particles (n, d). Raises ImportError."""
    import taichi as ti

    ti.init(arch=ti.cpu, default_fp=ti.f32, cpu_max_num_threads=len(os.sched_getaffinity(0)), log_level=ti.ERROR)
    count, d = position.shape
    dx, inv_dx, nodes = 1.0 / cells, float(cells), cells + 5
    volume = mass = (0.5 * dx) ** d
    x, v = ti.Vector.field(d, float, count), ti.Vector.field(d, float, count)
    C, J = ti.Matrix.field(d, d, float, count), ti.field(float, count)
    grid_v, grid_m = ti.Vector.field(d, float, (nodes,) * d), ti.field(float, (nodes,) * d)
    x.from_numpy(position.astype(np.float32))
    J.fill(1.0)

    @ti.kernel
    def step():  # type: ignore[no-untyped-def]
        for I in ti.grouped(grid_m):
            grid_v[I] = ti.zero(grid_v[I])
            grid_m[I] = 0.0
        for p in x:
            scaled = x[p] * inv_dx + 2.0
            base = ti.cast(scaled - 0.5, ti.i32)
            f = scaled - ti.cast(base, float)
            w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1.0) ** 2, 0.5 * (f - 0.5) ** 2]
            r = 1.0 / J[p]
            r3 = r * r * r
            pressure = modulus / 7.0 * (r3 * r3 - J[p])
            affine = ti.Matrix.identity(float, d) * (4.0 * dt * volume * inv_dx * inv_dx * pressure) + mass * C[p]
            for offset in ti.static(ti.grouped(ti.ndrange(*((3,) * d)))):
                distance = (offset - f) * dx
                weight = 1.0
                for a in ti.static(range(d)):
                    weight *= w[offset[a]][a]
                grid_v[base + offset] += weight * (mass * v[p] + affine @ distance)
                grid_m[base + offset] += weight * mass
        for I in ti.grouped(grid_m):
            if grid_m[I] > 0.0:
                grid_v[I] /= grid_m[I]
                grid_v[I][d - 1] -= dt * gravity
                for a in ti.static(range(d)):
                    if I[a] <= 2 and grid_v[I][a] < 0.0:
                        grid_v[I][a] = 0.0
                    if I[a] >= nodes - 3 and grid_v[I][a] > 0.0:
                        grid_v[I][a] = 0.0
        for p in x:
            scaled = x[p] * inv_dx + 2.0
            base = ti.cast(scaled - 0.5, ti.i32)
            f = scaled - ti.cast(base, float)
            w = [0.5 * (1.5 - f) ** 2, 0.75 - (f - 1.0) ** 2, 0.5 * (f - 0.5) ** 2]
            new_v, new_C = ti.zero(v[p]), ti.zero(C[p])
            for offset in ti.static(ti.grouped(ti.ndrange(*((3,) * d)))):
                weight = 1.0
                for a in ti.static(range(d)):
                    weight *= w[offset[a]][a]
                g = grid_v[base + offset]
                new_v += weight * g
                new_C += 4.0 * inv_dx * weight * g.outer_product(offset - f)
            v[p] = new_v
            C[p] = new_C
            x[p] += dt * new_v
            J[p] *= 1.0 + dt * new_C.trace()

    def work() -> None:
        step()
        ti.sync()

    work()
    return work
