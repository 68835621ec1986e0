"""Words and numbers."""

import math

import pytest

from subgrid_view.text import nice_ticks, number, plain, tick_labels, units_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (200.0, "200"),
        (12345.678, "12350"),
        (-2.5, "−2.5"),
        (3e-7, "3e−7"),
        (2e9, "2e9"),
        (math.nan, "nan"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_ticks_are_round_and_lie_between() -> None:
    assert nice_ticks(0.0, 1.0, 5) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert tick_labels(nice_ticks(-0.31, 0.29, 4)) == ["−0.2", "0", "0.2"]
    assert nice_ticks(1e300, -1e300) == [1e300]
    assert len(nice_ticks(1.0, 1.0 + 1e-15, 5)) <= 50


def test_labels_tell_ticks_apart() -> None:
    labels = tick_labels(nice_ticks(1000.0, 1000.004, 4))
    assert len(set(labels)) == len(labels)


def test_names_become_one_printable_line() -> None:
    assert plain("a\n\x1b[31mb\u202e  c") == "a [31mb c"
    assert len(plain("x" * 10**7, 50)) == 50


def test_units_get_their_exponents() -> None:
    assert units_text("m2/s") == "m²/s"
    assert units_text("1/(m2 s)") == "1/(m² s)"
