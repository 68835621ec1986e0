"""Do the fused kernels compute what plain NumPy computes?"""

from __future__ import annotations

from timeit import repeat

import numpy as np
import pytest

from subgrid.kernels.combine import COMBINE, Pointwise
from subgrid.kernels.error_norm import scaled_square_sum, square_sum

TOLERANCE = {np.float32: 1e-5, np.complex64: 1e-5, np.float64: 1e-14, np.complex128: 1e-14}


def samples(count, dtype, shape=(3, 5, 7)):
    rng = np.random.default_rng(7)
    values = rng.standard_normal((count, *shape))
    if np.issubdtype(dtype, np.complexfloating):
        values = values + 1j * rng.standard_normal((count, *shape))
    return list(values.astype(dtype))


@pytest.mark.parametrize(
    ("count", "dtype"),
    [*[(count, np.float64) for count in range(1, 9)], (5, np.complex128), (2, np.float32), (3, np.complex64)],
)
def test_combination_of_arrays_of_odd_shape(count, dtype):
    arrays, factors = samples(count, dtype), [0.3 * (i + 1) for i in range(count)]
    out = np.empty_like(arrays[0])
    COMBINE[count - 1](*arrays, *factors, out)
    expected = sum(factor * array for factor, array in zip(factors, arrays, strict=True))
    scale = sum(abs(factor * array) for factor, array in zip(factors, arrays, strict=True))
    assert np.max(np.abs(out - expected) / scale) < TOLERANCE[dtype]


def test_expression_broadcasts_and_keeps_types_apart():
    """Complex operands first: their loop must not be taken for the real ones that follow."""
    expression = Pointwise(lambda a, x, y: a * x - y)
    for coefficient, dtype in [(np.complex128, np.complex128), (np.float64, np.complex128), (np.float32, np.float32)]:
        x, y = samples(2, dtype)
        a, out = samples(1, coefficient, (5, 7))[0], np.empty_like(x)
        expression.into([a, x, y], out)
        np.testing.assert_allclose(out, expression.expression(a, x, y), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_error_sums(dtype):
    error, before, after = samples(3, dtype)
    scale = 0.1 + 0.01 * np.maximum(np.abs(before), np.abs(after))
    rtol = max(TOLERANCE[dtype], 1e-13)
    assert scaled_square_sum(error, before, after, 0.1, 0.01) == pytest.approx(
        np.sum((np.abs(error) / scale) ** 2, dtype=float), rel=rtol
    )
    assert square_sum(error) == pytest.approx(np.sum(np.abs(error) ** 2, dtype=float), rel=rtol)


@pytest.mark.slow
def test_fused_update_of_rk4_against_plain_numpy():
    """The temporaries of plain NumPy cost two to three times the memory traffic; the exact ratio is the machine's."""
    y, k1, k2, k3, k4, out = samples(6, np.float64, (1_000_000,))
    dt = 0.1
    plain = min(repeat(lambda: y + dt * (k1 / 6 + k2 / 3 + k3 / 3 + k4 / 6), number=5, repeat=9)) / 5
    factors = (1.0, dt / 6, dt / 3, dt / 3, dt / 6)
    COMBINE[4](y, k1, k2, k3, k4, *factors, out)
    fused = min(repeat(lambda: COMBINE[4](y, k1, k2, k3, k4, *factors, out), number=5, repeat=9)) / 5
    print(f"RK4 update of 1e6 reals: plain {plain * 1e3:.2f} ms, fused {fused * 1e3:.2f} ms, ratio {plain / fused:.1f}")
    assert plain > 2.0 * fused
