"""What stands in the figures of a comparison."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from subgrid.compare.evaluation import Trace, VariantResult
from subgrid.compare.options import MetricsOptions

matplotlib = pytest.importorskip("matplotlib")


def result(name: str, numbers: dict[str, float], spread: dict[str, float], trace: Any = None) -> VariantResult:
    return VariantResult(name, "", numbers, spread, None, None, 0, (trace,) if trace else (), (), (), None)


def test_curves_of_correlation_end_at_a_frame() -> None:
    from subgrid.compare.figures import draw_correlation

    times = 3.0 + 0.2 * np.arange(50)
    traces = [Trace(times, np.maximum(1.0 - 0.02 * speed * np.arange(50), 0.0)) for speed in (1.0, 1.3)]
    results = [result(name, {}, {}, trace) for name, trace in zip("ab", traces, strict=True)]
    comparison: Any = SimpleNamespace(name="x", results=results)
    figure = draw_correlation(comparison, MetricsOptions(field="c"))
    assert figure is not None
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    assert low == 0.0
    assert np.abs(times - times[0] - high).min() < 1e-12
    assert 6.9 < high < 7.3  # where the slower one falls below 0.3


def test_costs_are_markers_with_bars_only_where_seeds_differ() -> None:
    from subgrid.compare.figures import draw_cost

    numbers = {"wall_seconds": 2.0, "spectrum_error": 0.1}
    results = [
        result("alone", numbers, {}),
        result("several", {**numbers, "wall_seconds": 3.0}, {"wall_seconds": 0.5, "spectrum_error": 0.02}),
    ]
    comparison: Any = SimpleNamespace(name="x", results=results)
    figure = draw_cost(comparison, MetricsOptions())
    assert figure is not None
    (axes,) = figure.axes
    assert len(axes.containers) == 1
    handles, labels = axes.get_legend_handles_labels()
    assert labels == ["alone", "several"]
    assert {handle.get_linestyle() for handle in handles} == {"None"}
