"""Weakly compressible smoothed particles with a transport velocity, for flows without a free surface."""

from __future__ import annotations

import numpy as np

from subgrid.api import Array, ColumnSpec, Particles
from subgrid_sph import kernels
from subgrid_sph.config import TransportConfig
from subgrid_sph.fluid import SmoothedFluid


class TransportSPH(SmoothedFluid):
    """Transport-velocity formulation with density by summation and Wendland's C2 kernel.

    ::

        rho_i   = m sum W_ij                p = c0^2 (rho - rho0)
        du_i/dt = 1/m sum (V_i^2 + V_j^2) W'/r [-p_ij r + (A_i + A_j)/2 . r + mu u_ij] + g      A = rho u (ut - u)
        shift_i = -p_b/m sum (V_i^2 + V_j^2) W'/r r

    A step: u += dt/2 a; ut = u + dt/2 shift; x += dt ut; density, pressure, walls, a and shift; u += dt/2 a. The shift
    keeps particles evenly spread; it moves them, not their momentum. Start from particles that have settled: a perfect
    lattice buckles in a stagnation point and takes half the energy with it. Momentum is conserved to rounding where
    there are no walls.

    Reference: Adami, Hu and Adams, J. Comput. Phys. 241, 292 (2013); walls 231, 7057 (2012).
    """

    name = "transport_sph"
    columns = 12

    def __init__(self, config: TransportConfig) -> None:
        super().__init__(config, exponent=1)

    def __repr__(self) -> str:
        return f"TransportSPH(c0={self.config.sound_speed}, h/dx={self.config.smoothing})"

    def fluid_columns(self) -> dict[str, ColumnSpec]:
        """Columns of the fluid: what both schemes have, and the shift [m/s2]."""
        return {**super().fluid_columns(), "shift": ColumnSpec((self.d,), "real", "m/s2")}

    def shift(self, fluid: Particles) -> Array:
        """What keeps particles evenly spread [m/s2], (n, d)."""
        return fluid["shift"]

    def density_at(self, pressure: Array) -> Array:
        """Those of the equation of state; there is no free surface at which a pull would have to be kept from walls."""
        return self.config.density + pressure / self.config.sound_speed**2

    def accelerate(self, fluid: Particles, wall: Particles, dt: float) -> None:
        """Densities, acceleration and shift at these positions; particles moved with u + dt/2 shift."""
        config = self.config
        record, density, near = self.together(fluid, wall)
        inner, count = len(fluid), len(density)
        self.share(
            inner,
            lambda first, last: kernels.densities(record, *near, self.scale, self.mass, density, first, last),
        )
        self.apply_state(record, density, 0, inner)
        record[:inner, 8 : 8 + self.d] = fluid["velocity"] + self.type(0.5 * dt) * fluid["shift"]
        if count > inner:
            self.extrapolate(record, density, near, inner)
            record[inner:, 8:11] = record[inner:, 4:7]
            wall["density"][...] = density[inner:]
        fluid["density"][...] = density[:inner]
        acceleration, shift = np.empty((inner, 3), self.type), np.empty((inner, 3), self.type)
        viscosity = config.density * config.viscosity
        towards_walls = 0.0 if config.walls == "free_slip" else viscosity
        background = config.background * config.density * config.sound_speed**2
        self.share(
            inner,
            lambda first, last: kernels.transport_forces(
                record, *near, self.scale, self.mass, viscosity, towards_walls, background, inner, self.gravity,
                acceleration, shift, first, last,
            ),
        )  # fmt: skip
        fluid["acceleration"][...] = acceleration[:, : self.d]
        fluid["shift"][...] = shift[:, : self.d]
