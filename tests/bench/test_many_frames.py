"""Memory of pictures, pages and exports does not grow with the number of frames."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("many_frames.py")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_frames() -> None:
    for package in ("pyvista", "imageio_ffmpeg", "netCDF4", "xarray"):
        pytest.importorskip(package)
    done = subprocess.run([sys.executable, str(SCRIPT)], text=True, stdout=subprocess.PIPE)
    print("\n" + done.stdout)
    assert done.returncode == 0, "400 frames took more memory than 40"
