"""Conditions on walls, as scenarios state them: per field, axis and side."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Number = Annotated[float, Unit("")]


class Table(Options):
    """A value tabulated in time: linear between the times, constant before the first and after the last."""

    times: Annotated[tuple[Annotated[float, Unit("s")], ...], Field(min_length=2, description="increasing times")]
    values: Annotated[tuple[Number, ...], Field(min_length=2, description="the value at each of the times")]

    @model_validator(mode="after")
    def _increasing(self) -> Table:
        if len(self.times) != len(self.values):
            raise ValueError(f"{len(self.times)} times and {len(self.values)} values: give one value for each time")
        if any(b <= a for a, b in zip(self.times, self.times[1:], strict=False)):
            raise ValueError("times must increase")
        return self


class Dirichlet(Options):
    """u = value on the wall."""

    type: Literal["dirichlet"]
    value: Annotated[Number | Table, Field(description="u on the wall, in the unit of the field")] = 0.0


class Neumann(Options):
    """u_n = slope on the wall, n pointing out of the domain; 0 lets nothing diffuse through."""

    type: Literal["neumann"]
    slope: Annotated[Number | Table, Field(description="outward derivative, unit of the field per m")] = 0.0


class Robin(Options):
    """alpha u + beta u_n = value on the wall; signs as of a loss, so that the condition damps."""

    type: Literal["robin"]
    alpha: Annotated[float, Unit(""), Field(ge=0, description="factor of u")] = 1.0
    beta: Annotated[float, Unit("m"), Field(ge=0, description="factor of the outward derivative")] = 1.0
    value: Annotated[Number | Table, Field(description="right-hand side, in the unit of the field")] = 0.0

    @model_validator(mode="after")
    def _something(self) -> Robin:
        if self.alpha == 0.0 and self.beta == 0.0:
            raise ValueError("alpha and beta are both zero: that is no condition")
        return self


class Outflow(Options):
    """Zero gradient: whatever arrives leaves."""

    type: Literal["outflow"]


Condition = Annotated[Dirichlet | Neumann | Robin | Outflow, Field(discriminator="type")]
"""A condition on one wall."""

CLOSED = Neumann(type="neumann")


class AxisConditions(Options):
    """Conditions on the two walls of an axis."""

    low: Annotated[Condition, Field(description="at the lower end")] = CLOSED
    high: Annotated[Condition, Field(description="at the upper end")] = CLOSED


class FieldConditions(Options):
    """Conditions on the walls for one field, by axis. A walled axis that is not named is closed (zero slope)."""

    x: AxisConditions | None = None
    y: AxisConditions | None = None
    z: AxisConditions | None = None
