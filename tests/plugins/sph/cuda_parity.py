"""Compares the CUDA twins with the definitions of the sums; run by itself, on a card or in Numba's simulator."""

import numpy as np
from numba import cuda

from subgrid.kernels.neighbours import Box, within
from subgrid_sph import kernels_cuda, reference


def run(kernel, arguments, outputs, rows):
    on_device = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
    results = [cuda.to_device(np.zeros_like(o)) for o in outputs]
    kernel[-(-rows // kernels_cuda.BLOCK), kernels_cuda.BLOCK](*on_device, *results, 0, rows)
    return [result.copy_to_host() for result in results]


def compare(name, found, expected, precision):
    for a, b in zip(found, expected, strict=True):
        a = a[:, : b.shape[1]] if b.ndim == 2 else a
        assert np.abs(a - b).max() < {"float64": 1e-12, "float32": 2e-4}[precision] * np.abs(b).max(), name
    print(name, "agree")


for d, precision in ((2, "float64"), (3, "float32")):
    rng = np.random.default_rng(5)
    n, fluid, h = 150, 110, 0.13 if d == 2 else 0.2
    box = Box((0.0,) * d, (1.0, 1.3, 0.9)[:d], (True, False, False)[:d])
    x = (rng.random((n, d)) * (1.0, 1.3, 0.9)[:d]).astype(precision)
    near = within(x, 2.0 * h, box)
    j, i = near.edge_index
    r = -near.displacements(x).astype(np.float64)
    u, ut, rho, p, v = (
        a.astype(precision)
        for a in (
            rng.standard_normal((n, d)), rng.standard_normal((n, d)), rng.uniform(0.9, 1.1, n), rng.standard_normal(n),
            rng.uniform(0.5, 1.5, n),
        )
    )  # fmt: skip
    record = np.zeros((n, 12), precision)
    record[:, :d], record[:, 3], record[:, 4 : 4 + d], record[:, 8 : 8 + d], record[:, 11] = x, v, u, ut, rho
    g = np.array([0.3, -1.0, 0.2])
    g[d:] = 0.0
    rows = (near.offsets[:-1].copy(), near.offsets[1:].copy(), near.indices, (0.0,) * d, (1.0, 0.0, 0.0)[:d])
    scale, vector, number = reference.kernel_scale(d, h), np.zeros((n, 3), precision), np.zeros(n, precision)
    u, ut, rho64, p64, v64 = (a.astype(np.float64) for a in (u, ut, rho, p, v))
    record[:, 7] = rho
    found = run(kernels_cuda.delta_rates, (record, *rows, h, scale, fluid, 0.07, g), [number], n)
    compare("rates", found, [reference.delta_rates(u, rho64, v64, i, j, r, h, fluid, 0.07, g[:d])], precision)
    record[:, 7] = p
    found = run(kernels_cuda.delta_forces, (record, rho, *rows, h, scale, fluid, 0.4, 0.2, 0.1, g), [vector], n)
    expected = reference.delta_forces(u, p64, rho64, v64, i, j, r, h, fluid, 0.4, 0.2, 0.1, g[:d])
    compare("forces", found, [expected], precision)
    found = run(kernels_cuda.densities, (record, *rows, h, scale, 0.01), [number], n)
    compare("densities", found, [reference.densities(i, r, h, 0.01, n)], precision)
    found = run(kernels_cuda.extrapolate, (record, rho, *rows, h, fluid, g), [number, vector], n)
    compare("walls", found, reference.extrapolate(u, p64, rho64, i, j, r, h, fluid, g[:d]), precision)
    arguments = (record, *rows, h, scale, 0.7, 0.2, 0.1, 5.0, fluid, g)
    found = run(kernels_cuda.transport_forces, arguments, [vector, vector], n)
    expected = reference.transport_forces(u, ut, p64, rho64, v64, i, j, r, h, 0.7, 0.2, 0.1, 5.0, fluid, g[:d])
    compare("transport", found, expected, precision)
