"""One forward Euler step of the heat equation and of Gray-Scott by other packages, as their users write it.

Each function returns a call that does its work and waits for the result; compilation is over by then. They raise
ImportError when the package is not installed. Double precision. Taichi's kernels leave the outermost cells alone, which
spares them the search for periodic neighbours; the others are periodic.
"""

import os
from typing import Any

import numpy as np

from subgrid.api import Array, Work

__all__ = ["jax_heat", "pde_heat", "taichi_gray_scott", "taichi_heat"]


def taichi_heat(u: Array, rate: float) -> Work:
    """u + rate (sum of neighbours - 2 d u), back and forth between two fields."""
    ti = _taichi()
    fields = [ti.field(ti.f64, u.shape) for _ in range(2)]
    for field in fields:
        field.from_numpy(u)
    inner = tuple((1, n - 1) for n in u.shape)

    if u.ndim == 2:

        @ti.kernel
        def step(a: ti.template(), b: ti.template()):  # type: ignore[no-untyped-def, valid-type]
            for i, j in ti.ndrange(*inner):
                b[i, j] = a[i, j] + rate * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * a[i, j])
    else:

        @ti.kernel
        def step(a: ti.template(), b: ti.template()):  # type: ignore[no-untyped-def, valid-type]
            for i, j, k in ti.ndrange(*inner):
                near = a[i - 1, j, k] + a[i + 1, j, k] + a[i, j - 1, k] + a[i, j + 1, k]
                b[i, j, k] = a[i, j, k] + rate * (near + a[i, j, k - 1] + a[i, j, k + 1] - 6.0 * a[i, j, k])

    return _alternating(ti, step, fields)


def taichi_gray_scott(n: int, rates: tuple[float, float, float, float]) -> Work:
    """One step of unit length with (Du, Dv, feed, kill), diffusivities over squared spacing."""
    ti = _taichi()
    du, dv, feed, kill = rates
    pairs = [(ti.field(ti.f64, (n, n)), ti.field(ti.f64, (n, n))) for _ in range(2)]

    @ti.kernel
    def step(a: ti.template(), b: ti.template(), c: ti.template(), d: ti.template()):  # type: ignore[no-untyped-def, valid-type]
        for i, j in ti.ndrange((1, n - 1), (1, n - 1)):
            u, v = a[i, j], b[i, j]
            lap_u = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * u
            lap_v = b[i - 1, j] + b[i + 1, j] + b[i, j - 1] + b[i, j + 1] - 4.0 * v
            reaction = u * v * v
            c[i, j] = u + du * lap_u - reaction + feed * (1.0 - u)
            d[i, j] = v + dv * lap_v + reaction - (feed + kill) * v

    for pair in pairs:
        for field in pair:
            field.fill(0.5)

    def work() -> None:
        step(*pairs[0], *pairs[1])
        pairs.reverse()
        ti.sync()

    work()
    return work


def jax_heat(u: Array, rate: float) -> Work:
    """The same with ``jax.numpy.roll``, compiled, in place of the old array."""
    import jax

    jax.config.update("jax_enable_x64", True)
    xp = jax.numpy

    def advance(a: Any) -> Any:
        near = sum(xp.roll(a, move, axis) for axis in range(a.ndim) for move in (-1, 1))
        return a + rate * (near - 2.0 * a.ndim * a)

    step = jax.jit(advance, donate_argnums=0)
    held = [step(xp.asarray(u))]

    def work() -> None:
        held[0] = step(held[0])
        held[0].block_until_ready()

    return work


def pde_heat(u: Array, rate: float) -> Work:
    """The same with the compiled Laplacian of py-pde on unit spacing."""
    import pde

    grid = pde.CartesianGrid([(0, n) for n in u.shape], u.shape, periodic=True)
    laplace = grid.make_operator("laplace", bc="periodic")
    held = [np.array(u)]
    laplace(held[0])

    def work() -> None:
        held[0] += rate * laplace(held[0])

    return work


def _taichi() -> Any:
    import taichi as ti

    ti.init(arch=ti.cpu, default_fp=ti.f64, cpu_max_num_threads=len(os.sched_getaffinity(0)), log_level=ti.ERROR)
    return ti


def _alternating(ti: Any, step: Any, fields: list[Any]) -> Work:
    def work() -> None:
        step(*fields)
        fields.reverse()
        ti.sync()

    work()
    work()
    return work
