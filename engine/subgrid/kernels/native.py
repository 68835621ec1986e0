"""What compiled code lacks otherwise: calls of C functions by address, arrays at an address, views without a count of
references, requests for memory ahead of time, fused multiply-adds, and atomic counters."""

from __future__ import annotations

import platform
from typing import Any

import llvmlite.binding as llvm
from numba import types
from numba.extending import intrinsic

__all__ = [
    "FUSES",
    "add_atomic",
    "borrowed_row",
    "call",
    "fma",
    "load_atomic",
    "pointer",
    "prefetch",
    "prefetch_to_write",
    "view",
]


FUSES = platform.machine() in ("aarch64", "arm64") or bool(llvm.get_host_cpu_features().get("fma", False))
"""Whether this processor multiplies and adds with one rounding."""


@intrinsic  # type: ignore[untyped-decorator]
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c`` of one type, with one rounding where the processor has an instruction for it, else with two.

    Leaving it to the compiler where to fuse would let two loops over the same cells differ in the last bit.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if FUSES:
            return builder.fma(*arguments)
        return builder.fadd(builder.fmul(*arguments[:2]), arguments[2])

    return a(a, a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def call(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call ``void function(void *argument)``, both given as integers."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        byte = ir.IntType(8).as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [byte]).as_pointer()
        builder.call(builder.inttoptr(arguments[0], kind), [builder.inttoptr(arguments[1], byte)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def pointer(typing_context: Any, address: Any) -> Any:
    """The pointer that `numba.carray` makes an array of, from an integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def load_atomic(typing_context: Any, counters: Any, index: Any) -> Any:
    """Element of an int64 array, read from memory each time: a plain read would be moved out of a loop."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        return builder.load_atomic(builder.gep(array.data, [arguments[1]]), "acquire", 8)

    return types.int64(counters, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_atomic(typing_context: Any, counters: Any, index: Any) -> Any:
    """Add one to an element of an int64 array, and return what it was."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        one = context.get_constant(types.int64, 1)
        return builder.atomic_rmw("add", builder.gep(array.data, [arguments[1]]), one, "acq_rel")

    return types.int64(counters, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def borrowed_row(typing_context: Any, values: Any, k: Any, j: Any) -> Any:
    """``values[k, j]`` of a three-dimensional array whose last axis is contiguous, without a count of references.

    A view counts itself in and out of its owner. Threads that take views of one array contend for that counter, which
    costs more than a short row. The owner must outlive the row.
    """
    row = types.Array(values.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from numba.core import cgutils
        from numba.np.arrayobj import populate_array

        source = context.make_array(signature.args[0])(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, source.strides)
        offset = builder.add(builder.mul(arguments[1], strides[0]), builder.mul(arguments[2], strides[1]))
        length = cgutils.unpack_tuple(builder, source.shape)[2:]
        result = context.make_array(row)(context, builder)
        populate_array(
            result,
            data=cgutils.pointer_add(builder, source.data, offset),
            shape=length,
            strides=strides[2:],
            itemsize=source.itemsize,
            meminfo=None,
        )
        return result._getvalue()

    return row(values, types.intp, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def view(typing_context: Any, values: Any, start: Any, count: Any) -> Any:
    """``count`` entries from the flat index ``start`` of a contiguous array, without a count of references.

    As with `borrowed_row`, the owner must outlive the view. The range is not checked, so that a view may begin before
    its owner where nobody reads there.
    """
    entries = types.Array(values.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from numba.np.arrayobj import populate_array

        source = context.make_array(signature.args[0])(context, builder, arguments[0])
        result = context.make_array(entries)(context, builder)
        populate_array(
            result,
            data=builder.gep(source.data, [arguments[1]]),
            shape=[arguments[2]],
            strides=[source.itemsize],
            itemsize=source.itemsize,
            meminfo=None,
        )
        return result._getvalue()

    return entries(values, types.intp, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(typing_context: Any, values: Any, index: Any) -> Any:
    """Ask for the cache line of an entry that will be read. Neither fails nor reads beyond the ends of the array."""
    return types.void(values, types.intp), _prefetch(0)


@intrinsic  # type: ignore[untyped-decorator]
def prefetch_to_write(typing_context: Any, values: Any, index: Any) -> Any:
    """Ask for the cache line of an entry that will be written."""
    return types.void(values, types.intp), _prefetch(1)


def _prefetch(write: int) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        source = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.bitcast(builder.gep(source.data, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # into all caches (3: asking for the second level only is slower on some processors), data (1)
        builder.call(function, [address, number(write), number(3), number(1)])
        return context.get_dummy_value()

    return generate
