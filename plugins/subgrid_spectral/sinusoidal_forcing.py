"""Random travelling waves that force a one-dimensional equation."""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrid.api import Array, ScenarioError, Setup
from subgrid_spectral.config_1d import SinusoidalForcingConfig


class SinusoidalForcing:
    """Sum of waves f = sum_i A_i sin(w_i t - k_i x + phi_i), Bar-Sinai et al. 2019 (PNAS 116, 15344), eq. 9.

    A_i, w_i and phi_i are uniform in [-amplitude, amplitude], [-frequency, frequency] and [0, 2 pi), and
    k_i = 2 pi m_i / length with m_i uniform over lowest_mode .. highest_mode. They are drawn once from the streams of
    ``setup``. Raises ScenarioError when the grid does not resolve a mode.
    """

    def __init__(self, config: SinusoidalForcingConfig, setup: Setup, mask: Any) -> None:
        grid, backend = setup.mesh, setup.backend
        generator = setup.rng.generator("forcing")
        amplitude = generator.uniform(-config.amplitude, config.amplitude, config.waves)
        frequency = generator.uniform(-config.frequency, config.frequency, config.waves)
        phase = generator.uniform(0.0, 2.0 * np.pi, config.waves)
        mode = generator.integers(config.lowest_mode, config.highest_mode, config.waves, endpoint=True)
        if config.highest_mode >= len(mask) or not mask[config.highest_mode]:
            raise ScenarioError(
                f"solver.forcing.highest_mode: {config.highest_mode} is not resolved by {grid.shape[0]} cells; "
                f"choose at most {np.flatnonzero(mask).max()}"
            )
        start = grid.coordinates()[0][0]
        wave = 0.5j * amplitude * grid.shape[0] * np.exp(2j * np.pi * mode * start / grid.length[0] - 1j * phase)
        spectra = np.where(np.arange(len(mask))[:, None] == mode, wave, 0.0)
        self._xp = backend.xp
        self._spectra = backend.asarray(spectra, "complex")
        self._frequency = backend.asarray(frequency, "real")

    def spectrum(self, t: float) -> Array:
        """Half spectrum of f at time t, shape (n // 2 + 1,)."""
        return self._spectra @ self._xp.exp(-1j * t * self._frequency)
