"""Growth rates from theory, for the kinetic theory and the Bingham closure (Gao et al. 2017 has the method)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from subgrid_active.bingham_distribution import concentration_parameter
from subgrid_active.config import IsotropicModeConfig, NematicConfig
from subgrid_active.initial import IsotropicMode, Nematic

K1 = 2.0 * np.pi / 10.0


def isotropic_rate(zeta: float, alpha: float = -1.0, beta: float = 0.8, k: float = K1, shear: bool = True) -> float:
    """d_t a_2 = (zeta - 4 d_R - d_T k^2) a_2 + e, with e from the linearised Stokes balance of a shear mode."""
    flow = (-alpha + zeta * beta / 2.0) / (4.0 + beta / 2.0) if shear else 0.0
    return flow + zeta - 4.0 * 0.05 - 0.05 * k**2


@pytest.mark.parametrize("zeta", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize(("polarisation", "modes"), [("shear", (1, 0)), ("shear", (1, 1)), ("other", (0, 1))])
def test_isotropic_state(theory: Any, zeta: float, polarisation: str, modes: tuple[int, int]) -> None:
    run = theory({"zeta": zeta}, shape=(8, 9), length=(10.0, 10.0))
    run.start(IsotropicMode(IsotropicModeConfig(modes=modes, amplitude=1e-7, polarisation=polarisation)))
    expected = isotropic_rate(zeta, k=K1 * np.hypot(*modes), shear=polarisation == "shear")
    assert run.growth_rate(0.005, 20, 100) == pytest.approx(expected, abs=1e-4)


# (alpha, zeta, waves): largest rate of bend, from the eigenvalues of the linearised equations (kinetic, Bingham).
BEND = {
    (-1.0, 0.3, 1): (0.66629, 0.68437),
    (-1.0, 0.3, 2): (0.60707, 0.62515),
    (-1.0, 1.0, 1): (0.95377, 0.95731),
    (-1.0, 1.0, 3): (0.79585, 0.79940),
    (-5.0, 0.3, 1): (3.25883, 3.29216),
    (-5.0, 1.0, 1): (4.56584, 4.57602),
    (-5.0, 1.0, 2): (4.50662, 4.51681),
}
ORDER = {0.3: 0.72415872, 1.0: 0.94554219}


@pytest.mark.parametrize(("alpha", "zeta", "waves"), BEND)
def test_bend_of_a_nematic(theory: Any, alpha: float, zeta: float, waves: int) -> None:
    """The wavevector is along y and so is the director."""
    run = theory({"zeta": zeta, "alpha": alpha}, shape=(6, 4), length=(10.0 / waves, 10.0))
    start = NematicConfig(order=ORDER[zeta], angle=np.pi / 2.0, modes=(0, 1), amplitude=1e-8)
    dt = 0.004 if alpha == -1.0 else 0.001
    rate = run.start(Nematic(start)).growth_rate(dt, round(3.0 / abs(alpha) ** 0.5 / dt), 200)
    assert rate == pytest.approx(BEND[alpha, zeta, waves][theory.name == "bingham"], abs=1e-3)


def test_splay_of_an_extensile_nematic_decays(theory: Any) -> None:
    run = theory({"zeta": 1.0}, shape=(6, 4), length=(10.0, 10.0))
    run.start(Nematic(NematicConfig(order=ORDER[1.0], angle=0.0, modes=(0, 1), amplitude=1e-6)))
    rate = run.growth_rate(0.01, 600, 200)
    assert rate == pytest.approx(-0.04385 if theory.name == "bingham" else -0.04699, abs=1e-3)


@pytest.mark.parametrize("zeta", [0.3, 1.0])
def test_uniform_nematic_settles_where_theory_says(theory: Any, zeta: float) -> None:
    """kappa = zeta m / (2 d_R): flow and pressure vanish, alignment balances rotational diffusion."""
    run = theory({"zeta": zeta, "rotational_diffusion": 0.05}, shape=(4, 5))
    run.start(Nematic(NematicConfig(order=0.5, angle=0.7))).advance(0.05, 2500)
    order = run.quantity("order_parameter")
    assert np.ptp(order) < 1e-12
    m = float(order[0, 0])
    assert m == pytest.approx(ORDER[zeta], abs=1e-8)
    assert concentration_parameter(m) == pytest.approx(zeta * m / 0.1, rel=2e-6)
    assert np.abs(run.quantity("velocity")).max() < 1e-12
