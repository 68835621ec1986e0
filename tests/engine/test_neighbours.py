"""Neighbour search against its definition and against SciPy's k-d tree."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from subgrid.kernels import neighbours as search
from subgrid.kernels.neighbour_cells import bounds
from subgrid.kernels.neighbour_reference import displacement_reference, nearest_reference, within_reference
from subgrid.kernels.neighbours import Box, NeighbourError, VerletList, nearest, within

CLOUDS = ("random", "clustered", "one_cell", "faces", "duplicates", "lattice", "line")


def cloud(kind: str, n: int, low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Points between two corners, in arrangements that are hard on cells."""
    d, size = len(low), high - low
    if kind == "clustered":
        centres = rng.random((3, d))
        unit = np.clip(centres[rng.integers(0, 3, n)] + 0.01 * rng.standard_normal((n, d)), 0.0, 1.0)
    elif kind == "one_cell":
        unit = 0.5 + 1e-3 * rng.random((n, d))
    elif kind == "faces":
        unit = rng.random((n, d))
        unit[np.arange(n), rng.integers(0, d, n)] = rng.integers(0, 2, n)
    elif kind == "duplicates":
        unit = np.repeat(rng.random((n // 3 + 1, d)), 3, axis=0)[:n]
    elif kind == "lattice":
        unit = rng.integers(0, 9, (n, d)) / 8.0
    elif kind == "line":
        unit = np.full((n, d), 0.25)
        unit[:, 0] = rng.random(n)
    else:
        unit = rng.random((n, d))
    return np.clip(low + unit * size, low, high)


def tree_pairs(points: np.ndarray, radius: float, box: Box) -> set[tuple[int, int]]:
    """Pairs i < j of SciPy. Its periodic axes start at zero and do not hold their upper end."""
    lengths = np.where(box.periodic, box.lengths, 0.0)
    shifted = points.astype(np.float64) - np.where(box.periodic, box.low, 0.0)
    wrapped = np.where(lengths > 0, np.where(shifted >= lengths, shifted - lengths, shifted), shifted)
    return cKDTree(wrapped, boxsize=lengths).query_pairs(radius)


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(CLOUDS), n=st.integers(0, 120), d=st.sampled_from((2, 3)), seed=st.integers(0, 2**32 - 1),
    periodic=st.tuples(st.booleans(), st.booleans(), st.booleans()), share=st.floats(0.01, 0.5),
    precision=st.sampled_from(("float32", "float64")), low=st.sampled_from((0.0, -3.0, 1000.0)),
)  # fmt: skip
def test_pairs_are_those_of_the_definition_and_of_the_tree(kind, n, d, seed, periodic, share, precision, low) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    corner, size = np.full(d, low), np.array([1.0, 1.5, 0.75])[:d]
    box = Box(tuple(corner), tuple(corner + size), periodic[:d])
    points = cloud(kind, n, corner, corner + size, rng).astype(precision)
    radius = float(share * size.min())
    found = within(points, radius, box)
    offsets, indices = within_reference(points, radius, box.lengths)
    np.testing.assert_array_equal(found.offsets, offsets)
    np.testing.assert_array_equal(found.indices, indices)
    source, target = found.edge_index
    pairs = set(zip(source.tolist(), target.tolist(), strict=True))
    assert pairs == {(j, i) for i, j in pairs}
    upper = within(points, radius, box, half=True)
    assert set(zip(upper.edge_index[1].tolist(), upper.edge_index[0].tolist(), strict=True)) == {
        (i, j) for i, j in pairs if i < j
    }
    if n:
        by_tree = tree_pairs(points, radius, box)
        lengths = np.array([box.lengths])
        # pairs at the radius but for rounding may go either way: SciPy works in double precision and wraps first
        margin = 1e-12 + 64 * np.finfo(precision).eps * max(abs(low), 1.0)
        for i, j in by_tree ^ {(i, j) for i, j in pairs if i < j}:
            distance = np.linalg.norm(
                displacement_reference(points[[i]].astype(float), points[[j]].astype(float), lengths[0])
            )
            assert abs(distance - radius) < margin
    displacement = found.displacements(points)
    np.testing.assert_array_equal(displacement, displacement_reference(points[target], points[source], box.lengths))


@settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(CLOUDS), n=st.integers(2, 100), d=st.sampled_from((2, 3)), seed=st.integers(0, 2**32 - 1),
    periodic=st.tuples(st.booleans(), st.booleans(), st.booleans()), k=st.integers(1, 12),
)  # fmt: skip
def test_the_nearest_are_those_of_the_definition(kind, n, d, seed, periodic, k) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    corner, size = np.full(d, -1.0), np.array([1.0, 2.0, 0.75])[:d]
    box = Box(tuple(corner), tuple(corner + size), periodic[:d])
    points = cloud(kind, n, corner, corner + size, rng)
    k = min(k, n - 1)
    found = nearest(points, k, box)
    np.testing.assert_array_equal(found.indices.reshape(n, k), nearest_reference(points, k, box.lengths))
    queries = cloud("random", 7, corner, corner + size, rng)
    asked = nearest(points, k, box, queries=queries)
    np.testing.assert_array_equal(asked.indices.reshape(7, k), nearest_reference(points, k, box.lengths, queries))


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("periodic", [False, True])
def test_larger_clouds_agree_with_the_tree_whatever_the_threads(
    d: int, periodic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SERIAL", 100)
    monkeypatch.setattr(search, "CHUNK", 5000)  # so that rows fill several buffers
    points = np.random.default_rng(1).random((3000, d))
    box = Box((0.0,) * d, (1.0,) * d, (periodic,) * d)
    radius = 0.06 if d == 2 else 0.13
    one, two, three = (within(points, radius, box, threads=threads) for threads in (1, 2, 3))
    for other in (two, three):
        np.testing.assert_array_equal(one.offsets, other.offsets)
        np.testing.assert_array_equal(one.indices, other.indices)
    source, target = one.edge_index
    assert {(i, j) for i, j in zip(target.tolist(), source.tolist(), strict=True) if i < j} == tree_pairs(
        points, radius, box
    )
    _, index = cKDTree(points, boxsize=1.0 if periodic else None).query(points, 6)
    near = [nearest(points, 5, box, threads=threads) for threads in (1, 2)]
    np.testing.assert_array_equal(near[0].indices, near[1].indices)
    np.testing.assert_array_equal(near[0].indices.reshape(-1, 5), index[:, 1:])


def test_mean_number_of_neighbours() -> None:
    points = np.random.default_rng(2).random((20000, 3))
    found = within(points, 0.07, Box((0.0,) * 3, (1.0,) * 3, (True,) * 3))
    assert found.counts.mean() == pytest.approx(19999 * 4.0 / 3.0 * np.pi * 0.07**3, abs=3 * 0.04)


@pytest.mark.parametrize(
    "points",
    [
        np.random.default_rng(3).random((400, 3)) * 100.0 - 50.0,
        np.concatenate([np.random.default_rng(4).random((200, 3)), 1e5 + np.random.default_rng(5).random((200, 3))]),
    ],
    ids=["negative", "two distant clusters"],
)
def test_clouds_too_sparse_for_a_table(points: np.ndarray) -> None:
    radius = 0.2 if points.max() > 1e4 else 4.0
    assert {tuple(p) for p in within(points, radius, half=True).edge_index[::-1].T.tolist()} == cKDTree(
        points
    ).query_pairs(radius)


def test_a_lattice_at_its_spacing_has_six_neighbours() -> None:
    points = np.stack(np.meshgrid(*[np.arange(12) * 0.125] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    assert len(within(points, 0.125).indices) == 9504


def test_half_a_period_counts_a_pair_once() -> None:
    points = np.array([[0.0, 0.0], [0.5, 0.0], [1.0, 0.5]])
    found = within(points, 0.5, Box((0.0, 0.0), (1.0, 1.0), (True, True)))
    assert found.edge_index.tolist() == [[1, 2, 0, 0], [0, 0, 1, 2]]


def test_queries_may_lie_outside_open_ends() -> None:
    rng = np.random.default_rng(6)
    points, queries = rng.random((300, 2)), 3.0 * rng.random((60, 2)) - 1.0
    offsets, indices = within_reference(points, 0.2, np.full(2, np.inf), queries)
    found = within(points, 0.2, queries=queries)
    np.testing.assert_array_equal(found.offsets, offsets)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(
        nearest(points, 4, queries=queries).indices.reshape(-1, 4),
        nearest_reference(points, 4, np.full(2, np.inf), queries),
    )


@pytest.mark.parametrize("d", [2, 3])
def test_a_list_with_a_skin_gives_what_a_search_gives(d: int) -> None:
    rng = np.random.default_rng(7)
    box = Box((0.0,) * d, (1.0,) * d, (True,) * (d - 1) + (False,))
    points = rng.random((500, d))
    velocity = 0.001 * rng.standard_normal((500, d))
    pairs = VerletList(0.12, 0.03, box)
    for step in range(50):
        points += velocity
        points[:, :-1] %= 1.0
        if step == 30:  # another order of the same points
            order = rng.permutation(500)
            points, velocity = points[order], velocity[order]
        expected, found = within(points, 0.12, box), pairs.neighbours(points)
        np.testing.assert_array_equal(found.offsets, expected.offsets)
        np.testing.assert_array_equal(found.indices, expected.indices)
    assert 5 < pairs.searches < 40


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_points_leave_through_open_ends_only(precision: str) -> None:
    box = Box((0.0, -1.0), (1.0, 2.0), (True, False))
    points = np.array([(0.5, 0.0), (1.5, 0.0), (-0.5, 2.5), (0.5, -1.5), (0.2, 2.0), (0.2, -1.0)], precision)
    np.testing.assert_array_equal(box.left(points), [False, False, True, True, False, False])
    np.testing.assert_array_equal(box.left(points[:2]), [False, False])
    assert box.left(points[:0]).shape == (0,)


def test_bad_input_is_told_in_one_line() -> None:
    box = Box((0.0, 0.0), (1.0, 2.0), (True, False))
    points = np.random.default_rng(8).random((10, 2))
    broken, outside = points.copy(), points.copy()
    broken[3, 1], outside[4, 0] = np.nan, 1.25
    for call, text in (
        (lambda: within(points, 0.6, box), "radius: 0.6 is more than half the periodic box along x, 1"),
        (lambda: within(points, -1.0), "radius: -1.0 must be positive and finite"),
        (lambda: within(broken, 0.1), "points: 1 of 10 are not finite, first 3"),
        (lambda: within(outside, 0.1, box), "outside the periodic box along x, from 0 to 1; first 4 at 1.25"),
        (lambda: within(points[:, :1], 0.1), "are not real numbers of shape"),
        (lambda: within(points, 0.1, Box((0.0,) * 3, (1.0,) * 3, (True,) * 3)), "the box has 3 axes"),
        (lambda: within(points, 0.1, queries=points.astype(np.float32)), "queries: float32"),
        (lambda: nearest(points, 10), "count: 10 nearest of 9 points; choose from 1 to 9"),
        (lambda: within(points, 0.1, threads=0), "threads: 0 must be at least 1"),
        (lambda: Box((0.0,), (1.0,), (True,)), "are not of 2 or 3 axes"),
        (lambda: Box((0.0, 0.0), (0.0, 1.0), (True, True)), "periodic axis x reaches from 0.0 to 0.0"),
        (lambda: VerletList(0.1, -1.0), "skin: -1.0"),
    ):
        with pytest.raises(NeighbourError) as error:
            call()
        assert text in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("n", "d"), [(1, 2), (3, 3), (17, 2), (1001, 3)])
def test_bounds_are_those_of_numpy(n: int, d: int, precision: str) -> None:
    points = (np.random.default_rng(9).standard_normal((n, d))).astype(precision)
    for value in (0.25, np.inf, -np.inf, np.nan):
        points[n // 2, 1] = value
        low, high = bounds(points)
        np.testing.assert_array_equal(low, points.min(axis=0))
        np.testing.assert_array_equal(high, points.max(axis=0))


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one_point_have_no_neighbours(n: int) -> None:
    found = within(np.zeros((n, 3)), 0.1)
    assert found.offsets.tolist() == [0] * (n + 1)
    assert found.edge_index.shape == (2, 0)


def test_the_cuda_twin_agrees_with_the_definition(in_cuda_simulator: Callable[[Path], str]) -> None:
    printed = in_cuda_simulator(Path(__file__).with_name("neighbours_cuda_parity.py"))
    assert printed.count("agree") == 5
