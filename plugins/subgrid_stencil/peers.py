"""Forward Euler steps of the heat equation and of Gray-Scott by other packages, as their experienced users write them.

Each function returns a call that takes `STEPS` steps and gives back the field after them; compilation is over by then.
They raise ImportError when the package is not installed. Double precision, all cores (Warp has one on a CPU).
Of several ways to write a step the fastest on a CPU is used. Taichi's and Warp's leave the outermost cells alone, which
spares them the search for periodic neighbours; JAX and py-pde are periodic.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from subgrid.api import Array

__all__ = [
    "STEPS",
    "jax_gray_scott",
    "jax_heat",
    "pde_heat",
    "taichi_gray_scott",
    "taichi_heat",
    "warp_gray_scott",
    "warp_heat",
]

STEPS = 8
"""Steps of one call, so that packages that compile loops over steps can show it."""

Rates = tuple[float, float, float, float]
"""Gray-Scott: Du and Dv over squared spacing, feed and kill, per step."""

Run = Callable[[], Array]


def taichi_heat(u: Array, rate: float) -> Run:
    """u + rate (sum of neighbours - 2 d u), back and forth between two fields.

    A loop over the field itself: one over ``ti.ndrange`` works out the indices of every cell by division, and takes
    nearly twice as long.
    """
    ti = _taichi()
    fields = [ti.field(ti.f64, u.shape) for _ in range(2)]
    for field in fields:
        field.from_numpy(u)
    nz, ny, nx = (1,) * (3 - u.ndim) + u.shape

    if u.ndim == 2:

        @ti.kernel
        def step(a: ti.template(), b: ti.template()):  # type: ignore[no-untyped-def, valid-type]
            for i, j in a:
                if 0 < i < ny - 1 and 0 < j < nx - 1:
                    b[i, j] = a[i, j] + rate * (a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * a[i, j])
    else:

        @ti.kernel
        def step(a: ti.template(), b: ti.template()):  # type: ignore[no-untyped-def, valid-type]
            for i, j, k in a:
                if 0 < i < nz - 1 and 0 < j < ny - 1 and 0 < k < nx - 1:
                    near = a[i - 1, j, k] + a[i + 1, j, k] + a[i, j - 1, k] + a[i, j + 1, k]
                    b[i, j, k] = a[i, j, k] + rate * (near + a[i, j, k - 1] + a[i, j, k + 1] - 6.0 * a[i, j, k])

    return _back_and_forth(step, [[field] for field in fields], ti.sync)


def taichi_gray_scott(u: Array, v: Array, rates: Rates) -> Run:
    """One step of unit length. Threads share rows, and the inner loop is left to the compiler."""
    ti = _taichi()
    du, dv, feed, kill = rates
    pairs = [[ti.field(ti.f64, u.shape), ti.field(ti.f64, u.shape)] for _ in range(2)]
    for pair in pairs:
        pair[0].from_numpy(u)
        pair[1].from_numpy(v)
    ny, nx = u.shape

    @ti.kernel
    def step(a: ti.template(), b: ti.template(), c: ti.template(), d: ti.template()):  # type: ignore[no-untyped-def, valid-type]
        for i in range(1, ny - 1):
            for j in range(1, nx - 1):
                u, v = a[i, j], b[i, j]
                lap_u = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - 4.0 * u
                lap_v = b[i - 1, j] + b[i + 1, j] + b[i, j - 1] + b[i, j + 1] - 4.0 * v
                reaction = u * v * v
                c[i, j] = u + du * lap_u - reaction + feed * (1.0 - u)
                d[i, j] = v + dv * lap_v + reaction - (feed + kill) * v

    return _back_and_forth(step, pairs, ti.sync)


def jax_heat(u: Array, rate: float) -> Run:
    """The same on an array padded with its opposite sides, all steps compiled into one loop, in place of the old array.

    On a CPU padding takes less than half the time of ``jax.numpy.roll``.
    """
    jax = _jax()

    def advance(a: Any) -> Any:
        return a + rate * _jax_laplacian(jax.numpy, a)

    return _jax_run(jax, advance, jax.numpy.asarray(u), lambda a: a)


def jax_gray_scott(u: Array, v: Array, rates: Rates) -> Run:
    """One step of unit length of both species, written like `jax_heat`."""
    jax = _jax()
    du, dv, feed, kill = rates

    def advance(pair: Any) -> Any:
        a, b = pair
        reaction = a * b * b
        c = a + du * _jax_laplacian(jax.numpy, a) - reaction + feed * (1.0 - a)
        return c, b + dv * _jax_laplacian(jax.numpy, b) + reaction - (feed + kill) * b

    return _jax_run(jax, advance, (jax.numpy.asarray(u), jax.numpy.asarray(v)), lambda pair: pair[0])


def pde_heat(u: Array, rate: float) -> Run:
    """py-pde's own stepper for its diffusion equation on unit spacing, on its fastest backend here, NumPy."""
    import pde
    from pde.solvers import EulerSolver

    state = pde.ScalarField(pde.CartesianGrid([(0, n) for n in u.shape], u.shape, periodic=True), u)
    solver = EulerSolver(pde.DiffusionPDE(1.0, bc="periodic"), backend="numpy")
    stepper = solver.make_stepper(state, dt=rate)

    def run() -> Array:
        stepper(state, 0.0, STEPS * rate)
        return np.asarray(state.data)

    return run


