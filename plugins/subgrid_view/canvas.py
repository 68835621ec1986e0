"""A part of the picture on which things are placed in pixels: lines, text, images, arrows, points.

One unit of the scene is one pixel of the picture as it is first shown, so that a viewer may pan and zoom without a line
of code. Text keeps its size.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkRenderingCore import vtkImageSlice, vtkImageSliceMapper, vtkTextActor, vtkTextRenderer

Array = NDArray[Any]
INK = (0.13, 0.13, 0.15)
PAPER = (1.0, 1.0, 1.0)
NOTHING = (0.82, 0.82, 0.82)
"""Colour of values that are not finite."""


TAKEN = ((0.66, 0.62, 0.56), (0.50, 0.50, 0.50))
"""Colours of what takes cells from the medium: bodies, dry ground."""

VEIL = 0.25
"""Height of veils, above images and below lines and points."""

VTK_FONT_FILE = 4
"""VTK's number for a font that is read from a file."""


@cache
def _font_file(bold: bool) -> str:
    """DejaVu Sans, which comes with matplotlib and has the signs that units and names need."""
    from matplotlib import get_data_path

    return str(Path(get_data_path()) / "fonts" / "ttf" / ("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"))


def use_plain_text() -> None:
    """Show text as it is: names of runs are no formulas, though dollar signs may stand in them."""
    renderer = vtkTextRenderer.GetInstance()
    if renderer is not None:
        renderer.SetDefaultBackend(vtkTextRenderer.FreeType)


class Canvas:
    """A renderer of the plotter over the rectangle (left, bottom, width, height) [pixels] of the picture."""

    def __init__(self, renderer: Any, box: tuple[float, float, float, float], size: tuple[int, int], font: int) -> None:
        self.renderer = renderer
        self.font = font
        self.left, self.bottom, self.width, self.height = box
        renderer.viewport = (
            self.left / size[0],
            self.bottom / size[1],
            (self.left + self.width) / size[0],
            (self.bottom + self.height) / size[1],
        )
        renderer.background_color = PAPER

    def look(self) -> None:
        """Point the camera so that one unit is one pixel."""
        camera = self.renderer.camera
        camera.SetParallelProjection(True)
        x, y = 0.5 * self.width, 0.5 * self.height
        camera.SetFocalPoint(x, y, 0.0)
        camera.SetPosition(x, y, 1000.0)
        camera.SetViewUp(0.0, 1.0, 0.0)
        camera.SetParallelScale(0.5 * self.height)
        camera.SetClippingRange(1.0, 2000.0)
        camera.is_set = True

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float = 1.0,
        across: str = "left",
        up: str = "bottom",
        turned: bool = False,
        bold: bool = False,
        colour: tuple[float, float, float] = INK,
    ) -> vtkTextActor:
        """Write at a point; ``size`` counts in those of the picture's font."""
        actor = vtkTextActor()
        actor.SetInput(text)
        actor.SetTextScaleModeToNone()
        style = actor.GetTextProperty()
        style.SetFontFamily(VTK_FONT_FILE)
        style.SetFontFile(_font_file(bold))
        style.SetFontSize(max(8, round(size * self.font)))
        style.SetColor(colour)
        {"left": style.SetJustificationToLeft, "centre": style.SetJustificationToCentered,
         "right": style.SetJustificationToRight}[across]()  # fmt: skip
        {"bottom": style.SetVerticalJustificationToBottom, "centre": style.SetVerticalJustificationToCentered,
         "top": style.SetVerticalJustificationToTop}[up]()  # fmt: skip
        if turned:
            style.SetOrientation(90.0)
        place = actor.GetPositionCoordinate()
        place.SetCoordinateSystemToWorld()
        place.SetValue(x, y, 0.0)
        self.renderer.AddViewProp(actor)
        return actor

    def lines(self, segments: Array, width: float = 1.0, colour: Any = INK, z: float = 1.0) -> Any:
        """Draw segments, shape (n, 2, 2) of (x, y); return their actor."""
        points = np.zeros((2 * len(segments), 3))
        points[:, :2], points[:, 2] = np.reshape(segments, (-1, 2)), z
        cells = np.column_stack([np.full(len(segments), 2), np.arange(2 * len(segments)).reshape(-1, 2)])
        return self.mesh(pv.PolyData(points, lines=cells.ravel()), color=colour, line_width=width)

    def mesh(self, mesh: pv.DataSet, **style: Any) -> Any:
        """Draw a mesh that lies in pixels, without light."""
        return self.renderer.add_actor(_actor(mesh, **style), reset_camera=False, render=False, pickable=False)[0]

    def image(self, box: tuple[float, float, float, float], table: Array, low: float, high: float) -> Image:
        """An image that fills a rectangle (x0, y0, x1, y1)."""
        return Image(self, box, lookup(table, low, high))

    def veil(self, box: tuple[float, float, float, float], colour: tuple[float, float, float]) -> Image:
        """An image of one colour over what fills a rectangle, as dense as its values, 0 to 1."""
        alphas = np.arange(256)
        table = np.column_stack([np.tile(np.round(255.0 * np.array(colour)), (256, 1)), alphas]).astype(np.uint8)
        return Image(self, box, lookup(table, 0.0, 1.0), VEIL)


