"""Weakly compressible smoothed particles with a transport velocity, for flows without a free surface."""

from __future__ import annotations

import numpy as np

from subgrid.api import Array, Closures, ColumnSpec, Fields, LinearSolve, Particles, Streams
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
        super().__init__(config)

    def __repr__(self) -> str:
        return f"TransportSPH(c0={self.config.sound_speed}, h/dx={self.config.smoothing})"

    def fluid_columns(self) -> dict[str, ColumnSpec]:
        """Columns of the fluid: what both schemes have, and the shift [m/s2]."""
        return {**super().fluid_columns(), "shift": ColumnSpec((self.d,), "real", "m/s2")}

    def pressure(self, density: Array) -> Array:
        real = density.dtype.type
        return real(self.config.sound_speed**2) * (density - real(self.config.density))

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Move the particles from ``t`` to ``t + dt``, in place."""
        fluid, wall = fields["fluid"], fields["wall"]
        if rng.step % self.config.sort_every == 0:
            self.sort(fluid)
        if rng.step == 0:
            self.sort(wall)
            self._accelerate(fluid, wall, 0.0)
        if self.move(fluid, dt, fluid["shift"], 0.5 * dt) and len(fluid):
            self._accelerate(fluid, wall, dt)
            fluid["velocity"][...] += self.type(0.5 * dt) * fluid["acceleration"]
        return {}

    def _accelerate(self, fluid: Particles, wall: Particles, dt: float) -> None:
        """Densities, acceleration and shift at these positions; particles moved with u + dt/2 shift."""
        config = self.config
        record, density, rows = self.together(fluid, wall)
        inner, count = len(fluid), len(density)
        self.share(
            inner,
            lambda first, last: kernels.densities(
                record, *rows, self.corner, self.periods, self.h, self.scale, self.mass, density, first, last
            ),
        )
        self._apply_state(record, density, 0, inner)
        record[:inner, 8 : 8 + self.d] = fluid["velocity"] + self.type(0.5 * dt) * fluid["shift"]
        if count > inner:
            pressure, mean = np.zeros(count, self.type), np.zeros((count, 3), self.type)
            self.share(
                count - inner,
                lambda first, last: kernels.extrapolate(
                    record,
                    density,
                    *rows,
                    self.corner,
                    self.periods,
                    self.h,
                    inner,
                    self.gravity,
                    pressure,
                    mean,
                    first,
                    last,
                ),
                inner,
            )
            density[inner:] = config.density + pressure[inner:] / config.sound_speed**2
            self._apply_state(record, density, inner, count - inner)
            if config.walls == "no_slip":
                record[inner:, 4:7] = 2.0 * record[inner:, 4:7] - mean[inner:]
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
                record, *rows, self.corner, self.periods, self.h, self.scale, self.mass, viscosity, towards_walls,
                background, inner, self.gravity, acceleration, shift, first, last,
            ),
        )  # fmt: skip
        fluid["acceleration"][...] = acceleration[:, : self.d]
        fluid["shift"][...] = shift[:, : self.d]

    def _apply_state(self, record: Array, density: Array, first: int, count: int) -> None:
        config = self.config
        self.share(
            count,
            lambda a, b: kernels.apply_state(record, density, self.mass, config.density, config.sound_speed, 1, a, b),
            first,
        )
