"""Tutorials and the gallery do what they say."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

spec = importlib.util.spec_from_file_location("run_page", ROOT / "docs" / "run_page.py")
assert spec is not None
assert spec.loader is not None
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The programs are those of this environment, and what a reader installs stays in a folder of its own."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_TARGET": str(tmp_path / "site"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it backwards: no isolation
        "PYTHONPATH": str(tmp_path / "site"),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_reader_who_follows_the_tutorial_meets_no_error(
    page: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    pages.run_page(page, tmp_path / "reader", environment)


def test_the_gallery_is_made_by_its_commands(environment: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("pyvista", reason="pictures need PyVista: pip install 'subgrid[viz]'")
    from subgrid_view.probe import Probe

    with Probe() as probe:
        if problem := probe.problem():
            pytest.skip(problem)
    page = ROOT / "docs" / "pictures.md"
    pages.run_page(page, tmp_path / "reader", environment)
    shown = [Path(link) for link in re.findall(r"!\[[^\]]*\]\((.*?)\)", page.read_text())]
    assert len(shown) > 5
    for link in shown:
        if link.name != "view.png":  # shows the browser
            kept, made = picture(page.parent / link), picture(tmp_path / "reader" / link.name)
            assert made.shape == kept.shape, link.name
            # flows are chaotic, and another machine may round otherwise: but it is the same kind of picture
            assert abs(made - kept).mean() < 20.0, link.name
    for other in ("streamlines.png", "profile.png", "fog.png", "slices.png", "street.mp4", "street.gif", "flame.html"):
        assert (tmp_path / "reader" / other).stat().st_size > 5000, other


def picture(path: Path) -> np.ndarray:
    """A picture in blocks of 16 x 16 pixels."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").resize((image.width // 16, image.height // 16), Image.Resampling.BOX)
    return np.asarray(small).astype(float)


def test_a_page_whose_command_fails_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```toml title="a/b.toml"\nx = 1\n```\n\n```sh\ncat a/b.toml\nfalse\n```\n')
    with pytest.raises(RuntimeError, match="ended with 1"):
        pages.run_page(page, tmp_path / "reader")
    assert (tmp_path / "reader" / "a" / "b.toml").read_text() == "x = 1\n"
