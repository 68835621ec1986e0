from pydantic import Field

from subgrid.api import Options, StateSpec


class VremanConfig(Options):
    coefficient: float = Field(0.07, ge=0, description="c; about 2.5 C_S^2")


class Vreman:
    """nu_e = c dx dy |det G| / |G|, G_ij = du_i/dx_j: the 2D form of Vreman, Phys. Fluids 16, 3670 (2004)."""

    slots = ("eddy_viscosity",)
    inputs = ("velocity_gradient",)

    def __init__(self, config):
        self.coefficient = config.coefficient

    def __repr__(self):
        return f"Vreman(coefficient={self.coefficient})"

    def setup(self, setup, slot):
        dy, dx = setup.mesh.spacing
        self.scale, self.xp = self.coefficient * dy * dx, setup.backend.xp
        return StateSpec()

    def evaluate(self, inputs, memory):
        (u_x, u_y), (v_x, v_y) = inputs["velocity_gradient"]
        magnitude = self.xp.sqrt(u_x**2 + u_y**2 + v_x**2 + v_y**2)
        return self.scale * abs(u_x * v_y - u_y * v_x) / self.xp.clip(magnitude, min=1e-30)
