"""The CUDA twins of the kernels, in Numba's simulator."""

from collections.abc import Callable
from pathlib import Path


def test_twins_agree_with_the_definitions(in_cuda_simulator: Callable[[Path], str]) -> None:
    assert in_cuda_simulator(Path(__file__).with_name("cuda_parity.py")).count("agree") == 4
