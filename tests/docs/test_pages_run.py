"""Tutorials and the gallery do what they say."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))

spec = importlib.util.spec_from_file_location("run_page", ROOT / "docs" / "run_page.py")
assert spec is not None
assert spec.loader is not None
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_reader_who_follows_the_tutorial_meets_no_error(page: Path, tmp_path: Path) -> None:
    # the programs are those of this environment, and what the reader installs stays in a folder of its own
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PIP_TARGET": str(tmp_path / "site"),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it backwards: no isolation
        "PYTHONPATH": str(tmp_path / "site"),
    }
    pages.run_page(page, tmp_path / "reader", environment)


def test_a_page_whose_command_fails_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```toml title="a/b.toml"\nx = 1\n```\n\n```sh\ncat a/b.toml\nfalse\n```\n')
    with pytest.raises(RuntimeError, match="ended with 1"):
        pages.run_page(page, tmp_path / "reader")
    assert (tmp_path / "reader" / "a" / "b.toml").read_text() == "x = 1\n"
