"""The small film and the pictures of a report, where they can be made."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from subgrid_view.figure import Figure, Look, Timeline, rows_of
from subgrid_view.movie import Film
from subgrid_view.reading import Array, Source

FILM_FRAMES = 60
FILM_RATE = 12.0
STILLS = 4


@dataclass(frozen=True)
class Pictures:
    """An MP4 (empty where there is but one frame), and PNGs with the times that they show."""

    film: bytes = b""
    stills: tuple[tuple[str, bytes], ...] = ()
    caption: str = ""
    history: bytes = b""
    broad: bool = False


def pictures_of(sources: Sequence[Source], look: Look) -> Pictures:
    """Film and stills of runs side by side; a space-time picture too where they are one-dimensional.

    Raises ScenarioError for fields that the runs do not have.
    """
    count = len(sources[0].times)
    chosen = sorted({round(i * (count - 1) / max(1, FILM_FRAMES - 1)) for i in range(FILM_FRAMES)})
    line = sources[0].mesh.ndim == 1
    moving = replace(look, style="profile") if line and look.style == "auto" else look
    timeline = Timeline.of(sources, chosen)
    figure = Figure(sources, rows_of(sources, moving, timeline), moving, timeline)
    try:
        film = _film(figure) if len(chosen) > 1 else b""
        picks = sorted({round(i * (len(chosen) - 1) / (STILLS - 1)) for i in range(STILLS)})
        stills = []
        for pick in picks:
            figure.show(pick)
            stills.append((f"t = {figure.timeline.times[pick]:.5g}", png(figure.pixels())))
        broad = figure.layout.size[0] > 1.6 * figure.layout.size[1]
        labels = ", ".join(row.fields[0].label for row in figure.rows)
    finally:
        figure.close()
    caption = f"{labels}: {len(chosen)} of {count} frames, t = {sources[0].times[0]:.5g} to {sources[0].times[-1]:.5g}"
    history = _history(sources, look) if line and count > 1 else b""
    return Pictures(film, tuple(stills), caption, history, broad)


def png(pixels: Array) -> bytes:
    """A PNG with a palette: pictures of a report are small."""
    target = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).quantize(192, dither=Image.Dither.NONE).save(
        target, "png", optimize=True
    )
    return target.getvalue()


def _film(figure: Figure) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "film.mp4"
        with Film(place, figure.layout.size, FILM_RATE) as film:
            for picture in range(len(figure.timeline)):
                figure.show(picture)
                film.add(figure.pixels())
        return place.read_bytes()


def _history(sources: Sequence[Source], look: Look) -> bytes:
    timeline = Timeline.of(sources, range(len(sources[0].times)))
    whole = replace(look, style="space-time")
    figure = Figure(sources, rows_of(sources, whole, timeline), whole, timeline)
    try:
        figure.show(0)
        return png(figure.pixels())
    finally:
        figure.close()
