"""The table of fourth moments on the sphere against direct integration over it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid_active.bingham_sphere import BinghamTable, bingham_table, parameters_of, sphere_moments

NODES, WEIGHTS = np.polynomial.legendre.leggauss(160)
PHI = 2.0 * np.pi * np.arange(160) / 160
SINE = np.sqrt(1.0 - NODES**2)
POINTS = np.stack(
    [np.outer(SINE, np.cos(PHI)), np.outer(SINE, np.sin(PHI)), np.outer(NODES, np.ones_like(PHI))]
).reshape(3, -1)
AREA = np.repeat(WEIGHTS, PHI.size)


def integrated(b: Any) -> tuple[Any, Any]:
    """D and S of exp(B : p p), by Gauss's rule over z and the trapezoidal one around."""
    exponent = np.einsum("ij,ip,jp->p", b, POINTS, POINTS)
    psi = AREA * np.exp(exponent - exponent.max())
    psi /= psi.sum()
    return (
        np.einsum("p,ip,jp->ij", psi, POINTS, POINTS),
        np.einsum("p,ip,jp,kp,lp->ijkl", psi, POINTS, POINTS, POINTS, POINTS, optimize=True),
    )


def random_states(count: int, seed: int = 0) -> list[Any]:
    """B of random frames, traceless, largest eigenvalue difference from 0.1 to 100."""
    rng = np.random.default_rng(seed)
    states = []
    for _ in range(count):
        frame = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        states.append(frame @ np.diag(rng.random(3) * 10.0 ** rng.uniform(-1.0, 2.0)) @ frame.T)
    return states


@pytest.mark.parametrize("beta", [(0.0, -1e-3), (-0.5, -2.0), (-3.0, -3.5), (-0.01, -60.0), (-40.0, -45.0)])
def test_moments_are_those_of_direct_integration(beta: tuple[float, float]) -> None:
    d, s = integrated(np.diag([0.0, *beta]))
    second, fourth = sphere_moments(np.array([beta[0]]), np.array([beta[1]]))
    np.testing.assert_allclose(second[:, 0], [d[1, 1], d[2, 2]], atol=2e-14)
    expected = [s[0, 0, 0, 0], s[0, 0, 1, 1], s[1, 1, 1, 1], s[1, 1, 2, 2], s[2, 2, 2, 2]]
    np.testing.assert_allclose(fourth[:, 0], expected, atol=2e-14)


def test_parameters_are_the_inverse_of_the_moments() -> None:
    beta2, beta3 = np.array([-0.3, -2.0, -30.0]), np.array([-0.5, -80.0, -900.0])
    (mu2, mu3), _ = sphere_moments(beta2, beta3)
    found = parameters_of(mu2, mu3, (0.5 * beta2, 2.0 * beta3))
    np.testing.assert_allclose(found, [beta2, beta3], rtol=1e-9)


def test_table_is_the_integral() -> None:
    """S:T of random states, frames and tensors."""
    table, rng = bingham_table(), np.random.default_rng(1)
    for b in random_states(20):
        d, s = integrated(b)
        tensor = rng.standard_normal((3, 3))
        tensor = tensor + tensor.T
        expected = np.einsum("ijkl,kl->ij", s, tensor)
        assert np.abs(table.contract(d, tensor) - expected).max() < 1e-10


def test_table_holds_the_limits() -> None:
    """Isotropic, aligned, and planar rods have closed forms."""
    table = bingham_table()
    np.testing.assert_allclose(table.of_eigenvalues(1 / 3, 1 / 3, 1 / 3), [1 / 5, 1 / 15, 1 / 5], atol=1e-11)
    np.testing.assert_allclose(table.of_eigenvalues(1.0, 0.0, 0.0), [1.0, 0.0, 0.0], atol=1e-10)
    np.testing.assert_allclose(table.of_eigenvalues(0.5, 0.5, 0.0), [3 / 8, 1 / 8, 3 / 8], atol=1e-10)


def test_contraction_turns_with_its_arguments() -> None:
    rng, table = np.random.default_rng(2), bingham_table()
    d, _ = integrated(random_states(1, seed=5)[0])
    tensor, frame = rng.standard_normal((3, 3)), np.linalg.qr(rng.standard_normal((3, 3)))[0]
    tensor = tensor + tensor.T
    straight = table.contract(d, tensor)
    turned = table.contract(frame @ d @ frame.T, frame @ tensor @ frame.T)
    assert np.abs(turned - frame @ straight @ frame.T).max() < 1e-13


def test_error_falls_with_the_degree() -> None:
    rng = np.random.default_rng(3)
    beta3 = -(10.0 ** rng.uniform(-2.0, 3.0, 200))
    (mu2, mu3), fourth = sphere_moments(beta3 * rng.random(200), beta3)
    errors = [
        np.abs(np.array(BinghamTable(n).of_eigenvalues(1.0 - mu2 - mu3, mu2, mu3)) - fourth[:3]).max() for n in (10, 20)
    ]
    assert errors[1] < 4e-6
    assert errors[0] > 20.0 * errors[1]
