"""A picture of one or several runs: a row of panels for each field, a column for each run, and what is written around.

Limits and colours are those of a field over all frames of all runs, found in a first pass that reads one frame at a
time; then any frame can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyvista as pv
from matplotlib.colors import to_rgb
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkUnsignedCharArray

from subgrid.api import ScenarioError
from subgrid_view.canvas import Array, Canvas, use_plain_text
from subgrid_view.colours import HUES, Limits, Scale, scale_of, value_range
from subgrid_view.overlays import Arrows, Directors, Streamlines
from subgrid_view.plane import Drawing, FlatParticles, Plane, Profile, SpaceTime, aspect, grey_of
from subgrid_view.reading import NEMATIC, Field, Source, nearest
from subgrid_view.space import AZIMUTH, ELEVATION, Bodies, Box, Cloud, Isosurfaces, Slices, Tubes, Volume
from subgrid_view.text import nice_ticks, number, tick_labels, units_text

BLOCK = 16
"""Video encoders want pictures whose sides are multiples of this many pixels."""

LIMIT_FRAMES = 40
"""Most frames of a run that are read for the limits where the first picture must come soon."""

STYLES = {
    "one": ("space-time", "profile"),
    "plane": ("image",),
    "space": ("volume", "isosurfaces", "slices"),
    "particles": ("points",),
}
"""How a field may be drawn, by where it lives; the first is what ``auto`` means."""


@dataclass(frozen=True)
class Look:
    """What a picture shows. Names that are None are not drawn."""

    fields: tuple[str, ...] = ()
    style: str = "auto"
    vectors: str | None = None
    streamlines: str | None = None
    director: str | None = None
    cmap: str | None = None
    limits: Limits = field(default_factory=Limits)
    levels: tuple[float, ...] = ()
    camera: tuple[float, float] = (AZIMUTH, ELEVATION)


@dataclass(frozen=True)
class Timeline:
    """Which frame of each run belongs to each picture of a movie.

    The pictures are those of the chosen frames of the first run; the others show their frame nearest in time.
    """

    times: tuple[float, ...]
    frames: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, sources: Sequence[Source], chosen: Sequence[int]) -> Timeline:
        times = tuple(float(sources[0].times[frame]) for frame in chosen)
        frames = [tuple(chosen)]
        frames += [tuple(nearest(source.times, time) for time in times) for source in sources[1:]]
        return cls(times, tuple(frames))

    def __len__(self) -> int:
        return len(self.times)

    def only(self, picture: int) -> Timeline:
        """One picture of it."""
        return Timeline((self.times[picture],), tuple((frames[picture],) for frames in self.frames))


def spread(sources: Sequence[Source]) -> Timeline:
    """At most ``LIMIT_FRAMES`` frames of runs, evenly over time and with the last: enough to guess limits from."""
    count = len(sources[0].times)
    return Timeline.of(sources, sorted({round(i * (count - 1) / (LIMIT_FRAMES - 1)) for i in range(LIMIT_FRAMES)}))


@dataclass(frozen=True)
class Row:
    """A field of every run, on one scale; ``style`` is one of `STYLES`, the rest are overlays (None: not drawn)."""

    fields: tuple[Field, ...]
    style: str
    scale: Scale | None
    vectors: tuple[Field, ...] | None = None
    longest: float = 1.0
    streamlines: tuple[Field, ...] | None = None
    director: tuple[Field, ...] | None = None
    highest: float = 1.0


def rows_of(sources: Sequence[Source], look: Look, timeline: Timeline) -> list[Row]:
    """Decide how every field is drawn, and find the limits. Raises ScenarioError for what the runs cannot show."""
    names = look.fields or (default_field(sources),)
    return [_row(sources, name, look, timeline) for name in names]


def default_field(sources: Sequence[Source]) -> str:
    """What is drawn of runs when nothing is asked for: the default of the first among what all of them have.

    Raises ScenarioError where they have nothing in common.
    """
    shared = [name for name in sources[0].drawable() if all(name in other.drawable() for other in sources[1:])]
    if not shared and len(sources) > 1:
        have = "; ".join(f"{source.path} has {', '.join(source.drawable()) or 'none'}" for source in sources)
        raise ScenarioError(f"the runs have no field in common to be shown side by side: {have}")
    return sources[0].default_field(shared)


def _row(sources: Sequence[Source], name: str, look: Look, timeline: Timeline) -> Row:
    fields = tuple(source.field(name) for source in sources)
    places = {_place(source, chosen) for source, chosen in zip(sources, fields, strict=True)}
    if len(places) > 1:
        raise ScenarioError(f"field {name!r} lies in spaces of different dimension: {', '.join(sorted(places))}")
    place = places.pop()
    if look.style != "auto" and look.style not in STYLES[place]:
        raise ScenarioError(f"--style {look.style}: field {name!r} can be drawn as {' or '.join(STYLES[place])}")
    style = STYLES[place][0] if look.style == "auto" else look.style
    shown = list(zip(sources, fields, timeline.frames, strict=True))
    scale = None if fields[0].quantity == "particles" else scale_of(shown, look.limits, look.cmap)
    row = Row(fields, style, scale)
    if place in ("plane", "space"):
        return _with_overlays(row, sources, look, timeline, place)
    unfit = [option for option in ("vectors", "streamlines", "director") if getattr(look, option)]
    if unfit:
        raise ScenarioError(f"--{unfit[0]}: is drawn over fields of two or three dimensions, {name!r} is none")
    return row


def _with_overlays(row: Row, sources: Sequence[Source], look: Look, timeline: Timeline, place: str) -> Row:
    quantity = row.fields[0].quantity
    director = look.director or (quantity if quantity in NEMATIC and row.fields[0].is_magnitude else None)
    whole = row.fields[0].axes[:1] == ("component",) and row.fields[0].entries[0] is None
    vectors = look.vectors or (quantity if whole and not (look.streamlines or director) and place == "plane" else None)
    if place == "space" and (vectors or director):
        raise ScenarioError("--vectors and --director are drawn in two dimensions; in three there are --streamlines")
    for name, option in ((vectors, "vectors"), (look.streamlines, "streamlines"), (director, "director")):
        if name is not None:
            chosen = tuple(source.vector(name) for source in sources)
            _check_components(sources[0], chosen[0], option)
            row = replace(row, **{option: chosen})
            if option != "streamlines":
                highest = _largest(sources, chosen, timeline)
                row = replace(row, **{"longest" if option == "vectors" else "highest": highest})
    return row


def _check_components(source: Source, chosen: Field, option: str) -> None:
    needed = 2 if option == "director" else source.mesh.ndim
    found = len(source.components(chosen, 0))
    if found != needed:
        raise ScenarioError(f"--{option} {chosen.quantity}: has {found} components, {needed} are needed")


def _largest(sources: Sequence[Source], chosen: Sequence[Field], timeline: Timeline) -> float:
    sizes = (
        np.sqrt(np.square(source.components(vector, frame)).sum(axis=0))
        for source, vector, frames in zip(sources, chosen, timeline.frames, strict=True)
        for frame in frames
    )
    return value_range(sizes)[1] or 1.0


def _place(source: Source, chosen: Field) -> str:
    if chosen.particles is not None:
        return "particles" if source.mesh.ndim > 1 else _no_line(source, chosen)
    return ("one", "plane", "space")[source.mesh.ndim - 1]


def _no_line(source: Source, chosen: Field) -> str:
    raise ScenarioError(f"{source.path}: particles on a line are not drawn ({chosen.quantity})")


@dataclass(frozen=True)
class Layout:
    """Where everything stands, in pixels: the plot boxes within cells, and the bands around them."""

    size: tuple[int, int]
    font: int
    title: float
    bar: float
    cell: tuple[float, float]
    shape: tuple[int, int]

    @classmethod
    def fitting(cls, shape: tuple[int, int], ratio: float, size: tuple[int, int] | None, bars: bool) -> Layout:
        """A layout for rows x columns of boxes whose width is ``ratio`` times their height."""
        rows, columns = shape
        if size is None:
            font = 15
            area = 560.0 / max(1.0, 0.7 * max(rows, columns)) ** 0.5
            width, height = area * ratio**0.5, area / ratio**0.5
            shrink = min(1.0, 1150.0 / (width * columns), 900.0 / (height * rows))
            width, height = max(180.0, shrink * width), max(150.0, shrink * height)
            needed = (
                columns * (width + 6.2 * font) + (7.5 * font if bars else 0.5 * font),
                rows * (height + 5.6 * font) + 2.6 * font,
            )
            size = (BLOCK * -(-int(needed[0]) // BLOCK), BLOCK * -(-int(needed[1]) // BLOCK))
        else:
            font = round(15 * np.clip(min(size[0] / (560 * columns), size[1] / (520 * rows)), 0.6, 3.0))
        title, bar = 2.6 * font, (7.5 * font if bars else 0.5 * font)
        cell = ((size[0] - bar) / columns, (size[1] - title) / rows)
        return cls(size, font, title, bar, cell, shape)

    def corner(self, row: int, column: int) -> tuple[float, float]:
        """Lower left corner of a cell."""
        return column * self.cell[0], (self.shape[0] - 1 - row) * self.cell[1]

    def box(self, ratio: float | None) -> tuple[float, float, float, float]:
        """The plot box within a cell, as large as there is room for; it fills the room where ``ratio`` is None."""
        x0, y0 = 5.2 * self.font, 3.6 * self.font
        width, height = self.cell[0] - x0 - 1.0 * self.font, self.cell[1] - y0 - 2.2 * self.font
        width, height = max(width, 16.0), max(height, 16.0)
        if ratio is None:
            return x0, y0, x0 + width, y0 + height
        fit = min(width, ratio * height), min(height, width / ratio)
        left, low = x0 + 0.5 * (width - fit[0]), y0 + 0.5 * (height - fit[1])
        return round(left), round(low), round(left + fit[0]), round(low + fit[1])


class Figure:
    """Panels of runs in a plotter. `show` brings any picture of the timeline, `pixels` gives what is seen."""

    def __init__(
        self,
        sources: Sequence[Source],
        rows: Sequence[Row],
        look: Look,
        timeline: Timeline,
        size: tuple[int, int] | None = None,
    ) -> None:
        use_plain_text()
        self.sources, self.rows = sources, list(rows)
        self.layout = self._layout(size)
        panels = len(self.rows) * len(sources)
        self.plotter = pv.Plotter(
            off_screen=True, window_size=list(self.layout.size), shape=(1, panels + 1), border=False
        )
        self.plotter.render_window.SetMultiSamples(4 if _has_lines(self.rows) else 0)
        self.compose(self.rows, look, timeline)

    def _layout(self, size: tuple[int, int] | None) -> Layout:
        ratio = _ratio(self.sources[0], self.rows[0])
        bars = any(row.style != "profile" for row in self.rows)
        bars = bars or any(source.obstacle_names for source in self.sources)
        return Layout.fitting((len(self.rows), len(self.sources)), ratio or 1.25, size, bars)

    def resize(self, size: tuple[int, int], look: Look) -> None:
        """Draw everything anew for a window that has another size now. In space the camera stays where it is."""
        self.layout = self._layout(size)
        self.compose(self.rows, look, self.timeline, keep_camera=self.sources[0].mesh.ndim == 3)

    def compose(self, rows: Sequence[Row], look: Look, timeline: Timeline, keep_camera: bool = False) -> None:
        """Draw everything anew, with other rows of the same number."""
        self.rows, self.timeline = list(rows), timeline
        panels = self.plotter.renderers[1:]
        before = [_pose(renderer.camera) for renderer in panels]
        for renderer in self.plotter.renderers:
            renderer.RemoveAllViewProps()
        width, height = self.layout.size
        self._paper = Canvas(self.plotter.renderers[0], (0.0, 0.0, width, height), self.layout.size, self.layout.font)
        self._paper.look()
        self._paper.renderer.SetInteractive(False)
        self._drawings: list[tuple[int, Drawing]] = []
        self._headings: list[tuple[int, str, Any]] = []
        self._legend: list[tuple[str, Any]] = []
        self._write_title()
        for i, row in enumerate(rows):
            for j, source in enumerate(self.sources):
                self._drawings.append((j, self._panel(i, j, row, source, look)))
            self._write_scale(i, row)
        self._write_legend()
        for renderer, pose in zip(panels, before if keep_camera else (), strict=keep_camera):
            _take(renderer.camera, pose)

    def link_cameras(self) -> None:
        """Let the panels of a row share one camera."""
        columns = len(self.sources)
        for i, renderer in enumerate(self.plotter.renderers[1:]):
            if i % columns:
                renderer.camera = self.plotter.renderers[1 + i - i % columns].camera

    def show(self, picture: int) -> None:
        """Bring the frames of one picture of the timeline."""
        time = self.timeline.times[picture]
        self._time.SetInput(self._moment(time))
        for column, text, actor in self._headings:
            own = self.sources[column].times[self.timeline.frames[column][picture]]
            apart = abs(own - time) > 1e-6 * max(1e-300, abs(time))
            actor.SetInput(f"{text} ({self._moment(own)})" if apart else text)
        for name, entry in self._legend:
            entry.SetVisibility(self._takes(name, picture))
        for column, drawing in self._drawings:
            drawing.show(self.timeline.frames[column][picture])

    def _takes(self, name: str, picture: int) -> bool:
        """Whether obstacles of a name are seen in a picture, or in any of those that are shown at once."""
        whole = self.rows[0].style == "space-time"
        return any(
            np.any(source.obstacles(frame).get(name, 0.0) > 0.0)
            for source, frames in zip(self.sources, self.timeline.frames, strict=True)
            for frame in (frames[:: max(1, len(frames) // LIMIT_FRAMES)] if whole else frames[picture : picture + 1])
        )

    def _moment(self, time: float) -> str:
        return f"t = {number(time, 5)} {self.sources[0].units[1]}".rstrip()

    def pixels(self) -> Array:
        """The picture as it is now, shape (height, width, 3), 8 bits."""
        width, height = self.layout.size
        self.plotter.render_window.Render()
        data = vtkUnsignedCharArray()
        self.plotter.render_window.GetPixelData(0, 0, width - 1, height - 1, 0, data, 0)
        return vtk_to_numpy(data).reshape(height, width, 3)[::-1]

    def close(self) -> None:
        self.plotter.close()

    def _panel(self, i: int, j: int, row: Row, source: Source, look: Look) -> Drawing:
        layout = self.layout
        x, y = layout.corner(i, j)
        renderer = self.plotter.renderers[1 + i * len(self.sources) + j]
        heading = 0.0 if source.mesh.ndim < 3 else 1.9 * layout.font
        canvas = Canvas(renderer, (x, y, layout.cell[0], layout.cell[1] - heading), layout.size, layout.font)
        chosen = row.fields[j]
        if source.mesh.ndim == 3:
            self._write_heading(self._paper, i, j, x + layout.font, y + layout.cell[1] - heading)
            return _in_space(Box(canvas, source, look.camera), row, j, look)
        canvas.look()
        box = layout.box(_ratio(source, row))
        self._write_heading(canvas, i, j, box[0], box[3])
        if row.style == "space-time":
            return SpaceTime(canvas, box, source, chosen, _known(row.scale), self.timeline.frames[j])
        if row.style == "profile":
            return Profile(canvas, box, source, chosen, _known(row.scale))
        if row.style == "points":
            return FlatParticles(canvas, box, source, chosen, row.scale)
        plane = Plane(canvas, box, source, chosen, _known(row.scale))
        if row.streamlines:
            plane.overlays.append(Streamlines(plane.axes, source, row.streamlines[j]))
        if row.vectors:
            plane.overlays.append(Arrows(plane.axes, source, row.vectors[j], row.longest))
        if row.director:
            plane.overlays.append(Directors(plane.axes, source, row.director[j], row.highest))
        return plane

    def _write_title(self) -> None:
        font, (width, height) = self.layout.font, self.layout.size
        names = {source.name for source in self.sources}
        title = names.pop() if len(names) == 1 else ""
        self._paper.text(font, height - 0.7 * font, title[:80], 1.2, up="top", bold=True)
        self._time = self._paper.text(width - font, height - 0.7 * font, "", 1.2, "right", "top")
        if all(row.style == "space-time" for row in self.rows):
            self._time.SetVisibility(False)

    def _write_heading(self, canvas: Canvas, i: int, j: int, x: float, y: float) -> None:
        """Over each panel the name of its run, where there are several; else what is drawn over the field."""
        row = self.rows[i]
        if len(self.sources) > 1:
            names = [source.name for source in self.sources]
            text = names[j] if names.count(names[j]) == 1 else self.sources[j].path.name
        else:
            longest = f"{number(row.longest, 3)} {units_text(row.vectors[j].units)}".rstrip() if row.vectors else ""
            parts = [f"arrows: {row.vectors[j].quantity}, longest {longest}"] if row.vectors else []
            parts += [f"streamlines: {row.streamlines[j].quantity}"] if row.streamlines else []
            parts += [f"director: {row.director[j].quantity}"] if row.director else []
            text = "; ".join(parts)
        actor = canvas.text(x, y + 0.55 * self.layout.font, text, 0.95)
        self._headings.append((j, text, actor))

    def _write_legend(self) -> None:
        """What the greys of obstacles mean, below the colour bar."""
        font, x = self.layout.font, self.layout.size[0] - self.layout.bar + 0.4 * self.layout.font
        names = dict.fromkeys(name for source in self.sources for name in source.obstacle_names)
        low = self._bar_ends(len(self.rows) - 1, self.rows[-1])[0]
        for i, name in enumerate(names):
            y = max(low - 2.2 * font, (1.5 * len(names) - 0.6) * font) - 1.5 * i * font
            square = self._paper.lines(np.array([[[x, y], [x + font, y]]]), 8.0, grey_of(name))
            self._legend += [(name, square), (name, self._paper.text(x + 1.5 * font, y, name, 0.85, up="centre"))]

    def _bar_ends(self, i: int, row: Row) -> tuple[float, float]:
        """Where the colour bar of a row begins and ends, beside its boxes."""
        layout = self.layout
        _, y = layout.corner(i, 0)
        _, low, _, high = layout.box(_ratio(self.sources[0], row))
        if self.sources[0].mesh.ndim == 3:
            low, high = 0.18 * layout.cell[1], 0.82 * layout.cell[1]
        middle, least = 0.5 * layout.cell[1], 4.0 * layout.font
        return y + min(low, middle - least), y + max(high, middle + least)

    def _write_scale(self, i: int, row: Row) -> None:
        """The colour bar of a row, or the names of its particle sets."""
        if row.style == "profile":
            return
        layout, font, paper = self.layout, self.layout.font, self._paper
        low, high = self._bar_ends(i, row)
        x = layout.size[0] - layout.bar + 0.4 * font
        if row.scale is None:
            for k, name in enumerate(self.sources[0].particle_sets()):
                top = high - 1.5 * k * font
                paper.lines(
                    np.array([[[x, top - 0.5 * font], [x + font, top - 0.5 * font]]]), 8.0, to_rgb(HUES[k % len(HUES)])
                )
                paper.text(x + 1.5 * font, top - 0.5 * font, name or "particles", 0.85, up="centre")
            return
        scale, box = row.scale, (x, low, x + font, high)
        paper.image(box, scale.table(), 0.0, 255.0).show(np.arange(256.0)[:, None])
        corners = np.array([[x, low], [x + font, low], [x + font, high], [x, high]])
        paper.lines(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
        ticks = nice_ticks(scale.low, scale.high, round((high - low) / (4 * font)))
        labels = tick_labels(ticks)
        for value, label in zip(ticks, labels, strict=True):
            at = low + (high - low) * (value - scale.low) / (scale.high - scale.low)
            paper.lines(np.array([[[x + font, at], [x + 1.3 * font, at]]]))
            paper.text(x + 1.5 * font, at, label, 0.85, up="centre")
        across = x + (2.2 + 0.55 * max(map(len, labels), default=1)) * font
        paper.text(
            min(across, layout.size[0] - 1.4 * font),
            0.5 * (low + high),
            row.fields[0].label,
            0.95,
            "centre",
            "top",
            turned=True,
        )


def _in_space(box: Box, row: Row, j: int, look: Look) -> Drawing:
    return Together(_field_in_space(box, row, j, look), Bodies(box))


def _field_in_space(box: Box, row: Row, j: int, look: Look) -> Drawing:
    if row.style == "points":
        return Cloud(box, row.fields[j], row.scale)
    scale = _known(row.scale)
    if row.streamlines and row.streamlines[j].quantity == row.fields[j].quantity:
        return Tubes(box, row.streamlines[j], scale)
    makers = {"volume": Volume, "slices": Slices}
    drawing: Drawing = (
        Isosurfaces(box, row.fields[j], scale, look.levels)
        if row.style == "isosurfaces"
        else makers[row.style](box, row.fields[j], scale)
    )
    return Together(drawing, Tubes(box, row.streamlines[j], None)) if row.streamlines else drawing


def _pose(camera: Any) -> tuple[Any, ...]:
    return (
        camera.GetPosition(),
        camera.GetFocalPoint(),
        camera.GetViewUp(),
        camera.GetParallelScale(),
        camera.GetViewAngle(),
    )


def _take(camera: Any, pose: tuple[Any, ...]) -> None:
    place, focus, up, scale, angle = pose
    camera.SetPosition(place)
    camera.SetFocalPoint(focus)
    camera.SetViewUp(up)
    camera.SetParallelScale(scale)
    camera.SetViewAngle(angle)


class Together:
    """Several drawings in one place."""

    def __init__(self, *drawings: Drawing) -> None:
        self._drawings = drawings

    def show(self, frame: int) -> None:
        for drawing in self._drawings:
            drawing.show(frame)


def _ratio(source: Source, row: Row) -> float | None:
    """Width over height of a panel's box; None where it is free."""
    if source.mesh.ndim == 1:
        return None
    return aspect(source) if source.mesh.ndim == 2 else 1.1


def _has_lines(rows: Sequence[Row]) -> bool:
    """Whether there is anything whose edges need smoothing: images have none."""
    return any(
        row.style not in ("image", "space-time") or row.vectors or row.streamlines or row.director for row in rows
    )


def _known(scale: Scale | None) -> Scale:
    assert scale is not None
    return scale
