"""Axes around a rectangle of a canvas: box, ticks at round numbers, labels, and the way from coordinates to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from subgrid_view.canvas import Array, Canvas
from subgrid_view.text import nice_ticks, tick_labels


class Axes:
    """A rectangle ``box`` (x0, y0, x1, y1) [pixels] that spans ``x`` and ``y`` (low, high) in coordinates."""

    def __init__(
        self,
        canvas: Canvas,
        box: tuple[float, float, float, float],
        x: tuple[float, float],
        y: tuple[float, float],
        names: tuple[str, str],
    ) -> None:
        self.canvas, self.box = canvas, box
        x0, y0, x1, y1 = box
        self.slope = np.array([(x1 - x0) / (x[1] - x[0]), (y1 - y0) / (y[1] - y[0])])
        self.start = np.array([x0, y0]) - self.slope * (x[0], y[0])
        font = canvas.font
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        canvas.lines(np.stack([corners, np.roll(corners, -1, axis=0)], axis=1))
        marks = []
        across, up = nice_ticks(*x, round((x1 - x0) / (6 * font))), nice_ticks(*y, round((y1 - y0) / (4 * font)))
        for value, label in zip(across, tick_labels(across), strict=True):
            at = self.pixels([[value, y[0]]])[0]
            marks.append([at, at - (0.0, 0.35 * font)])
            canvas.text(at[0], at[1] - 0.5 * font, label, 0.85, "centre", "top")
        labels = tick_labels(up)
        for value, label in zip(up, labels, strict=True):
            at = self.pixels([[x[0], value]])[0]
            marks.append([at, at - (0.35 * font, 0.0)])
            canvas.text(at[0] - 0.5 * font, at[1], label, 0.85, "right", "centre")
        if marks:
            canvas.lines(np.array(marks))
        canvas.text(0.5 * (x0 + x1), y0 - 1.7 * font, names[0], 0.95, "centre", "top")
        widest = max(map(len, labels), default=1)
        canvas.text(
            x0 - (1.1 + 0.55 * widest) * font, 0.5 * (y0 + y1), names[1], 0.95, "right", "bottom", turned=True,
        )  # fmt: skip

    def pixels(self, points: Array | Sequence[Sequence[float]]) -> Array:
        """Pixels of points, shape (n, 2) of (x, y)."""
        return self.start + self.slope * np.asarray(points)
