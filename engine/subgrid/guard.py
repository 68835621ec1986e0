"""Noticing that a component broke its promises while it runs, and naming it.

What costs time is done at the first call of each component in a process: that it wrote into nothing it was handed. The
conformance suites of `subgrid.testing` look at the same promises more closely.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any

import numpy as np
from array_api_compat import is_torch_array
from numpy.typing import NDArray

from subgrid.backend import Array
from subgrid.errors import PluginError
from subgrid.protocols import Quantity
from subgrid.state import State

MODERATE = 0.2
"""Power of the largest number up to which finite inputs should give finite answers: products of five stay finite."""


class Untouched:
    """Context in which a component must leave the arrays that it was handed as they are.

    ``handed`` says where they are from, and ``owner`` who may not write into them. Raises PluginError at the end.
    """

    def __init__(self, owner: str, handed: str, arrays: Mapping[str, Array], state: State) -> None:
        self._owner = owner
        self._handed = handed
        self._arrays = dict(arrays)
        self._state = state

    def __enter__(self) -> None:
        self._before = {name: _digest(values) for name, values in self._arrays.items()}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return
        for name, values in self._arrays.items():
            if _digest(values) != self._before[name]:
                raise PluginError(
                    f"{self._owner} writes into {self._handed} {name!r} at step {self._state.clock.step}, "
                    "which is not its own: it may only return arrays"
                )


def _digest(values: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(_host(values)).data, digest_size=16).digest()


def _host(values: Array) -> NDArray[Any]:
    return values.detach().cpu().numpy() if is_torch_array(values) else np.asarray(values)


def is_finite(values: NDArray[Any]) -> bool:
    """Whether all entries are finite: the sum of an array with a NaN or an infinity never is."""
    return math.isfinite(abs(values.sum())) or bool(np.isfinite(values).all())


def are_moderate(arrays: Iterable[Array]) -> bool:
    """Whether arrays are finite and far from overflow, so that what is computed from them should be finite as well."""
    for values in arrays:
        host = _host(values)
        if host.dtype.kind not in "fc" or host.size == 0:
            continue
        largest = float(np.abs(host).max())
        if not largest < float(np.finfo(host.dtype).max) ** MODERATE:
            return False
    return True


def misfit(answer: Any, output: Quantity, inputs: Mapping[str, Quantity], given: Mapping[str, Array]) -> str:
    """What is wrong with the type or shape of a closure's answer, or an empty string.

    It is compared with the inputs that the closure read: the precision of any, the shape of one with the output's dims.
    """
    host = _host(answer)
    if host.dtype.kind not in "fc":
        return f"{host.dtype if host.dtype != object else type(answer).__name__}, expected real or complex numbers"
    likes = {name: _host(values) for name, values in given.items()}
    precisions = {like.real.dtype for like in likes.values() if like.dtype.kind in "fc"}
    if not isinstance(answer, float | complex) and precisions and host.real.dtype not in precisions:
        return f"{host.dtype} in a run of {', '.join(sorted(str(precision) for precision in precisions))}"
    expected = next((likes[name].shape for name in likes if inputs[name].dims == output.dims), None)
    if expected is not None and host.ndim and not _broadcasts(host.shape, expected):
        return f"an array of shape {host.shape}, expected {expected} or ones along its axes"
    return ""


def _broadcasts(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return len(shape) == len(expected) and all(n in (1, full) for n, full in zip(shape, expected, strict=True))


def unlike(values: Any, expected: Array) -> str:
    """How an array differs from one that it should be like in type and shape, or an empty string."""
    dtype, shape = getattr(values, "dtype", None), getattr(values, "shape", None)
    if dtype == expected.dtype and shape == expected.shape:
        return ""
    told = type(values).__name__ if dtype is None else f"{dtype} with shape {tuple(shape or ())}"
    return f"{told}, expected {expected.dtype} with shape {tuple(expected.shape)}"
