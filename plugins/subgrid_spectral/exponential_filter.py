"""Exponential low-pass filter of spectral fields, applied after a step."""

from __future__ import annotations

import numpy as np

from subgrid.api import Correction, Fields, ScenarioError, Setup, Solver, State, StateSpec, Streams
from subgrid.kernels.fourier import FourierBasis
from subgrid_spectral.config_2d import ExponentialFilterConfig

__all__ = ["ExponentialFilter"]


class ExponentialFilter:
    """Multiplies every spectral field by exp(-factor (kappa - cutoff)^4) where kappa = |k| dx > cutoff.

    It removes enstrophy near the grid scale, and with it aliasing of a solver that keeps all modes. dx is the spacing
    of each axis, kappa^2 = (kx dx)^2 + (ky dy)^2. Good values: factor 23.6, cutoff 0.65 pi (the public code pyqg; after
    LaCasce 1996).
    """

    def __init__(self, config: ExponentialFilterConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ExponentialFilter(factor={self.config.factor:g}, cutoff={self.config.cutoff:.4g})"

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        basis = FourierBasis(setup.mesh, setup.backend)
        self.shape = basis.spectral_shape
        axes = zip(basis.k, setup.mesh.spacing, strict=True)
        kappa = np.sqrt(sum((setup.backend.to_numpy(k) * step) ** 2 for k, step in axes))
        excess = np.maximum(kappa - self.config.cutoff, 0.0)
        self.response = setup.backend.asarray(np.exp(-self.config.factor * excess**4), "real")
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        """Raises ScenarioError when the solver has no spectral field on this mesh."""
        spectral = {name: a for name, a in state.fields.items() if tuple(a.shape[-len(self.shape) :]) == self.shape}
        if not spectral:
            raise ScenarioError("corrector 'exponential_filter': the solver has no spectral fields to filter")
        return Correction(fields={name: values * self.response for name, values in spectral.items()})