def warp_heat(u: Array, rate: float) -> Run:
    """The same as a Warp kernel over rows, one loop for each: a thread for each cell is slower on a CPU."""
    wp = _warp()
    pair = [[wp.array(u, dtype=wp.float64, device="cpu")] for _ in range(2)]
    nz, ny, nx = (1,) * (3 - u.ndim) + u.shape

    if u.ndim == 2:

        @wp.kernel
        def step(a: wp.array2d(dtype=wp.float64), b: wp.array2d(dtype=wp.float64), rate: wp.float64, n: int):  # type: ignore[no-untyped-def, valid-type]
            i = wp.tid() + 1
            for j in range(1, n - 1):
                c = a[i, j]
                near = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1]
                b[i, j] = c + rate * (near - wp.float64(4.0) * c)

        rows: Any = ny - 2
    else:

        @wp.kernel
        def step(a: wp.array3d(dtype=wp.float64), b: wp.array3d(dtype=wp.float64), rate: wp.float64, n: int):  # type: ignore[no-untyped-def, valid-type]
            k, j = wp.tid()
            k, j = k + 1, j + 1
            for i in range(1, n - 1):
                c = a[k, j, i]
                near = a[k - 1, j, i] + a[k + 1, j, i] + a[k, j - 1, i] + a[k, j + 1, i]
                near = near + a[k, j, i - 1] + a[k, j, i + 1]
                b[k, j, i] = c + rate * (near - wp.float64(6.0) * c)

        rows = (nz - 2, ny - 2)

    def launch(*fields: Any) -> None:
        wp.launch(step, dim=rows, inputs=[*fields, wp.float64(rate), nx], device="cpu")

    return _back_and_forth(launch, pair, lambda: None)


def warp_gray_scott(u: Array, v: Array, rates: Rates) -> Run:
    """One step of unit length, over rows like `warp_heat`."""
    wp = _warp()
    pairs = [[wp.array(values, dtype=wp.float64, device="cpu") for values in (u, v)] for _ in range(2)]
    ny, nx = u.shape

    @wp.kernel
    def step(  # type: ignore[no-untyped-def]
        a: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        b: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        c: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        d: wp.array2d(dtype=wp.float64),  # type: ignore[valid-type]
        du: wp.float64,
        dv: wp.float64,
        feed: wp.float64,
        kill: wp.float64,
        n: int,
    ):
        i = wp.tid() + 1
        for j in range(1, n - 1):
            u = a[i, j]
            v = b[i, j]
            lap_u = a[i - 1, j] + a[i + 1, j] + a[i, j - 1] + a[i, j + 1] - wp.float64(4.0) * u
            lap_v = b[i - 1, j] + b[i + 1, j] + b[i, j - 1] + b[i, j + 1] - wp.float64(4.0) * v
            reaction = u * v * v
            c[i, j] = u + du * lap_u - reaction + feed * (wp.float64(1.0) - u)
            d[i, j] = v + dv * lap_v + reaction - (feed + kill) * v

    def launch(*fields: Any) -> None:
        numbers = [wp.float64(rate) for rate in rates]
        wp.launch(step, dim=ny - 2, inputs=[*fields, *numbers, nx], device="cpu")

    return _back_and_forth(launch, pairs, lambda: None)


def _taichi() -> Any:
    import taichi as ti

    ti.init(arch=ti.cpu, default_fp=ti.f64, cpu_max_num_threads=len(os.sched_getaffinity(0)), log_level=ti.ERROR)
    return ti


def _jax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _warp() -> Any:
    import warp

    warp.config.quiet = True
    warp.init()
    return warp


def _back_and_forth(step: Callable[..., object], sets: list[list[Any]], finish: Callable[[], object]) -> Run:
    """Steps from one set of fields to the other and back; after an even number the result is in the first."""

    def run() -> Array:
        for _ in range(STEPS // 2):
            step(*sets[0], *sets[1])
            step(*sets[1], *sets[0])
        finish()
        return sets[0][0]

    return run


def _jax_laplacian(xp: Any, a: Any) -> Any:
    padded = xp.pad(a, 1, mode="wrap")
    inner = (slice(1, -1),) * a.ndim
    total = -2.0 * a.ndim * a
    for axis in range(a.ndim):
        for side in (slice(None, -2), slice(2, None)):
            total = total + padded[(*inner[:axis], side, *inner[axis + 1 :])]
    return total


def _jax_run(jax: Any, advance: Callable[[Any], Any], start: Any, first: Callable[[Any], Any]) -> Run:
    loop = jax.jit(lambda held: jax.lax.fori_loop(0, STEPS, lambda _, a: advance(a), held), donate_argnums=0)
    compiled = loop.lower(start).compile()
    held = [start]

    def run() -> Array:
        held[0] = compiled(held[0])
        return first(held[0]).block_until_ready()

    return run
