"""What of a run is exported: some quantities at some frames, sorted into fields on the mesh and sets of particles.

What stands in the way of the medium (`RunFolder.obstacles`) is exported as a field on the mesh as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Grid, Quantity, RunFolder, ScenarioError

SHARE = Quantity((), "1", description="share of the cell that is taken from the medium")
"""What is said about a field of obstacles; its dims are the axes of the mesh."""

POSITION = "_position"
"""What follows the name of a particle set in the quantity that says where its particles are."""


@dataclass(frozen=True)
class Selection:
    """A run as an exporter sees it.

    ``fields`` end in the axes of the mesh, ``particles`` holds for each set its columns by name without the set's, and
    ``others`` are quantities of neither kind (spectra, numbers, columns of a set whose positions were not stored).
    """

    run: RunFolder
    mesh: Grid
    indices: NDArray[np.int64]
    times: NDArray[np.float64]
    steps: NDArray[np.int64]
    fields: Mapping[str, Quantity]
    particles: Mapping[str, Mapping[str, Quantity]]
    others: Mapping[str, Quantity] = field(default_factory=dict)
    obstacles: Mapping[str, str] = field(default_factory=dict)
    """Those of the fields that are shares of cells taken from the medium, by the names that the run folder has."""

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def every(self) -> dict[str, Quantity]:
        """All quantities by their names in the run folder."""
        return {**self.fields, **self.columns, **self.others}

    @property
    def columns(self) -> dict[str, Quantity]:
        """Columns of all particle sets by their names in the run folder."""
        return {
            f"{name}_{column}": quantity for name, table in self.particles.items() for column, quantity in table.items()
        }

    def frames(self, name: str) -> Iterator[NDArray[Any]]:
        """The chosen frames of one quantity, one at a time, in its dims without time."""
        for index in self.indices:
            yield self.frame(name, int(index))

    def frame(self, name: str, index: int) -> NDArray[Any]:
        """One quantity in one frame of the run."""
        if name in self.obstacles:
            return self.run.obstacles(index)[self.obstacles[name]]
        return self.run.frame(name, index)

    def layout(self, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Shape and type of a quantity in all frames of the run, as `RunFolder.layout` gives them."""
        if name in self.obstacles:
            first = self.frame(name, 0)
            return (len(self.run.frame_times()), *first.shape), first.dtype
        return self.run.layout(name)

    def constant(self, name: str) -> bool:
        """Whether a field is the same in all chosen frames."""
        frames = self.frames(name)
        first = next(frames)
        return all(np.array_equal(first, values) for values in frames)


def select(run: RunFolder, quantities: Sequence[str] = (), frames: str = ":") -> Selection:
    """Choose quantities (all when none is named) and frames (a slice in Python's notation).

    Raises ScenarioError for a quantity or frame that is not there.
    """
    obstacles = _obstacles(run)
    stored = {**run.quantities(), **dict.fromkeys(obstacles, SHARE)}
    for name in quantities:
        if name not in stored:
            raise ScenarioError(f"--quantity {name}: {run.path} stores {', '.join(stored) or 'no frames'}")
    chosen = {name: stored[name] for name in quantities or stored}
    times = run.frame_times()
    indices = np.arange(len(times), dtype=np.int64)[_slice(frames)]
    if not len(indices):
        raise ScenarioError(f"--frames {frames}: {run.path} holds {len(times)} frames and none of them is chosen")
    mesh = run.mesh()
    chosen |= {name: replace(SHARE, dims=mesh.axes).on(mesh) for name in obstacles if name in chosen}
    fields, particles, others = _sorted(chosen, mesh.axes)
    taken = {name: stored_as for name, stored_as in obstacles.items() if name in fields}
    steps = run.frame_steps()[indices]
    return Selection(run, mesh, indices, times[indices], steps, fields, particles, others, taken)


def _obstacles(run: RunFolder) -> dict[str, str]:
    """Names of what takes cells from the medium, as exported, with those that the run folder has."""
    quantities = run.quantities()
    found = run.obstacles(0) if quantities else {}
    return {f"{name}_share" if name in quantities else name: name for name in found}


def _slice(text: str) -> slice:
    parts = text.split(":")
    try:
        numbers = [int(part) if part.strip() else None for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0) or numbers == [None]:
        raise ScenarioError(f"--frames {text}: expected a frame such as 5 or START:STOP:STEP such as ::10")
    if len(numbers) == 1:
        last = numbers[0]
        return slice(last, None if last == -1 else (last or 0) + 1)
    return slice(*numbers)


def _sorted(
    chosen: Mapping[str, Quantity], axes: tuple[str, ...]
) -> tuple[dict[str, Quantity], dict[str, dict[str, Quantity]], dict[str, Quantity]]:
    """Quantities on the mesh, columns of particle sets, and the rest."""
    particles: dict[str, dict[str, Quantity]] = {
        name.removesuffix(POSITION): {}
        for name, quantity in chosen.items()
        if quantity.location == "particle" and name.endswith(POSITION)
    }
    fields: dict[str, Quantity] = {}
    others: dict[str, Quantity] = {}
    for name, quantity in chosen.items():
        if quantity.location == "particle":
            owners = [owner for owner in particles if name.startswith(f"{owner}_")]
            if owners:
                owner = max(owners, key=len)
                particles[owner][name.removeprefix(f"{owner}_")] = quantity
                continue
        elif quantity.dims[-len(axes) :] == axes:
            fields[name] = quantity
            continue
        others[name] = quantity
    return fields, particles, others
