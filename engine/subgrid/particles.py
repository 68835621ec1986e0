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


@dataclass(frozen=True)
class ColumnSpec:
    """One column: ``shape`` of a particle's value (``()`` scalar, ``(2,)`` vector), NumPy type name, and units."""

    shape: tuple[int, ...] = ()
    dtype: str = "float64"
    units: str = ""


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
        self._columns: dict[str, NDArray[Any]] = {
            name: np.zeros((capacity, *spec.shape), dtype=spec.dtype) for name, spec in self.specs.items()
        }

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self.count]

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
            column[rows] = checked.get(name, 0)
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
        if not np.array_equal(np.sort(order), np.arange(self.count)):
            raise ValueError("order is not a permutation of the live rows")
        for column in self._columns.values():
            column[: self.count] = column[: self.count][order]

    def saved_columns(self) -> dict[str, NDArray[Any]]:
        """Live rows of every column and the id counter, as a checkpoint stores them."""
        return {**{name: self[name] for name in self.specs}, "next_id": np.asarray(self.next_id)}

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take over the rows that `saved_columns` gave. Raises ValueError when columns or capacity do not fit."""
        if set(saved) != {*self.specs, "next_id"}:
            raise ValueError(f"columns {sorted(saved)} do not match {sorted(self.specs)}")
        count = len(saved["id"])
        if count > self.capacity:
            raise ValueError(f"{count} particles exceed the capacity of {self.capacity}")
        for name, column in self._columns.items():
            column[:count] = saved[name]
        self.count = count
        self.next_id = int(saved["next_id"])
