"""Closures against the true subgrid term of a filtered decaying flow, the filters, and the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from subgrid.api import Backend
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.a_priori import agreement, main, standard_closures, table
from subgrid_closures.filters import FILTERS, box_transfer, gaussian_transfer, transfer
from subgrid_closures.resolved_flow import advection, filtered_flow

from .conftest import random_vorticity, square

FINE = square(128)
CELLS = (32, 32)


@pytest.fixture(scope="module")
def turbulence() -> NDArray[np.float64]:
    """Decaying turbulence after some turnover times: filaments and a direct enstrophy cascade.

    Runge-Kutta steps of the vorticity equation with viscosity 2e-3, from random vorticity at |k| < 6.
    """
    basis = FourierBasis(FINE, Backend(threads=1))
    start = basis.forward(random_vorticity(FINE)) * (basis.k_sq < 36.0)
    w = start * (4.0 / np.sqrt(basis.mean_product(start, start)))
    dt, viscosity = 0.01, 2e-3
    half, whole = np.exp(-0.5 * dt * viscosity * basis.k_sq), np.exp(-dt * viscosity * basis.k_sq)

    def slope(spectrum: Any) -> Any:
        return -(basis.mask * advection(basis, spectrum))

    for _ in range(300):
        k1 = slope(w)
        k2 = slope(half * (w + 0.5 * dt * k1))
        k3 = slope(half * w + 0.5 * dt * k2)
        k4 = slope(whole * w + dt * half * k3)
        w = whole * (w + dt / 6.0 * k1) + dt / 3.0 * half * (k2 + k3) + dt / 6.0 * k4
    field: NDArray[np.float64] = basis.backward(w)
    return field


def correlations(flow: Any, width: float) -> dict[str, float]:
    return {
        name: agreement(flow, flow.vorticity_tendency(closure)).correlation
        for name, closure in standard_closures(width).items()
    }


def test_smooth_filter_favours_structural_closures(turbulence: NDArray[np.float64]) -> None:
    """Gaussian filter: the gradient closure is near 0.9 (Jakhar et al. 2024), eddy viscosities at a third of that."""
    flow = filtered_flow(turbulence, FINE, CELLS, "gaussian", 2.0)
    print(table(flow, standard_closures(2.0)))
    found = correlations(flow, 2.0)
    assert found["gradient"] > 0.85
    assert found["gradient (order 4)"] > found["gradient"]
    assert found["approximate_deconvolution"] > 0.75
    assert all(0.1 < found[name] < 0.6 for name in ("smagorinsky", "leith", "dynamic_leith", "backscatter"))


@pytest.mark.parametrize("name", FILTERS)
def test_every_closure_points_the_right_way(name: Any, turbulence: NDArray[np.float64]) -> None:
    """The true term drains enstrophy; every closure correlates positively with it and drains enstrophy too."""
    width = 1.0 if name == "sharp" else 2.0
    flow = filtered_flow(turbulence, FINE, CELLS, name, width, dealias="two_thirds")
    print(table(flow, standard_closures(width)))
    assert agreement(flow, flow.subgrid_term).enstrophy_rate < 0
    for closure in standard_closures(width).values():
        row = agreement(flow, flow.vorticity_tendency(closure))
        assert row.correlation > 0.02
        assert row.slope > 0
        assert row.enstrophy_rate < 0


def test_true_term_of_two_waves() -> None:
    """w = cos p.x + cos q.x has J = A/2 [cos (p - q).x - cos (p + q).x] with A = (p x q) (1/q^2 - 1/p^2).

    A filter with transfer G changes a wave k of it by G(p) G(q) - G(k). Here p = (3, 0), q = (2, 2).
    """
    y, x = FINE.meshgrid()
    flow = filtered_flow(np.cos(3 * x) + np.cos(2 * x + 2 * y), FINE, CELLS, "gaussian", 2.0)
    s, amplitude = (4 * np.pi / 32) ** 2 / 24.0, 6.0 * (1.0 / 8.0 - 1.0 / 9.0)
    waves = [(x - 2 * y, 5.0, 0.5), (5 * x + 2 * y, 29.0, -0.5)]
    expected = sum(a * amplitude * (np.exp(-17.0 * s) - np.exp(-k_sq * s)) * np.cos(phase) for phase, k_sq, a in waves)
    assert_allclose(flow.subgrid_term, expected[::4, ::4], rtol=0, atol=1e-13)
    assert_allclose(flow.inputs["vorticity"].max(), np.exp(-9 * s) + np.exp(-8 * s), rtol=1e-14)


def test_removed_waves_are_missing_from_the_inputs() -> None:
    y, x = FINE.meshgrid()
    flow = filtered_flow(np.cos(3 * x) + np.cos(14 * y), FINE, (24, 24), "sharp", 1.0)
    assert_allclose(flow.inputs["vorticity"], np.cos(3 * flow.setup.mesh.meshgrid()[1]), rtol=0, atol=1e-13)


def test_filters_have_the_stated_transfer() -> None:
    """Second moments of Gaussian and box agree, so they differ at fourth order only; the sharp one cuts at pi/Delta."""
    basis = FourierBasis(FINE, Backend(threads=1))
    k = np.arange(65.0)
    assert_allclose(gaussian_transfer(basis, 0.1)[0], np.exp(-((0.1 * k) ** 2) / 24.0), rtol=1e-14)
    with np.errstate(invalid="ignore"):
        expected = np.where(k > 0, np.sin(0.05 * k) / (0.05 * k), 1.0)
    assert_allclose(box_transfer(basis, 0.1)[0], expected, rtol=0, atol=1e-15)
    assert transfer("sharp", basis, np.pi / 20.5)[0].sum() == 21


def test_a_finer_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="finer than the flow's grid"):
        filtered_flow(random_vorticity(square(16)), square(16), (32, 32), "box", 2.0)


def test_command_prints_every_closure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flow.npy"
    np.save(path, random_vorticity(square(48)))
    main([str(path), "--cells", "16", "--filter", "box", "--dealias", "two_thirds"])
    printed = capsys.readouterr().out
    assert "box filter of 2 cells, 48 x 48 to 16^2" in printed
    assert all(name in printed for name in standard_closures(2.0))


@pytest.mark.parametrize("field", [np.zeros(8), None], ids=["one-dimensional", "missing"])
def test_command_refuses_what_is_no_field(field: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "flow.npy"
    if field is not None:
        np.save(path, field)
    with pytest.raises(SystemExit) as stop:
        main([str(path)])
    assert stop.value.code == 2
    assert "flow.npy" in capsys.readouterr().err
