"""What is drawn over a plane: arrows, streamlines, directors with their defects."""

from __future__ import annotations

import numpy as np
import pyvista as pv

from subgrid_view.axes import Axes
from subgrid_view.canvas import INK, PAPER, Array
from subgrid_view.nematic import defects, director
from subgrid_view.reading import Field, Source

GLYPH_PIXELS = 30.0
"""Distance between glyphs [pixels], unless cells are larger."""

# outlines of length one about the origin, as (x, y) corners
ARROW = np.array([[-0.5, -0.05], [0.1, -0.05], [0.1, -0.2], [0.5, 0.0], [0.1, 0.2], [0.1, 0.05], [-0.5, 0.05]])
ROD = np.array([[-0.5, -0.07], [0.5, -0.07], [0.5, 0.07], [-0.5, 0.07]])
PLUS, MINUS = (0.80, 0.11, 0.11), (0.08, 0.32, 0.70)


class Glyphs:
    """Flat shapes, each turned and stretched; dark with a light rim, so that they show on every colour."""

    def __init__(self, axes: Axes, outline: Array, colour: tuple[float, float, float] = INK, z: float = 2.0) -> None:
        self._outline, self._z = outline, z
        self._mesh = pv.PolyData()
        rim = axes.canvas.mesh(self._mesh, color=PAPER, style="wireframe", line_width=2.0)
        rim.SetPosition(0.0, 0.0, -0.5)
        axes.canvas.mesh(self._mesh, color=colour)

    def show(self, places: Array, along: Array) -> None:
        """Draw at places (n, 2) with direction and length ``along`` (n, 2) [pixels]."""
        x, y = self._outline[:, 0], self._outline[:, 1]
        corners = np.zeros((len(places), len(x), 3))
        corners[:, :, 0] = places[:, :1] + along[:, :1] * x - along[:, 1:] * y
        corners[:, :, 1] = places[:, 1:] + along[:, 1:] * x + along[:, :1] * y
        corners[:, :, 2] = self._z
        faces = np.column_stack(
            [np.full(len(places), len(x)), np.arange(corners.shape[0] * len(x)).reshape(-1, len(x))]
        )
        self._mesh.copy_from(pv.PolyData(corners.reshape(-1, 3), faces=faces.ravel()) if len(places) else pv.PolyData())


