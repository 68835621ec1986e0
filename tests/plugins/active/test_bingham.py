"""The Bingham distribution against quadrature, and the closure against the distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid_active.bingham import Bingham
from subgrid_active.bingham_distribution import concentration_parameter, fourth_moment_series, moment_ratios
from subgrid_active.config import ChebyshevConfig

# |a2|/c, kappa, |a4|/c: closed forms, computed apart with 30 digits
CHECKED = [
    (0.10, 0.201008, 0.00501677),
    (0.30, 0.629215, 0.04643144),
    (0.50, 1.159320, 0.13742533),
    (0.70, 2.013628, 0.30473745),
    (0.90, 5.304689, 0.66067757),
    (0.99, 50.253847, 0.96060003),
]

THETA = 2.0 * np.pi * np.arange(2048) / 2048


def density(kappa: Any, phi: Any, c: Any) -> Any:
    """psi on the angles, last axis; the trapezoidal rule over them is exact to rounding."""
    kappa, phi, c = (np.asarray(value)[..., None] for value in (kappa, phi, c))
    psi = np.exp(kappa * (np.cos(2.0 * (THETA - phi)) - 1.0))
    return c * psi / psi.sum(axis=-1, keepdims=True)


def moment(psi: Any, n: int) -> Any:
    return (psi * np.exp(1j * n * THETA)).sum(axis=-1)


@pytest.mark.parametrize("kappa", [0.1, 0.5, 1.0, 3.0, 10.0, 40.0, 100.0, 200.0])
def test_moments_are_those_of_quadrature(kappa: float) -> None:
    psi = density(kappa, 0.0, 1.0)
    by_quadrature = [moment(psi, 2 * j).real for j in (1, 2, 3)]
    np.testing.assert_allclose(moment_ratios(kappa, 3), by_quadrature, atol=1e-15, rtol=0)


@pytest.mark.parametrize(("order", "kappa", "fourth"), CHECKED)
def test_published_values(order: float, kappa: float, fourth: float) -> None:
    assert concentration_parameter(order) == pytest.approx(kappa, abs=5e-7)
    assert moment_ratios(concentration_parameter(order), 2)[1] == pytest.approx(fourth, abs=5e-9)


def test_kappa_is_the_inverse_of_the_order() -> None:
    order = np.concatenate([np.linspace(0.0, 0.999, 2001), 1.0 - np.logspace(-3, -6, 20)])
    np.testing.assert_allclose(moment_ratios(concentration_parameter(order), 1)[0], order, atol=1e-15, rtol=0)
    with pytest.raises(ValueError, match=r"\[0, 1\)"):
        concentration_parameter(1.0)


@pytest.mark.parametrize(("degree", "error"), [(24, 3e-7), (40, 1.2e-10), (60, 4e-13)])
def test_series_has_the_stated_error(degree: int, error: float) -> None:
    order = np.linspace(0.001, 0.999, 3000)
    exact = moment_ratios(concentration_parameter(order), 2)[1]
    fitted = np.polynomial.chebyshev.chebval(2.0 * order**2 - 1.0, fourth_moment_series(degree)) * order**2
    assert np.abs(fitted - exact).max() < error


def random_states(rng: Any, count: int = 400) -> tuple[Any, Any]:
    """Bingham densities of random order, direction and concentration, on the angles, with c."""
    c = rng.uniform(0.3, 2.0, count)
    kappa = 10.0 ** rng.uniform(-2.0, 2.0, count)
    return density(kappa, rng.uniform(0.0, np.pi, count), c), c


def evaluate(closure: Any, rod_run: Any, c: Any, a2: Any, solver: Any) -> Any:
    run = rod_run(solver, closure)
    pair = np.stack([a2.real, a2.imag]).reshape(2, 1, -1)
    re, im = closure.evaluate({"concentration": c.reshape(1, -1), "second_moment": pair}, {})
    del run
    return (re + 1j * im).ravel()


def test_closure_gives_the_fourth_moment_of_random_states(rod_run: Any, moment_solver: Any) -> None:
    psi, c = random_states(np.random.default_rng(2))
    a4 = evaluate(Bingham(ChebyshevConfig()), rod_run, c, moment(psi, 2), moment_solver)
    np.testing.assert_allclose(a4, moment(psi, 4), atol=1e-12, rtol=0)


def test_closure_turns_with_its_inputs(rod_run: Any, moment_solver: Any) -> None:
    rng = np.random.default_rng(3)
    psi, c = random_states(rng)
    a2, turn = moment(psi, 2), np.exp(2j * rng.uniform(0.0, 2.0 * np.pi, c.size))
    closure = Bingham(ChebyshevConfig())
    straight, turned = (evaluate(closure, rod_run, c, z, moment_solver) for z in (a2, turn * a2))
    assert np.abs(turned - turn**2 * straight).max() < 1e-13


def tensors(psi: Any) -> tuple[Any, Any]:
    """D_ij and S_ijkl by the trapezoidal rule."""
    p = np.stack([np.cos(THETA), np.sin(THETA)])
    return np.einsum("mt,it,jt->mij", psi, p, p), np.einsum("mt,it,jt,kt,lt->mijkl", psi, p, p, p, p)


def deviator(tensor: Any) -> Any:
    """X_11 + i X_12 of the traceless part."""
    return 0.5 * (tensor[:, 0, 0] - tensor[:, 1, 1]) + 1j * tensor[:, 0, 1]


def test_contractions_of_the_solver_are_those_of_the_tensors() -> None:
    """dev(S:E), dev(S:D) and dev(D.D) from a_2 and a_4, for random Bingham states and strain rates."""
    rng = np.random.default_rng(4)
    psi, c = random_states(rng)
    e = rng.standard_normal(c.size) + 1j * rng.standard_normal(c.size)
    strain = np.moveaxis(np.array([[e.real, e.imag], [e.imag, -e.real]]), -1, 0)
    d, s = tensors(psi)
    a2, a4 = moment(psi, 2), moment(psi, 4)
    s_e, s_d = np.einsum("mijkl,mkl->mij", s, strain), np.einsum("mijkl,mkl->mij", s, d)
    np.testing.assert_allclose(deviator(s_e), (c * e + np.conj(e) * a4) / 4.0, atol=1e-14)
    np.testing.assert_allclose(deviator(s_d), (3.0 * c * a2 + np.conj(a2) * a4) / 8.0, atol=1e-14)
    np.testing.assert_allclose(deviator(d @ d), c * a2 / 2.0, atol=1e-14)
