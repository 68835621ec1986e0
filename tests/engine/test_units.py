"""Units in scenarios: conversion, dimensions that do not fit, and text that is no number."""

import math
import re
from typing import Annotated

import pytest
from pydantic import ValidationError

from subgrid.options import Options, Unit
from subgrid.units import parse, to_number


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("3", "m", 3.0),
        ("2 pi", "m", 2 * math.pi),
        ("2*pi", "", 2 * math.pi),
        ("-pi/2", "rad", -math.pi / 2),
        ("1/3", "s", 1 / 3),
        ("2 h", "s", 7200.0),
        ("1000 km", "m", 1e6),
        ("36 km/h", "m/s", 10.0),
        ("1e-5 /s", "1/s", 1e-5),
        ("10 cm2/s", "m2/s", 1e-3),
        ("1 N/m2", "Pa", 1.0),
        ("45 degree", "rad", math.pi / 4),
        ("45 deg", "rad", math.pi / 4),
        ("1 m^-1 s-1", "1/m/s", 1.0),
        ("5 m", "km", 5e-3),
        ("5", "km", 5.0),
    ],
)
def test_conversion(text: str, unit: str, value: float) -> None:
    assert to_number(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "reason"),
    [
        ("1 s", "m", "unit 's' does not fit; expected m"),
        ("1 m", "", "expected a dimensionless number"),
        ("1 degree", "m", "unit 'degree' does not fit"),
        ("1 parsec", "m", "unknown unit 'parsec'"),
        ("1 m/0", "m", "out of range"),
        ("1 Gm99", "m", "out of range"),
        ("1e999", "m", "too large"),
        ("nan", "m", "unknown unit 'nan'"),
        ("inf", "m", "unknown unit 'inf'"),
        ("", "m", "as a number"),
        ("1 m /", "m", "cannot read unit"),
        ("1 m -2", "m", "cannot read unit"),
        ("1_000", "m", "as a number"),
        ("٣", "m", "as a number"),
        ("5 %", "", "cannot read unit"),
        ("1" * 300, "m", "as a number"),
    ],
)
def test_text_that_does_not_fit_says_why(text: str, unit: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as caught:
        to_number(text, unit)
    assert len(str(caught.value)) < 200


def test_derived_units_reduce_to_base_units() -> None:
    assert parse("W") == parse("kg m2 s-3")
    assert parse("J/kg").exponents == parse("m2/s2").exponents


def test_unit_of_an_option_converts_and_goes_into_the_schema() -> None:
    class Lengths(Options):
        lengths: tuple[Annotated[float, Unit("m")], ...]

    assert Lengths(lengths=("1 km", 2)).lengths == (1000.0, 2.0)
    assert Lengths.model_json_schema()["properties"]["lengths"]["items"]["unit"] == "m"
    for wrong in (True, float("nan"), "1 s", "1e999"):
        with pytest.raises(ValidationError):
            Lengths(lengths=(wrong,))
