"""Particles as columns of equal length, with a capacity, a count and a stable ``id``.

Sorting, adding and removing move every column together. Neighbour lists are derived from positions and are never
kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class ColumnSpec:
    """One column: ``shape`` of a particle's value (``()`` scalar, ``(2,)`` vector), NumPy type name, and units.

    The type ``"real"`` is the precision of the run. ``initial`` is what a new particle gets where nothing is said; it
    broadcasts to ``shape``.
    """

    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    units: str = ""
    initial: Any = 0


class Particles:
    """A set of particles with room for ``capacity`` of them.

    ``particles["position"]`` is a view of the live rows, shape (count, *shape). ``id`` is an int64 column
    that every set has; an id is never used twice.
    """

    def __init__(self, capacity: int, columns: Mapping[str, ColumnSpec]) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        if "id" in columns:
            raise ValueError("column 'id' is kept by the container; choose another name")
        self.capacity = capacity
        self.count = 0
        self.next_id = 0
        self.specs = {**columns, "id": ColumnSpec((), "int64")}
        self._columns = {name: _column(capacity, spec) for name, spec in self.specs.items()}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self.count]

    @property
    def removed(self) -> int:
        """How many particles were ever removed."""
        return self.next_id - self.count

    def attach(self, columns: Mapping[str, ColumnSpec]) -> None:
        """Give every particle further columns. Raises ValueError when a name is taken."""
        if taken := set(columns) & set(self.specs):
            raise ValueError(f"columns {sorted(taken)} exist already")
        self.specs.update(columns)
        self._columns.update({name: _column(self.capacity, spec) for name, spec in columns.items()})

    def reserve(self, capacity: int) -> None:
        """Make room for at least ``capacity`` particles."""
        if capacity <= self.capacity:
            return
        for name, spec in self.specs.items():
            grown = _column(capacity, spec)
            grown[: self.count] = self[name]
            self._columns[name] = grown
        self.capacity = capacity

    def add(self, **values: Any) -> NDArray[np.int64]:
        """Append particles and return their new ids. Each value has shape (n, *shape) or broadcasts to it.

        Raises ValueError for an unknown column or when the capacity is exceeded; nothing is added then.
        """
        unknown = set(values) - set(self.specs) | ({"id"} & set(values))
        if unknown:
            raise ValueError(f"unknown columns {sorted(unknown)}; choose from {sorted(set(self.specs) - {'id'})}")
        arrays = {name: np.asarray(value) for name, value in values.items()}
        added = max(
            (len(a) for name, a in arrays.items() if a.ndim > len(self.specs[name].shape)),
            default=1,
        )
        if self.count + added > self.capacity:
            raise ValueError(f"{self.count} + {added} particles exceed the capacity of {self.capacity}")
        rows = slice(self.count, self.count + added)
        checked = {name: np.broadcast_to(array, (added, *self.specs[name].shape)) for name, array in arrays.items()}
        for name, column in self._columns.items():
            column[rows] = checked.get(name, self.specs[name].initial)
        ids = np.arange(self.next_id, self.next_id + added, dtype=np.int64)
        self._columns["id"][rows] = ids
        self.next_id += added
        self.count += added
        return ids

    def remove(self, mask: NDArray[np.bool_]) -> None:
        """Remove the particles where ``mask`` (shape (count,)) is true; the others keep their order."""
        keep = ~np.asarray(mask, dtype=bool)
        if keep.shape != (self.count,):
            raise ValueError(f"mask has shape {keep.shape}, expected ({self.count},)")
        kept = int(keep.sum())
        for column in self._columns.values():
            column[:kept] = column[: self.count][keep]
        self.count = kept

    def reorder(self, order: NDArray[np.integer[Any]]) -> None:
        """Move every column together: row ``i`` becomes what row ``order[i]`` was. ``order`` is a permutation."""
        if len(order) != self.count or np.any(np.bincount(order, minlength=self.count) != 1):
            raise ValueError("order is not a permutation of the live rows")
        for column in self._columns.values():
            column[: self.count] = np.take(column, order, axis=0)

    def sort(self, keys: NDArray[np.integer[Any]]) -> None:
        """Order the particles by ``keys`` (shape (count,)), for example their cells; equal keys keep their order."""
        self.reorder(np.argsort(keys, kind="stable"))

    def saved_columns(self) -> dict[str, NDArray[Any]]:
        """Live rows of every column and the id counter, as a checkpoint stores them."""
        return {**{name: self[name] for name in self.specs}, "next_id": np.asarray(self.next_id)}

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take over the rows that `saved_columns` gave, with room for them. Raises ValueError when columns differ."""
        if set(saved) != {*self.specs, "next_id"}:
            raise ValueError(f"columns {sorted(saved)} do not match {sorted(self.specs)}")
        count = len(saved["id"])
        self.reserve(count)
        for name, column in self._columns.items():
            column[:count] = saved[name]
        self.count = count
        self.next_id = int(saved["next_id"])


def _column(capacity: int, spec: ColumnSpec) -> NDArray[Any]:
    return np.zeros((capacity, *spec.shape), dtype=spec.dtype)


def misplaced(name: str, position: Any, low: Array, high: Array, held: Any = True) -> str:
    """What is wrong with the starting positions of a set, in one line for a ScenarioError, or an empty text.

    They must be (n, d), finite, and within the corners ``low`` and ``high`` (d,), which are ordered as the components
    are; ``held``, bool (d,), names the axes along which they must not lie beyond.
    """
    position, d = np.asarray(position), len(low)
    if position.ndim != 2 or position.shape[1] != d:
        return f"initial: positions of {name!r} have shape {position.shape}, expected (n, {d})"
    finite = np.isfinite(position).all(axis=1)
    if not finite.all():
        return f"initial: a position of {name!r} is not finite, first that of particle {int(np.argmin(finite))}"
    outside = np.any(((position < low) | (position > high)) & held, axis=1)
    if outside.any():
        return (
            f"initial: {int(outside.sum())} particles of {name!r} lie outside the mesh, the first at "
            f"{position[np.argmax(outside)].tolist()}; it reaches from {low.tolist()} to {high.tolist()}"
        )
    return ""
