"""Copies of arrays that tests compare bit by bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.backend import Array, Backend

Copies = dict[str, NDArray[Any]]


def copied(arrays: Mapping[str, Array], backend: Backend) -> Copies:
    """NumPy copies of arrays or numbers by name."""
    return {name: np.array(backend.to_numpy(array)) for name, array in arrays.items()}


def assert_same_bits(expected: Mapping[str, NDArray[Any]], actual: Mapping[str, NDArray[Any]], message: str) -> None:
    """Fail with ``message`` and the name of the first array that differs in type, shape or any bit."""
    assert sorted(expected) == sorted(actual), f"{message}: {sorted(actual)} instead of {sorted(expected)}"
    for name, values in expected.items():
        other = actual[name]
        assert values.dtype == other.dtype, f"{message}: {name} is {other.dtype} instead of {values.dtype}"
        assert values.shape == other.shape, f"{message}: {name} has shape {other.shape} instead of {values.shape}"
        if values.tobytes() != other.tobytes():
            differs = np.flatnonzero(values.ravel() != other.ravel())
            first = np.unravel_index(differs[0], values.shape) if differs.size else "a sign of zero or NaN"
            raise AssertionError(f"{message}: {name} differs in {differs.size} entries, first at {first}")


def assert_close(expected: Mapping[str, NDArray[Any]], actual: Mapping[str, NDArray[Any]], rtol: float) -> None:
    """Fail when an array is further away than ``rtol`` times the largest magnitude in it."""
    assert sorted(expected) == sorted(actual)
    for name, values in expected.items():
        scale = float(np.max(np.abs(values), initial=0.0))
        np.testing.assert_allclose(actual[name], values, rtol=0, atol=rtol * scale, err_msg=name)
