"""Four numbers in one vector register, for kernels whose data come in fours: mass and momentum of a node.

The compiler finds such registers in loops over long arrays, but not where each particle touches a few nodes of four
numbers. ``dtype`` of all that stands together is one; indices are those of a flat array.
"""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic, models, register_model

__all__ = ["add_to", "every", "four", "lane", "look", "plus", "put", "scaled", "times"]


class Lanes(types.Type):  # type: ignore[misc]
    """The type of four numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(name=f"lanes({dtype})")


@register_model(Lanes)
class _Model(models.PrimitiveModel):  # type: ignore[misc]
    def __init__(self, manager: Any, kind: Any) -> None:
        from llvmlite import ir

        super().__init__(manager, kind, ir.VectorType(manager.lookup(kind.dtype).get_value_type(), 4))


def _register(context: Any, kind: Any) -> Any:
    return context.get_value_type(kind)


def _insert(builder: Any, register: Any, values: Any) -> Any:
    from llvmlite import ir

    result = ir.Constant(register, ir.Undefined)
    for place, value in enumerate(values):
        result = builder.insert_element(result, value, ir.Constant(ir.IntType(32), place))
    return result


def _fused(builder: Any, weight: Any, values: Any, more: Any) -> Any:
    return builder.fadd(builder.fmul(weight, values, flags=("contract",)), more, flags=("contract",))


def _place(context: Any, builder: Any, array_type: Any, array: Any, at: Any) -> Any:
    """Pointer to four elements that start at ``at``, and their alignment."""
    data = context.make_array(array_type)(context, builder, array).data
    register = _register(context, Lanes(array_type.dtype))
    return builder.bitcast(builder.gep(data, [at]), register.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def four(typing_context: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four numbers side by side."""
    kind = Lanes(a)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _insert(builder, _register(context, kind), arguments)

    return kind(a, a, a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def every(typing_context: Any, a: Any) -> Any:
    """The same number four times."""
    kind = Lanes(a)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _insert(builder, _register(context, kind), [arguments[0]] * 4)

    return kind(a), generate


@intrinsic  # type: ignore[untyped-decorator]
def plus(typing_context: Any, a: Any, b: Any) -> Any:
    """``a + b``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments, flags=("contract",))

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def times(typing_context: Any, a: Any, b: Any) -> Any:
    """``a * b``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fmul(*arguments, flags=("contract",))

    return a(a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def scaled(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """``a * b + c``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _fused(builder, *arguments)

    return a(a, a, a), generate


@intrinsic  # type: ignore[untyped-decorator]
def lane(typing_context: Any, a: Any, place: Any) -> Any:
    """One of the four, ``place`` being 0 to 3."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_element(*arguments)

    return a.dtype(a, types.int32), generate


@intrinsic  # type: ignore[untyped-decorator]
def look(typing_context: Any, array: Any, at: Any) -> Any:
    """``array[at : at + 4]``."""
    kind = Lanes(array.dtype)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], *arguments)
        return builder.load(place, align=context.get_abi_sizeof(context.get_value_type(array.dtype)))

    return kind(array, types.uint64), generate


@intrinsic  # type: ignore[untyped-decorator]
def add_to(typing_context: Any, array: Any, at: Any, weight: Any, values: Any) -> Any:
    """``array[at : at + 4] += weight * values``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments[0], arguments[1])
        size = context.get_abi_sizeof(context.get_value_type(array.dtype))
        total = _fused(builder, arguments[2], arguments[3], builder.load(place, align=size))
        builder.store(total, place, align=size)
        return context.get_dummy_value()

    return types.void(array, types.uint64, values, values), generate


@intrinsic  # type: ignore[untyped-decorator]
def put(typing_context: Any, array: Any, at: Any, values: Any) -> Any:
    """``array[at : at + 4] = values``."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = _place(context, builder, signature.args[0], arguments[0], arguments[1])
        builder.store(arguments[2], place, align=context.get_abi_sizeof(context.get_value_type(array.dtype)))
        return context.get_dummy_value()

    return types.void(array, types.uint64, values), generate
