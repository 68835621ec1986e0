"""Settings of the whole suite, made before anything else is imported."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# several workers share the cores; figures go to files
for variable, value in (("NUMBA_NUM_THREADS", "1"), ("OMP_NUM_THREADS", "1"), ("MPLBACKEND", "Agg")):
    os.environ.setdefault(variable, value)

pytest.register_assert_rewrite("subgrid.testing")


@pytest.fixture
def in_cuda_simulator() -> Callable[[Path], str]:
    """``in_cuda_simulator(script)``: what a script prints in a process where Numba's simulator stands for a device,
    which must be chosen before numba is imported."""

    def printed(script: Path) -> str:
        environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
        done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return printed
