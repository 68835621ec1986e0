"""The axis of a sweep's figure can be read, however near its values lie."""

import itertools
from pathlib import Path

import pytest

from subgrid.sweep.options import SweepOptions
from subgrid.sweep.table import Row, SweepTable

pytest.importorskip("matplotlib")


def ticks(values: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, str]]:
    """Left edge, right edge (pixels) and text of the labels below the axis of a drawn figure, from left to right."""
    from matplotlib.figure import Figure

    from subgrid.sweep.figure import draw

    found = []

    def measured(figure: Figure, *_: object, **__: object) -> None:
        figure.canvas.draw()
        axis = figure.axes[0].xaxis
        low, high = axis.get_view_interval()
        for minor in (False, True):
            for tick in axis.get_minor_ticks() if minor else axis.get_major_ticks():
                if tick.label1.get_text() and low <= tick.get_loc() <= high:
                    box = tick.label1.get_window_extent()
                    found.append((box.x0, box.x1, tick.label1.get_text()))

    monkeypatch.setattr(Figure, "savefig", measured)
    rows = tuple(
        Row(str(i), "", {"nu": value}, "finished", "", 1, 1.0, {"y": 1.0 + i}, ()) for i, value in enumerate(values)
    )
    options = SweepOptions.model_validate(
        {"base": "nu.toml", "grid": {"nu": values}, "figure": {"x": "nu", "log": ["x"]}}
    )
    draw(SweepTable(("nu",), ("y",), rows), options, tmp_path / "figure.png")
    return sorted(found)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.003, 0.0035, 0.004], ["0.003", "0.0035", "0.004"]),
        ([0.0005, 0.001, 0.002, 0.004], ["0.0005", "0.001", "0.002", "0.004"]),
        ([0.001 * 1.07**i for i in range(20)], ["0.001", "0.002"]),
        ([10.0 ** (-i / 4) for i in range(20)], None),
        ([0.001, 0.00101, 0.1], None),
        ([0.003], None),
    ],
)
def test_labels_of_a_logarithmic_axis_stand_apart(
    values: list[float], texts: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ticks(values, tmp_path, monkeypatch)
    assert len(found) > 0
    assert all(right < left for (_, right, _), (left, _, _) in itertools.pairwise(found))
    if texts is not None:
        assert [text for _, _, text in found] == texts
