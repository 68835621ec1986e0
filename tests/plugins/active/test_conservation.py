"""What the equations keep: the number of rods, and a uniform concentration."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrid_active.config import RandomOrientationsConfig
from subgrid_active.initial import RandomOrientations


def test_number_of_rods_is_kept(theory: Any) -> None:
    run = theory({"zeta": 1.0}).start(RandomOrientations(RandomOrientationsConfig(amplitude=0.5, largest_wavenumber=2)))
    assert np.ptp(run.quantity("concentration")) > 1e-3
    run.advance(0.02, 200)
    assert abs(run.quantity("concentration").mean() - 1.0) < 1e-12


def test_uniform_concentration_stays_uniform(theory: Any) -> None:
    options = RandomOrientationsConfig(amplitude=0.5, largest_wavenumber=2, concentration="uniform")
    run = theory({"zeta": 1.0}).start(RandomOrientations(options)).advance(0.02, 300)
    assert np.abs(run.quantity("velocity")).max() > 0.01
    assert np.abs(run.quantity("concentration") - 1.0).max() < 1e-12