class Lattice:
    """Every so many cells of a plane, about ``GLYPH_PIXELS`` apart."""

    def __init__(self, axes: Axes, source: Source) -> None:
        pixels = axes.slope[::-1] * source.mesh.spacing
        self.steps = [max(1, round(GLYPH_PIXELS * axes.canvas.font / 15.0 / size)) for size in pixels]
        starts = [(n % step or step) // 2 for n, step in zip(source.mesh.shape, self.steps, strict=True)]
        self.window = tuple(
            slice(min(a, n - 1), None, s) for a, n, s in zip(starts, source.mesh.shape, self.steps, strict=True)
        )
        y, x = (array[self.window] for array in source.mesh.meshgrid())
        self.places = axes.pixels(np.column_stack([x.ravel(), y.ravel()]))
        self.distance = min(size * step for size, step in zip(pixels, self.steps, strict=True))

    def sample(self, values: Array) -> Array:
        """Values of shape (c, ny, nx) there, shape (n, c)."""
        return values[(slice(None), *self.window)].reshape(len(values), -1).T


class Arrows:
    """Arrows of a vector field, the longest of all frames as long as their distance."""

    def __init__(self, axes: Axes, source: Source, field: Field, longest: float) -> None:
        self._source, self._field, self._longest = source, field, longest
        self._lattice = Lattice(axes, source)
        self._glyphs = Glyphs(axes, ARROW)

    def show(self, frame: int) -> None:
        values = self._lattice.sample(self._source.components(self._field, frame)[:2])
        along = np.nan_to_num(values) * (1.25 * self._lattice.distance / self._longest)
        size = np.hypot(*along.T)
        # shorter than a few pixels they are dust
        seen = size > 3.0
        self._glyphs.show(self._lattice.places[seen], along[seen])


class Streamlines:
    """Evenly spaced streamlines of a vector field in the plane."""

    def __init__(self, axes: Axes, source: Source, field: Field) -> None:
        self._axes, self._source, self._field = axes, source, field
        self._mesh = pv.PolyData()
        rim = axes.canvas.mesh(self._mesh, color=PAPER, line_width=3.0)
        rim.SetPosition(0.0, 0.0, -0.5)
        axes.canvas.mesh(self._mesh, color=INK, line_width=1.5)

    def show(self, frame: int) -> None:
        values = np.nan_to_num(self._source.components(self._field, frame)[:2])
        _, ny, nx = values.shape
        x0, y0, x1, y1 = self._axes.box
        step = np.array([(x1 - x0) / nx, (y1 - y0) / ny])
        vectors = np.zeros((ny * nx, 3))
        vectors[:, 0], vectors[:, 1] = values[0].ravel() * self._axes.slope[0], values[1].ravel() * self._axes.slope[1]
        speed = np.hypot(vectors[:, 0], vectors[:, 1])
        if not speed.max() > 0.0:
            self._mesh.copy_from(pv.PolyData())
            return
        grid = pv.ImageData(
            dimensions=(nx, ny, 1), spacing=(*step, 1.0), origin=(x0 + 0.5 * step[0], y0 + 0.5 * step[1], 0.0)
        )
        grid.point_data["vectors"] = vectors / speed.max()
        start = grid.points[int(np.argmax(speed))]
        lines = grid.streamlines_evenly_spaced_2D(
            "vectors", start_position=start, separating_distance=18.0, separating_distance_ratio=0.4,
            step_unit="l", step_length=2.0, compute_vorticity=False, closed_loop_maximum_distance=4.0,
        )  # fmt: skip
        flat = (
            pv.PolyData(np.add(lines.points, (0.0, 0.0, 2.0)), lines=lines.lines) if lines.n_points else pv.PolyData()
        )
        self._mesh.copy_from(flat)


class Directors:
    """Rods along the director, as long as it is ordered, and the half-integer defects: comets and three-armed stars."""

    def __init__(self, axes: Axes, source: Source, field: Field, highest: float) -> None:
        self._axes, self._source, self._field, self._highest = axes, source, field, highest
        self._lattice = Lattice(axes, source)
        self._rods = Glyphs(axes, ROD)
        self._arms = {+0.5: Glyphs(axes, ROD, PLUS, 3.0), -0.5: Glyphs(axes, ROD, MINUS, 3.0)}
        self._heads = {+0.5: Glyphs(axes, _disc(), PLUS, 4.0), -0.5: Glyphs(axes, _disc(), MINUS, 4.0)}

    def show(self, frame: int) -> None:
        q = self._source.components(self._field, frame)[:2]
        sampled = self._lattice.sample(q)
        angle, order = director(sampled.T), np.hypot(*sampled.T) / self._highest
        length = np.nan_to_num(0.9 * self._lattice.distance * np.sqrt(order))
        self._rods.show(self._lattice.places, length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
        mesh = self._source.mesh
        found = defects(q, (mesh.spacing[0], mesh.spacing[1]), tuple(b == "periodic" for b in mesh.boundaries))  # type: ignore[arg-type]
        x0, y0, x1, y1 = self._axes.box
        rows, columns = q.shape[1:]
        places = np.column_stack([x0 + (x1 - x0) * (found.places[:, 1] + 0.5) / columns,
                                  y0 + (y1 - y0) * (found.places[:, 0] + 0.5) / rows])  # fmt: skip
        size = 0.75 * self._axes.canvas.font
        for charge, arms in ((0.5, 1), (-0.5, 3)):
            chosen = found.charges == charge
            turns = found.angles[chosen][:, None] + 2.0 * np.pi / 3.0 * np.arange(arms)
            along = 2.0 * size * np.column_stack([np.cos(turns).ravel(), np.sin(turns).ravel()])
            centres = np.repeat(places[chosen], arms, axis=0)
            self._arms[charge].show(centres + 0.5 * along, along)
            self._heads[charge].show(places[chosen], np.tile([size, 0.0], (chosen.sum(), 1)))


def _disc() -> Array:
    turns = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    return 0.5 * np.column_stack([np.cos(turns), np.sin(turns)])
