"""Transfer functions of the filters that define a resolved flow: real, (ny, nx // 2 + 1), over the half spectrum.

Widths Delta are in metres. Reference: Pope, Turbulent Flows (2000), section 13.2.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from subgrid.api import Array
from subgrid.kernels.fourier import FourierBasis

FilterName = Literal["sharp", "gaussian", "box"]
FILTERS: tuple[FilterName, ...] = ("sharp", "gaussian", "box")


def gaussian_transfer(basis: FourierBasis, width: float) -> Array:
    """``exp(-k^2 Delta^2/24)``: the Gaussian with the second moment of a box of width Delta."""
    return basis.backend.xp.exp(-(width**2) / 24.0 * basis.k_sq)


def box_transfer(basis: FourierBasis, width: float) -> Array:
    """``prod_i sin(k_i Delta/2) / (k_i Delta/2)``: the mean over a square of side Delta."""
    factors = [np.sinc(basis.backend.to_numpy(k) * width / (2.0 * np.pi)) for k in basis.k]
    return basis.backend.asarray(math.prod(factors[1:], start=factors[0]), "real")


def sharp_transfer(basis: FourierBasis, width: float) -> Array:
    """1 for ``|k| < pi/Delta``, else 0."""
    return basis.backend.asarray(basis.k_sq < (math.pi / width) ** 2, "real")


def transfer(name: FilterName, basis: FourierBasis, width: float) -> Array:
    """Transfer function of the named filter of width Delta [m] over the half spectrum of ``basis``."""
    if name == "gaussian":
        return gaussian_transfer(basis, width)
    return box_transfer(basis, width) if name == "box" else sharp_transfer(basis, width)
