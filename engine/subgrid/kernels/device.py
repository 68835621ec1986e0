"""Compiled functions of the CPU on a CUDA device."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from numba import cuda

__all__ = ["on_device"]


def on_device(dispatcher: Any, **known: Any) -> Callable[..., Any]:
    """The Python source of a compiled function as a device function, which calls those ``known`` instead of compiled
    ones of the same name."""
    source = dispatcher.py_func
    copied = FunctionType(source.__code__, {**source.__globals__, **known}, source.__name__)
    function: Callable[..., Any] = cuda.jit(device=True)(copied)
    return function
