"""Runs as pictures need them: which quantities can be drawn, and their values frame by frame.

A run folder may come from anyone: whatever is wrong with it becomes a RunFolderError of one line.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Grid, Quantity, RunFolder, RunFolderError, ScenarioError, SubgridError
from subgrid_view.text import plain, with_units

Array = NDArray[Any]

LARGEST_FRAME = 4 * 2**30
"""Most bytes of a frame in double precision."""

VECTOR_DIMS = ("component", "direction")
"""Leading axes whose Euclidean norm is drawn when none of their entries is chosen; of others the first is."""

NEMATIC = ("second_moment", "nematic", "director")
"""Quantities whose two components are (cos, sin) of twice the angle of a director, times the degree of order."""

UNIFORM = 1e-3
"""A field whose values lie closer together than this share of the largest says little."""

_FIELD = re.compile(r"([\w.-]+)(?:\[([\d:, ]+)\])?", re.ASCII)


@contextmanager
def foreign(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file causes into one line."""
    try:
        yield
    except (SubgridError, MemoryError):
        raise
    except Exception as error:
        raise RunFolderError(f"{path}: cannot be read ({type(error).__name__}: {plain(error, 200)})") from error


@dataclass(frozen=True)
class Field:
    """What is drawn: a quantity and the entries chosen from its leading (for particles: trailing) axes.

    An entry ``None`` stands for the whole axis, over which the Euclidean norm is taken. ``particles`` names the set;
    it is None for fields over the mesh, and empty for particles without the name of a set.
    """

    quantity: str
    entries: tuple[int | None, ...]
    axes: tuple[str, ...]
    units: str
    particles: str | None = None

    @property
    def is_magnitude(self) -> bool:
        return None in self.entries

    @property
    def label(self) -> str:
        """Name and units, as beside a colour bar."""
        chosen = [("" if entry is None else str(entry)) for entry in self.entries]
        which = f"[{', '.join(entry or ':' for entry in chosen)}]" if any(chosen) else ""
        name = f"size of {self.quantity}{which}" if self.is_magnitude else f"{self.quantity}{which}"
        return with_units(plain(name, 60), self.units)


