"""Error of a two-dimensional flow against a closed-form solution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Clock, Quantity, Setup
from subgrid_spectral.config_2d import (
    ExactSolutionErrorConfig,
    LaminarKolmogorovSolution,
    RossbyWaveSolution,
    TaylorGreenSolution,
)

__all__ = ["ExactSolutionError"]

Real = NDArray[np.float64]


class ExactSolutionError:
    """Relative error <(w - w_exact)^2>^1/2 / <w_exact^2>^1/2 of the vorticity; absolute where the solution vanishes.

    ``taylor_green``: A exp(-r t) cos(kx (x - U0 t)) cos(ky (y - V0 t)), r = nu (kx^2 + ky^2) + mu.
    ``rossby_wave``: A exp(-r t) cos(k . (x - U t) - sigma t + phase), sigma = -beta kx / k^2.
    ``laminar_kolmogorov``: -F k cos(k y) (1 - exp(-r t)) / r, r = nu k^2 + mu, from rest.
    """

    needs = ("vorticity",)

    def __init__(self, config: ExactSolutionErrorConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"ExactSolutionError({self.config.solution.type})"

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        y, x = setup.mesh.meshgrid()
        solution, length = self.config.solution, setup.mesh.length
        if isinstance(solution, TaylorGreenSolution):
            self.exact = taylor_green(solution, x, y, length)
        elif isinstance(solution, RossbyWaveSolution):
            self.exact = rossby_wave(solution, x, y, length)
        else:
            self.exact = laminar_kolmogorov(solution, y, length)
        self.to_numpy = setup.backend.to_numpy
        return {"error": Quantity((), "", "none", description=f"relative vorticity error against {solution.type}")}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        exact = self.exact(clock.time)
        norm = np.sqrt(np.mean(exact**2)) or 1.0
        return {"error": float(np.sqrt(np.mean((self.to_numpy(view["vorticity"]) - exact) ** 2)) / norm)}


def taylor_green(solution: TaylorGreenSolution, x: Real, y: Real, length: tuple[float, ...]) -> Callable[[float], Real]:
    """Vorticity (ny, nx) as a function of time."""
    ky, kx = (2.0 * np.pi * solution.wavenumber / extent for extent in length)
    rate = solution.viscosity * (kx**2 + ky**2) + solution.drag
    u0, v0 = solution.mean_flow

    def vorticity(t: float) -> Real:
        pattern = np.cos(kx * (x - u0 * t)) * np.cos(ky * (y - v0 * t))
        return solution.amplitude * np.exp(-rate * t) * pattern  # type: ignore[no-any-return]

    return vorticity


def rossby_wave(solution: RossbyWaveSolution, x: Real, y: Real, length: tuple[float, ...]) -> Callable[[float], Real]:
    """Vorticity (ny, nx) as a function of time."""
    kx, ky = (2.0 * np.pi * m / extent for m, extent in zip(solution.modes, reversed(length), strict=True))
    k_sq = kx**2 + ky**2
    rate = solution.viscosity * k_sq + solution.drag
    u0, v0 = solution.mean_flow
    frequency = kx * u0 + ky * v0 - solution.beta * kx / k_sq

    def vorticity(t: float) -> Real:
        angle = kx * x + ky * y - frequency * t + solution.phase
        return solution.amplitude * np.exp(-rate * t) * np.cos(angle)  # type: ignore[no-any-return]

    return vorticity


def laminar_kolmogorov(
    solution: LaminarKolmogorovSolution, y: Real, length: tuple[float, ...]
) -> Callable[[float], Real]:
    """Vorticity (ny, nx) as a function of time."""
    k = 2.0 * np.pi * solution.wavenumber / length[0]
    rate = solution.viscosity * k**2 + solution.drag

    def vorticity(t: float) -> Real:
        return -solution.amplitude * k * np.cos(k * y) * -np.expm1(-rate * t) / rate  # type: ignore[no-any-return]

    return vorticity
