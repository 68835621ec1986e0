"""Peers do the same work as we do: a step of each is the step written with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from subgrid_stencil import peers


@pytest.mark.parametrize("shape", [(12, 10), (6, 7, 8)])
def test_jax_and_pde_steps(shape: tuple[int, ...]) -> None:
    u, rate = np.random.default_rng(2).uniform(size=shape), 0.1

    def advance(a: np.ndarray) -> np.ndarray:
        near = sum(np.roll(a, move, axis) for axis in range(a.ndim) for move in (-1, 1))
        return np.asarray(a + rate * (near - 2.0 * a.ndim * a))

    checked = 0
    for package, prepare, already in (("jax", peers.jax_heat, 1), ("pde", peers.pde_heat, 0)):
        try:
            work = prepare(u, rate)
        except ImportError:
            continue
        work()
        expected = u
        for _ in range(already + 1):
            expected = advance(expected)
        (held,) = [cell.cell_contents for cell in work.__closure__ if isinstance(cell.cell_contents, list)]
        np.testing.assert_allclose(np.asarray(held[0]), expected, rtol=0, atol=1e-14, err_msg=package)
        checked += 1
    if not checked:
        pytest.skip("neither JAX nor py-pde is installed")
