"""Steady vorticity forcings of two-dimensional flow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Grid
from subgrid_spectral.config_2d import CrossedCosinesForcing, KolmogorovForcing, NoForcing

__all__ = ["vorticity_forcing"]


def vorticity_forcing(
    options: NoForcing | KolmogorovForcing | CrossedCosinesForcing, mesh: Grid
) -> NDArray[np.float64] | None:
    """Curl of the forcing [1/s2] over the mesh (ny, nx), or None without one.

    ``kolmogorov``: momentum forcing F sin(k y) x-hat, so f = -F k cos(k y) (Chandler and Kerswell 2013).
    ``crossed_cosines``: f = F (kx cos(kx x) + ky cos(ky y)) (Mojgani et al. 2023).
    """
    if isinstance(options, NoForcing):
        return None
    y, x = mesh.meshgrid()
    ky, kx = (2.0 * np.pi * options.wavenumber / length for length in mesh.length)
    if isinstance(options, KolmogorovForcing):
        return -options.amplitude * ky * np.cos(ky * y)
    return options.amplitude * (kx * np.cos(kx * x) + ky * np.cos(ky * y))
