"""Does the table say what the results hold, on any width?"""

from __future__ import annotations

import io
import json
import math

import pytest
from rich.console import Console

from subgrid.compare.evaluation import VariantResult
from subgrid.compare.table import ComparisonTable


def result(
    name: str, outcome: str = "stable", spread: dict[str, float] | None = None, **numbers: float
) -> VariantResult:
    return VariantResult(name, outcome, numbers, spread or {}, None, None, 0, (), (), (), None)


@pytest.fixture
def table() -> ComparisonTable:
    first = result("none", spectrum_error=0.4, wall_seconds=2.0, correlation_time=3.0)
    second = result(
        "leith", spread={"spectrum_error": 0.01}, spectrum_error=0.1, wall_seconds=5.0, correlation_time=math.inf
    )
    broken = result("gradient", "blown up at t = 3.2", wall_seconds=1.0)
    return ComparisonTable((first, second, broken), "none", ("a note [with brackets]",))


def test_ratios_are_to_the_baseline(table):
    leith = table.data()["variants"]["leith"]["ratio"]
    assert leith["spectrum_error"] == 0.25
    assert leith["wall_seconds"] == 2.5
    assert leith["steps"] is None


def test_text_names_outcomes_spreads_and_what_never_happened(table):
    text = table.render()
    assert "blown up at t = 3.2" in text
    assert "0.100 ±0.010" in text
    assert "never" in text
    assert "a note [with brackets]" in text
    assert "wall" in text
    assert "[s]" in text


def test_a_narrow_terminal_cuts_no_number(table):
    target = io.StringIO()
    table.show(Console(file=target, width=40, highlight=False))
    assert "…" not in target.getvalue()
    assert "0.100 ±0.010" in target.getvalue()


def test_json_is_strict(table):
    content = json.loads(json.dumps(table.data(), allow_nan=False))
    assert content["variants"]["leith"]["values"]["correlation_time"] is None
    assert content["variants"]["leith"]["correlation_held"]
    assert not content["variants"]["none"]["correlation_held"]
