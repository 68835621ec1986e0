"""The same particles in taichi, as its users write them: particles sorted into cells, loops over cells."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from subgrid.api import Work


def taichi_fluid(
    position: Any, velocity: Any, h: float, spacing: float, sound_speed: float, dt: float, whole_step: bool
) -> Work:
    """A step of delta-SPH in a periodic unit box on particles (n, d), or only its sum for the density rates.

    The whole step builds the cells anew and sorts positions, velocities and densities into them. Double precision, as
    ours. Raises ImportError.
    """
    import taichi as ti

    ti.init(arch=ti.cpu, default_fp=ti.f64, cpu_max_num_threads=len(os.sched_getaffinity(0)), log_level=ti.ERROR)
    count, d = position.shape
    cells = int(1.0 / (2.0 * h))
    total = cells**d
    scale = 7.0 / (4.0 * np.pi * h**2) if d == 2 else 21.0 / (16.0 * np.pi * h**3)
    mass, slope = spacing**d, -5.0 * scale / h**2
    diffusion, artificial = 0.1 * h * sound_speed, 0.02 * h * sound_speed
    vectors = [ti.Vector.field(d, ti.f64, count) for _ in range(5)]
    x, v, a, xs, vs = vectors
    rho, rs, rate, ps = (ti.field(ti.f64, count) for _ in range(4))
    acceleration = ti.Vector.field(d, ti.f64, count)
    order, key = ti.field(ti.i32, count), ti.field(ti.i32, count)
    start, cursor = ti.field(ti.i32, total + 1), ti.field(ti.i32, total)
    x.from_numpy(position)
    v.from_numpy(velocity)
    rho.fill(1.0)

    @ti.func
    def cell_of(p):  # type: ignore[no-untyped-def]
        index = 0
        for axis in ti.static(range(d - 1, -1, -1)):
            index = index * cells + ti.min(ti.cast(p[axis] * cells, ti.i32), cells - 1)
        return index

    @ti.kernel
    def sort():  # type: ignore[no-untyped-def]
        for c in cursor:
            cursor[c] = 0
        for p in x:
            key[p] = cell_of(x[p])
            ti.atomic_add(cursor[key[p]], 1)
        ti.loop_config(serialize=True)
        for c in range(total):
            start[c + 1] = start[c] + cursor[c]
            cursor[c] = start[c]
        for p in x:
            order[ti.atomic_add(cursor[key[p]], 1)] = p
        for s in order:
            xs[s], vs[s], rs[s] = x[order[s]], v[order[s]], rho[order[s]]

    @ti.kernel
    def rates():  # type: ignore[no-untyped-def]
        for s in xs:
            here = ti.cast(xs[s] * cells, ti.i32)
            divergence, flux = 0.0, 0.0
            for offset in ti.static(ti.grouped(ti.ndrange(*((-1, 2),) * d))):
                other = here + offset
                index = 0
                for axis in ti.static(range(d - 1, -1, -1)):
                    index = index * cells + (other[axis] + cells) % cells
                for q in range(start[index], start[index + 1]):
                    r = xs[s] - xs[q]
                    r -= ti.round(r)
                    square = r.norm_sqr()
                    if square < 4.0 * h * h:
                        c = 1.0 - 0.5 * ti.sqrt(square) / h
                        weight = slope * c * c * c * mass / rs[q]
                        divergence += (vs[s] - vs[q]).dot(r) * weight
                        flux -= (rs[q] - rs[s]) * weight
            rate[s] = rs[s] * divergence + 2.0 * diffusion * flux

    @ti.kernel
    def forces():  # type: ignore[no-untyped-def]
        for s in xs:
            rs[s] += dt * rate[s]
            ps[s] = sound_speed**2 / 7.0 * (rs[s] ** 7 - 1.0)
        for s in xs:
            here = ti.cast(xs[s] * cells, ti.i32)
            total_force = ti.zero(xs[s])
            for offset in ti.static(ti.grouped(ti.ndrange(*((-1, 2),) * d))):
                other = here + offset
                index = 0
                for axis in ti.static(range(d - 1, -1, -1)):
                    index = index * cells + (other[axis] + cells) % cells
                for q in range(start[index], start[index + 1]):
                    r = xs[s] - xs[q]
                    r -= ti.round(r)
                    square = r.norm_sqr()
                    if square < 4.0 * h * h:
                        c = 1.0 - 0.5 * ti.sqrt(square) / h
                        weight = slope * c * c * c * mass / rs[q]
                        along = artificial * (vs[s] - vs[q]).dot(r) / (square + 1e-12 * h * h)
                        total_force += (along - ps[s] - ps[q]) * weight * r
            acceleration[s] = total_force / rs[s]

    @ti.kernel
    def drift():  # type: ignore[no-untyped-def]
        for p in x:
            v[p] += 0.5 * dt * a[p]
            x[p] += dt * v[p]
            x[p] -= ti.floor(x[p])

    @ti.kernel
    def kick():  # type: ignore[no-untyped-def]
        # the particles stay in the order of their cells
        for s in xs:
            a[s] = acceleration[s]
            x[s], rho[s], v[s] = xs[s], rs[s], vs[s] + 0.5 * dt * acceleration[s]

    def step() -> None:
        drift()
        sort()
        rates()
        forces()
        kick()
        ti.sync()

    def one_sum() -> None:
        rates()
        ti.sync()

    step()
    one_sum()
    return step if whole_step else one_sum
