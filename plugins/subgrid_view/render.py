"""From the options of ``subgrid render`` to a file."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from subgrid.api import PluginError, ScenarioError
from subgrid_view.colours import Limits, colour_table
from subgrid_view.figure import BLOCK, STYLES, Figure, Look, Timeline, rows_of
from subgrid_view.movie import Film, write_picture, written
from subgrid_view.probe import Probe
from subgrid_view.reading import Source, nearest
from subgrid_view.space import AZIMUTH, ELEVATION

SUFFIXES = (".png", ".mp4", ".gif")
LARGEST_SIDE = 7680
PALETTE_SAMPLES = 5


@dataclass(frozen=True)
class Request:
    """Checked options of one picture or film."""

    runs: tuple[Path, ...]
    out: Path
    look: Look
    time: str | None = None
    frame: str | None = None
    fps: float = 15.0
    size: tuple[int, int] | None = None

    @classmethod
    def parse(
        cls,
        runs: Sequence[Path],
        fields: Sequence[str] = (),
        out: Path | None = None,
        style: str = "auto",
        size: str | None = None,
        cmap: str | None = None,
        limits: str | None = None,
        levels: str | None = None,
        camera: str | None = None,
        time: str | None = None,
        frame: str | None = None,
        fps: float = 15.0,
        **overlays: str | None,
    ) -> Request:
        """Read the texts of the command line. Raises ScenarioError naming the option and what it takes."""
        out = out or Path(f"{runs[0].resolve().name}.png")
        if out.suffix.lower() not in SUFFIXES:
            raise ScenarioError(f"--out {out}: the name must end in {', '.join(SUFFIXES)}")
        if time is not None and frame is not None:
            raise ScenarioError("--time and --frame: give one of them")
        styles = [name for names in STYLES.values() for name in names]
        if style not in ("auto", *styles):
            raise ScenarioError(f"--style {style[:40]!r}: choose from auto, {', '.join(styles)}")
        if cmap is not None:
            colour_table(cmap)
        look = Look(
            fields=tuple(fields),
            style=style,
            cmap=cmap,
            limits=Limits() if limits is None else Limits.parse(limits),
            levels=() if levels is None else _numbers("--levels", levels, ","),
            camera=(AZIMUTH, ELEVATION) if camera is None else _pair("--camera", camera),
            **overlays,
        )
        return cls(tuple(runs), out, look, time, frame, fps, None if size is None else picture_size(size))

    @property
    def is_film(self) -> bool:
        return self.out.suffix.lower() != ".png"


def render_runs(request: Request, probe: Probe) -> str:
    """Make the file and say what was made. Memory does not grow with the number of frames.

    Raises ScenarioError for what the runs cannot show, RunFolderError for damaged runs and unwritable files,
    PluginError when nothing can be rendered on this machine.
    """
    sources = [Source(path) for path in request.runs]
    for source in sources:
        source.need_frames()
    chosen = chosen_frames(sources[0], request)
    look = request.look
    if not request.is_film and sources[0].mesh.ndim == 1 and len(chosen) == 1 and look.style == "auto":
        look = replace(look, style="profile")
    if request.is_film and sources[0].mesh.ndim == 1 and look.style in ("auto", "space-time"):
        look = replace(look, style="profile")
    timeline = Timeline.of(sources, chosen)
    rows = rows_of(sources, look, timeline)
    problem = probe.problem()
    if problem:
        raise PluginError(problem)
    figure = Figure(sources, rows, look, timeline, request.size)
    try:
        begin = perf_counter()
        if request.is_film:
            _film(figure, request)
        else:
            figure.show(len(chosen) - 1)
            write_picture(request.out, figure.pixels())
        seconds = perf_counter() - begin
    finally:
        figure.close()
    width, height = figure.layout.size
    what = (
        f"{len(chosen)} frames, {len(chosen) / seconds:.3g} a second"
        if request.is_film
        else _moment(sources[0], chosen)
    )
    return f"{request.out}: {width} x {height} pixels, {what}"


def _film(figure: Figure, request: Request) -> None:
    count = len(figure.timeline)
    samples = []
    if request.out.suffix.lower() == ".gif":
        for picture in sorted({round(i * (count - 1) / (PALETTE_SAMPLES - 1)) for i in range(PALETTE_SAMPLES)}):
            figure.show(picture)
            samples.append(figure.pixels().copy())
    with written(request.out) as place, Film(place, figure.layout.size, request.fps, samples) as film:
        for picture in range(count):
            figure.show(picture)
            film.add(figure.pixels())
            _progress(picture + 1, count)


def _progress(done: int, count: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {count} frames", end="\n" if done == count else "", file=sys.stderr, flush=True)


def _moment(source: Source, chosen: Sequence[int]) -> str:
    times = [f"{source.times[frame]:.6g}" for frame in (chosen[0], chosen[-1])]
    return f"t = {times[0]}" if len(chosen) == 1 else f"t = {times[0]} to {times[1]}"


def chosen_frames(source: Source, request: Request) -> list[int]:
    """The frames that ``--time`` or ``--frame`` pick, all of a film or a space-time picture, else the last."""
    count = len(source.times)
    one_dimension = source.mesh.ndim == 1 and request.look.style in ("auto", "space-time")
    if request.frame is not None:
        return _by_number(source, request.frame)
    if request.time is not None:
        return _by_time(source, request.time)
    return list(range(count)) if request.is_film or one_dimension else [count - 1]


def _by_number(source: Source, text: str) -> list[int]:
    count = len(source.times)
    try:
        parts = [int(part) if part.strip() else None for part in text.split(":")]
        if len(parts) > 3 or parts == [None]:
            raise ValueError
        if len(parts) == 1 and parts[0] is not None:
            if not -count <= parts[0] < count:
                raise ScenarioError(f"--frame {text}: {source.path} has the frames 0 to {count - 1}")
            return [parts[0] % count]
        chosen = list(range(count))[slice(*parts)]
    except ValueError as error:
        raise ScenarioError(f"--frame {text[:40]!r}: give a number, or FIRST:END:STEP") from error
    if not chosen:
        raise ScenarioError(f"--frame {text}: picks none of the frames 0 to {count - 1} of {source.path}")
    return chosen


def _by_time(source: Source, text: str) -> list[int]:
    first, last = float(source.times[0]), float(source.times[-1])
    slack = 1e-9 * max(abs(first), abs(last))
    try:
        ends = [float(part) if part.strip() else None for part in text.split(":")]
        if len(ends) > 2 or ends == [None] or any(end is not None and math.isnan(end) for end in ends):
            raise ValueError
    except ValueError as error:
        raise ScenarioError(f"--time {text[:40]!r}: give a time, or FROM:TO") from error
    if len(ends) == 1 and ends[0] is not None:
        if not first - slack <= ends[0] <= last + slack:
            raise ScenarioError(f"--time {text}: the frames of {source.path} lie between {first:.9g} and {last:.9g}")
        return [nearest(source.times, ends[0])]
    low, high = (first if ends[0] is None else ends[0]) - slack, (last if ends[1] is None else ends[1]) + slack
    chosen = [i for i, time in enumerate(source.times) if low <= time <= high]
    if not chosen:
        raise ScenarioError(f"--time {text}: the frames of {source.path} lie between {first:.9g} and {last:.9g}")
    return chosen


def picture_size(text: str) -> tuple[int, int]:
    """Width and height of ``1280x720``. Raises ScenarioError with the nearest sizes that work."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.strip().isdecimal() and len(part) < 8 for part in parts):
        raise ScenarioError(f"--size {text[:40]!r}: give WIDTHxHEIGHT, such as 1280x720")
    width, height = (int(part) for part in parts)
    good = [min(max(BLOCK * round(side / BLOCK), 12 * BLOCK), LARGEST_SIDE) for side in (width, height)]
    if [width, height] != good:
        raise ScenarioError(
            f"--size {text}: sides are multiples of {BLOCK} from {12 * BLOCK} to {LARGEST_SIDE}; "
            f"near it is {good[0]}x{good[1]}"
        )
    return width, height


def _numbers(option: str, text: str, between: str) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in text.split(between))
    except ValueError:
        values = ()
    if not values or not all(map(math.isfinite, values)):
        raise ScenarioError(f"{option} {text[:40]!r}: give numbers with '{between}' between them")
    return values


def _pair(option: str, text: str) -> tuple[float, float]:
    values = _numbers(option, text, ":")
    if len(values) != 2 or abs(values[1]) > 90.0:
        raise ScenarioError(f"{option} {text[:40]!r}: give AZIMUTH:ELEVATION in degrees, the elevation from -90 to 90")
    return values[0], values[1]
