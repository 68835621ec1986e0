"""Do the solvers converge in time at the order of the scheme?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid.integrators.etd import ETDRK4
from subgrid.integrators.imex import SBDF2, SBDF2Variable
from subgrid_active.config import RandomOrientationsConfig
from subgrid_active.initial import RandomOrientations

START = RandomOrientations(RandomOrientationsConfig(amplitude=1.0, largest_wavenumber=2))
END = 1.0


def even(steps: int) -> list[float]:
    return [END / steps] * steps


def uneven(steps: int) -> list[float]:
    """Successive steps differ by factors between 0.7 and 1.4."""
    sizes = np.exp(0.5 * np.sin(2.0 * np.arange(steps) / 3.0))
    return list(END * sizes / sizes.sum())


@pytest.mark.parametrize(
    ("scheme", "sizes", "counts", "order"),
    [
        (SBDF2, even, (40, 80, 160), 2.0),
        (SBDF2Variable, uneven, (40, 80, 160), 2.0),
        (ETDRK4, even, (6, 12, 24), 4.0),
    ],
)
def test_error_falls_at_the_order_of_the_scheme(
    theory: Any, scheme: Any, sizes: Any, counts: tuple[int, ...], order: float
) -> None:
    options = {"zeta": 1.0, "stokes_tolerance": 1e-13, "stokes_passes": 40}
    if theory.name == "kinetic":
        options["angular_modes"] = 6
    exact = theory(options).start(START).advance(even(100), scheme=ETDRK4).quantity("second_moment")
    errors = []
    for count in counts:
        found = theory(options).start(START).advance(sizes(count), scheme=scheme).quantity("second_moment")
        errors.append(np.linalg.norm(found - exact))
    slope = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.1 if order == 2.0 else 0.3)
