"""Options of components: frozen pydantic models that refuse unknown keys, non-finite numbers and wrong units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from subgrid import units


class Options(BaseModel):
    """Base of every component's options. Fields carry unit, range and meaning; the defaults work."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


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
        if isinstance(value, bool):
            raise ValueError("expected a number, not true or false")
        if isinstance(value, str):
            return units.to_number(value, self.unit)
        return value

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        number = handler(schema)
        return {"anyOf": [number, {"type": "string"}], "unit": self.unit}
