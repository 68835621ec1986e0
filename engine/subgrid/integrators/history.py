"""Arrays that a scheme carries from step to step, without copying them."""

from __future__ import annotations

from subgrid.api import ArraySpec, Fields
from subgrid.integrators.field_arithmetic import FieldArithmetic


class History:
    """Fields of past steps, kept in an integrator's memory under ``<entry>_<field>``.

    A step must not write into memory, and copying histories costs as much as the step's arithmetic. So this owns one
    set of buffers more than there are entries; `spare` picks a set that memory does not hold, the step fills it, and
    the report hands it over as the newest entry. Nothing else is remembered: after a restart memory holds fresh
    arrays, every set is spare, and the numbers are the same. Arrays in memory must therefore belong to one run;
    copying a state copies them.
    """

    def __init__(self, arithmetic: FieldArithmetic, entries: tuple[str, ...]) -> None:
        self._specs = arithmetic.specs
        self._keys = {entry: [(name, f"{entry}_{name}") for name in arithmetic.specs] for entry in entries}
        self._buffers = arithmetic.buffers(len(entries) + 1)

    def memory(self) -> dict[str, ArraySpec]:
        return {key: self._specs[name] for keys in self._keys.values() for name, key in keys}

    def read(self, memory: Fields, entry: str) -> Fields:
        return {name: memory[key] for name, key in self._keys[entry]}

    def entry(self, entry: str, fields: Fields) -> Fields:
        """Memory update that stores these fields as ``entry``."""
        return {key: fields[name] for name, key in self._keys[entry]}

    def spare(self, memory: Fields) -> Fields | None:
        """A set of buffers that memory does not hold; ``None`` where results are new arrays anyway."""
        held = set(map(id, memory.values()))
        for buffers in self._buffers:
            if buffers is None or held.isdisjoint(map(id, buffers.values())):
                return buffers
        raise AssertionError("memory holds more entries than declared")
