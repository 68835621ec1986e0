"""Peak memory of ``render``, ``report`` and ``export`` for few and for many frames of the same run.

    python tests/bench/many_frames.py

Prints a table; exit code 1 when ten times as many frames take `SLACK` more memory.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from subgrid.mesh import Grid
from subgrid.output import Trajectory, write_json
from subgrid.protocols import Quantity

FEW, MANY = 40, 400
SIDE = 256
SLACK = 25.0
"""Most megabytes that `MANY` frames may take beyond `FEW`; as fields they are 190 MB more."""

COMMANDS = {
    "render film.mp4": ["render", "RUN", "--size", "320x320", "--out", "OUT/film.mp4"],
    "render film.gif": ["render", "RUN", "--size", "320x320", "--out", "OUT/film.gif"],
    "report": ["report", "RUN", "--out", "OUT/page.html"],
    **{f"export --to {to}": ["export", "RUN", "--to", to, "--out", f"OUT/{to}"]
       for to in ("netcdf", "vtk", "vtkhdf", "well", "numpy")},
}  # fmt: skip


def write_run(path: Path, count: int) -> Path:
    """A run folder with ``count`` frames of noise."""
    path.mkdir()
    mesh = Grid((SIDE, SIDE), (1.0, 1.0))
    (path / "scenario.toml").write_text(f'name = "{path.name}"\n')
    described = {key: getattr(mesh, key) for key in ("shape", "length", "origin", "boundaries", "offset")}
    write_json(path / "provenance.json", {"mesh": described})
    rng, file = np.random.default_rng(0), Trajectory(path / "trajectory.h5", "w")
    file.declare("frames", {"w": Quantity(mesh.axes, "1/s")}, {"w": mesh.shape})
    for frame in range(count):
        file.add("frames", float(frame), frame, {"w": rng.normal(size=mesh.shape)})
        file.commit()
    file.close()
    write_json(path / "outcome.json", {"status": "finished", "message": "", "time": float(count), "step": count})
    return path


STARTER = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "subgrid", *sys.argv[1:]], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
sys.exit(code)
"""


def peak(run: Path, out: Path, command: list[str]) -> float:
    """Peak memory [MB] of one command in a process of its own."""
    words = [word.replace("RUN", str(run)).replace("OUT", str(out)) for word in command]
    done = subprocess.run([sys.executable, "-c", STARTER, *words], stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def main() -> int:
    """Measure and print."""
    worst = 0.0
    with tempfile.TemporaryDirectory() as place:
        runs = [write_run(Path(place) / f"run{count}", count) for count in (FEW, MANY)]
        print(f"{'peak memory [MB]':20}{f'{FEW} frames':>12}{f'{MANY} frames':>12}", flush=True)
        for name, command in COMMANDS.items():
            peaks = []
            for run in runs:
                out = Path(place) / "out"
                out.mkdir()
                peaks.append(peak(run, out, command))
                shutil.rmtree(out)
            print(f"{name:20}{peaks[0]:12.0f}{peaks[1]:12.0f}", flush=True)
            worst = max(worst, peaks[1] - peaks[0])
    return int(worst > SLACK)


if __name__ == "__main__":
    sys.exit(main())
