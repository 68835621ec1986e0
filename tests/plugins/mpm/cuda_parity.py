"""Compares the CUDA twins with the definitions of the kernels; run by itself, on a card or in Numba's simulator."""

import itertools

import numpy as np
from numba import cuda

from subgrid.kernels import constitutive, material_point_cuda
from subgrid.kernels.material_point_cuda import BLOCK, blocks
from subgrid.kernels.material_point_nodes import cell_keys
from subgrid.kernels.material_points import condition_reference, gather_reference, nodes_of, scatter_reference

SHAPES = {2: (7, 11), 3: (4, 6, 5)}
SPACING, DT = 0.25, 0.01
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}
LAWS = (
    [(10.0, 6.0, 0.0, 0.0, 0.0)] * 2
    + [(10.0, 6.0, 0.5, 0.0, 0.0)]
    + [(10.0, 6.0, 0.5, 0.3, 0.7), (10.0, 6.0, 0.3, 0.0, 0.0)]
)


def launch(kernel, count, *arguments):
    """Call a twin on copies on the device, and return them."""
    on_device = [cuda.to_device(a) if isinstance(a, np.ndarray) else a for a in arguments]
    kernel[blocks(count), BLOCK](*on_device)
    return [a.copy_to_host() if isinstance(b, np.ndarray) else a for a, b in zip(on_device, arguments, strict=True)]


def close(ours, expected, precision):
    """Within the tolerance of the largest value."""
    np.testing.assert_allclose(ours, expected, rtol=0, atol=TOLERANCE[precision] * np.abs(expected).max())


def particles(d, precision, count):
    """Columns in the order of their blocks of nodes, the origin and the keys."""
    rng = np.random.default_rng(d)
    origin = np.array([0.5, -1.0, 2.0][:d])
    position = (origin + SPACING * np.array(SHAPES[d][::-1]) * rng.random((count, d))).astype(precision)
    keys = np.empty(count, np.int64)
    cell_keys(position, origin, SPACING, np.array(nodes_of(SHAPES[d])[::-1]), keys)
    order = np.argsort(keys, kind="stable")
    columns = [
        position[order],
        rng.normal(size=(count, d)),
        rng.normal(size=(count, d, d)),
        rng.normal(size=(count, d, d)),
        1.0 + rng.random(count),
        rng.random(count),
    ]
    return [c.astype(precision) for c in columns], origin, keys[order]


def compare_transfers(d, precision, count):
    """Particles to nodes by atomic sums and in order, velocities, and back."""
    columns, origin, keys = particles(d, precision, count)
    real = np.dtype(precision).type
    shape, sizes = nodes_of(SHAPES[d]), nodes_of(SHAPES[d])[::-1]
    expected = np.zeros((*shape, 4), precision)
    scatter_reference(*columns, origin, SPACING, DT, expected)
    scatter, collect, gather = (
        getattr(material_point_cuda, f"{name}_{d}d") for name in ("scatter", "collect", "gather")
    )
    common = (*columns, origin.astype(precision), real(SPACING), real(DT), *sizes)
    grid, lost = launch(scatter, count, *common, np.zeros(expected.size, precision), np.zeros(1, np.int32))[-2:]
    close(grid, expected.ravel(), precision)
    assert lost[0] == 0
    starts = material_point_cuda.block_starts(keys, expected.size // 4)
    again = [launch(collect, expected.size // 4, *common, starts, np.zeros(expected.size, precision))[-1] for _ in "ab"]
    close(again[0], expected.ravel(), precision)
    np.testing.assert_array_equal(again[0], again[1])

    kick = np.array([0.1, -0.2, 0.3])
    heavy = expected[..., :1] > 0
    nodes = np.where(heavy, expected / np.where(heavy, expected[..., :1], 1.0), 0.0)
    nodes[..., 1:] += np.where(heavy, kick, 0.0)
    nodes = nodes.astype(precision)
    close(
        launch(material_point_cuda.velocities, grid.size // 4, expected.ravel(), kick.astype(precision))[0],
        nodes.ravel(),
        precision,
    )

    deformation = (np.eye(d) + 0.2 * np.random.default_rng(5).normal(size=(count, d, d))).astype(precision)
    moved = [columns[0].copy(), columns[1].copy(), columns[2].copy(), deformation.copy()]
    gather_reference(*moved, origin, SPACING, DT, nodes)
    ours = launch(
        gather,
        count,
        columns[0],
        columns[1],
        columns[2],
        deformation,
        origin.astype(precision),
        real(SPACING),
        real(DT),
        *sizes,
        nodes.ravel(),
    )
    for one, other in zip(ours, moved, strict=False):
        close(one, other, precision)


def compare_conditions(precision):
    """Four kinds of condition on nodes."""
    rng = np.random.default_rng(3)
    nodes, normal, index = rng.normal(size=(40, 4)), rng.normal(size=(20, 3)), rng.permutation(40)[:20]
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    nodes, normal, wall = (a.astype(precision) for a in (nodes, normal, rng.normal(size=3)))
    for kind in range(4):
        expected = nodes.copy()
        expected[index, 1:] = condition_reference(nodes[index, 1:], normal, wall, kind, 0.3)
        walls, kinds, frictions = np.tile(wall, (20, 1)), np.full(20, kind), np.full(20, 0.3, precision)
        ours = launch(material_point_cuda.condition, 20, nodes.ravel(), index, normal, walls, kinds, frictions)[0]
        close(ours, expected.ravel(), precision)


def compare_laws(d, precision, count):
    """Every law against its compiled kernel, which other tests hold to its definition in NumPy."""
    rng, real = np.random.default_rng(d), np.dtype(precision).type
    F = (np.eye(d) + 0.15 * rng.normal(size=(count, d, d))).astype(precision)
    C = rng.normal(size=(count, d, d)).astype(precision)
    for law, numbers in enumerate(LAWS):
        parameters, memory = np.array(numbers, precision), np.full(count, 0.01, precision)
        expected = [F.copy(), memory.copy(), np.zeros_like(F)]
        getattr(constitutive, f"isotropic_{d}d")(*expected[:2], law, parameters, real(DT), expected[2], 0, count)
        kernel = getattr(material_point_cuda, f"isotropic_{d}d")
        ours = launch(kernel, count, F, memory, law, parameters, real(DT), np.zeros_like(F))
        for one, other in zip((ours[0], ours[1], ours[5]), expected, strict=True):
            close(one, other, precision)
    for exponent in (7.0, 1.5):
        parameters, expected = np.array([10.0, exponent, 0.3, 0.0, 0.0], precision), [F.copy(), np.zeros_like(F)]
        getattr(constitutive, f"fluid_{d}d")(expected[0], C, parameters, expected[1], 0, count)
        ours = launch(getattr(material_point_cuda, f"fluid_{d}d"), count, F, C, parameters, np.zeros_like(F))
        close(ours[0], expected[0], precision)
        close(ours[3], expected[1], precision)


if __name__ == "__main__":
    for d, precision in itertools.product((2, 3), TOLERANCE):
        count = 500 if (d, precision) == (2, "float32") else 61
        compare_transfers(d, precision, count)
        compare_laws(d, precision, 33)
        compare_conditions(precision)
        print(d, precision, "agree")
