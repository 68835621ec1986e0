"""FFTW plans that compiled code can execute: the C interface of the library that pyFFTW brings with it.

pyFFTW's own objects must be called from Python, where threads that share the blocks of one transform wait for each
other at the interpreter lock for longer than a block takes. Only planning goes through Python here; executing a plan is
a plain call of a C function, `subgrid.kernels.native.call`. Plans are estimated, not measured, because measured plans
differ from run to run in the last bits.
"""

from __future__ import annotations

import ctypes
import weakref
from functools import cache
from typing import Any

import numpy as np
from numba import njit

from subgrid.errors import PluginError
from subgrid.kernels.native import call

__all__ = ["BACKWARD", "FORWARD", "Plan", "zeros"]

Array = Any

FORWARD, BACKWARD = -1, 1
_ESTIMATE = 1 << 6


class _Dimension(ctypes.Structure):
    """``fftw_iodim``: length, and strides of input and output in complex numbers."""

    _fields_ = (("n", ctypes.c_int), ("input_stride", ctypes.c_int), ("output_stride", ctypes.c_int))


@cache
def _library() -> Any:
    """The C library, found among those that pyFFTW's extension module is linked with."""
    import pyfftw

    library = ctypes.CDLL(pyfftw.pyfftw.__file__)
    for prefix in ("fftw", "fftwf"):
        try:
            plan = getattr(library, f"{prefix}_plan_guru_dft")
            destroy = getattr(library, f"{prefix}_destroy_plan")
        except AttributeError:
            raise PluginError("backend.fft: this build of pyfftw hides the functions of FFTW; use 'scipy'") from None
        dimensions = ctypes.POINTER(_Dimension)
        array = ctypes.c_void_p
        plan.argtypes = [ctypes.c_int, dimensions, ctypes.c_int, dimensions, array, array, ctypes.c_int, ctypes.c_uint]
        plan.restype = ctypes.c_void_p
        destroy.argtypes, destroy.restype = [ctypes.c_void_p], None
    return library


class Plan:
    """A complex transform of an array along one axis, in place and without normalisation.

    Parameters
    ----------
    values
        Complex array of any strides; it is overwritten when the plan is called, not before. Kept alive by the plan.
    axis
        Axis to transform.
    sign
        ``FORWARD`` (exponent -i) or ``BACKWARD`` (+i).

    Attributes
    ----------
    address
        (C function, plan): the arguments of `subgrid.kernels.native.call`. Threads may run different plans at once.
    """

    def __init__(self, values: Array, axis: int, sign: int) -> None:
        library, prefix = _library(), "fftw" if values.dtype == np.complex128 else "fftwf"
        strides = [stride // values.itemsize for stride in values.strides]
        dimensions = [_Dimension(n, s, s) for n, s in zip(values.shape, strides, strict=True)]
        along = (_Dimension * 1)(dimensions.pop(axis))
        others = (_Dimension * len(dimensions))(*dimensions)
        pointer = values.ctypes.data
        plan = getattr(library, f"{prefix}_plan_guru_dft")
        address = plan(1, along, len(dimensions), others, pointer, pointer, sign, _ESTIMATE)
        if not address:
            raise PluginError(f"backend.fft: FFTW has no plan for shape {values.shape}")
        self.values = values
        self.address = _address(getattr(library, f"{prefix}_execute")), address
        weakref.finalize(self, getattr(library, f"{prefix}_destroy_plan"), address)

    def __call__(self) -> None:
        """Transform the array."""
        _execute(*self.address)


def zeros(shape: tuple[int, ...], dtype: Any) -> Array:
    """Zeros at a multiple of 64 bytes, so that plans do not depend on where the memory happens to be."""
    import pyfftw

    return pyfftw.zeros_aligned(shape, dtype, n=64)


def _address(function: Any) -> int:
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None
    return address


@njit("void(int64, int64)", cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _execute(function: int, plan: int) -> None:
    call(function, plan)
