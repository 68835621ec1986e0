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
    "LINE_BYTES",
    "add_atomic",
    "address",
    "borrowed_row",
    "call",
    "entry",
    "first_entry",
    "fma",
    "load_atomic",
    "pointer",
    "prefetch",
    "prefetch_to_write",
    "view",
]


LINE_BYTES = 64
"""Bytes that caches hold, ask for and write together."""

FUSES = platform.machine() in ("aarch64", "arm64") or bool(llvm.get_host_cpu_features().get("fma", False))
"""Whether this processor multiplies and adds with one rounding."""


@intrinsic  # type: ignore[untyped-decorator]
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a b + c`` with one rounding where the processor has an instruction for it, else with two.

    All are numbers of one type or `subgrid.kernels.cache_lines`. Leaving it to the compiler where to fuse would let
    two loops over the same cells differ in the last bit.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if FUSES:
            return builder.call(_fma(builder.module, arguments[0].type), arguments)
        return builder.fadd(builder.fmul(*arguments[:2]), arguments[2])

    return a(a, a, a), generate


def _fma(module: Any, kind: Any) -> Any:
    """LLVM's function for numbers or vectors of them, which llvmlite cannot name."""
    from llvmlite import ir

    count = f"v{kind.count}" if isinstance(kind, ir.VectorType) else ""
    name = f"llvm.fma.{count}{getattr(kind, 'element', kind).intrinsic_name}"
    return module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, [kind] * 3), name)


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
def entry(typing_context: Any, values: Any, index: Any) -> Any:
    """Pointer to an entry, by flat index, of a contiguous array or from another pointer; nothing is checked.

    Pointers are indexed like arrays. Inner loops that go over many rows take them because a pointer is one word and
    not seven, and is not counted; the owner must outlive them.
    """
    result = types.CPointer(values.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.gep(first_entry(context, builder, signature.args[0], arguments[0]), [arguments[1]])

    return result(values, types.intp), generate


@intrinsic  # type: ignore[untyped-decorator]
def address(typing_context: Any, place: Any) -> Any:
    """Where a pointer points, in entries of its type from the beginning of memory."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        size = context.get_abi_sizeof(context.get_value_type(place.dtype))
        return builder.udiv(builder.ptrtoint(arguments[0], ir.IntType(64)), ir.Constant(ir.IntType(64), size))

    return types.int64(place), generate


def first_entry(context: Any, builder: Any, kind: Any, values: Any) -> Any:
    """LLVM pointer to the first entry of an array or to what a pointer points to."""
    return values if isinstance(kind, types.CPointer) else context.make_array(kind)(context, builder, values).data


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
        source = first_entry(context, builder, signature.args[0], arguments[0])
        address = builder.bitcast(builder.gep(source, [arguments[1]]), byte)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        # into all caches (3: asking for the second level only is slower on some processors), data (1)
        builder.call(function, [address, number(write), number(3), number(1)])
        return context.get_dummy_value()

    return generate
