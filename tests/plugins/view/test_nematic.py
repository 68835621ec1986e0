"""Defects of director fields with known places, charges and directions."""

import numpy as np
import pytest

from subgrid_view.nematic import defects, director

NY, NX = 40, 56
DY, DX = 0.5, 0.25
CLOSED = (False, False)


def around(row: float, column: float) -> np.ndarray:
    """Angle about a point between cells, of shape (NY, NX)."""
    y, x = np.meshgrid(DY * (np.arange(NY) - row), DX * (np.arange(NX) - column), indexing="ij")
    return np.arctan2(y, x)


def nematic(angle: np.ndarray) -> np.ndarray:
    return 0.7 * np.stack([np.cos(2.0 * angle), np.sin(2.0 * angle)])


@pytest.mark.parametrize("charge", [0.5, -0.5])
@pytest.mark.parametrize("turn", [0.0, 0.4, -1.1])
def test_a_single_defect_is_found_with_its_direction(charge: float, turn: float) -> None:
    # theta = k phi + c is radial, theta = phi, along phi = c / (1 - k)
    found = defects(nematic(charge * around(17.3, 21.6) + turn), (DY, DX), CLOSED)
    assert found.charges.tolist() == [charge]
    np.testing.assert_allclose(found.places, [[17.5, 21.5]])
    arm = 2.0 * np.pi if charge > 0 else 2.0 * np.pi / 3.0
    away = (found.angles[0] - turn / (1.0 - charge) + 0.5 * arm) % arm - 0.5 * arm
    assert abs(away) < 0.25  # the four cells around the centre see it off their middle


def test_a_pair_is_found_and_its_charges_cancel() -> None:
    found = defects(nematic(0.5 * around(10.5, 10.5) - 0.5 * around(28.5, 40.5)), (DY, DX), CLOSED)
    order = np.argsort(found.charges)
    assert found.charges[order].tolist() == [-0.5, 0.5]
    np.testing.assert_allclose(found.places[order], [[29.0, 41.0], [11.0, 11.0]], atol=0.5)


def test_charges_on_a_periodic_domain_sum_to_zero() -> None:
    rng = np.random.default_rng(3)
    smooth = sum(
        a * np.cos(2.0 * np.pi * (i * np.arange(NY)[:, None] / NY + j * np.arange(NX) / NX) + p)
        for a, i, j, p in zip(
            rng.normal(size=6), [1, 2, 1, 0, 3, 2], [2, 1, 0, 3, 1, 2], rng.uniform(0, 6, 6), strict=True
        )
    )
    found = defects(np.stack([smooth, np.roll(smooth, 7, 1)]), (DY, DX), (True, True))
    assert len(found.charges) > 0
    assert found.charges.sum() == 0.0


def test_a_uniform_field_has_none_and_seams_make_none() -> None:
    assert len(defects(nematic(np.full((NY, NX), 0.3)), (DY, DX), (True, True)).charges) == 0
    tilted = nematic(np.pi * np.arange(NX) / NX + np.zeros((NY, 1)))
    assert len(defects(tilted, (DY, DX), (True, True)).charges) == 0


def test_the_angle_of_the_director() -> None:
    angle = np.array([[-1.2, 0.0, 0.9]])
    np.testing.assert_allclose(director(nematic(angle)), angle, atol=1e-14)
