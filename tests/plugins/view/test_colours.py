"""Limits and colour maps."""

import numpy as np
import pytest

from subgrid.api import ScenarioError
from subgrid_view.colours import Limits, colour_table, scale_of, value_range


class Stored:
    """Frames in memory."""

    def __init__(self, *frames: list[float]) -> None:
        self.frames = [np.array(frame) for frame in frames]

    def scalar(self, field: object, frame: int) -> np.ndarray:
        return self.frames[frame]


class Plain:
    is_magnitude = False


def scale(*frames: list[float], limits: str = ":", cmap: str | None = None):
    stored = Stored(*frames)
    return scale_of([(stored, Plain(), range(len(frames)))], Limits.parse(limits), cmap)


def test_a_signed_field_is_shown_about_zero_in_diverging_colours() -> None:
    found = scale([-1.0, 2.0], [-3.0, 0.0])
    assert (found.low, found.high, found.cmap) == (-3.0, 3.0, "RdBu_r")


def test_round_off_below_zero_makes_no_field_signed() -> None:
    found = scale([-1e-9, 2.0])
    assert (found.low, found.high, found.cmap) == (-1e-9, 2.0, "viridis")


def test_the_limits_are_those_of_all_frames_and_of_what_is_finite() -> None:
    assert value_range([np.array([1.0, np.nan]), np.array([np.inf, 4.0]), np.array([2.0])]) == (1.0, 4.0)
    assert value_range([np.array([np.nan])]) == (0.0, 1.0)


def test_a_share_leaves_out_the_tails() -> None:
    values = np.arange(1001.0)
    assert value_range([values], 0.9) == pytest.approx((50.0, 950.0))


def test_a_constant_field_has_limits_apart() -> None:
    found = scale([2.0, 2.0])
    assert found.low < 2.0 < found.high


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-2:2", (-2.0, 2.0, 1.0)), ("0:", (0.0, None, 1.0)), (":3", (None, 3.0, 1.0)), ("99%", (None, None, 0.99))],
)
def test_limits_are_read(text: str, expected: tuple[float, ...]) -> None:
    found = Limits.parse(text)
    assert (found.low, found.high, found.share) == expected


@pytest.mark.parametrize("text", ["2:1", "1", "a:b", "nan:1", "0%", "101%", "1:2:3", "1:1"])
def test_wrong_limits_are_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="LOW:HIGH"):
        Limits.parse(text)


def test_given_limits_win_and_choose_the_kind_of_map() -> None:
    assert scale([0.0, 5.0], limits="-1:1").cmap == "RdBu_r"
    assert scale([-5.0, 5.0], limits="0:1").cmap == "viridis"
    half = scale([0.0, 5.0], limits="2:", cmap="magma")
    assert (half.low, half.high, half.cmap) == (2.0, 5.0, "magma")


def test_an_unknown_map_names_near_ones() -> None:
    with pytest.raises(ScenarioError, match="viridis"):
        colour_table("viridsi")
    assert colour_table("gray")[-1].tolist() == [255, 255, 255]
