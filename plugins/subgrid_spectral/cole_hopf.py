"""An exact solution of the Burgers equation: a starting state, and the error against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Clock, Fields, Quantity, ScenarioError, Setup
from subgrid_spectral.config_1d import ColeHopfConfig
from subgrid_spectral.initial_1d import line


def cole_hopf_solution(
    x: NDArray[np.float64], t: float, offset: float, viscosity: float, k: float
) -> NDArray[np.float64]:
    """The Cole-Hopf solution u = 2 nu k g sin(k x) / (a + g cos(k x)), g = exp(-nu k^2 t) (Hopf 1950, Cole 1951).

    x in m, t in s, viscosity nu in m2/s, wavenumber k in 1/m, offset a > 1; returns u [m/s] with the shape of x.
    """
    decay = np.exp(-viscosity * k**2 * t)
    u: NDArray[np.float64] = 2.0 * viscosity * k * decay * np.sin(k * x) / (offset + decay * np.cos(k * x))
    return u


class ColeHopf:
    """Starting state `cole_hopf_solution` at t = 0; give the Burgers solver the same viscosity."""

    def __init__(self, config: ColeHopfConfig) -> None:
        self.config = config

    def fill(self, setup: Setup) -> Fields:
        x, length = line(setup)
        k = 2.0 * np.pi * self.config.mode / length
        return {"u": cole_hopf_solution(x, 0.0, self.config.offset, self.config.viscosity, k)}

    def __repr__(self) -> str:
        return f"ColeHopf(offset={self.config.offset}, viscosity={self.config.viscosity})"


class ColeHopfError:
    """Relative errors of a Burgers run, begun at t = 0, against `cole_hopf_solution`; needs the quantity ``u``
    of a solver with viscosity.

    error_l2 = |u - v|_2 / |v|_2 and error_max = max|u - v| / max|v|, v the exact solution.
    """

    needs: Sequence[str] = ("u",)

    def __init__(self, config: ColeHopfConfig) -> None:
        self.config = config

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        # the rate of the Burgers equation's only linear term, which no other equation of u has
        if "energy_rate_viscosity" not in quantities:
            raise ScenarioError(
                f"observers ({setup.label}): 'cole_hopf_error' needs a solver of the Burgers equation, one of u "
                "with viscosity (quantity 'energy_rate_viscosity')"
            )
        self._x, length = line(setup)
        self._k = 2.0 * np.pi * self.config.mode / length
        self._backend = setup.backend
        return {
            "error_l2": Quantity((), "", description="relative L2 error"),
            "error_max": Quantity((), "", description="largest error over the largest exact value"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        u = self._backend.to_numpy(view["u"])
        exact = cole_hopf_solution(self._x, clock.time, self.config.offset, self.config.viscosity, self._k)
        return {
            "error_l2": float(np.linalg.norm(u - exact) / np.linalg.norm(exact)),
            "error_max": float(np.max(np.abs(u - exact)) / np.max(np.abs(exact))),
        }

    def __repr__(self) -> str:
        return f"ColeHopfError(offset={self.config.offset}, viscosity={self.config.viscosity})"
