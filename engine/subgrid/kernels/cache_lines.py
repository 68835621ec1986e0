"""A cache line of numbers in vector registers, for loops whose stores the compiler must not choose.

Left alone, the compiler finds vector code only where it can check that no two arrays overlap, gives up on that check
where there are many arrays, and always reads what it is about to write. Arithmetic is written as for single numbers,
``+``, ``-``, ``*`` and `subgrid.kernels.native.fma`, and rounds like it.
"""

from __future__ import annotations

import operator
from typing import Any

from numba import njit, types
from numba.extending import intrinsic, models, overload, register_model

from subgrid.kernels.native import LINE_BYTES, address, first_entry

__all__ = ["Line", "alike", "every", "line_size", "look", "put", "stream", "wait_for_streams", "whole_lines"]


class Line(types.Type):  # type: ignore[misc]
    """The type of as many numbers as a cache line holds."""

    def __init__(self, dtype: Any) -> None:
        self.dtype, self.count = dtype, LINE_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"line({dtype})")


@register_model(Line)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        from llvmlite import ir

        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), kind.count))


@intrinsic  # type: ignore[untyped-decorator]
def every(typing_context: Any, value: Any) -> Any:
    """The same number in all places."""
    kind = Line(value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        place = ir.IntType(32)
        empty = ir.Constant(context.get_value_type(kind), ir.Undefined)
        one = builder.insert_element(empty, arguments[0], ir.Constant(place, 0))
        return builder.shuffle_vector(one, empty, ir.Constant(ir.VectorType(place, kind.count), [0] * kind.count))

    return kind(value), generate


def _arithmetic(name: str) -> Any:
    @intrinsic  # type: ignore[untyped-decorator]
    def compute(typing_context: Any, a: Any, b: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return getattr(builder, name)(*arguments)

        return a(a, b), generate

    return compute


_plus, _minus, _times = _arithmetic("fadd"), _arithmetic("fsub"), _arithmetic("fmul")


@overload(operator.add)  # type: ignore[untyped-decorator]
def _add(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _plus(a, b)) if isinstance(a, Line) and a == b else None


@overload(operator.sub)  # type: ignore[untyped-decorator]
def _subtract(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _minus(a, b)) if isinstance(a, Line) and a == b else None


@overload(operator.mul)  # type: ignore[untyped-decorator]
def _multiply(a, b):  # type: ignore[no-untyped-def]
    return (lambda a, b: _times(a, b)) if isinstance(a, Line) and a == b else None


@intrinsic  # type: ignore[untyped-decorator]
def look(typing_context: Any, values: Any, start: Any) -> Any:
    """The entries from ``start`` on of an array of one dimension or at a pointer."""
    kind = Line(values.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = context.get_abi_sizeof(context.get_value_type(kind.dtype))
        return builder.load(_place(context, builder, signature.args[0], *arguments), align=size)

    return kind(values, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def put(typing_context: Any, values: Any, start: Any, line: Any) -> Any:
    """Write the entries from ``start`` on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        size = context.get_abi_sizeof(context.get_value_type(line.dtype))
        builder.store(arguments[2], _place(context, builder, signature.args[0], *arguments[:2]), align=size)
        return context.get_dummy_value()

    return types.void(values, types.intp, line), generate


@intrinsic  # type: ignore[untyped-decorator]
def stream(typing_context: Any, values: Any, start: Any, line: Any) -> Any:
    """`put` past the caches, a line of memory that is not read before it is replaced; it must begin at ``start``.

    Call `wait_for_streams` before another thread may look at it.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        place = _place(context, builder, signature.args[0], *arguments[:2])
        store = builder.store(arguments[2], place, align=LINE_BYTES)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return context.get_dummy_value()

    return types.void(values, types.intp, line), generate


@intrinsic  # type: ignore[untyped-decorator]
def wait_for_streams(typing_context: Any) -> Any:
    """Go on when all threads can see what this one has streamed."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic  # type: ignore[untyped-decorator]
def line_size(typing_context: Any, place: Any) -> Any:
    """Entries of a line, at a pointer."""
    count = LINE_BYTES * 8 // place.dtype.bitwidth

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.intp, count)

    return types.intp(place), generate


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def whole_lines(row: Any, start: int, end: int) -> tuple[int, int]:
    """Where the whole lines of memory among the entries ``start`` to ``end`` at a pointer begin and end."""
    count = line_size(row)
    first = min(end, start + (-address(row) - start) % count)
    return first, first + (end - first) // count * count


@njit(cache=True, nogil=True, forceinline=True, error_model="numpy")  # type: ignore[untyped-decorator]
def alike(a: Any, b: Any) -> bool:
    """Whether lines of memory begin at the same entries of both pointers."""
    return bool((address(a) - address(b)) % line_size(a) == 0)


def _place(context: Any, builder: Any, kind: Any, array: Any, start: Any) -> Any:
    data = first_entry(context, builder, kind, array)
    return builder.bitcast(builder.gep(data, [start]), context.get_value_type(Line(kind.dtype)).as_pointer())
