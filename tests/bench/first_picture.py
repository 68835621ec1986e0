"""Seconds from starting ``subgrid view`` to its first picture in a real browser.

    python tests/bench/first_picture.py

One clock runs from the command to the moment at which a headless Chromium, which is open already as a reader's browser
is, has painted the picture. Prints a table; exit code 1 when a first picture took longer than `GOAL`.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from subgrid.mesh import Grid
from subgrid.output import Trajectory, write_json
from subgrid.protocols import Quantity

GOAL = 5.0
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-gl=angle", "--use-angle=swiftshader",
         "--enable-unsafe-swiftshader"]  # fmt: skip
PAINTED = "() => [...document.querySelectorAll('.view img')].some(image => image.complete && image.naturalWidth > 100)"
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def write_run(path: Path, mesh: Grid, count: int, particles: int = 0) -> Path:
    """A run folder with ``count`` frames of coloured blocks over a mesh, or of particles."""
    path.mkdir()
    (path / "scenario.toml").write_text(f'name = "{path.name}"\n')
    described = {key: getattr(mesh, key) for key in ("shape", "length", "origin", "boundaries", "offset")}
    write_json(path / "provenance.json", {"mesh": described})
    quantity, shape = Quantity(mesh.axes, "1/s"), mesh.shape
    name = "sand_position" if particles else "vorticity"
    if particles:
        quantity, shape = Quantity(("particle", "component"), "m", "particle"), (0, mesh.ndim)
    rng, file = np.random.default_rng(0), Trajectory(path / "trajectory.h5", "w")
    file.declare("frames", {name: quantity}, {name: shape})
    for frame in range(count):
        blocks = np.kron(rng.normal(size=[n // 16 for n in mesh.shape]), np.ones([16] * mesh.ndim))
        values = rng.uniform(size=(particles, mesh.ndim)) if particles else blocks
        file.add("frames", 0.1 * frame, frame, {name: values})
        file.commit()
    file.close()
    write_json(path / "outcome.json", {"status": "finished", "message": "", "time": 0.1 * count, "step": count})
    return path


def first_picture(browser: Any, *runs: Path) -> tuple[float, float]:
    """Seconds from the command to its address, and to the first picture."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(120_000)
    begin = perf_counter()
    command = [sys.executable, "-m", "subgrid", "view", *map(str, runs)]
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert served.stdout is not None
        page_address = served.stdout.readline().split()[1]
        address = perf_counter() - begin
        page.goto(page_address, wait_until="commit")
        page.wait_for_function(PAINTED)
        page.evaluate(TWO_FRAMES)
        seconds = perf_counter() - begin
        image = np.asarray(Image.open(io.BytesIO(page.locator(".view").screenshot())).convert("RGB")).astype(int)
        if not (image.max(axis=2) - image.min(axis=2) > 60).mean() > 0.01:
            raise RuntimeError("the first picture is empty")
    finally:
        page.close()
        served.send_signal(signal.SIGINT)
        served.communicate()
    return address, seconds


def main() -> int:
    """Measure and print."""
    slowest = 0.0
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        folder = Path(place)
        plane, fine = Grid((128, 128), (1.0, 1.0)), Grid((512, 512), (1.0, 1.0))
        small = write_run(folder / "small", plane, 40)
        large = write_run(folder / "large", fine, 100)
        cases = {
            "128 x 128, 40 frames": [small],
            "512 x 512, 100 frames": [large],
            "two of 512 x 512": [large, large],
            "64 x 64 x 64, as a volume": [write_run(folder / "space", Grid((64, 64, 64), (1.0, 1.0, 1.0)), 10)],
            "20000 particles": [write_run(folder / "sand", plane, 20, 20_000)],
        }
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        print(f"{'subgrid view of':28}{'address [s]':>12}{'first picture [s]':>19}", flush=True)
        for name, runs in {"(128 x 128, the first time)": [small], **cases}.items():
            address, seconds = first_picture(browser, *runs)
            print(f"{name:28}{address:12.2f}{seconds:19.2f}", flush=True)
            slowest = max(slowest, seconds)
        browser.close()
    return int(slowest > GOAL)


if __name__ == "__main__":
    sys.exit(main())
