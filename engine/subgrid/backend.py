"""The array world of a run, chosen once: NumPy, or torch on a CPU or GPU, behind one array-API namespace.

Components are written against ``backend.xp`` (array-API functions) and the few methods here. NumPy honours ``out``
arguments, so stepping allocates nothing; torch ignores them, so that results stay differentiable.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from subgrid.errors import PluginError, ScenarioError

Array = Any
"""A NumPy array or a torch tensor."""

_LINE_BYTES = 64
"""Bytes of a cache line."""

_TYPES = {
    "float64": {"real": "float64", "complex": "complex128", "int": "int64", "bool": "bool"},
    "float32": {"real": "float32", "complex": "complex64", "int": "int64", "bool": "bool"},
}


class Backend:
    """Array namespace, device and precision of a run.

    Parameters
    ----------
    name
        ``"numpy"`` or ``"torch"``.
    device
        ``"cpu"``, or ``"cuda"`` (torch only).
    precision
        ``"float64"`` or ``"float32"``, the precision of real fields.
    threads
        Most threads a transform or kernel may use; 0 means all cores given to the process.
    fft
        ``"scipy"`` or ``"fftw"`` (NumPy only; needs extra ``fft``). FFTW plans are estimated, not measured, because
        measured plans differ from run to run in the last bits.
    """

    def __init__(
        self,
        name: str = "numpy",
        device: str = "cpu",
        precision: str = "float64",
        threads: int = 0,
        fft: str = "scipy",
    ) -> None:
        self.name = name
        self.device = device
        self.precision = precision
        self.threads = threads or len(os.sched_getaffinity(0))
        self.fft = fft
        if name == "numpy" and device != "cpu":
            raise ScenarioError(f"backend.device: 'numpy' computes on 'cpu', not on {device!r}; use name = 'torch'")
        if name == "torch":
            self._prepare_torch()
        if fft == "fftw" and name == "numpy" and find_spec("pyfftw") is None:
            raise PluginError("backend.fft: 'fftw' needs pyfftw: pip install 'subgrid[fft]'")

    def _prepare_torch(self) -> None:
        if find_spec("torch") is None:
            raise PluginError("backend.name: 'torch' needs torch: pip install 'subgrid[ml]'")
        torch = import_module("torch")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ScenarioError("backend.device: 'cuda' asked for, but torch sees no CUDA device; choose 'cpu'")
        if self.device == "cpu":
            torch.set_num_threads(self.threads)

    def __repr__(self) -> str:
        return f"Backend({self.name}, {self.device}, {self.precision}, threads={self.threads})"

    @cached_property
    def xp(self) -> Any:
        """The array-API namespace."""
        return import_module(f"array_api_compat.{self.name}")

    @property
    def in_place(self) -> bool:
        """Whether ``out`` arguments are honoured."""
        return self.name == "numpy"

    def dtype(self, kind: str = "real") -> Any:
        """Type object of this precision for ``kind``: real, complex, int or bool."""
        return getattr(self.xp, _TYPES[self.precision][kind])

    def zeros(self, shape: Sequence[int], kind: str = "real") -> Array:
        if self.name == "numpy":
            return _zeros(tuple(shape), np.dtype(self.dtype(kind)))
        return self.xp.zeros(tuple(shape), dtype=self.dtype(kind), device=self.device)

    def asarray(self, values: Any, kind: str | None = None) -> Array:
        """Array on this backend; ``kind`` casts to this precision, ``None`` keeps the type."""
        dtype = None if kind is None else self.dtype(kind)
        if self.name == "numpy":
            return np.asarray(values, dtype=dtype)
        if hasattr(values, "requires_grad"):
            # torch.asarray cuts a tensor off its gradient in some versions and warns about it in others
            return values.to(device=self.device, dtype=dtype)
        if isinstance(values, np.ndarray) and any(stride < 0 for stride in values.strides):
            values = values.copy()  # torch takes no array that runs backwards
        return self.xp.asarray(values, dtype=dtype, device=self.device)

    def to_numpy(self, array: Array) -> Any:
        """NumPy array on the host with the same values."""
        return array.detach().cpu().numpy() if hasattr(array, "detach") else np.asarray(array)

    def copy(self, array: Array) -> Array:
        if self.name != "numpy":
            return array.detach().clone()
        if array.ndim == 0:
            return array.copy()
        copied = _zeros(array.shape, array.dtype)
        copied[...] = array
        return copied

    def synchronize(self) -> None:
        """Wait for the device, so that wall times mean something."""
        if self.device == "cuda":
            import_module("torch").cuda.synchronize()


def _zeros(shape: tuple[int, ...], dtype: Any) -> Any:
    """NumPy zeros that begin with a cache line. NumPy's own begin with any sixteen bytes, and compiled loops over whole
    vectors lose up to a fifth where each vector lies across two lines."""
    size, spare = math.prod(shape), _LINE_BYTES // dtype.itemsize
    whole = np.zeros(size + spare, dtype)
    first = -(whole.ctypes.data // dtype.itemsize) % spare
    return whole[first : first + size].reshape(shape)
