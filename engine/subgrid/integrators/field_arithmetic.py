"""Arithmetic on dictionaries of fields, one source for both array worlds.

With NumPy results go into ``out`` and nothing is allocated; with torch every result is a new tensor, so that a step
stays differentiable from end to end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from subgrid.api import Array, Backend, Fields, StateSpec
from subgrid.kernels.combine import COMBINE, Pointwise


class FieldArithmetic:
    """Combines the fields of a state on a backend.

    ``combine(factors, terms, out)`` sums factor times term for each field, with real factors. ``apply(expression,
    operands, out)`` evaluates an expression for each field. Both allocate when ``out`` is ``None``.
    """

    def __init__(self, backend: Backend, fields: StateSpec) -> None:
        self.backend = backend
        self.specs = fields.fields
        self.combine = self._combine_in_place if backend.in_place else self._combine
        self.apply = self._apply_in_place if backend.in_place else self._apply

    def buffer(self) -> Fields | None:
        """Storage like the fields, for one stage; ``None`` where results are new arrays anyway."""
        return self.empty() if self.backend.in_place else None

    def buffers(self, count: int) -> list[Fields | None]:
        return [self.buffer() for _ in range(count)]

    def empty(self) -> Fields:
        return {name: self.backend.zeros(spec.shape, spec.kind) for name, spec in self.specs.items()}

    def out(self, out: Fields | None) -> Fields | None:
        """Where results go: ``out``, or new storage; ``None`` where results are new arrays anyway."""
        return self.buffer() if out is None else out

    def _combine_in_place(self, factors: Sequence[float], terms: Sequence[Fields], out: Fields | None) -> Fields:
        if out is None:
            out = self.empty()
        kernel = COMBINE[len(factors) - 1]
        for name in self.specs:
            kernel(*[term[name] for term in terms], *factors, out[name])
        return out

    def _combine(self, factors: Sequence[float], terms: Sequence[Fields], out: Fields | None) -> Fields:
        results: Fields = {}
        for name in self.specs:
            total = factors[0] * terms[0][name]
            for factor, term in zip(factors[1:], terms[1:], strict=True):
                total = total + factor * term[name]
            results[name] = total
        return results

    def _apply_in_place(
        self, expression: Pointwise, operands: Sequence[Mapping[str, Array]], out: Fields | None
    ) -> Fields:
        if out is None:
            out = self.empty()
        for name in self.specs:
            expression.into([operand[name] for operand in operands], out[name])
        return out

    def _apply(self, expression: Pointwise, operands: Sequence[Mapping[str, Array]], out: Fields | None) -> Fields:
        return {name: expression.expression(*[operand[name] for operand in operands]) for name in self.specs}
