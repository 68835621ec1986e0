"""Drawings in the plane: fields over two-dimensional meshes, one-dimensional runs, particles seen from the front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol
from zlib import crc32

import numpy as np
import pyvista as pv
from matplotlib.colors import to_rgb

from subgrid_view.axes import Axes
from subgrid_view.canvas import INK, NOTHING, TAKEN, Array, Canvas, lookup
from subgrid_view.colours import HUES, Scale
from subgrid_view.reading import Field, Source, nearest
from subgrid_view.text import with_units

Box = tuple[float, float, float, float]
MOST_ROWS = 1024
"""Most rows of a space-time picture, which stands in memory as a whole."""


class Drawing(Protocol):
    """Something that can show any frame of a run."""

    def show(self, frame: int) -> None: ...


class Taken:
    """What takes cells from the medium of a run in one or two dimensions: bodies, dry ground, each in its grey."""

    def __init__(self, canvas: Canvas, box: Box, source: Source) -> None:
        self._source = source
        self._veils = {name: canvas.veil(box, grey_of(name)) for name in source.obstacle_names}

    def show(self, frame: int) -> None:
        for name, share in self._source.obstacles(frame).items():
            self._veils[name].show(np.atleast_2d(share))


def grey_of(name: str) -> tuple[float, float, float]:
    """Colour of the obstacles of one name, in every run."""
    return TAKEN[crc32(name.encode()) % len(TAKEN)]


class Plane:
    """A field over a two-dimensional mesh, with what is drawn over it."""

    def __init__(self, canvas: Canvas, box: Box, source: Source, field: Field, scale: Scale) -> None:
        self._source, self._field = source, field
        self._image = canvas.image(box, scale.table(), scale.low, scale.high)
        self.axes = Axes(canvas, box, *extents(source), axis_names(source))
        self.overlays: list[Drawing] = [Taken(canvas, box, source)]

    def show(self, frame: int) -> None:
        self._image.show(self._source.scalar(self._field, frame))
        for overlay in self.overlays:
            overlay.show(frame)


class Profile:
    """A field over a one-dimensional mesh, as a curve at one time."""

    def __init__(self, canvas: Canvas, box: Box, source: Source, field: Field, scale: Scale) -> None:
        self._source, self._field = source, field
        margin = 0.04 * (scale.high - scale.low)
        span = (scale.low - margin, scale.high + margin)
        self._axes = Axes(canvas, box, extents(source)[0], span, (axis_names(source)[0], field.label))
        self._taken = Taken(canvas, box, source)
        (self._x,) = source.mesh.coordinates()
        if scale.low < 0.0 < scale.high:
            canvas.lines(
                np.array([self._axes.pixels([[extents(source)[0][end], 0.0] for end in (0, 1)])]), colour=NOTHING
            )
        self._curve = pv.PolyData()
        canvas.mesh(self._curve, color=to_rgb(HUES[0]), line_width=2.5)

    def show(self, frame: int) -> None:
        self._taken.show(frame)
        values = self._source.scalar(self._field, frame)
        points = self._axes.pixels(np.column_stack([self._x, values]))
        points[:, 1] = points[:, 1].clip(self._axes.box[1], self._axes.box[3])  # limits may be narrower than the values
        seen = np.isfinite(points).all(axis=1)
        if seen.sum() < 2:
            self._curve.copy_from(pv.PolyData())
            return
        pieces = np.nonzero(seen[:-1] & seen[1:])[0]
        cells = np.column_stack([np.full(len(pieces), 2), pieces, pieces + 1])
        whole = np.column_stack([np.nan_to_num(points), np.full(len(points), 2.0)])
        self._curve.copy_from(pv.PolyData(whole, lines=cells.ravel()))


class SpaceTime:
    """A field over a one-dimensional mesh at all chosen frames, time upwards."""

    def __init__(
        self, canvas: Canvas, box: Box, source: Source, field: Field, scale: Scale, frames: Sequence[int]
    ) -> None:
        times = source.times[list(frames)]
        rows = min(MOST_ROWS, len(frames), max(2, int(box[3] - box[1])))
        # a row for each frame, or the frame nearest to the time of each row
        half = 0.5 * (times[-1] - times[0]) / max(1, rows - 1) or 0.5
        chosen = [frames[nearest(times, time)] for time in np.linspace(times[0], times[-1], rows)]
        values = np.stack([source.scalar(field, frame) for frame in chosen])
        image = canvas.image(box, scale.table(), scale.low, scale.high)
        image.show(values)
        for name in source.obstacle_names:
            canvas.veil(box, grey_of(name)).show(np.stack([source.obstacles(frame)[name] for frame in chosen]))
        names = (axis_names(source)[0], with_units("t", source.units[1]))
        Axes(canvas, box, extents(source)[0], (float(times[0] - half), float(times[-1] + half)), names)

    def show(self, frame: int) -> None:
        """All frames are shown at once."""


class FlatParticles:
    """Particles of a two-dimensional run, one colour each by a value of theirs, or by the set that they belong to."""

    def __init__(self, canvas: Canvas, box: Box, source: Source, field: Field, scale: Scale | None) -> None:
        self._source, self._field = source, field
        self._axes = Axes(canvas, box, *extents(source), axis_names(source))
        self._taken = Taken(canvas, box, source)
        self._clouds: list[tuple[str, pv.PolyData]] = []
        for name, colour in set_colours(source, field):
            cloud = pv.PolyData()
            size = self._point_size(name)
            table = None if scale is None or name != field.particles else lookup(scale.table(), scale.low, scale.high)
            look = {"table": table} if table is not None else {"color": colour}
            canvas.mesh(cloud, point_size=size, style="points", render_points_as_spheres=True, **look)
            self._clouds.append((name, cloud))

    def _point_size(self, name: str) -> float:
        """Pixels across a particle: about the distance between neighbours in the first frame that holds some."""
        for frame in range(len(self._source.times)):
            places = self._source.positions(name, frame)
            if len(places) > 1:
                pixels = self._axes.pixels(places[:, :2])
                area = float(np.prod(np.maximum(np.ptp(pixels, axis=0), 1.0)))
                return float(np.clip(1.05 * np.sqrt(area / len(places)), 2.0, 14.0))
        return 6.0

    def show(self, frame: int) -> None:
        self._taken.show(frame)
        for name, cloud in self._clouds:
            values = None if name != self._field.particles else self._source.scalar(self._field, frame)
            places = self._axes.pixels(self._source.positions(name, frame)[:, :2])
            show_points(cloud, places, values, self._axes.box)


def show_points(cloud: pv.PolyData, places: Array, values: Array | None, box: Box) -> None:
    """Move a cloud to new places (n, 2), of which those in the box are seen; their number may change."""
    x0, y0, x1, y1 = box
    seen = (places[:, 0] >= x0) & (places[:, 0] <= x1) & (places[:, 1] >= y0) & (places[:, 1] <= y1)
    points = pv.PolyData(np.column_stack([places[seen], np.full(seen.sum(), 0.5)])) if seen.any() else pv.PolyData()
    if values is not None and seen.any():
        points.point_data["values"] = values[seen]
        points.set_active_scalars("values")
    cloud.copy_from(points)


def set_colours(source: Source, field: Field) -> list[tuple[str, tuple[float, float, float]]]:
    """The particle sets to draw with their colours: each its own, or grey beside the set that a field colours."""
    sets = source.particle_sets()
    if field.quantity == "particles":
        return [(name, to_rgb(HUES[i % len(HUES)])) for i, name in enumerate(sets)]
    others = [(name, NOTHING) for name in sets if name != field.particles]
    return [*others, (field.particles or "", INK)]


def extents(source: Source) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends of the cells along x and y: half a spacing beyond the outer values."""
    ends = []
    for values, step in zip(source.mesh.coordinates()[::-1], source.mesh.spacing[::-1], strict=True):
        ends.append((float(values[0] - 0.5 * step), float(values[-1] + 0.5 * step)))
    return ends[0], ends[1] if len(ends) > 1 else (0.0, 1.0)


def axis_names(source: Source) -> tuple[str, str]:
    """What stands along x and y."""
    return with_units("x", source.units[0]), with_units("y", source.units[0])


def aspect(source: Source) -> float:
    """Width over height of a two-dimensional domain."""
    return source.mesh.length[-1] / source.mesh.length[-2]
