"""What compiled code lacks otherwise: calls of C functions by address, arrays at an address, and atomic counters."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

__all__ = ["add_atomic", "call", "load_atomic", "pointer"]


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
