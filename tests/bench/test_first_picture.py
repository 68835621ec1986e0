"""The first picture of the viewer, measured in a browser; the goal is for a quiet machine."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("first_picture.py")


@pytest.mark.slow
def test_the_first_picture_of_the_viewer_comes_soon() -> None:
    pytest.importorskip("playwright", reason="needs playwright")
    pytest.importorskip("trame_pyvista", reason="the viewer needs trame: pip install 'subgrid[web]'")
    if not any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))):
        pytest.skip("needs chromium (apt-get install chromium)")
    done = subprocess.run([sys.executable, str(SCRIPT)], text=True, stdout=subprocess.PIPE)
    print("\n" + done.stdout)
    assert done.returncode == 0, "a first picture took longer than 5 s"
