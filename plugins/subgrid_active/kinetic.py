"""The kinetic theory itself: the exact hierarchy of angular moments, cut where nothing is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from subgrid.api import Array, Closures, Fields, Quantity, ScenarioError
from subgrid_active.angular_moments import AngularMoments, Rods
from subgrid_active.bingham_distribution import concentration_parameter, moment_ratios
from subgrid_active.config import ActiveKineticConfig
from subgrid_active.stokes import FourthMoment

__all__ = ["ActiveKinetic", "angular_modes", "moments_of_start"]

FEWEST_MODES = 4
HIGHEST_ORDER = 0.9999
"""|a_2| / c up to which higher moments of a start from the second moment are those of a Bingham distribution."""


def angular_modes(config: ActiveKineticConfig) -> int:
    """K: as asked for, or 5 sqrt(kappa) with kappa = (zeta + |alpha|/4) / (2 d_R), the sharpest alignment to come.

    Aligned rods have |a_2K|/c ~ exp(-K^2 / (2 kappa)), 4e-6 there; |alpha|/4 is the strain rate that the active stress
    can drive.
    """
    if config.angular_modes:
        return config.angular_modes
    if config.rotational_diffusion == 0.0:
        raise ScenarioError("solver.angular_modes: 0 chooses them from rotational_diffusion, which is 0; give a number")
    kappa = (config.zeta + abs(config.alpha) / 4.0) / (2.0 * config.rotational_diffusion)
    return max(FEWEST_MODES, math.ceil(5.0 * math.sqrt(kappa)))


class ActiveKinetic(AngularMoments):
    """Smoluchowski equation of immotile rods with head-tail symmetry in a periodic plane, coupled to Stokes flow.

    d_t psi + div(u psi) + d_theta(thetadot psi) = d_T lap psi + d_R d_theta^2 psi, thetadot = omega/2 + Im(T exp(-2 i
    theta)), in Fourier-Galerkin form in x, y and theta (`AngularMoments`) with a_{2K+2} = 0. Only products of
    two-dimensional fields occur. Quantity ``angular_tail``, the largest |a_2K| / c, tells whether K is large enough:
    keep it below 1e-4.

    A start without ``higher_moments`` takes those of a Bingham distribution with the given second moment.

    References: Saintillan and Shelley, C. R. Phys. 14 (2013), 497; Gao et al., Phys. Rev. Fluids 2, 093302 (2017).
    """

    name: ClassVar[str] = "active_kinetic"
    config: ActiveKineticConfig

    def __init__(self, config: ActiveKineticConfig) -> None:
        super().__init__(config)
        self.modes = angular_modes(config)

    @property
    def highest(self) -> int:
        return self.modes

    def offered(self) -> dict[str, Quantity]:
        higher = Quantity(("harmonic", "y", "x"), "", description="Re a4, Im a4, Re a6, ... to a_2K")
        tail = Quantity((), "", "none", description="largest |a_2K| / c")
        return {**super().offered(), "higher_moments": higher, "angular_tail": tail}

    def fourth_moment(self, moments: Array, closures: Closures | None) -> FourthMoment:
        """The moment (2, ny, nx) that the state holds, whatever the strain rate; zero where it ends at a_2."""
        a4 = moments[3:5] if self.highest > 1 else self.backend.xp.zeros_like(moments[1:3])
        return lambda strain: a4

    def beyond(self, rods: Rods) -> Array:
        """Zero, (2, ny, nx): the series is cut there."""
        return self.backend.xp.zeros_like(rods.moments[1:3])

    def higher_moments(self, physical: Mapping[str, Array], c: Any, a2: Any) -> Any:
        return moments_of_start(physical, c, a2, 2 * (self.highest - 1))

    def derive(self, name: str, fields: Fields, t: float, closures: Closures | None) -> Array:
        """One of ``quantities``: ``higher_moments`` (harmonics, ny, nx), else as in `AngularMoments`."""
        if name == "higher_moments":
            return self.basis.backward(fields["moments"][3:])
        if name == "angular_tail":
            c, re, im = self.basis.backward(fields["moments"][[0, -2, -1]])
            return self.backend.xp.max(self.backend.xp.hypot(re, im) / c)
        return super().derive(name, fields, t, closures)


def moments_of_start(physical: Mapping[str, Array], c: Any, a2: Any, count: int) -> Any:
    """(Re a_4, Im a_4, ...) of a starting state, shape (count, ny, nx): those given, or those of a Bingham distribution
    with concentration ``c`` and second moment ``a2``."""
    if "higher_moments" not in physical:
        return _bingham_moments(c, a2, count)
    given = np.asarray(physical["higher_moments"], dtype=np.float64)[:count]
    return np.concatenate([given, np.zeros((count - len(given), *c.shape))])


def _bingham_moments(c: Any, a2: Any, count: int) -> Any:
    size = np.hypot(a2[0], a2[1])
    kappa = concentration_parameter(np.minimum(size / c, HIGHEST_ORDER))
    direction = (a2[0] + 1j * a2[1]) / np.where(size > 0.0, size, 1.0)
    ratios = moment_ratios(kappa, count // 2 + 1)[1:]
    powers = direction ** np.arange(2, count // 2 + 2).reshape(-1, 1, 1)
    moments = c * ratios * powers
    return np.stack([moments.real, moments.imag], axis=1).reshape(count, *c.shape)
