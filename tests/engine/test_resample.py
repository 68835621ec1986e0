"""Is Fourier interpolation exact for what both grids resolve, and sharp for what they do not?"""

from __future__ import annotations

import numpy as np
import pytest

from subgrid.backend import Backend
from subgrid.kernels.fourier import FourierBasis
from subgrid.kernels.resample import SpectralResampling
from subgrid.mesh import Grid

LENGTH = (2.0, 3.0)
EXACT = 1e-13  # round-off of two transforms of fields of order one


def wave(grid: Grid, m: int, n: int) -> np.ndarray:
    y, x = grid.meshgrid()
    return np.cos(2 * np.pi * (m * y / LENGTH[0] + n * x / LENGTH[1]) + 0.3)


@pytest.mark.parametrize("target", [(12, 10), (9, 15), (40, 50), (12, 50), (31, 33)])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_resolved_waves_are_exact(target, offset):
    source, goal = Grid((32, 30), LENGTH), Grid(target, LENGTH, offset=offset)
    np.testing.assert_allclose(SpectralResampling(source, goal)(wave(source, 3, -4)), wave(goal, 3, -4), atol=EXACT)


def test_unresolved_waves_are_dropped_and_not_aliased():
    source, goal = Grid((32, 30), LENGTH), Grid((12, 10), LENGTH)
    assert np.abs(SpectralResampling(source, goal)(wave(source, 1, 7))).max() < EXACT
    assert np.abs(SpectralResampling(source, goal)(wave(source, 6, 1))).max() < EXACT  # the target's own Nyquist


def test_down_after_up_is_the_identity_below_nyquist():
    coarse, fine = Grid((15, 9), LENGTH), Grid((24, 32), LENGTH)
    field = np.random.default_rng(0).normal(size=(2, 15, 9))
    there_and_back = SpectralResampling(fine, coarse)(SpectralResampling(coarse, fine)(field))
    np.testing.assert_allclose(there_and_back, field, atol=1e-12)


def test_equals_the_truncation_of_the_fourier_basis():
    fine, coarse = Grid((32, 30), LENGTH), Grid((12, 10), LENGTH)
    field = np.random.default_rng(1).normal(size=fine.shape)
    bases = [FourierBasis(grid, Backend()) for grid in (fine, coarse)]
    expected = bases[1].backward(bases[0].truncate(bases[0].forward(field), bases[1]))
    np.testing.assert_allclose(SpectralResampling(fine, coarse)(field), expected, atol=1e-12)


def test_another_extent_is_refused():
    with pytest.raises(ValueError, match="extents differ"):
        SpectralResampling(Grid((8,), (1.0,)), Grid((8,), (2.0,)))