class Source:
    """A run folder, read one frame at a time.

    ``times`` are those of the committed frames; `refresh` looks again while a run goes on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.run = RunFolder(path)
        with foreign(path):
            self.mesh: Grid = self.run.mesh()
            self.name = plain(self.run.scenario().get("name", path.name), 60) or path.name
            self.quantities: dict[str, Quantity] = self.run.quantities()
            _check_mesh(path, self.mesh)
        self.times: NDArray[np.float64] = np.zeros(0)
        self.obstacle_names: list[str] = []
        self._obstacles: tuple[int, dict[str, Array]] = (-1, {})
        self.refresh()

    def refresh(self) -> bool:
        """Look for new frames. True when there are some."""
        known = len(self.times)
        with foreign(self.path):
            if not self.quantities:
                self.quantities = self.run.quantities()
            self.times = self.run.frame_times()
            if not np.isfinite(self.times).all() or (np.diff(self.times) < 0.0).any():
                raise ValueError("the times of its frames do not increase")
            if known == 0 and len(self.times):
                self.obstacle_names = list(self.obstacles(0))
        return len(self.times) > known

    def need_frames(self) -> None:
        """Raises RunFolderError when nothing was stored yet."""
        if len(self.times) == 0:
            raise RunFolderError(f"{self.path}: no frames yet; a run stores them as [output] of its scenario says")

    def drawable(self) -> list[str]:
        """Quantities that lie over the mesh or over particles, and ``particles`` where sets have positions."""
        found = [name for name, quantity in self.quantities.items() if self._leading(quantity) is not None]
        return [name for name in found if self.particle_set(name) is not None or not self._of_particles(name)] + (
            ["particles"] if self.particle_sets() else []
        )

    def particle_sets(self) -> list[str]:
        """Prefixes of the sets whose positions are stored (``sand`` of ``sand_position``; empty for ``position``)."""
        names = (name for name in self.quantities if name == "position" or name.endswith("_position"))
        return [name.removesuffix("position").rstrip("_") for name in names if self._of_particles(name)]

    def particle_set(self, quantity: str) -> str | None:
        """The set that a particle quantity belongs to, by the longest prefix; None without stored positions."""
        if not self._of_particles(quantity):
            return None
        fitting = [name for name in self.particle_sets() if name == "" or quantity.startswith(f"{name}_")]
        return max(fitting, key=len, default=None)

    def default_field(self, among: Sequence[str] | None = None) -> str:
        """What is drawn when nothing is asked for.

        Particles where there are some, else the first field that is not uniform in the last frame: scalars before
        others, in the order in which the scenario asks for them. Where all are uniform, the one that varies most
        beside its size.
        """
        self.need_frames()
        names = list(self.drawable() if among is None else among)
        if not names:
            raise RunFolderError(f"{self.path}: its frames hold nothing that lies over the mesh or over particles")
        if "particles" in names:
            return "particles"
        asked = self._asked_for()
        names.sort(key=lambda name: (bool(self._leading(self.quantities[name])), asked.get(name, len(asked))))
        variation = {}
        for name in names:
            variation[name] = self._variation(name)
            if variation[name] > UNIFORM:
                return name
        return max(names, key=lambda name: variation[name])

    def _asked_for(self) -> dict[str, int]:
        """Place of each quantity in the list of the scenario's ``[output]``."""
        with foreign(self.path):
            output = self.run.scenario().get("output", {})
            listed = output.get("quantities", []) if isinstance(output, dict) else []
            return {str(name): i for i, name in enumerate(listed if isinstance(listed, list) else [])}

    def _variation(self, name: str) -> float:
        """How far the values of a field in the last frame lie apart, beside the largest of them."""
        values = self.scalar(self.field(name), len(self.times) - 1)
        values = values[np.isfinite(values)]
        largest = float(np.abs(values).max(initial=0.0))
        return float(np.ptp(values)) / largest if largest > 0.0 else 0.0

    def obstacles(self, frame: int) -> dict[str, Array]:
        """Share of each cell that bodies or dry ground take in a frame, by name."""
        if self._obstacles[0] != frame:
            with foreign(self.path):
                shares = self.run.obstacles(frame)
                for name, share in shares.items():
                    if share.shape != self.mesh.shape or share.dtype.kind != "f":
                        raise ValueError(f"obstacle {name} has the shape {share.shape}, the mesh {self.mesh.shape}")
                shares = {plain(name, 14): np.clip(np.nan_to_num(share), 0.0, 1.0) for name, share in shares.items()}
                self._obstacles = (frame, shares)
        return self._obstacles[1]

    @property
    def units(self) -> tuple[str, str]:
        """Units of length and time; none in a run none of whose quantities has units, which is non-dimensional."""
        return (self.mesh.units, "s") if any(q.units for q in self.quantities.values()) else ("", "")

    def field(self, text: str) -> Field:
        """The field that ``NAME``, ``NAME[1]`` or ``NAME[:, 0]`` means. Raises ScenarioError with the choices."""
        self.need_frames()
        match = _FIELD.fullmatch(text)
        name = match[1] if match else text
        if name not in self.drawable() or match is None:
            near = get_close_matches(name, self.drawable(), 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ScenarioError(
                f"field {text[:60]!r}: {hint}choose from {', '.join(self.drawable()) or 'none'}, with an entry as in "
                f"NAME[0] where a quantity has components or layers ({self.path})"
            )
        if name == "particles":
            return Field("particles", (), (), "", "")
        quantity = self.quantities[name]
        leading = self._leading(quantity) or ()
        asked = [part.strip() for part in match[2].split(",")] if match[2] else []
        if len(asked) > len(leading) or any(part != ":" and not part.isdecimal() for part in asked):
            raise ScenarioError(f"field {text[:60]!r}: {name} has the axes ({', '.join(leading)}) to choose from")
        asked += [":" if axis in VECTOR_DIMS else "0" for axis in leading[len(asked) :]]
        entries = tuple(None if part == ":" else int(part) for part in asked)
        field = Field(name, entries, leading, quantity.units, self.particle_set(name))
        self.scalar(field, len(self.times) - 1)  # an entry out of range shows here
        return field

    def vector(self, name: str) -> Field:
        """A quantity with one component for each axis of the mesh. Raises ScenarioError with the choices."""
        field = self.field(name)
        if field.particles is None and field.axes[:1] == ("component",) and field.entries[0] is None:
            return field
        vectors = [n for n, q in self.quantities.items() if (self._leading(q) or ())[:1] == ("component",)]
        raise ScenarioError(f"{name!r} is no vector over the mesh; choose from {', '.join(vectors) or 'none'}")

    def scalar(self, field: Field, frame: int) -> Array:
        """Values to be coloured: over the mesh, or one for each particle of the frame."""
        values = self._values(field, frame)
        whole = tuple(i for i, entry in enumerate(field.entries) if entry is None)
        for axis, entry in reversed(list(enumerate(field.entries))):
            if entry is not None:
                if entry >= values.shape[axis]:
                    raise ScenarioError(
                        f"{field.quantity}[{entry}]: axis {field.axes[axis]!r} has {values.shape[axis]} entries, "
                        f"0 to {values.shape[axis] - 1}"
                    )
                values = values.take(entry, axis=axis)
        if whole:
            values = np.sqrt(np.square(values).sum(axis=tuple(range(len(whole)))))
        return values

    def components(self, field: Field, frame: int) -> Array:
        """Components of a vector field over the mesh, ordered (x, y, z)."""
        values = self._values(field, frame)
        for axis in range(len(field.entries) - 1, 0, -1):
            values = values.take(field.entries[axis] or 0, axis=axis)
        return values

    def positions(self, particles: str, frame: int) -> Array:
        """Places of the particles of a set, shape (n, dimensions)."""
        name = f"{particles}_position" if particles else "position"
        with foreign(self.path):
            places = np.asarray(self.run.frame(name, frame), dtype=np.float64)
            if places.ndim != 2 or not 1 <= places.shape[1] <= 3:
                raise ValueError(f"{name} has the shape {places.shape}")
            return places

    def _values(self, field: Field, frame: int) -> Array:
        """A frame with the axes to choose from in front, in double precision."""
        with foreign(self.path):
            self._check_size(field)
            stored = self.run.frame(field.quantity, frame)
            values = np.asarray(stored, dtype=np.float64)
            depth = len(field.axes)
            if field.particles is not None:
                values = np.moveaxis(values, 0, -1)
                expected = values.shape[depth:] if values.ndim == depth + 1 else ()
            else:
                expected = self.mesh.shape
            if values.ndim < depth or values.shape[depth:] != expected or not values.ndim:
                raise ValueError(f"{field.quantity} has the shape {stored.shape}, the mesh {self.mesh.shape}")
            return values

    def _check_size(self, field: Field) -> None:
        """Look at the shape of a field over the mesh before memory is taken for it."""
        if field.particles is not None:
            return
        (_, *shape), kind = self.run.layout(field.quantity)
        if tuple(shape[len(field.axes) :]) != self.mesh.shape or kind.kind not in "fiu":
            raise ValueError(f"{field.quantity} has the shape {tuple(shape)}, the mesh {self.mesh.shape}")
        size = math.prod(shape) * 8
        if size > LARGEST_FRAME:
            raise ValueError(f"a frame of {field.quantity} takes {size / 2**30:.3g} GiB, more than can be drawn")

    def _of_particles(self, name: str) -> bool:
        quantity = self.quantities.get(name)
        return quantity is not None and quantity.location == "particle"

    def _leading(self, quantity: Quantity) -> tuple[str, ...] | None:
        """Axes to choose from, or None for what lies neither over the mesh nor over particles."""
        dims, axes = quantity.dims, self.mesh.axes
        if quantity.location == "particle":
            return dims[1:] if dims[:1] == ("particle",) else None
        if dims[-len(axes) :] == axes and quantity.location != "none":
            return dims[: -len(axes)]
        return None


def _check_mesh(path: Path, mesh: Grid) -> None:
    numbers = (*mesh.length, *mesh.origin, mesh.offset)
    if not all(isinstance(n, int) and n > 0 for n in mesh.shape) or not all(map(math.isfinite, numbers)):
        raise RunFolderError(f"{path}: its mesh has the shape {mesh.shape} and the length {mesh.length}")
    if min(mesh.length) <= 0.0 or len(mesh.origin) != mesh.ndim:
        raise RunFolderError(f"{path}: its mesh has the length {mesh.length} and the origin {mesh.origin}")


def nearest(times: Sequence[float] | NDArray[np.float64], time: float) -> int:
    """Number of the frame nearest to a time."""
    return int(np.argmin(np.abs(np.asarray(times) - time)))
