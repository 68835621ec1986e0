"""Fused linear combinations ``out = c1 x1 + c2 x2 + ...`` and pointwise expressions, in one pass over memory.

A combination of s arrays in plain NumPy moves about 3 s arrays through memory and allocates its temporaries; the
kernels here read s arrays and write one. Arrays are C-contiguous and of equal shape and type.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numba import from_dtype, njit, vectorize

from subgrid.backend import Array


def _as_reals(x: Array) -> Array:
    return x.reshape(-1).view(x.real.dtype)


# A real factor times a complex array costs half the operations when the array is seen as twice as many reals; the view
# is taken inside the kernels, where it is free.
_reals: Callable[[Array], Array] = njit(cache=True)(_as_reals)


def _combine1(x1: Array, c1: float, out: Array) -> None:
    y1 = _reals(x1)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i]


def _combine2(x1: Array, x2: Array, c1: float, c2: float, out: Array) -> None:
    y1, y2 = _reals(x1), _reals(x2)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i]


def _combine3(x1: Array, x2: Array, x3: Array, c1: float, c2: float, c3: float, out: Array) -> None:
    y1, y2, y3 = _reals(x1), _reals(x2), _reals(x3)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i]


def _combine4(
    x1: Array, x2: Array, x3: Array, x4: Array, c1: float, c2: float, c3: float, c4: float, out: Array
) -> None:
    y1, y2, y3, y4 = _reals(x1), _reals(x2), _reals(x3), _reals(x4)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i] + c4 * y4[i]


def _combine5(
    x1: Array,
    x2: Array,
    x3: Array,
    x4: Array,
    x5: Array,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    out: Array,
) -> None:
    y1, y2, y3, y4 = _reals(x1), _reals(x2), _reals(x3), _reals(x4)
    y5 = _reals(x5)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i] + c4 * y4[i] + c5 * y5[i]


def _combine6(
    x1: Array,
    x2: Array,
    x3: Array,
    x4: Array,
    x5: Array,
    x6: Array,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    c6: float,
    out: Array,
) -> None:
    y1, y2, y3, y4 = _reals(x1), _reals(x2), _reals(x3), _reals(x4)
    y5, y6 = _reals(x5), _reals(x6)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i] + c4 * y4[i] + c5 * y5[i] + c6 * y6[i]


def _combine7(
    x1: Array,
    x2: Array,
    x3: Array,
    x4: Array,
    x5: Array,
    x6: Array,
    x7: Array,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    c6: float,
    c7: float,
    out: Array,
) -> None:
    y1, y2, y3, y4 = _reals(x1), _reals(x2), _reals(x3), _reals(x4)
    y5, y6, y7 = _reals(x5), _reals(x6), _reals(x7)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i] + c4 * y4[i] + c5 * y5[i] + c6 * y6[i] + c7 * y7[i]


def _combine8(
    x1: Array,
    x2: Array,
    x3: Array,
    x4: Array,
    x5: Array,
    x6: Array,
    x7: Array,
    x8: Array,
    c1: float,
    c2: float,
    c3: float,
    c4: float,
    c5: float,
    c6: float,
    c7: float,
    c8: float,
    out: Array,
) -> None:
    y1, y2, y3, y4 = _reals(x1), _reals(x2), _reals(x3), _reals(x4)
    y5, y6, y7, y8 = _reals(x5), _reals(x6), _reals(x7), _reals(x8)
    y = _reals(out)
    for i in range(y.size):
        y[i] = c1 * y1[i] + c2 * y2[i] + c3 * y3[i] + c4 * y4[i] + c5 * y5[i] + c6 * y6[i] + c7 * y7[i] + c8 * y8[i]


COMBINE: tuple[Callable[..., None], ...] = tuple(
    njit(cache=True)(kernel)
    for kernel in (_combine1, _combine2, _combine3, _combine4, _combine5, _combine6, _combine7, _combine8)
)
"""``COMBINE[n - 1](x1, ..., xn, c1, ..., cn, out)`` writes the sum of n terms; real factors, real or complex arrays."""


class Pointwise:
    """An elementwise expression, written once: evaluated as it stands on torch tensors, compiled to a ufunc for NumPy.

    Operands broadcast and may mix real and complex. Write ``a + a`` for ``2 * a`` where it matters: compiled code
    multiplies complex numbers by a number as by a complex one.
    """

    def __init__(self, expression: Callable[..., Any]) -> None:
        self.expression = expression
        self._compiled: dict[str, Callable[..., Array]] = {}

    def __repr__(self) -> str:
        return f"Pointwise({self.expression.__name__})"

    def into(self, operands: Sequence[Array], out: Array) -> None:
        """Write the expression of NumPy arrays into ``out``, in one pass and without temporaries."""
        # One ufunc for each combination of types: a ufunc with several loops takes the first that the operands can be
        # cast to, and real operands would end up in a complex one.
        types = "".join([operand.dtype.char for operand in operands]) + out.dtype.char
        compiled = self._compiled.get(types)
        if compiled is None:
            signature = from_dtype(out.dtype)(*[from_dtype(operand.dtype) for operand in operands])
            compiled = self._compiled[types] = vectorize([signature], cache=True)(self.expression)
        compiled(*operands, out)
