"""Compares the CUDA twin of the neighbour search with the definition; on a card or in Numba's simulator."""

import numpy as np

from subgrid.kernels.neighbour_cuda import within_on_device
from subgrid.kernels.neighbour_reference import within_reference
from subgrid.kernels.neighbours import Box

rng = np.random.default_rng(3)
for d, periodic, precision, kind in (
    (2, (True, False), "float64", "random"),
    (3, (True, True, True), "float32", "random"),
    (3, (False, True, False), "float64", "lattice"),
    (2, (True, True), "float64", "half a period"),
    (2, (False, False), "float32", "one cell"),
):
    n = 300 if kind == "random" else 130
    points = rng.random((n, d)) * (1.0, 1.5, 0.75)[:d]
    if kind == "lattice":
        points = rng.integers(0, 7, (n, d)) / 8.0
    if kind == "one cell":
        points *= 0.01
    points = points.astype(precision)
    radius = 0.5 if kind == "half a period" else 0.125
    box = Box((0.0,) * d, (1.0, 1.5, 0.875)[:d], periodic)
    offsets, indices = within_reference(points, radius, box.lengths)
    found = within_on_device(points, radius, box)
    assert np.array_equal(found.offsets, offsets), (d, kind)
    assert np.array_equal(found.indices, indices), (d, kind)
    print(d, kind, "agree")
