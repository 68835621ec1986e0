"""Weakly compressible smoothed particles with density diffusion, for free surfaces."""

from __future__ import annotations

import numpy as np

from subgrid.api import Array, Particles
from subgrid_sph import kernels
from subgrid_sph.config import DeltaConfig
from subgrid_sph.fluid import SmoothedFluid


class DeltaSPH(SmoothedFluid):
    """Delta-SPH with Wendland's C2 kernel.

    ::

        drho_i/dt = rho_i sum V_j (u_i - u_j).r_ij W'/r + 2 delta h c0 sum V_j (rho_i - rho_j - rest.r_ij) W'/r
        du_i/dt   = -1/rho_i sum V_j (p_i + p_j) r_ij W'/r + viscosities + g
        p         = rho0 c0^2/gamma [(rho/rho0)^gamma - 1]

    A step: u += dt/2 a; x += dt u; rho += dt drho(x, u); pressure; walls; a; u += dt/2 a. The artificial viscosity
    acts between fluid particles like nu = alpha h c0/(2 (d + 2)); delta on density differences beyond those of rest.

    Walls are layers of fixed particles. Their pressure is extrapolated from the fluid (Adami et al. 2012) and never
    negative; ``no_slip`` gives them the velocity that opposes the fluid's. ``dynamic`` walls carry a density of their
    own, which the continuity equation moves and which does not fall below rho0 (Crespo et al. 2007).

    Reference: Antuono et al., Comput. Phys. Commun. 181, 532 (2010); Marrone et al. (2011).
    """

    name = "delta_sph"

    def __init__(self, config: DeltaConfig) -> None:
        super().__init__(config, config.exponent)

    def __repr__(self) -> str:
        return f"DeltaSPH(c0={self.config.sound_speed}, h/dx={self.config.smoothing})"

    def density_at(self, pressure: Array) -> Array:
        """Those of the equation of state, at pressures that do not pull."""
        config = self.config
        stiffness = config.density * config.sound_speed**2 / config.exponent
        pushing = np.maximum(pressure, self.type(0.0))
        return config.density * (pushing / stiffness + 1.0) ** (1.0 / config.exponent)

    def accelerate(self, fluid: Particles, wall: Particles, dt: float) -> None:
        """Advance densities by ``dt`` at these positions and velocities, and find the acceleration."""
        config = self.config
        record, density, near = self.together(fluid, wall)
        inner, count = len(fluid), len(density)
        if dt > 0:
            evolving = count if config.walls == "dynamic" else inner
            rates = np.empty(count, self.type)
            rest = config.density * self.gravity / config.sound_speed**2
            diffusion = config.density_diffusion * self.h * config.sound_speed
            self.share(
                evolving,
                lambda first, last: kernels.delta_rates(
                    record, *near, self.scale, inner, diffusion, rest, rates, first, last
                ),
            )
            density[:evolving] += self.type(dt) * rates[:evolving]
            # a particle torn off by a splash may stretch far; half the density is beyond any weakly compressible flow
            np.maximum(density[:inner], self.type(0.5 * config.density), out=density[:inner])
            np.maximum(density[inner:], self.type(config.density), out=density[inner:])
            fluid["density"][...] = density[:inner]
        self.apply_state(record, density, 0, count)
        if config.walls != "dynamic" and count > inner:
            self.extrapolate(record, density, near, inner)
        wall["density"][...] = density[inner:]
        acceleration = np.empty((inner, 3), self.type)
        artificial = config.artificial_viscosity * self.h * config.sound_speed * config.density
        viscosity = config.density * config.viscosity
        towards_walls = 0.0 if config.walls == "free_slip" else viscosity
        self.share(
            inner,
            lambda first, last: kernels.delta_forces(
                record, density, *near, self.scale, inner, artificial, viscosity, towards_walls, self.gravity,
                acceleration, first, last,
            ),
        )  # fmt: skip
        fluid["acceleration"][...] = acceleration[:, : self.d]
