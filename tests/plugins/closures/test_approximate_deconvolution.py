"""Approximate deconvolution: the transfer that it recovers, and its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid_closures.resolved_flow import filtered_flow

from .conftest import inputs_of, random_vorticity, square

MESH = square(32)


@pytest.mark.parametrize(("order", "recovered"), [(0, 0.193), (1, 0.349), (3, 0.576), (5, 0.724), (10, 0.905)])
def test_recovered_transfer_at_the_cut_off(order: int, recovered: float, make_closure: Callable[..., Any]) -> None:
    """G Q_N = 1 - (1 - G)^(N+1) with G = exp(-k^2 Delta^2/24), Delta = 2 h, at k = pi/h: arithmetic to three digits."""
    closure = make_closure("approximate_deconvolution", order=order)
    assert closure.recovered[0, -1] == pytest.approx(recovered, abs=1e-3)


def test_a_narrow_filter_asks_for_nothing(make_closure: Callable[..., Any]) -> None:
    """Pi is of order Delta^2: a filter a thousand times narrower leaves a millionth."""
    flow = inputs_of(random_vorticity(MESH), MESH)
    wide, narrow = (
        make_closure("approximate_deconvolution", filter_width_ratio=ratio).evaluate(flow, {}) for ratio in (1.0, 1e-3)
    )
    assert np.abs(narrow).max() < 3e-6 * np.abs(wide).max()


def test_many_terms_recover_the_subgrid_term(make_closure: Callable[..., Any]) -> None:
    """With every scale on the grid an invertible filter loses nothing: the series converges to the true term."""
    flow = filtered_flow(random_vorticity(MESH), MESH, MESH.shape, "gaussian", 1.0, dealias="two_thirds")
    errors = []
    for order in (1, 5, 30):
        closure = make_closure("approximate_deconvolution", order=order, filter_width_ratio=1.0, relaxation=0.0)
        error = flow.vorticity_tendency(closure) - flow.subgrid_term
        errors.append(np.abs(error).max() / np.abs(flow.subgrid_term).max())
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-8


def test_relaxation_damps_what_is_not_recovered(make_closure: Callable[..., Any]) -> None:
    flow = inputs_of(random_vorticity(MESH), MESH)
    off, on = (make_closure("approximate_deconvolution", relaxation=chi) for chi in (0.0, 2.0))
    difference = on.evaluate(flow, {}) - off.evaluate(flow, {})
    expected = np.fft.irfft2(-2.0 * (1.0 - on.recovered) * np.fft.rfft2(flow["vorticity"]))
    assert_allclose(difference, expected, rtol=0, atol=1e-11 * np.abs(expected).max())
