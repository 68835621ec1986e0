"""Drawings in space: volumes, isosurfaces and slices of three-dimensional fields, streamlines, particles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyvista as pv
from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
from vtkmodules.vtkRenderingCore import vtkColorTransferFunction, vtkVolume, vtkVolumeProperty
from vtkmodules.vtkRenderingVolume import vtkGPUVolumeRayCastMapper

from subgrid_view.canvas import INK, Array, Canvas, lookup
from subgrid_view.colours import DIVERGING, Scale
from subgrid_view.plane import grey_of, set_colours
from subgrid_view.reading import Field, Source
from subgrid_view.text import nice_ticks, tick_labels, with_units

AZIMUTH, ELEVATION = -55.0, 24.0
VIEW_ANGLE = 24.0
"""Height of the view [degrees]."""

LABELS = 0.07
"""Room around a box for what is written on it, beside its longest side."""

SEEDS = 150
"""Streamlines in a box."""


class Box:
    """The domain as a box with ticks on three of its edges, and the camera before it."""

    def __init__(self, canvas: Canvas, source: Source, camera: tuple[float, float]) -> None:
        self.canvas, self.source = canvas, source
        mesh = source.mesh
        self.low = np.array(mesh.origin[::-1]) + (mesh.offset - 0.5) * np.array(mesh.spacing[::-1])
        self.high = self.low + mesh.length[::-1]
        self._edges()
        self._look(*camera)
        self._label()

    def grid(self, values: Array, rim: int = 0) -> pv.ImageData:
        """Values over the mesh as VTK wants them, with so many cells of zero around."""
        mesh = self.source.mesh
        values = np.pad(values, rim)
        origin = [float(x[0]) - rim * step for x, step in zip(mesh.coordinates(), mesh.spacing, strict=True)][::-1]
        grid = pv.ImageData(dimensions=values.shape[::-1], spacing=mesh.spacing[::-1], origin=origin)
        grid.point_data["values"] = np.ascontiguousarray(values).ravel()
        grid.set_active_scalars("values")
        return grid

    def _edges(self) -> None:
        box = pv.Box(bounds=np.column_stack([self.low, self.high]).ravel()).extract_all_edges()
        self.canvas.mesh(box, color=(0.45, 0.45, 0.47), line_width=1.2)

    def _look(self, azimuth: float, elevation: float) -> None:
        """Put the camera so far away that the box with its labels is just seen."""
        centre, size = 0.5 * (self.low + self.high), float(np.linalg.norm(self.high - self.low))
        a, e = np.radians([azimuth, elevation])
        self.toward = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
        upright = np.array([0.0, 0.0, 1.0]) if abs(elevation) < 89.0 else np.array([0.0, 1.0, 0.0])
        across = np.cross(upright, self.toward)
        across /= np.linalg.norm(across)
        # corners of a box with room for labels: depth towards the camera, and how far off its axis
        room = 0.5 * (self.high - self.low) + LABELS * (self.high - self.low).max()
        corners = room * (np.indices((2, 2, 2)).reshape(3, -1).T * 2 - 1)
        slope = np.tan(np.radians(0.5 * VIEW_ANGLE))
        wide = slope * self.canvas.width / self.canvas.height
        aside, above = abs(corners @ across) / wide, abs(corners @ np.cross(self.toward, across)) / slope
        distance = float((corners @ self.toward + np.maximum(aside, above)).max())
        camera = self.canvas.renderer.camera
        camera.SetFocalPoint(*centre)
        camera.SetPosition(*(centre + distance * self.toward))
        camera.SetViewUp(*upright)
        camera.SetViewAngle(VIEW_ANGLE)
        camera.SetClippingRange(0.2 * size, distance + 4.0 * size)
        camera.is_set = True

    def _label(self) -> None:
        """Ticks and names along the lower front edges and the upright edge to the left, as seen from the camera."""
        near = np.where(self.toward > 0.0, self.high, self.low)
        far = np.where(self.toward > 0.0, self.low, self.high)
        bottom = self.low[2]
        right = np.array([-self.toward[1], self.toward[0], 0.0])
        corner = np.where(right[:2] > 0.0, self.low[:2], self.high[:2])
        out = 0.05 * float((self.high - self.low).max())
        lines = []
        for axis, name in enumerate("xyz"):
            base = np.array([near[0], near[1], bottom]) if axis < 2 else np.array([*corner, 0.0])
            away = np.zeros(3)
            if axis == 2:
                away[:2] = -right[:2]
            else:
                away[1 - axis] = np.sign(near[1 - axis] - far[1 - axis])
            ticks = nice_ticks(self.low[axis], self.high[axis], 4)
            for value, label in zip(ticks, tick_labels(ticks), strict=True):
                place = base.copy()
                place[axis] = value
                lines.append([place, place + 0.4 * out * away])
                self._write(place + 1.1 * out * away, label, 0.8)
            middle = base.copy()
            middle[axis] = 0.5 * (self.low[axis] + self.high[axis])
            if axis == 2:  # above the edge, since there may be no room beside it
                middle[axis] = self.high[axis] + 1.1 * out
            self._write(middle + (2.6 * out * away if axis < 2 else 0.0), with_units(name, self.source.units[0]), 0.95)
        if lines:
            points = np.array(lines).reshape(-1, 3)
            cells = np.column_stack([np.full(len(lines), 2), np.arange(len(points)).reshape(-1, 2)])
            self.canvas.mesh(pv.PolyData(points, lines=cells.ravel()), color=INK, line_width=1.0)

    def _write(self, place: Array, text: str, size: float) -> None:
        actor = self.canvas.text(0.0, 0.0, text, size, "centre", "centre")
        actor.GetPositionCoordinate().SetValue(*place)


class Volume:
    """A field as coloured fog, dense where it is far from nothing (from zero where it is signed)."""

    def __init__(self, box: Box, field: Field, scale: Scale) -> None:
        self._box, self._field, self._scale = box, field, scale
        self._mapper = vtkGPUVolumeRayCastMapper()
        self._mapper.UseJitteringOn()  # no rings where rays meet the cells
        colours, opacity = vtkColorTransferFunction(), vtkPiecewiseFunction()
        for i, colour in enumerate(scale.table() / 255.0):
            strength = abs(2.0 * i / 255.0 - 1.0) if scale.cmap == DIVERGING else i / 255.0
            colours.AddRGBPoint(i, *colour)
            opacity.AddPoint(i, 0.7 * strength**2)
        look = vtkVolumeProperty()
        look.SetColor(colours)
        look.SetScalarOpacity(opacity)
        look.SetScalarOpacityUnitDistance(0.05 * float(np.linalg.norm(box.high - box.low)))
        look.SetInterpolationTypeToLinear()
        volume = vtkVolume()
        volume.SetMapper(self._mapper)
        volume.SetProperty(look)
        self._volume = volume

    def show(self, frame: int) -> None:
        values = self._box.source.scalar(self._field, frame)
        span = self._scale.high - self._scale.low
        shade = np.clip((np.nan_to_num(values, nan=self._scale.low) - self._scale.low) / span, 0.0, 1.0)
        self._mapper.SetInputData(self._box.grid(np.round(255.0 * shade).astype(np.uint8)))
        if not self._box.canvas.renderer.HasViewProp(self._volume):
            self._box.canvas.renderer.AddVolume(self._volume)


class Isosurfaces:
    """Surfaces on which a field has some values, the inner ones seen through the outer."""

    def __init__(self, box: Box, field: Field, scale: Scale, levels: Sequence[float]) -> None:
        self._box, self._field = box, field
        span = scale.high - scale.low
        shares = (0.2, 0.35, 0.65, 0.8) if scale.cmap == DIVERGING else (0.3, 0.5, 0.7)
        self._levels = list(levels) or [scale.low + share * span for share in shares]
        self._mesh = pv.PolyData()
        table = lookup(scale.table(), scale.low, scale.high)
        actor = box.canvas.mesh(self._mesh, table=table, opacity=0.55)
        actor.prop.lighting, actor.prop.specular, actor.prop.ambient = True, 0.25, 0.25
        actor.prop.interpolation = "phong"
        actor.ForceTranslucentOn()

    def show(self, frame: int) -> None:
        grid = self._box.grid(np.nan_to_num(self._box.source.scalar(self._field, frame)))
        surfaces = grid.contour(self._levels, compute_normals=True, compute_scalars=True)
        self._mesh.copy_from(surfaces if surfaces.n_points else pv.PolyData())


class Slices:
    """A field on the three planes through the middle of the box."""

    def __init__(self, box: Box, field: Field, scale: Scale) -> None:
        self._box, self._field = box, field
        self._mesh = pv.PolyData()
        self._centre = 0.5 * (box.low + box.high)
        box.canvas.mesh(self._mesh, table=lookup(scale.table(), scale.low, scale.high))

    def show(self, frame: int) -> None:
        grid = self._box.grid(self._box.source.scalar(self._field, frame))
        x, y, z = self._centre
        self._mesh.copy_from(
            grid.slice_orthogonal(x=x, y=y, z=z).combine().extract_surface(algorithm="dataset_surface")
        )


class Bodies:
    """What takes cells from the medium, each name in its grey: the surfaces behind which more than half is taken."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._surfaces = {}
        for name in box.source.obstacle_names:
            self._surfaces[name] = pv.PolyData()
            actor = box.canvas.mesh(self._surfaces[name], color=grey_of(name))
            actor.prop.lighting, actor.prop.specular, actor.prop.ambient = True, 0.1, 0.3
            actor.prop.interpolation = "phong"

    def show(self, frame: int) -> None:
        for name, share in self._box.source.obstacles(frame).items():
            # with a rim of nothing around, so that bodies are closed where they leave the box
            surface = self._box.grid(share, rim=1).contour([0.5], compute_normals=True, compute_scalars=False)
            self._surfaces[name].copy_from(surface if surface.n_points else pv.PolyData())


