"""The same material points in taichi and Warp, as their users write them: a kernel each way, fields, no sorting."""

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


def warp_fluid(position: Any, cells: int, dt: float, modulus: float, gravity: float) -> Work:
    """As `taichi_fluid`, in three dimensions, in Warp: its CPU kernels run on one thread. Raises ImportError."""
    import warp as wp

    wp.config.log_level = wp.LOG_ERROR
    wp.init()
    count, nodes = len(position), cells + 5
    h, per_h, volume = 1.0 / cells, float(cells), (0.5 / cells) ** 3
    vectors, numbers = wp.array(dtype=wp.vec3), wp.array(dtype=float)
    matrices, grid_of_vectors, grid_of_numbers = (
        wp.array(dtype=wp.mat33),
        wp.array3d(dtype=wp.vec3),
        wp.array3d(dtype=float),
    )

    @wp.func
    def weights(f: wp.vec3):  # type: ignore[no-untyped-def]
        a, b, c = wp.vec3(1.5) - f, f - wp.vec3(1.0), f - wp.vec3(0.5)
        return wp.matrix_from_rows(0.5 * wp.cw_mul(a, a), wp.vec3(0.75) - wp.cw_mul(b, b), 0.5 * wp.cw_mul(c, c))

    @wp.kernel(enable_backward=False)
    def scatter(x: vectors, v: vectors, C: matrices, J: numbers, grid_v: grid_of_vectors, grid_m: grid_of_numbers):  # type: ignore[no-untyped-def]
        p = wp.tid()
        scaled = x[p] * per_h + wp.vec3(2.0)
        i, j, k = int(scaled[0] - 0.5), int(scaled[1] - 0.5), int(scaled[2] - 0.5)
        f = scaled - wp.vec3(float(i), float(j), float(k))
        w = weights(f)
        r = 1.0 / J[p]
        cube = r * r * r
        pressure = modulus / 7.0 * (cube * cube - J[p])
        affine = wp.identity(n=3, dtype=float) * (4.0 * dt * volume * per_h * per_h * pressure) + volume * C[p]
        for a in range(3):
            for b in range(3):
                for c in range(3):
                    weight = w[a, 0] * w[b, 1] * w[c, 2]
                    away = (wp.vec3(float(a), float(b), float(c)) - f) * h
                    wp.atomic_add(grid_v, k + c, j + b, i + a, weight * (volume * v[p] + affine * away))
                    wp.atomic_add(grid_m, k + c, j + b, i + a, weight * volume)

    @wp.kernel(enable_backward=False)
    def on_nodes(grid_v: grid_of_vectors, grid_m: grid_of_numbers):  # type: ignore[no-untyped-def]
        k, j, i = wp.tid()
        m = grid_m[k, j, i]
        if m > 0.0:
            u = grid_v[k, j, i] / m - wp.vec3(0.0, 0.0, dt * gravity)
            at = wp.vec3i(i, j, k)
            for a in range(3):
                if at[a] <= 2:
                    u[a] = wp.max(u[a], 0.0)
                if at[a] >= nodes - 3:
                    u[a] = wp.min(u[a], 0.0)
            grid_v[k, j, i] = u

    @wp.kernel(enable_backward=False)
    def gather(x: vectors, v: vectors, C: matrices, J: numbers, grid_v: grid_of_vectors):  # type: ignore[no-untyped-def]
        p = wp.tid()
        scaled = x[p] * per_h + wp.vec3(2.0)
        i, j, k = int(scaled[0] - 0.5), int(scaled[1] - 0.5), int(scaled[2] - 0.5)
        f = scaled - wp.vec3(float(i), float(j), float(k))
        w = weights(f)
        new_v, new_C = wp.vec3(0.0), wp.mat33(0.0)
        for a in range(3):
            for b in range(3):
                for c in range(3):
                    weight = w[a, 0] * w[b, 1] * w[c, 2]
                    g = grid_v[k + c, j + b, i + a]
                    new_v += weight * g
                    new_C += (4.0 * per_h * weight) * wp.outer(g, wp.vec3(float(a), float(b), float(c)) - f)
        v[p] = new_v
        C[p] = new_C
        x[p] = x[p] + dt * new_v
        J[p] = J[p] * (1.0 + dt * wp.trace(new_C))

    x, v = wp.array(position.astype(np.float32), dtype=wp.vec3), wp.zeros(count, dtype=wp.vec3)
    C, J = wp.zeros(count, dtype=wp.mat33), wp.ones(count, dtype=float)
    grid_v, grid_m = wp.zeros((nodes,) * 3, dtype=wp.vec3), wp.zeros((nodes,) * 3, dtype=float)

    def work() -> None:
        grid_v.zero_()
        grid_m.zero_()
        wp.launch(scatter, dim=count, inputs=[x, v, C, J, grid_v, grid_m])
        wp.launch(on_nodes, dim=(nodes,) * 3, inputs=[grid_v, grid_m])
        wp.launch(gather, dim=count, inputs=[x, v, C, J, grid_v])

    work()
    return work
