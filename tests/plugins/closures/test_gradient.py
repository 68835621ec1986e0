"""The gradient closure, its identity with Zanna-Bolton, and its place in the expansion of a Gaussian filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from subgrid.api import Backend
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.resolved_flow import filtered_flow

from .conftest import inputs_of, random_vorticity, square

MESH = square(48)
BASIS = FourierBasis(MESH, Backend(threads=1))


def smooth_vorticity(highest: int = 6) -> Any:
    """A flow whose quadratic products the grid resolves."""
    spectrum = BASIS.forward(random_vorticity(MESH)) * (BASIS.k_sq <= highest**2)
    return BASIS.backward(spectrum)


FLOW = inputs_of(smooth_vorticity(), MESH)
CLARK = np.einsum("ikyx,jkyx->ijyx", FLOW["velocity_gradient"], FLOW["velocity_gradient"])
WIDTH = 2 * np.pi / 48


def curl_div(stress: Any) -> Any:
    """Curl of the divergence of a symmetric tensor field (2, 2, ny, nx)."""
    ky, kx = BASIS.k_derivative
    t = BASIS.forward(stress)
    return BASIS.backward((ky**2 - kx**2) * t[0, 1] - kx * ky * (t[1, 1] - t[0, 0]))


def test_zanna_bolton_tensor_is_twice_clark() -> None:
    (u_x, u_y), (v_x, v_y) = FLOW["velocity_gradient"]
    zeta, shear, stretch = v_x - u_y, v_x + u_y, u_x - v_y
    trace = 0.5 * (zeta**2 + shear**2 + stretch**2)
    tensor = np.array([[trace - zeta * shear, zeta * stretch], [zeta * stretch, trace + zeta * shear]])
    assert_allclose(tensor, 2.0 * CLARK, rtol=0, atol=1e-14 * np.abs(CLARK).max())


def test_vorticity_form_is_the_curl_of_the_stress(make_closure: Callable[..., Any]) -> None:
    expected = -(WIDTH**2) / 12.0 * curl_div(CLARK)
    answer = make_closure("gradient", MESH).evaluate(FLOW, {})
    assert_allclose(answer, expected, rtol=0, atol=1e-8 * np.abs(expected).max())


def test_zanna_bolton_is_the_gradient_closure(make_closure: Callable[..., Any]) -> None:
    """kappa = -Delta^2/24, given or by default."""
    expected = make_closure("gradient", MESH, filter_width_ratio=2.0).evaluate(FLOW, {})
    for options in ({"filter_width_ratio": 2.0}, {"kappa": -((2 * WIDTH) ** 2) / 24.0}):
        answer = make_closure("zanna_bolton", MESH, **options).evaluate(FLOW, {})
        assert_allclose(answer, expected, rtol=0, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize(("order", "slope"), [(2, 4), (4, 6)])
def test_error_of_the_expansion(order: int, slope: int, make_closure: Callable[..., Any]) -> None:
    """Against the true term of a Gaussian filter: what is left falls as the next power of Delta."""
    vorticity = smooth_vorticity(highest=4)
    errors = []
    for ratio in (0.5, 1.0):
        flow = filtered_flow(vorticity, MESH, MESH.shape, "gaussian", ratio, dealias="two_thirds")
        answer = make_closure("gradient", MESH, filter_width_ratio=ratio, order=order).evaluate(flow.inputs, {})
        errors.append(np.abs(answer - flow.subgrid_term).max())
    # the next term shifts the observed slope by O(k^2 Delta^2) = 7 %
    assert np.log2(errors[1] / errors[0]) == pytest.approx(slope, rel=0.07)


def test_net_energy_transfer_vanishes(make_closure: Callable[..., Any]) -> None:
    """<psi Pi> of the second-order term is zero in two dimensions: tr(A A^T S) = 0 for a trace-free gradient A."""
    answer = make_closure("gradient", MESH).evaluate(FLOW, {})
    size = np.sqrt(np.mean(FLOW["streamfunction"] ** 2) * np.mean(answer**2))
    assert abs(np.mean(FLOW["streamfunction"] * answer)) < 1e-12 * size
