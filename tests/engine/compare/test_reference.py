"""Stored statistics: read as documented, interpolated between published wavenumbers, refused when broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.compare.reference import SharpFilter, StoredReference, compared_modes
from subgrid.errors import RunFolderError, ScenarioError
from subgrid.mesh import Grid

MESH = Grid((32, 32), (2 * np.pi, 2 * np.pi))


def stored(folder: Path, **changes: Any) -> StoredReference:
    content = {
        "description": "a power law",
        "source": "closed form",
        "spectrum": {"wavenumber": [0, 1, 2, 5, 10], "values": [9.0, *np.array([1.0, 2.0, 5.0, 10.0]) ** -3.0]},
        "std": 2.0,
        "quantiles": {"0.001": -7.0, "0.999": 6.0},
    }
    path = folder / "statistics.json"
    path.write_text(json.dumps({**content, **changes}))
    return StoredReference(path)


def test_power_laws_survive_the_gaps(tmp_path):
    statistics = stored(tmp_path).statistics(None, MESH)
    k = np.arange(1.0, 11.0)
    np.testing.assert_allclose(statistics.spectrum.values, [9.0, *k**-3.0], rtol=1e-12)
    assert statistics.quantiles == {0.001: -7.0, 0.999: 6.0}
    assert np.isnan(statistics.kurtosis)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"spectrum": {"wavenumber": [0, 1], "values": [1.0]}}, "differ in length"),
        ({"spectrum": {"wavenumber": [1, 0], "values": [1.0, 1.0]}}, "must increase"),
        ({"spectrum": {"wavenumber": [0, 1], "values": [1.0, -1.0]}}, "be positive"),
        ({"spectrum": {"values": [1.0]}}, "cannot be read"),
        ({"quantiles": {"low": 1.0}}, "cannot be read"),
    ],
)
def test_broken_statistics_are_refused(tmp_path, changes, complaint):
    with pytest.raises(RunFolderError if complaint == "cannot be read" else ScenarioError, match=complaint):
        stored(tmp_path, **changes)


def test_published_statistics_can_be_read():
    folder = Path(__file__).parents[3] / "scenarios" / "reference"
    found = sorted(folder.glob("forced_*.json"))
    assert len(found) == 3
    for path in found:
        reference = StoredReference(path)
        assert reference.statistics(None, MESH).spectrum.total > 0
        assert reference.source


@pytest.mark.parametrize(("points", "count"), [(32, 10), (48, 16), (64, 21), (96, 32)])
def test_compared_wavenumbers_lie_below_a_third(points, count):
    """n = 0 ... count - 1 with count = floor(N / 3), as in the published tables for N = 32 and 64."""
    assert compared_modes(points, 1.0 / 3.0) == count


def test_sharp_filter_keeps_what_the_two_thirds_rule_keeps():
    fine, coarse = Grid((64, 64), MESH.length), Grid((48, 48), MESH.length)
    sharp = SharpFilter(fine, coarse, 1.0 / 3.0)
    (_, x), (_, xc) = fine.meshgrid(), coarse.meshgrid()
    np.testing.assert_allclose(sharp(np.cos(15 * x)), np.cos(15 * xc), atol=1e-12)
    assert np.abs(sharp(np.cos(16 * x))).max() < 1e-12
