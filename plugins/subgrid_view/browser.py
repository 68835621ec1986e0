"""The viewer in the browser: a page with a time slider around a picture that this process renders.

All that the page shows of a run are values of its state, which the browser writes as text; no part of its markup comes
from a file.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from trame.app import get_server
from trame.ui.html import DivLayout
from trame.widgets import client, html
from trame_pyvista.widgets import PyVistaRemoteView

from subgrid.api import SubgridError
from subgrid_view.colours import Limits, value_range
from subgrid_view.figure import LIMIT_FRAMES, Figure, Look, Row, Timeline, rows_of, spread
from subgrid_view.guard import HOST, guard
from subgrid_view.reading import Source
from subgrid_view.text import number, plain

MAPS = ("viridis", "cividis", "magma", "RdBu_r", "PuOr_r", "coolwarm", "twilight", "Greys_r")
LOOK_AGAIN = 1.0
"""Seconds between looks at a run that goes on."""

SMALLEST = 120
"""Pixels across the smallest room that is drawn for."""

ALL_FRAMES, THIS_FRAME = "all frames", "this frame"

STYLE = """
* { box-sizing: border-box; }
html, body, #app { height: 100%; margin: 0; }
body { background: #f4f4f2; color: #22252a; font: 15px/1.4 system-ui, sans-serif; }
.page { display: flex; flex-direction: column; gap: 0.4rem; height: 100vh; height: 100dvh; min-height: 20rem;
  padding: 0.5rem 0.8rem; }
h1 { font-size: 1.05rem; margin: 0; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; flex: none; }
.bar { display: flex; flex-wrap: wrap; gap: 0.3rem 1rem; align-items: center; flex: none; }
.bar label { display: inline-flex; gap: 0.4rem; align-items: center; min-width: 0; }
.time { flex: 1 1 16rem; display: flex; gap: 0.6rem; align-items: center; min-width: 0; }
.time input { flex: 1; min-width: 4rem; }
.time output { min-width: 12rem; font-variant-numeric: tabular-nums; }
button, select { font: inherit; padding: 0.2rem 0.6rem; min-width: 0; max-width: 16rem; }
.view { background: white; border: 1px solid #ccc; flex: 1 1 auto; min-height: 0; overflow: hidden; }
.note { color: #a40000; }
@media (max-width: 42rem) {
  body { font-size: 13px; } .page { padding: 0.3rem; gap: 0.25rem; }
  button, select { padding: 0.15rem 0.3rem; max-width: 9rem; } .time output { min-width: 0; }
}
"""


class Viewer:
    """A page for one run, or two side by side whose cameras and times are linked."""

    def __init__(self, sources: Sequence[Source], rows: Sequence[Row], look: Look, token: str) -> None:
        self.sources, self.look, self.token = list(sources), look, token
        self._spread = spread(sources)
        self._rows = {look: list(rows)}
        self._limits = ALL_FRAMES
        self._timeline = Timeline.of(sources, range(len(sources[0].times)))
        self.figure = Figure(sources, rows, look, self._timeline)
        self.figure.link_cameras()
        self.figure.show(len(self._timeline) - 1)
        if sources[0].mesh.ndim < 3:
            self.figure.plotter.enable_2d_style()
        self.figure.plotter.render_window.AddObserver("WindowResizeEvent", self._on_resize)
        self._server = get_server("subgrid_view", client_type="vue3")
        self._describe()
        self._page()

    def serve(self, port: int, ready: Callable[[str], None]) -> None:
        """Answer requests until interrupted; ``ready`` is handed the address. Raises OSError for a port in use."""
        controller = self._server.controller
        controller.on_server_bind.add(lambda server: server.app.middlewares.append(guard(self.token)))
        controller.on_server_ready.add(
            lambda **_: ready(f"http://{HOST}:{self._server.port}/index.html?token={self.token}")
        )
        controller.on_server_ready.add_task(self._follow)
        os.environ["WSLINK_READY_MSG"] = ""
        sys.argv = sys.argv[:1]  # trame would read options of its own there
        self._server.start(
            host=HOST, port=port, open_browser=False, show_connection_info=False, disable_logging=True, timeout=0
        )

    def _describe(self) -> None:
        state, source = self._server.state, self.sources[0]
        names = [plain(source.name) for source in self.sources]
        state.trame__title = f"{' | '.join(names)} - subgrid"
        state.runs = " | ".join(f"{name} ({plain(s.path, 200)})" for name, s in zip(names, self.sources, strict=True))
        state.fields = [n for n in source.drawable() if all(n in other.drawable() for other in self.sources)]
        state.field = self.look.fields[0]
        if state.field not in state.fields:
            state.fields = [*state.fields, state.field]
        state.maps = ["automatic", *MAPS] if self.look.cmap in (None, *MAPS) else ["automatic", self.look.cmap, *MAPS]
        state.map = self.look.cmap or "automatic"
        state.limits = self._limits
        state.limits_free = self.look.limits == Limits()
        state.last = len(self._timeline) - 1
        state.picture = state.last
        state.moment = self._moment(state.last)
        state.follow = self._running()
        state.live = self._running()
        state.note = ""
        state.playing = False
        state.shown = 0
        state.change("picture")(self._on_picture)
        state.change("field", "map", "limits")(self._on_look)
        state.change("playing")(self._on_playing)

    def _page(self) -> None:
        with DivLayout(self._server, classes="page"):
            client.Style(STYLE)
            html.H1("{{ runs }}")
            with html.Div(classes="bar"):
                with html.Label("Field"), html.Select(v_model=("field",), id="field"):
                    html.Option("{{ name }}", v_for="name in fields", key="name", value=("name",))
                with html.Label("Colours"), html.Select(v_model=("map",), id="map"):
                    html.Option("{{ name }}", v_for="name in maps", key="name", value=("name",))
                with html.Label("Limits of", v_show=("limits_free",)), html.Select(v_model=("limits",), id="limits"):
                    html.Option(ALL_FRAMES, value=ALL_FRAMES)
                    html.Option(THIS_FRAME, value=THIS_FRAME)
                html.Button("Reset view", click=(self._on_camera, "['reset']"), id="reset")
                if self.sources[0].mesh.ndim == 3:
                    for axis in "xyz":
                        html.Button(f"Along {axis}", click=(self._on_camera, f"['{axis}']"), id=f"along-{axis}")
                with html.Label(v_show=("live",)):
                    html.Input(type="checkbox", v_model=("follow",), id="follow")
                    html.Span("Follow the run")
            with html.Div(classes="bar"):
                html.Button("{{ playing ? 'Pause' : 'Play' }}", click="playing = !playing", id="play")
                with html.Div(classes="time"):
                    html.Input(
                        type="range", min=0, max=("last",), step=1, v_model_number="picture", id="time",
                        aria_label="frame",
                    )  # fmt: skip
                    html.Output("{{ moment }}", id="moment")
            html.Div("{{ note }}", classes="note", v_show=("note",), id="note")
            with html.Div(classes="view"):
                self._view = PyVistaRemoteView(
                    self.figure.plotter, still_ratio=1, interactive_ratio=1, interactive_quality=80
                )
            html.Span("{{ shown }}", id="shown", style="display: none")

    def _show(self, picture: int) -> None:
        picture = min(max(int(picture), 0), len(self._timeline) - 1)
        if self._limits == THIS_FRAME:
            self._compose(self.look, keep_camera=True, picture=picture)
        self.figure.show(picture)
        self._server.state.moment = self._moment(picture)
        self._view.update()
        self._server.state.shown += 1

    def _moment(self, picture: int) -> str:
        time = f"t = {number(self._timeline.times[picture], 6)} {self.sources[0].units[1]}".rstrip()
        return f"{time}, frame {picture + 1} of {len(self._timeline)}"

    def _on_picture(self, picture: int, **_: Any) -> None:
        self._told(lambda: self._show(picture))

    def _on_look(self, field: str, map: str, limits: str, **_: Any) -> None:
        look = replace(self.look, fields=(str(field),), cmap=None if map == "automatic" else str(map))
        limits = THIS_FRAME if limits == THIS_FRAME else ALL_FRAMES
        if (look, limits) != (self.look, self._limits):  # the page tells its first values too
            self._limits = limits
            self._told(lambda: self._change(look))

    def _on_resize(self, window: Any, _: str) -> None:
        """Draw for the room that the page has: the browser tells it before it asks for a picture."""
        size = tuple(window.GetSize())
        if size != self.figure.layout.size and min(size) >= SMALLEST:
            self._told(lambda: self._resize(size))

    def _resize(self, size: tuple[int, int]) -> None:
        self.figure.resize(size, self.look)
        self.figure.link_cameras()
        self.figure.show(min(int(self._server.state.picture), len(self._timeline) - 1))

    def _on_camera(self, which: str) -> None:
        angles = {"x": (0.0, 0.0), "y": (-90.0, 0.0), "z": (-90.0, 90.0)}
        camera = angles.get(which, Look().camera)
        self._told(lambda: self._change(replace(self.look, camera=camera), keep_camera=False))

    def _change(self, look: Look, keep_camera: bool = True) -> None:
        self._compose(look, keep_camera)
        self._show(int(self._server.state.picture))

    def _compose(self, look: Look, keep_camera: bool = False, picture: int | None = None) -> None:
        """Draw with another look; with the limits of one picture instead of all frames where it is given."""
        plain_look = replace(look, camera=Look().camera)
        if picture is not None:
            rows = rows_of(self.sources, plain_look, self._timeline.only(picture))
        else:
            rows = self._rows.get(plain_look) or rows_of(self.sources, plain_look, self._spread)
            self._rows[plain_look] = rows
        self.figure.compose(rows, look, self._timeline, keep_camera)
        self.figure.link_cameras()
        self.look = look

    def _told(self, work: Callable[[], None]) -> None:
        """Do something that may fail with the run's files, and say so on the page."""
        state = self._server.state
        try:
            work()
            state.note = ""
        except (SubgridError, OSError, MemoryError) as error:
            state.note = plain(error, 300)

    async def _on_playing(self, playing: bool, **_: Any) -> None:
        state = self._server.state
        while state.playing:
            with state:
                state.picture = (int(state.picture) + 1) % len(self._timeline)
            await asyncio.sleep(0.1)

    async def _follow(self, **_: Any) -> None:
        """Take up new frames while a run goes on."""
        state = self._server.state
        while state.live:
            await asyncio.sleep(LOOK_AGAIN)
            with state:
                self._told(self._look_again)

    def _look_again(self) -> None:
        state = self._server.state
        state.live = self._running()  # asked before the frames are counted, so that none is missed
        known = [len(source.times) for source in self.sources]
        grown = [source.refresh() for source in self.sources]
        if not any(grown):
            return
        self._timeline = Timeline.of(self.sources, range(len(self.sources[0].times)))
        self._spread = spread(self.sources)
        if self._limits == ALL_FRAMES and self._beyond(known):
            self._rows.clear()
            self._compose(self.look, keep_camera=True)
        self.figure.timeline = self._timeline
        state.last = len(self._timeline) - 1
        if state.follow:
            state.picture = state.last
        else:
            self._show(int(state.picture))

    def _beyond(self, known: Sequence[int]) -> bool:
        """Whether new frames leave the limits of what is shown."""
        row = self.figure.rows[0]
        if row.scale is None:
            return False
        low, high = value_range(
            source.scalar(row.fields[i], frame)
            for i, source in enumerate(self.sources)
            for frame in range(max(known[i], len(source.times) - LIMIT_FRAMES), len(source.times))
        )
        return low < row.scale.low or high > row.scale.high

    def _running(self) -> bool:
        return any(_status(source) == "running" for source in self.sources)


def _status(source: Source) -> str:
    try:
        return str(source.run.outcome()["status"])
    except SubgridError:
        return "unknown"