class Tubes:
    """Streamlines of a vector field from places spread evenly over the box, coloured by its size."""

    def __init__(self, box: Box, field: Field, scale: Scale | None) -> None:
        self._box, self._field = box, field
        self._mesh = pv.PolyData()
        look = {"color": INK} if scale is None else {"table": lookup(scale.table(), scale.low, scale.high)}
        actor = box.canvas.mesh(self._mesh, **look)
        actor.prop.lighting, actor.prop.specular, actor.prop.ambient = True, 0.2, 0.3

    def show(self, frame: int) -> None:
        vectors = np.nan_to_num(self._box.source.components(self._field, frame))
        grid = self._box.grid(np.sqrt(np.square(vectors).sum(axis=0)))
        grid.point_data["vectors"] = vectors.reshape(len(vectors), -1).T
        size = float((self._box.high - self._box.low).min())
        lines = grid.streamlines_from_source(
            pv.PolyData(self._box.low + _spread(SEEDS) * (self._box.high - self._box.low)),
            "vectors", integration_direction="both", max_length=1.5 * size, max_steps=400, compute_vorticity=False,
        )  # fmt: skip
        if lines.n_lines:
            lines.set_active_scalars("values")
            self._mesh.copy_from(lines.tube(radius=0.006 * size, n_sides=8))
        else:
            self._mesh.copy_from(pv.PolyData())


