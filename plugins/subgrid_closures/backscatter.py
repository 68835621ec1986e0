"""Biharmonic dissipation with the energy given back to the large scales."""

from __future__ import annotations

from collections.abc import Mapping

from subgrid.api import Array, Fields, ScenarioError, Setup, Slot, StateSpec
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.config import BackscatterConfig
from subgrid_closures.filter_width import filter_width
from subgrid_closures.magnitude import domain_mean


class Backscatter:
    """Biharmonic Smagorinsky dissipation and a negative viscosity that returns its energy.

    Jansen and Held, Ocean Modelling 80, 36 (2014), in the algebraic form of pyqg.

    ::

        D = -lap(nu_4 lap w),   nu_4 = (C_S Delta)^2 |S| Delta^2
        B = -nu_b lap w,        nu_b = C_B <psi D> / <psi lap w>
        Pi = D + B              net energy rate  -(1 - C_B) <psi D>

    C_S = 0.08 and C_B = 0.99 are good values. At C_B = 1 the energy stays and enstrophy is still removed. With
    ``layer_thickness`` the averages run over all layers (axis before y), weighted with H_i.
    """

    slots = ("subgrid_forcing",)
    inputs = ("streamfunction", "strain_rate", "vorticity_laplacian")

    def __init__(self, config: BackscatterConfig) -> None:
        self.coefficient = config.coefficient
        self.returned_fraction = config.returned_fraction
        self.layer_thickness = config.layer_thickness
        self.filter_width_ratio = config.filter_width_ratio

    def __repr__(self) -> str:
        return f"Backscatter(coefficient={self.coefficient}, returned_fraction={self.returned_fraction})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self._basis = FourierBasis(setup.mesh, setup.backend)
        self._scale = self.coefficient**2 * filter_width(setup.mesh, self.filter_width_ratio) ** 4
        thickness = setup.backend.asarray(self.layer_thickness, "real")
        self._thickness = thickness.reshape((-1, 1, 1)) if self.layer_thickness else None
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Return Pi [1/s2], shape (..., ny, nx)."""
        basis = self._basis
        laplacian, streamfunction = inputs["vorticity_laplacian"], inputs["streamfunction"]
        flux = basis.forward(self._scale * inputs["strain_rate"] * laplacian)
        dissipation = basis.backward(basis.k_sq * flux)
        released = self._budget(streamfunction * dissipation)
        capacity = self._budget(streamfunction * laplacian)
        tiny = basis.backend.xp.finfo(laplacian.dtype).tiny
        return dissipation - self.returned_fraction * released / (capacity + tiny) * laplacian

    def _budget(self, density: Array) -> Array:
        xp = self._basis.backend.xp
        mean = domain_mean(xp, density)
        if self._thickness is None:
            return mean
        if mean.ndim < 3 or mean.shape[-3] != self._thickness.shape[0]:
            layers = mean.shape[-3] if mean.ndim > 2 else 1
            raise ScenarioError(f"layer_thickness: {self._thickness.shape[0]} values for a flow of {layers} layers")
        return xp.sum(self._thickness * mean, axis=-3, keepdims=True)
