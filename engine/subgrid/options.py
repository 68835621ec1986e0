"""Options of components: frozen pydantic models that refuse unknown keys, non-finite numbers and wrong units."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo, field_validator
from pydantic_core import CoreSchema, core_schema

from subgrid import units


class Options(BaseModel):
    """Base of every component's options. Fields carry unit, range and meaning; the defaults work."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        # pydantic would read true as 1, and 1 or "yes" as true
        field = cls.model_fields[str(info.field_name)]
        takes_truth = field.annotation is Any or _mentions(field.annotation, bool)
        if not takes_truth and _holds_truth(value):
            raise ValueError("true and false are not allowed here")
        if field.annotation is bool and not isinstance(value, bool):
            raise ValueError("expected true or false")
        return value


def _mentions(annotation: Any, wanted: type) -> bool:
    return annotation is wanted or any(_mentions(item, wanted) for item in typing.get_args(annotation))


def _holds_truth(value: Any) -> bool:
    """Whether a value, or an entry of a list, is true or false. Nested tables are models and look for themselves."""
    if isinstance(value, list | tuple):
        return any(_holds_truth(item) for item in value)
    return isinstance(value, bool)


@dataclass(frozen=True)
class Unit:
    """Declares the unit of a number: ``viscosity: Annotated[float, Unit("m2/s"), Field(ge=0)]``.

    A scenario gives a plain number in this unit, or a string with a unit of the same dimension: "2 h", "1000 km",
    "2 pi".
    """

    unit: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._convert, handler(source))

    def _convert(self, value: Any) -> Any:
        if isinstance(value, str):
            return units.to_number(value, self.unit)
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number = handler(schema)
        return {"anyOf": [number, {"type": "string"}], "unit": self.unit}
