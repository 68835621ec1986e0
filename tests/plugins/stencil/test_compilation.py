"""The first run on a machine compiles kernels, and says so."""

import os
import subprocess
import sys
from pathlib import Path

SCENARIO = Path(__file__).parents[3] / "scenarios" / "stencil" / "mode_decay.toml"


def test_a_first_compilation_is_announced_once(tmp_path: Path) -> None:
    """In processes of their own with an empty cache: one line, and none when the kernels are cached."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    counts = []
    for number in range(2):
        options = ["--out", str(tmp_path / f"run{number}"), "--stop-after", "2"]
        command = [sys.executable, "-m", "subgrid", "run", str(SCENARIO), *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert "step" in done.stdout + done.stderr
        counts.append(done.stderr.count("compiling kernels"))
    assert counts == [1, 0]
