"""Particles: columns that move together, ids that stay, and nothing half done."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subgrid.particles import ColumnSpec, Particles, misplaced

COLUMNS = {"position": ColumnSpec((2,), units="m"), "mass": ColumnSpec(units="kg"), "kind": ColumnSpec((), "int32")}


def some(count: int = 5, capacity: int = 8) -> Particles:
    """Particles whose every column tells the id."""
    particles = Particles(capacity, COLUMNS)
    add(particles, count)
    return particles


def add(particles: Particles, count: int) -> None:
    ids = np.arange(particles.next_id, particles.next_id + count)
    particles.add(position=np.stack([ids, -ids], axis=1), mass=10.0 * ids, kind=ids)


def assert_rows_belong_together(particles: Particles) -> None:
    ids = particles["id"]
    np.testing.assert_array_equal(particles["position"], np.stack([ids, -ids], axis=1))
    np.testing.assert_array_equal(particles["mass"], 10.0 * ids)
    np.testing.assert_array_equal(particles["kind"], ids)
    assert len(set(ids.tolist())) == len(ids) == len(particles)


def test_add_gives_ids_and_shapes() -> None:
    particles = some(3)
    assert particles.add(mass=1.0).tolist() == [3]
    assert particles["position"].shape == (4, 2)
    assert particles["kind"].dtype == np.int32
    assert particles["id"].tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(particles["position"][3], 0.0)


def test_one_value_serves_all_that_are_added() -> None:
    particles = Particles(4, COLUMNS)
    particles.add(position=np.ones((3, 2)), mass=2.5)
    assert particles["mass"].tolist() == [2.5, 2.5, 2.5]


def test_columns_are_views_that_can_be_written() -> None:
    particles = some()
    particles["mass"][:] = 7.0
    assert particles["mass"].tolist() == [7.0] * 5


def test_remove_keeps_order_and_rows() -> None:
    particles = some()
    particles.remove(np.array([False, True, False, True, False]))
    assert particles["id"].tolist() == [0, 2, 4]
    assert_rows_belong_together(particles)


def test_ids_are_never_used_twice() -> None:
    particles = some()
    particles.remove(np.ones(5, dtype=bool))
    add(particles, 2)
    assert particles["id"].tolist() == [5, 6]


def test_reorder_moves_every_column() -> None:
    particles = some()
    particles.reorder(np.array([4, 2, 0, 1, 3]))
    assert particles["id"].tolist() == [4, 2, 0, 1, 3]
    assert_rows_belong_together(particles)


def test_sorting_by_a_column() -> None:
    particles = some()
    particles["mass"][:] = [3.0, 1.0, 2.0, 5.0, 4.0]
    particles.reorder(np.argsort(particles["mass"]))
    assert particles["id"].tolist() == [1, 2, 0, 4, 3]


@given(st.lists(st.sampled_from(["add", "remove", "reorder", "restore"]), max_size=20), st.integers(0, 2**32 - 1))
def test_rows_belong_together_whatever_happens(actions: list[str], seed: int) -> None:
    rng = np.random.default_rng(seed)
    particles = Particles(12, COLUMNS)
    for action in actions:
        if action == "add":
            add(particles, int(rng.integers(0, 1 + particles.capacity - len(particles))))
        elif action == "remove":
            particles.remove(rng.random(len(particles)) < 0.5)
        elif action == "reorder":
            particles.reorder(rng.permutation(len(particles)))
        else:
            saved, particles = particles.saved_columns(), Particles(12, COLUMNS)
            particles.restore(saved)
        assert_rows_belong_together(particles)
        assert particles.next_id > max(particles["id"], default=-1)


def test_restore_continues_ids() -> None:
    particles = some()
    particles.remove(np.array([False, False, False, False, True]))
    saved = {name: np.array(values) for name, values in particles.saved_columns().items()}
    restored = Particles(8, COLUMNS)
    restored.restore(saved)
    assert restored.add(mass=0.0).tolist() == [5]
    assert len(restored) == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weight": 1.0}, "unknown columns"),
        ({"id": 3}, "unknown columns"),
        ({"mass": np.zeros(9)}, "exceed the capacity of 8"),
        ({"mass": np.zeros(2), "kind": np.zeros(3)}, "broadcast"),
        ({"position": np.zeros((2, 3))}, "broadcast"),
    ],
)
def test_a_refused_addition_changes_nothing(values: dict[str, object], message: str) -> None:
    particles = some()
    with pytest.raises(ValueError, match=message):
        particles.add(**values)
    assert particles["id"].tolist() == [0, 1, 2, 3, 4]
    assert particles.next_id == 5
    assert_rows_belong_together(particles)


def test_bad_masks_orders_and_columns_are_refused() -> None:
    particles = some()
    with pytest.raises(ValueError, match=r"mask has shape \(4,\)"):
        particles.remove(np.zeros(4, dtype=bool))
    with pytest.raises(ValueError, match="permutation"):
        particles.reorder(np.array([0, 0, 1, 2, 3]))
    with pytest.raises(ValueError, match="kept by the container"):
        Particles(3, {"id": ColumnSpec()})
    with pytest.raises(ValueError, match="capacity must be"):
        Particles(0, COLUMNS)


def test_restore_makes_room() -> None:
    particles = Particles(3, COLUMNS)
    particles.restore(some().saved_columns())
    assert (len(particles), particles.capacity) == (5, 5)
    assert_rows_belong_together(particles)


def test_reserve_keeps_the_rows() -> None:
    particles = some(5, 5)
    particles.reserve(4)
    assert particles.capacity == 5
    particles.reserve(9)
    add(particles, 4)
    assert len(particles) == 9
    assert_rows_belong_together(particles)


def test_attached_columns_start_at_their_initial_value() -> None:
    particles = some(2)
    particles.attach({"stretch": ColumnSpec((2, 2), initial=np.eye(2))})
    ids = particles.add()
    np.testing.assert_array_equal(particles["stretch"][ids[0]], np.eye(2))
    with pytest.raises(ValueError, match="exist already"):
        particles.attach({"stretch": ColumnSpec()})


def test_sort_orders_by_key_and_keeps_the_order_of_equals() -> None:
    particles = some(5)
    particles.sort(np.array([1, 0, 1, 0, 1]))
    assert particles["id"].tolist() == [1, 3, 0, 2, 4]
    assert_rows_belong_together(particles)


def test_removed_particles_are_counted() -> None:
    particles = some(5)
    particles.remove(particles["id"] > 2)
    assert particles.removed == 2


def test_restore_refuses_other_columns() -> None:
    saved = some().saved_columns()
    with pytest.raises(ValueError, match="do not match"):
        Particles(8, {"position": ColumnSpec((2,))}).restore(saved)


@pytest.mark.parametrize(
    ("position", "held", "problem"),
    [
        ([[0.5, 1.5], [0.0, 2.0]], True, ""),
        (np.zeros((0, 2)), True, ""),
        ([0.5, 1.5], True, "initial: positions of 'sand' have shape (2,), expected (n, 2)"),
        ([[0.5, 1.5, 0.0]], True, "initial: positions of 'sand' have shape (1, 3), expected (n, 2)"),
        ([[0.5, 1.5], [0.5, np.nan]], True, "initial: a position of 'sand' is not finite, first that of particle 1"),
        (
            [[0.5, 1.5], [0.5, 2.5], [-1.0, 1.5]],
            True,
            (
                "initial: 2 particles of 'sand' lie outside the mesh, the first at [0.5, 2.5]; "
                "it reaches from [0.0, 1.0] to [1.0, 2.0]"
            ),
        ),
        ([[0.5, 2.5]], np.array([True, False]), ""),
    ],
)
def test_positions_that_cannot_be_are_told_in_one_line(position: object, held: object, problem: str) -> None:
    assert misplaced("sand", position, np.array([0.0, 1.0]), np.array([1.0, 2.0]), held) == problem
