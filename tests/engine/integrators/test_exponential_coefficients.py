"""Are exponential coefficients right to rounding where their formulas cancel?"""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from subgrid.integrators.etd import etdrk2_coefficients, etdrk4_coefficients

DT = 0.7


def reference(z, order):
    """The formulas in 50 digits."""
    with mpmath.workdps(50):
        z = mpmath.mpmathify(z)
        e, dt = mpmath.exp(z), mpmath.mpf(DT)
        if order == 2:
            values = (e, dt * (e - 1) / z, dt * (e - 1 - z) / z**2)
        else:
            values = (
                e,
                mpmath.exp(z / 2),
                dt * (mpmath.exp(z / 2) - 1) / z,
                dt * (-4 - z + e * (4 - 3 * z + z**2)) / z**3,
                dt * (2 + z + e * (z - 2)) / z**3,
                dt * (-4 - 3 * z - z**2 + e * (4 - z)) / z**3,
            )
        return [complex(value) for value in values]


def worst_error(z, build, order):
    computed = np.array(build(np, z, DT))
    exact = np.array([reference(value, order) for value in z.tolist()]).T
    # exp(-1000) is zero in double precision
    return (np.abs(computed - exact) / np.maximum(np.abs(exact), 1e-300)).max()


REAL = -np.logspace(-8, 3, 500)


@pytest.mark.parametrize(("build", "order"), [(etdrk2_coefficients, 2), (etdrk4_coefficients, 4)])
def test_real_symbols(build, order):
    assert worst_error(REAL, build, order) < 1e-12


@pytest.mark.parametrize("angle", [0.5, 0.6, 0.75, 0.9])
@pytest.mark.parametrize(("build", "order"), [(etdrk2_coefficients, 2), (etdrk4_coefficients, 4)])
def test_complex_symbols(build, order, angle):
    z = np.logspace(-8, 2, 200) * np.exp(1j * np.pi * angle)
    assert worst_error(z, build, order) < 1e-12


def test_a_point_of_the_unit_circle_at_the_origin_does_no_harm():
    """z = -exp(i theta_j): a circle of radius 1 around it would pass through 0, where the formulas are 0/0."""
    z = -np.exp(2j * np.pi * (np.arange(32) + 0.5) / 32)
    assert worst_error(z, etdrk4_coefficients, 4) < 1e-12


def test_without_a_linear_part_the_weights_are_those_of_rk4():
    e, e2, q, f1, f2, f3 = (values[0] for values in etdrk4_coefficients(np, np.zeros(1), DT))
    np.testing.assert_allclose([e, e2, q, f1, 2 * f2, f3], [1, 1, DT / 2, DT / 6, DT / 3, DT / 6], rtol=1e-14)