def lookup(table: Array, low: float, high: float) -> pv.LookupTable:
    """Colours (n, 3), with their opacities (n, 4), between two values; grey for what is not finite."""
    made = pv.LookupTable()
    opaque = np.full((len(table), 1), 255, dtype=np.uint8)
    made.values = np.concatenate([table, opaque], axis=1)[:, :4]
    made.scalar_range = (low, high)
    made.nan_color = (*NOTHING, 1.0)
    return made


def _actor(mesh: pv.DataSet, **style: Any) -> pv.Actor:
    table = style.pop("table", None)
    mapper = pv.DataSetMapper(mesh)
    if table is not None:
        mapper.lookup_table = table
        mapper.scalar_range = table.scalar_range
        mapper.scalar_visibility = True
        mapper.SetColorModeToMapScalars()
    else:
        mapper.scalar_visibility = False
    return pv.Actor(mapper=mapper, prop=pv.Property(lighting=False, **style))


class Image:
    """Values over a rectangle, coloured and smoothed between their cells; above height 0 one looks through them."""

    def __init__(
        self, canvas: Canvas, box: tuple[float, float, float, float], table: pv.LookupTable, height: float = 0.0
    ) -> None:
        self.box, self._height = box, height
        self._data: pv.ImageData | None = None
        self._mapper = vtkImageSliceMapper()
        self._mapper.BorderOn()
        self._slice = vtkImageSlice()
        self._slice.SetMapper(self._mapper)
        self._slice.SetForceTranslucent(height > 0.0)
        style = self._slice.GetProperty()
        style.SetLookupTable(table)
        style.UseLookupTableScalarRangeOn()
        style.SetInterpolationTypeToLinear()
        self._table = table
        canvas.renderer.AddViewProp(self._slice)

    def show(self, values: Array) -> None:
        """Show values of shape (rows, columns), the first row at the bottom."""
        # VTK takes the plane of an image from its longer sides
        values = np.repeat(np.repeat(values, 2 if values.shape[0] == 1 else 1, 0), 2 if values.shape[1] == 1 else 1, 1)
        rows, columns = values.shape
        x0, y0, x1, y1 = self.box
        dx, dy = (x1 - x0) / columns, (y1 - y0) / rows
        data = pv.ImageData(
            dimensions=(columns, rows, 1), spacing=(dx, dy, 1.0), origin=(x0 + 0.5 * dx, y0 + 0.5 * dy, self._height)
        )
        scalars = numpy_to_vtk(np.ascontiguousarray(values, dtype=np.float64).ravel(), deep=True)
        scalars.SetName("values")
        data.GetPointData().SetScalars(scalars)
        self._data = data
        self._mapper.SetInputData(data)