class Cloud:
    """Particles in space as small balls."""

    def __init__(self, box: Box, field: Field, scale: Scale | None) -> None:
        self._box, self._field = box, field
        self._clouds: list[tuple[str, pv.PolyData]] = []
        for name, colour in set_colours(box.source, field):
            coloured = scale is not None and name == field.particles
            look = {"table": lookup(scale.table(), scale.low, scale.high)} if coloured and scale else {"color": colour}
            cloud = pv.PolyData()
            actor = box.canvas.mesh(
                cloud, style="points", point_size=self._point_size(name), render_points_as_spheres=True, **look
            )
            actor.prop.lighting, actor.prop.ambient = True, 0.3
            self._clouds.append((name, cloud))

    def _point_size(self, name: str) -> float:
        for frame in range(len(self._box.source.times)):
            places = self._box.source.positions(name, frame)
            if len(places) > 1:
                share = float(np.prod(np.maximum(np.ptp(places, axis=0), 1e-9) / (self._box.high - self._box.low)))
                pixels = 0.55 * min(self._box.canvas.width, self._box.canvas.height)
                return float(np.clip(pixels * (share / len(places)) ** (1 / 3), 2.0, 16.0))
        return 6.0

    def show(self, frame: int) -> None:
        for name, cloud in self._clouds:
            places = self._box.source.positions(name, frame)
            points = pv.PolyData(places) if len(places) else pv.PolyData()
            if name == self._field.particles and len(places):
                points.point_data["values"] = self._box.source.scalar(self._field, frame)
                points.set_active_scalars("values")
            cloud.copy_from(points)


def _spread(count: int) -> Array:
    """Points that fill the unit cube evenly: multiples of powers of the plastic number (Roberts 2018)."""
    plastic = 1.2207440846057596
    return (0.5 + np.arange(1, count + 1)[:, None] * plastic ** -np.arange(1.0, 4.0)) % 1.0
