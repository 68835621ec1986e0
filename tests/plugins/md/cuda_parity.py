"""Compares the CUDA twins with the definitions of the forces; run by itself, on a card or in Numba's simulator."""

import numpy as np
from numba import cuda

from subgrid.kernels.neighbours import Box, within
from subgrid_md import kernels_cuda
from subgrid_md.reference import pair_forces, truncation_terms

for d, precision in ((2, "float64"), (3, "float32")):
    side = 7 if d == 2 else 4
    grid = np.stack(np.meshgrid(*[np.arange(side) * 1.3] * d, indexing="ij"), axis=-1).reshape(-1, d)
    x = (grid + 0.2 * np.random.default_rng(9).random(grid.shape)).astype(precision)
    n, length, periodic = len(x), 1.3 * side, (True, False, True)[:d]
    near = within(x, 2.5, Box((0.0,) * d, (length,) * d, periodic))
    j, i = near.edge_index
    terms = truncation_terms("force_shifted", 1.2, 1.0, 2.5)
    expected = pair_forces(n, i, j, -near.displacements(x).astype(np.float64), 1.2, 1.0, terms)
    position, periods = np.zeros((n, 4), precision), np.zeros(3)
    position[:, :d], periods[:d] = x, np.where(periodic, length, 0.0)
    rows = [cuda.to_device(np.array(a)) for a in (position, near.offsets[:-1], near.offsets[1:], near.indices, periods)]
    out = cuda.to_device(np.zeros((n, d), precision))
    numbers = [cuda.to_device(np.zeros(n, precision)) for _ in range(3)]
    grid_of_blocks = -(-n // kernels_cuda.BLOCK), kernels_cuda.BLOCK
    kernels_cuda.forces[grid_of_blocks](*rows, 1.2, 1.0, terms[1], out, n)
    kernels_cuda.measures[grid_of_blocks](*rows, 1.2, 1.0, *terms, d, *numbers, n)
    tolerance = {"float64": 1e-12, "float32": 1e-4}[precision]
    for name, found, wanted in (("forces", [out], expected[:1]), ("measures", numbers, expected[1:])):
        for a, b in zip(found, wanted, strict=True):
            assert np.abs(a.copy_to_host() - b).max() < tolerance * np.abs(b).max(), name
        print(name, "agree")
