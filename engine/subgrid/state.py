"""Everything that changes during a run, in one object: fields, particles, memories and the clock.

Components declare what they need through a `StateSpec`; the engine allocates it once. Saving, restoring and copying a
run therefore need no code in any component.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from subgrid.backend import Array, Backend
from subgrid.particles import ColumnSpec, Particles

Fields = dict[str, Array]


@dataclass(frozen=True)
class ArraySpec:
    """Shape and meaning of one array. ``kind`` is real, complex, int or bool; ``location`` is cell, node, face, mode,
    particle or none."""

    shape: tuple[int, ...]
    kind: str = "real"
    location: str = "none"
    units: str = ""


@dataclass(frozen=True)
class ParticleSpec:
    """A named set of particles: room for ``capacity`` of them, with these columns."""

    capacity: int
    columns: Mapping[str, ColumnSpec]


@dataclass(frozen=True)
class StateSpec:
    """Storage that a component asks for. Only solvers ask for fields and particles; any may ask for memory.

    ``columns`` is memory for each particle, which closures in a slot over particles may ask for: it is sorted, removed
    and saved with the particles.
    """

    fields: Mapping[str, ArraySpec] = field(default_factory=dict)
    particles: Mapping[str, ParticleSpec] = field(default_factory=dict)
    memory: Mapping[str, ArraySpec] = field(default_factory=dict)
    columns: Mapping[str, ColumnSpec] = field(default_factory=dict)


@dataclass
class Clock:
    """Where the run stands. ``dt`` is the size of the next step as the controller proposes it."""

    time: float = 0.0
    step: int = 0
    dt: float = 0.0


@dataclass
class State:
    """Fields by name, particle sets by name, memory by component label and name, and the clock."""

    fields: Fields = field(default_factory=dict)
    particles: dict[str, Particles] = field(default_factory=dict)
    memory: dict[str, Fields] = field(default_factory=dict)
    clock: Clock = field(default_factory=Clock)

    def allocate(self, label: str, spec: StateSpec, backend: Backend) -> None:
        """Add zeroed storage for the component called ``label``."""
        for name, array in spec.fields.items():
            self.fields[name] = backend.zeros(array.shape, array.kind)
        for name, particles in spec.particles.items():
            self.particles[name] = Particles(particles.capacity, in_precision(particles.columns, backend))
        if spec.memory:
            self.memory[label] = {name: backend.zeros(array.shape, array.kind) for name, array in spec.memory.items()}

    def prognostic(self) -> dict[str, Array | Particles]:
        """Fields and particle sets by name: what a solver is handed as ``fields``."""
        return {**self.fields, **self.particles} if self.particles else self.fields

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Every array with a path such as ``fields/vorticity`` or ``memory/integrator/previous``, sorted by path."""
        for name in sorted(self.fields):
            yield f"fields/{name}", self.fields[name]
        for label in sorted(self.memory):
            for name in sorted(self.memory[label]):
                yield f"memory/{label}/{name}", self.memory[label][name]
        for name in sorted(self.particles):
            for column, values in sorted(self.particles[name].saved_columns().items()):
                yield f"particles/{name}/{column}", values


def in_precision(columns: Mapping[str, ColumnSpec], backend: Backend) -> dict[str, ColumnSpec]:
    """The columns with ``"real"`` replaced by the precision of the run."""
    return {
        name: replace(spec, dtype=backend.precision) if spec.dtype == "real" else spec for name, spec in columns.items()
    }
