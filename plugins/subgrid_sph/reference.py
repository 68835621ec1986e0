"""Sums over neighbours for smoothed particles, in NumPy: the definition.

Pairs are given by ``i`` and ``j`` (pairs,) and ``r = x_i - x_j`` (pairs, d) [m]. ``fluid`` counts the fluid particles,
which stand before those of walls. Columns of particles and what is returned are (n,), vectors (n, d); ``rest`` and
``gravity`` (d,).

Reference: Antuono et al., Comput. Phys. Commun. 181, 532 (2010) and Marrone et al. (2011) for the delta scheme; Adami,
Hu and Adams, J. Comput. Phys. 231, 7057 (2012) for walls and 241, 292 (2013) for the transport velocity; Fourtakas
et al., Comput. Fluids 190, 346 (2019) for the part of the density difference that gravity holds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "delta_forces",
    "delta_rates",
    "densities",
    "extrapolate",
    "kernel",
    "kernel_scale",
    "kernel_slope",
    "transport_forces",
]

Array = Any


def kernel_scale(d: int, h: float) -> float:
    """The factor s of Wendland's C2 kernel in 2 or 3 dimensions [1/m^d]."""
    return 7.0 / (4.0 * math.pi * h**2) if d == 2 else 21.0 / (16.0 * math.pi * h**3)


def kernel(r: Array, h: float, d: int) -> Array:
    """Wendland's C2 kernel ``W = s (1 - q/2)^4 (2 q + 1)``, q = r/h < 2 [1/m^d]; Wendland (1995)."""
    q = np.minimum(r / h, 2.0)
    return kernel_scale(d, h) * (1.0 - 0.5 * q) ** 4 * (2.0 * q + 1.0)


def kernel_slope(r: Array, h: float, d: int) -> Array:
    """``W'/r = -(5 s/h^2) (1 - q/2)^3`` [1/m^(d + 2)], finite at r = 0."""
    q = np.minimum(r / h, 2.0)
    return -5.0 * kernel_scale(d, h) / h**2 * (1.0 - 0.5 * q) ** 3


def _sum(i: Array, values: Array, n: int) -> Array:
    if values.ndim == 1:
        return np.bincount(i, values, minlength=n)
    return np.stack([np.bincount(i, column, minlength=n) for column in values.T], axis=1)


def _slope(r: Array, h: float) -> Array:
    return kernel_slope(np.sqrt(np.sum(r**2, axis=1)), h, r.shape[1])


def delta_rates(
    velocity: Array, density: Array, volume: Array, i: Array, j: Array, r: Array, h: float, fluid: int,
    diffusion: float, rest: Array,
) -> Array:  # fmt: skip
    """``rho_i sum V_j (u_i - u_j).r W'/r - 2 D sum V_j (rho_j - rho_i + rest . r) W'/r``, D = delta h c0 [m2/s].

    The diffusion acts between fluid particles, on what is left of their density difference when that of rest is taken
    off: ``rest`` = rho0 g/c0^2 [kg/m4].
    """
    weight = volume[j] * _slope(r, h)
    divergence = _sum(i, np.sum((velocity[i] - velocity[j]) * r, axis=1) * weight, len(density))
    inner = (i < fluid) & (j < fluid)
    flux = _sum(i, inner * (density[j] - density[i] + r @ rest) * weight, len(density))
    return density * divergence - 2.0 * diffusion * flux


def delta_forces(
    velocity: Array, pressure: Array, density: Array, volume: Array, i: Array, j: Array, r: Array, h: float,
    fluid: int, artificial: float, viscosity: float, wall_viscosity: float, gravity: Array,
) -> Array:  # fmt: skip
    """``1/rho_i sum V_j [-(p_i + p_j) r + artificial (u_ij.r/r^2) r + 2 mu u_ij] W'/r + g`` [m/s2].

    ``artificial`` = alpha h c0 rho0 acts between fluid particles; mu is ``viscosity`` between them and
    ``wall_viscosity`` towards walls [Pa s].
    """
    weight = volume[j] * _slope(r, h)
    relative, inner = velocity[i] - velocity[j], j < fluid
    along = np.where(inner, artificial, 0.0) * np.sum(relative * r, axis=1) / (np.sum(r**2, axis=1) + 1e-12 * h**2)
    radial = (along - pressure[i] - pressure[j]) * weight
    shear = 2.0 * np.where(inner, viscosity, wall_viscosity) * weight
    total = _sum(i, radial[:, None] * r + shear[:, None] * relative, len(density))
    return total / density[:, None] + gravity


def densities(i: Array, r: Array, h: float, mass: float, n: int) -> Array:
    """``rho_i = m sum W_ij``, itself included [kg/m3]."""
    d = r.shape[1]
    return mass * (_sum(i, kernel(np.sqrt(np.sum(r**2, axis=1)), h, d), n) + kernel_scale(d, h))


def extrapolate(
    velocity: Array, pressure: Array, density: Array, i: Array, j: Array, r: Array, h: float, fluid: int,
    gravity: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Pressure ``[sum W (p_j + rho_j g.r)] / sum W`` and velocity ``sum W u_j / sum W`` of the fluid about."""
    weight = np.where(j < fluid, kernel(np.sqrt(np.sum(r**2, axis=1)), h, r.shape[1]), 0.0)
    total = _sum(i, weight, len(density))
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    mean = _sum(i, weight[:, None] * velocity[j], len(density))
    return share * _sum(i, weight * (pressure[j] + density[j] * (r @ gravity)), len(density)), share[:, None] * mean


def transport_forces(
    velocity: Array, transport: Array, pressure: Array, density: Array, volume: Array, i: Array, j: Array, r: Array,
    h: float, mass: float, viscosity: float, wall_viscosity: float, background: float, fluid: int, gravity: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Acceleration and shift of the transport velocity, both (n, d) [m/s2].

    ``1/m sum (V_i^2 + V_j^2) W'/r [-p_ij r + (A_i + A_j)/2 . r + mu u_ij] + g``, with p_ij the pressures weighted by
    the other's density and A = rho u (ut - u); the shift is ``-p_b/m sum (V_i^2 + V_j^2) W'/r r``.
    """
    n = len(density)
    weight = (volume[i] ** 2 + volume[j] ** 2) * _slope(r, h)
    pressures = (density[j] * pressure[i] + density[i] * pressure[j]) / (density[i] + density[j])
    drift = density[:, None] * velocity, transport - velocity
    moved = 0.5 * sum(drift[0][k] * np.sum(drift[1][k] * r, axis=1)[:, None] for k in (i, j))
    shear = np.where(j < fluid, viscosity, wall_viscosity)[:, None] * (velocity[i] - velocity[j])
    total = _sum(i, weight[:, None] * (moved + shear - pressures[:, None] * r), n)
    return total / mass + gravity, -background / mass * _sum(i, weight[:, None] * r, n)
