"""Compares the CUDA twins with the definitions of the kernels; run by itself, on a card or in Numba's simulator."""

import numpy as np
from numba import cuda

from subgrid.backend import Backend
from subgrid.kernels import flow_cuda, stencil_cuda
from subgrid.kernels.shallow_water import rates_reference
from subgrid.kernels.staggered import momentum_reference, padded_shape
from subgrid.kernels.stencil_diffusion import diffuse_reference
from subgrid.kernels.stencil_ghosts import GhostLayers, WallCondition
from subgrid.kernels.stencil_gray_scott import react_reference
from subgrid.kernels.stencil_growth import grow_reference
from subgrid.kernels.stencil_leapfrog import leapfrog_reference
from subgrid.kernels.stencil_transport import transport_reference
from subgrid.mesh import Grid

FIXED, ROBIN = WallCondition(1.0, 0.0, lambda t: 0.4), WallCondition(0.7, 0.3, lambda t: 0.2)


def run(kernel, arguments, outputs):
    """Call a twin on copies on the device and return its outputs."""
    on_device = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
    results = [cuda.to_device(np.full_like(o, np.nan)) for o in outputs]
    kernel[stencil_cuda.blocks(outputs[0].size), stencil_cuda.BLOCK](*on_device, *results)
    return [result.copy_to_host() for result in results]


def compare(shape, precision):
    number, tolerance = np.dtype(precision).type, {"float64": 4e-14, "float32": 2e-5}[precision]
    mesh, walls = Grid(shape, (1.0,) * len(shape)), [(FIXED, ROBIN), *[None] * (len(shape) - 1)]
    fields = {}
    for width in (1, 2):
        layers = GhostLayers(mesh, walls, width, Backend(precision=precision, threads=1))
        u = np.random.default_rng(7).uniform(0.1, 1.0, layers.shape).astype(precision)
        fields[width] = u, layers.fill(u, 0.0)
    u, ghosts = fields[1]
    v, ghosts_v = number(0.5) * u, tuple(number(0.5) * layer for layer in ghosts)
    squares = tuple(number(3.0 if n > 1 else 0.0) for n in u.shape)
    keep, scale = number(1.0), number(0.1)
    source = np.cos(u)
    cases = [
        (
            run(stencil_cuda.diffuse, (u, *ghosts, *squares, source, keep, scale), [u]),
            [diffuse_reference(u, ghosts, squares, source, keep, scale, np)],
        ),
    ]
    rates = tuple(number(rate) for rate in (0.16, 0.08, 0.04, 0.1))
    cases.append(
        (
            run(stencil_cuda.react, (u, v, *ghosts, *ghosts_v, *squares, *rates, keep, scale), [u, v]),
            react_reference(u, v, ghosts, ghosts_v, squares, rates, keep, scale, np),
        )
    )
    faces = tuple(
        np.random.default_rng(axis).uniform(size=[m + (a == axis) for a, m in enumerate(u.shape)]).astype(precision)
        if n > 1
        else np.zeros((1, 1, u.shape[2]), precision)
        for axis, n in enumerate(u.shape)
    )
    cases.append(
        (
            run(stencil_cuda.grow, (u, *ghosts, *faces, number(2.0), keep, scale), [u]),
            [grow_reference(u, ghosts, faces, number(2.0), keep, scale, np)],
        )
    )
    layers = GhostLayers(mesh, walls, 1, Backend(precision=precision, threads=1))
    after, kicked = run(stencil_cuda.drift, (u, v, *ghosts, *squares, number(0.05), scale), [u, v])
    ghosts_after = layers.fill(after, 0.1)
    (moved,) = run(stencil_cuda.kick, (after, kicked, *ghosts_after, *squares, number(0.05)), [v])
    cases.append(([after, moved], leapfrog_reference(u, v, layers, squares, 0.0, number(0.05), scale, np)))
    u, ghosts = fields[2]
    weights = np.random.default_rng(1).normal(size=(3, 5)).astype(precision)
    cases.append(
        (
            run(stencil_cuda.transport, (u, *ghosts, weights, keep, scale), [u]),
            [transport_reference(u, ghosts, weights, keep, scale, np)],
        )
    )
    for results, expected in cases:
        for result, wanted in zip(results, expected, strict=True):
            np.testing.assert_allclose(result, wanted, rtol=0.0, atol=tolerance)


def compare_momentum(shape, precision):
    number, tolerance = np.dtype(precision).type, {"float64": 1e-12, "float32": 2e-4}[precision]
    rng, padded = np.random.default_rng(3), padded_shape(shape)
    active = [axis for axis in range(3) if shape[axis] > 1]
    velocity = [rng.normal(size=padded).astype(precision) if axis in active else None for axis in range(3)]
    inverse = [3.0, 4.0, 5.0]
    strides = [padded[1] * padded[2], padded[2], 1]
    base = sum(strides[axis] for axis in active)
    for axis in active:
        order = [axis, *[other for other in active if other != axis]]
        steps, scales = [strides[a] for a in order], [number(inverse[a]) for a in order]
        if len(order) == 2:
            order, steps, scales = [*order, order[1]], [*steps, 0], [*scales, number(0.0)]
        out = np.empty([n + (a == axis) for a, n in enumerate(shape)], precision)
        start = (base, strides[0] if 0 in active else 0, strides[1])
        flat = [velocity[a].reshape(-1) for a in order]
        (result,) = run(flow_cuda.momentum, (*flat, *steps, *start, *scales, number(0.1), number(0.25)), [out])
        expected = momentum_reference(velocity, axis, inverse, number(0.1))
        np.testing.assert_allclose(result, expected, rtol=0.0, atol=tolerance)


def compare_shallow(shape, precision):
    number, tolerance = np.dtype(precision).type, {"float64": 1e-12, "float32": 2e-4}[precision]
    rng, padded = np.random.default_rng(3), [n + 4 for n in shape]
    h = np.maximum(rng.uniform(-0.5, 1.0, padded), 0.0).astype(precision)
    bed = rng.uniform(0.0, 0.5, padded).astype(precision)
    velocity = [np.where(h > 0, rng.normal(size=padded), 0.0).astype(precision) for _ in shape]
    outputs = [np.empty((1,) * (3 - len(shape)) + tuple(shape), precision)] * 3
    across = [*velocity, np.zeros_like(h)][:2]
    inverse = [number(3.0), number(4.0 if len(shape) == 2 else 0.0)]
    for limiter in (0, 1, 2):
        flat = [values.reshape(-1) for values in (h, *across, bed)]
        results = run(flow_cuda.rates, (*flat, number(9.81), *inverse, limiter, number(0.5)), outputs)
        expected = rates_reference(h, velocity, bed, number(9.81), inverse, limiter)
        for result, wanted in zip(results, expected, strict=False):
            np.testing.assert_allclose(result.reshape(shape), wanted, rtol=0.0, atol=tolerance)


for precision in ("float64", "float32"):
    compare_momentum((1, 4, 5), precision)
    compare_momentum((2, 3, 4), precision)
    compare_shallow((7,), precision)
    compare_shallow((4, 5), precision)
    print("agree, flow", precision)
for shape in ((5, 6), (5, 7, 6)):
    for precision in ("float64", "float32"):
        compare(shape, precision)
        print("agree", shape, precision)
