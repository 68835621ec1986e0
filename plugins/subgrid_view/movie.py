"""Films and pictures on the disk. Frames go to ffmpeg one by one; a file gets its name when it is whole."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from subgrid.api import PluginError, RunFolderError
from subgrid_view.text import plain

Array = NDArray[Any]


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A place to write to beside ``path``, which takes its name when all went well. Raises RunFolderError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=path.suffix, prefix=f".{path.stem}-", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield Path(name)
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except OSError as error:
        raise RunFolderError(f"{path}: cannot be written ({error.strerror or plain(error, 200)})") from error
    finally:
        Path(name).unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_picture(path: Path, pixels: Array) -> None:
    """Write a PNG from an array of shape (height, width, 3)."""
    with written(path) as place:
        Image.fromarray(np.ascontiguousarray(pixels)).save(place, optimize=True)


class Film:
    """An MP4 (H.264, plays everywhere) or GIF that is written frame by frame; sizes are multiples of 16.

    A GIF has one palette for all frames, taken from ``samples`` of them, so that colours do not flicker.
    """

    def __init__(self, place: Path, size: tuple[int, int], fps: float, samples: Iterable[Array] = ()) -> None:
        from imageio_ffmpeg import get_ffmpeg_exe

        try:
            program = get_ffmpeg_exe()
        except RuntimeError as error:
            raise PluginError("films need ffmpeg: pip install 'subgrid[viz]' brings it (imageio-ffmpeg)") from error
        width, height = size
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0"]
        self._palette: Path | None = None
        if place.suffix == ".gif":
            self._palette = place.with_suffix(".palette.png")
            _palette(samples).save(self._palette)
            coding = [
                "-i",
                str(self._palette),
                "-lavfi",
                "[0][1]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle",
            ]
        else:
            coding = [
                "-c:v",
                "libx264",
                "-pix_fmt",
                "yuv420p",
                "-crf",
                "20",
                "-preset",
                "fast",
                "-movflags",
                "+faststart",
            ]
        command = [program, "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *source, *coding, str(place)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed when the film ends
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=self._log)
        self._place = place

    def add(self, pixels: Array) -> None:
        """Append a frame of shape (height, width, 3)."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(pixels).data)
        except BrokenPipeError:
            self._fail()

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._process.kill()
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            if self._process.wait() and kind is None:
                self._fail()
        finally:
            if self._palette is not None:
                self._palette.unlink(missing_ok=True)
            self._log.close()

    def _fail(self) -> None:
        self._process.wait()
        self._log.seek(0)
        said = self._log.read().decode(errors="replace").strip().splitlines()
        raise RunFolderError(
            f"{self._place.parent}: the film cannot be written ({plain(said[-1] if said else 'no reason given', 200)})"
        )


def _palette(samples: Iterable[Array]) -> Image.Image:
    """256 colours of some frames, as the 16 x 16 picture that ffmpeg reads."""
    strips = [np.ascontiguousarray(sample[::2, ::2]).reshape(1, -1, 3) for sample in samples]
    colours = Image.fromarray(np.concatenate(strips, axis=1)).quantize(255, dither=Image.Dither.NONE).getpalette() or []
    entries = np.zeros((256, 3), dtype=np.uint8)
    entries[: len(colours) // 3] = np.reshape(colours, (-1, 3))[:256]
    return Image.fromarray(entries.reshape(16, 16, 3))
