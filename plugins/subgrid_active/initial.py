"""Starting states of active fluids, for the kinetic solver and for the moment solver alike."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Fields, Grid, Setup
from subgrid_active.config import IsotropicModeConfig, NematicConfig, RandomOrientationsConfig

__all__ = ["IsotropicMode", "Nematic", "RandomOrientations"]

Complex = NDArray[np.complex128]
Real = NDArray[np.float64]


class RandomOrientations:
    """psi ~ 1 + sum_i A (r0 - 1/2) cos(2 pi k1 x/Lx + r1) cos(2 pi k2 y/Ly + r2) cos(2 theta + r3)^p, mean c = 1.

    i = 0, 1, ... over the waves; k1, k2 are random integers from 1 to ``largest_wavenumber`` and r0 to r3 uniform in
    [0, 1). p = i + 1 as in the generator of Maddu, Weady and Shelley (2024), whose even powers also disturb c; with
    ``concentration = "uniform"`` p = 1 and c = 1.
    """

    def __init__(self, config: RandomOrientationsConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"RandomOrientations(waves={self.config.waves}, amplitude={self.config.amplitude:g})"

    def fill(self, setup: Setup) -> Fields:
        """``concentration`` (ny, nx), ``second_moment`` (2, ny, nx) and ``higher_moments`` (2 J - 2, ny, nx)."""
        config, rng = self.config, setup.rng.generator("waves")
        perturbed = config.concentration == "perturbed"
        harmonics = np.zeros((1 + (config.waves if perturbed else 1), *setup.mesh.shape), dtype=complex)
        harmonics[0] = 1.0
        y, x = setup.mesh.meshgrid()
        ly, lx = setup.mesh.length
        for wave in range(config.waves):
            k1, k2 = rng.integers(1, config.largest_wavenumber, endpoint=True, size=2)
            r0, r1, r2, r3 = rng.random(4)
            pattern = np.cos(2.0 * np.pi * k1 * x / lx + r1) * np.cos(2.0 * np.pi * k2 * y / ly + r2)
            for q, weight in _cosine_power(wave + 1 if perturbed else 1, r3).items():
                harmonics[q] += config.amplitude * (r0 - 0.5) * pattern * weight
        harmonics /= np.mean(harmonics[0].real)
        pairs = np.stack([harmonics[1:].real, harmonics[1:].imag], axis=1).reshape(-1, *setup.mesh.shape)
        return {"concentration": harmonics[0].real, "second_moment": pairs[:2], "higher_moments": pairs[2:]}


class IsotropicMode:
    """a_2 = A c P cos(k.x) on isotropic rods, with k from ``modes`` and P the polarisation that drives a flow, or the
    one that does not. It grows or decays exponentially while it is small."""

    def __init__(self, config: IsotropicModeConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"IsotropicMode(modes={self.config.modes}, polarisation={self.config.polarisation!r})"

    def fill(self, setup: Setup) -> Fields:
        """``concentration`` (ny, nx) and ``second_moment`` (2, ny, nx)."""
        config = self.config
        ky, kx = _wavevector(setup.mesh, config.modes)
        # the deviatoric stress (S11, S12) ~ (2 kx ky, ky^2 - kx^2) of a wave drives a flow, the one across it does not
        driving = complex(2.0 * kx * ky, ky**2 - kx**2)
        direction = driving / abs(driving) * (1.0 if config.polarisation == "shear" else 1j)
        wave = np.cos(_phase(setup.mesh, ky, kx))
        return _state(config.concentration, config.amplitude * direction * wave)


class Nematic:
    """Rods of uniform order whose director has the angle ``angle`` + A cos(k.x) with the x axis.

    Waves along the director bend it, waves across splay it. The order at rest solves m = I_1(kappa)/I_0(kappa) with
    kappa = zeta m / (2 d_R), in the kinetic theory and with the Bingham closure.
    """

    def __init__(self, config: NematicConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"Nematic(order={self.config.order:g}, angle={self.config.angle:g}, modes={self.config.modes})"

    def fill(self, setup: Setup) -> Fields:
        """``concentration`` (ny, nx) and ``second_moment`` (2, ny, nx)."""
        config = self.config
        angle = config.angle + config.amplitude * np.cos(_phase(setup.mesh, *_wavevector(setup.mesh, config.modes)))
        return _state(config.concentration, config.order * np.exp(2j * angle))


def _cosine_power(power: int, shift: float) -> dict[int, complex]:
    """Integrals over the circle of cos(2 theta + shift)^power exp(2 i q theta) / (2 pi) for q = 0, 1, ..."""
    return {
        q: comb(power, (power + q) // 2) / 2.0**power * complex(np.exp(-1j * q * shift))
        for q in range(power % 2, power + 1, 2)
    }


def _wavevector(mesh: Grid, modes: tuple[int, int]) -> tuple[float, float]:
    """(ky, kx) of (mx, my) waves across the domain."""
    (ly, lx), (mx, my) = mesh.length, modes
    return 2.0 * np.pi * my / ly, 2.0 * np.pi * mx / lx


def _phase(mesh: Grid, ky: float, kx: float) -> Real:
    y, x = mesh.meshgrid()
    return np.asarray(kx * x + ky * y)


def _state(concentration: float, order: Complex) -> Fields:
    c = np.full(order.shape, concentration)
    return {"concentration": c, "second_moment": concentration * np.stack([order.real, order.imag])}
