"""Do what a page of the documentation says, in order, in a folder of its own: ``python docs/run_page.py PAGE FOLDER``.

Fenced blocks count: ``sh`` blocks are commands, ``python`` blocks are run, and blocks of any language with a title
(```` ```toml title="flow.toml" ````) are files. So pictures of a page can be made from its own commands, and tests know
that readers get what they are told.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROOT = Path(__file__).resolve().parents[1]


def blocks(page: Path) -> Iterator[tuple[str, str, str]]:
    """Language, title and text of each fenced block."""
    yield from FENCE.findall(page.read_text(encoding="utf-8"))


def run_page(page: Path, folder: Path, environment: dict[str, str] | None = None) -> None:
    """Write the files and run the commands of a page in ``folder``, which sees the repository's scenarios.

    Raises RuntimeError with the output of the first command that fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("scenarios", "tests"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    for language, title, text in blocks(page):
        if title:
            (folder / title).parent.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(text, encoding="utf-8")
            continue
        if language not in ("sh", "python"):
            continue
        program = ["bash", "-euo", "pipefail", "-c"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*program, text], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{page.name}:\n{text}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    run_page(Path(sys.argv[1]), Path(sys.argv[2]))
