"""Ctrl-C and SIGTERM at any moment: code 75, a plain line, no traceback, and nothing committed is lost."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from subgrid.output import RunFolder

TOY = Path(__file__).parent / "toy"
SCENARIO = """
name = "long"
[mesh]
type = "grid"
shape = [5]
length = [1.0]
[initial]
type = "ones"
[solver]
type = "oscillators"
omega = 2.0
pause = PAUSE
[integrator]
type = "rk4"
[time]
end = 1e6
dt = 0.01
[checkpoint]
every = { steps = 5 }
"""
STOPPED = 75


def begun(folder: Path, *arguments: str, pause: float = 1e-3) -> subprocess.Popen[str]:
    """``subgrid run`` in a process of its own."""
    (folder / "long.toml").write_text(SCENARIO.replace("PAUSE", str(pause)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TOY), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "subgrid", "run", "long.toml", "--out", "a", *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    return process.returncode, out + err


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("apart", [0.0, 0.005, 0.02, 0.2])
def test_signals_in_quick_succession_are_one(tmp_path: Path, number: signal.Signals, apart: float) -> None:
    process = begun(tmp_path, "-q")
    wait_for(tmp_path / "a" / "checkpoints" / "step_0000000005.npz")
    for _ in range(3):
        if process.poll() is None:
            process.send_signal(number)
        time.sleep(apart)
    code, told = ended(process)
    assert code == STOPPED
    assert f"stopped by {number.name}; continue with: subgrid resume a" in told
    assert RunFolder(tmp_path / "a").outcome()["status"] == "stopped"


def test_at_every_moment_of_the_start_the_code_is_the_same(tmp_path: Path) -> None:
    seen = set()
    for moment in range(12):
        place = tmp_path / str(moment)
        place.mkdir()
        process = begun(place, "-q")
        # what the interpreter does before it runs the first line of ours is not ours to answer
        wait_for_our_first_line(process.pid)
        time.sleep(0.1 * moment)
        process.send_signal(signal.SIGINT)
        code, told = ended(process)
        assert code == STOPPED, (moment, told)
        assert len(told.splitlines()) <= 2, told
        seen.add("interrupted" in told)
    assert True in seen


def wait_for_our_first_line(process: int) -> None:
    """Return when a process catches SIGTERM, as no Python does by itself."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        caught = next(
            line.split()[1] for line in Path(f"/proc/{process}/status").read_text().splitlines() if "SigCgt" in line
        )
        if int(caught, 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.001)
    raise AssertionError("it never answers signals")


def test_a_step_that_takes_long_is_given_up_at_the_second_signal(tmp_path: Path) -> None:
    process = begun(tmp_path, pause=120.0)
    wait_for(tmp_path / "a" / "checkpoints" / "step_0000000000.npz")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    time.sleep(2.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, told = ended(process)
    assert code == STOPPED
    assert "SIGINT: ends with a checkpoint after this step; once more gives the step up" in told
    assert "SIGINT gave the step up" in told
    assert RunFolder(tmp_path / "a").outcome() == {
        "status": "killed", "message": "it did not end in order", "time": 0.0, "step": 0
    }  # fmt: skip


def test_a_command_without_a_run_ends_with_one_line(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "subgrid", "plugins", "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for_our_first_line(process.pid)
    process.send_signal(signal.SIGTERM)
    code, told = ended(process)
    assert code == STOPPED
    assert "interrupted" in told
