"""Runs killed by SIGKILL at random moments and continued lose no committed frame and end in the same bits."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "killing.py"


def tormented(*arguments: str) -> str:
    # a process of its own: it forks, which a process with threads (pytest, plugins) must not
    done = subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_killed_runs_of_two_families_lose_nothing() -> None:
    names = ("spectral_1d/kuramoto_sivashinsky.toml", "material_points/granular_column.toml")
    told = tormented("--runs", "4", "--seed", "7", *(word for name in names for word in ("--scenario", name)))
    assert " 0 problems" in told


@pytest.mark.slow
def test_two_hundred_killed_runs_of_all_families_lose_nothing() -> None:
    told = tormented("--runs", "210", "--seed", "2")
    print(f"\n{told}")
    assert "210 runs" in told
