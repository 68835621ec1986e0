"""Comparing takes the memory of a frame, however many frames there are."""

import subprocess
import sys
from pathlib import Path

import pytest

COMPARISON = """
name = "memory"
baseline = "none"

[scenario]
backend = { threads = 1 }
mesh = { type = "grid", shape = [96, 96], length = ["2 pi", "2 pi"] }
initial = { type = "mcwilliams", energy = 0.5, peak_wavenumber = 6.0 }
solver = { type = "navier_stokes_2d", viscosity = 1e-3 }
integrator = { type = "rk4" }
time = { end = END, dt = 0.002 }
output = { quantities = ["vorticity"], every = { time = 0.002 } }
observers = [{ type = "enstrophy_spectrum", every = { time = 0.1 } }]

[reference]
set = { mesh.shape = [128, 128] }

[metrics]
spectrum = "enstrophy_spectrum.spectrum"
field = "vorticity"

[[variants]]
name = "none"

[[variants]]
name = "leith"
set = { closures = [{ type = "leith" }] }
"""
PROGRAM = """
import resource, sys
from subgrid.cli import main
try:
    main()
finally:
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(folder: Path, frames: int) -> float:
    """Peak memory [MB] of evaluating a comparison of so many frames; its runs are processes of their own."""
    path = folder / f"memory_{frames}.toml"
    path.write_text(COMPARISON.replace("END", repr(0.002 * (frames - 1))))
    command = [sys.executable, "-c", PROGRAM, "compare", str(path), "-q", "--out", str(folder / str(frames))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


@pytest.mark.parametrize("many", [201, pytest.param(501, marks=pytest.mark.slow)])
def test_memory_of_a_comparison_does_not_grow_with_its_frames(tmp_path: Path, many: int) -> None:
    few = 51
    peak(tmp_path, 11)  # compiles, which takes memory of its own
    peaks = [peak(tmp_path, few), peak(tmp_path, many)]
    print(f"\npeak memory of compare [MB]: {peaks[0]:.0f} with {few} frames, {peaks[1]:.0f} with {many}")
    more = (many - few) * 96 * 96 * 8 / 2**20
    assert peaks[1] - peaks[0] < 0.3 * more
