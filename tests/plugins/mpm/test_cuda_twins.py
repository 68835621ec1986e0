"""The CUDA twins of the kernels, in Numba's simulator, which must be chosen before numba is imported."""

import os
import subprocess
import sys
from pathlib import Path


def test_twins_agree_with_the_definitions() -> None:
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    script = Path(__file__).with_name("cuda_parity.py")
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("agree") == 4
