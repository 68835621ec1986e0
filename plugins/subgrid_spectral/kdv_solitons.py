"""Exact multi-soliton solutions of u_t + 6 u u_x + u_xxx = 0: a starting state, and the error against it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import Array, Clock, Fields, Quantity, ScenarioError, Setup
from subgrid_spectral.config_1d import SolitonsConfig
from subgrid_spectral.initial_1d import line


def soliton_solution(
    x: NDArray[np.float64], t: float, speeds: Sequence[float], positions: Sequence[float], length: float
) -> NDArray[np.float64]:
    """Solitons that overtake each other: u = 2 (ln tau)_xx with Hirota's tau (Hirota 1971, Phys. Rev. Lett. 27, 1192).

    tau = sum over subsets m of exp(sum_i m_i eta_i + sum_{i<j} m_i m_j ln A_ij),
    eta_i = kappa_i (x - x_i - c_i t) + constant, kappa_i = sqrt(c_i) and
    A_ij = ((kappa_i - kappa_j)/(kappa_i + kappa_j))^2. The constants are such that ``positions`` are the crests at
    t = 0 of solitons that are well apart. Images cover the periodic domain: exact to exp(-kappa length) as long as no
    soliton meets a periodic image of another.

    Parameters
    ----------
    x
        Places [m], shape (n,).
    t
        Time [s].
    speeds, positions
        c_i [m/s], all different, and x_i [m].
    length
        Period [m].
    """
    kappa = np.sqrt(np.asarray(speeds))
    place = np.asarray(positions)
    subsets = np.array(list(product((0.0, 1.0), repeat=len(kappa))))
    with np.errstate(divide="ignore"):
        pairs = 2.0 * np.log(np.abs(kappa[:, None] - kappa) / (kappa[:, None] + kappa))
    np.fill_diagonal(pairs, 0.0)
    # A soliton with others on its left is displaced by them, which the constant takes back.
    behind = np.where(place < place[:, None], pairs, 0.0).sum(axis=1)
    interaction = 0.5 * np.einsum("mi,ij,mj->m", subsets, pairs, subsets)
    crests = place + np.asarray(speeds) * t
    first = int(np.floor((x[0] - crests.max()) / length)) - 1
    last = int(np.ceil((x[-1] - crests.min()) / length)) + 1
    u = np.zeros_like(x)
    for image in range(first, last + 1):
        eta = kappa[:, None] * (x - image * length - crests[:, None]) - behind[:, None]
        exponent = subsets @ eta + interaction[:, None]
        weight = np.exp(exponent - exponent.max(axis=0))
        weight /= weight.sum(axis=0)
        rates = subsets @ kappa
        mean = rates @ weight
        u += 2.0 * np.sum(weight * (rates[:, None] - mean) ** 2, axis=0)
    return u


def crest(u: NDArray[np.float64], length: float) -> tuple[float, float]:
    """Place [m] from the first point, and height, of the highest crest of the trigonometric interpolant of u (nx,)."""
    n = len(u)
    spectrum = np.fft.rfft(u) / n
    spectrum[1:] *= 2.0
    if n % 2 == 0:
        spectrum[-1] *= 0.5
    k = 2.0 * np.pi / length * np.arange(len(spectrum))
    x = float(np.argmax(u)) * length / n
    for _ in range(8):
        wave = spectrum * np.exp(1j * k * x)
        curvature = np.sum(-(k**2) * wave.real)
        if curvature >= 0.0:
            break
        step = float(np.sum(-k * wave.imag) / curvature)
        x -= float(np.clip(step, -length / n, length / n))
    return x, float(np.sum((spectrum * np.exp(1j * k * x)).real))


class KdVSolitons:
    """Exact starting state of solitons with given speeds c [m/s] and crests [m]; a soliton of speed c has height c/2.

    See `soliton_solution`. A soliton is about 10 / sqrt(c) wide: make the domain longer.
    """

    def __init__(self, config: SolitonsConfig) -> None:
        self.config = config

    def fill(self, setup: Setup) -> Fields:
        x, length = line(setup)
        return {"u": soliton_solution(x, 0.0, self.config.speeds, self.config.positions, length)}

    def __repr__(self) -> str:
        return f"KdVSolitons(speeds={list(self.config.speeds)}, positions={list(self.config.positions)})"


class SolitonError:
    """Distance of a KdV run, begun at t = 0, from the exact solitons; needs the quantity ``u``.

    error_l2 = |u - v|_2 / |v|_2 and error_max = max|u - v| / max|v| against the exact v. ``position_error`` [m] is the
    displacement of u from v by the phase of mode 1, and ``speed_error`` [m/s] the same divided by time (zero at t = 0):
    the error in speed of a lone soliton. ``crest_position`` and ``crest_height`` follow the highest crest of the
    trigonometric interpolant.
    """

    needs: Sequence[str] = ("u",)

    def __init__(self, config: SolitonsConfig) -> None:
        self.config = config

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        # Kuramoto-Sivashinsky may have dispersion too, always beside a source and a sink of energy
        if "energy_rate_dispersion" not in quantities or "energy_rate_hyperviscosity" in quantities:
            raise ScenarioError(
                f"observers ({setup.label}): 'soliton_error' needs a solver of the Korteweg-de Vries equation, one of "
                "u with dispersion alone (quantity 'energy_rate_dispersion', and no 'energy_rate_hyperviscosity')"
            )
        self._x, self._length = line(setup)
        self._backend = setup.backend
        return {
            "error_l2": Quantity((), "", description="relative L2 error"),
            "error_max": Quantity((), "", description="largest error over the largest exact value"),
            "position_error": Quantity((), "m", description="displacement by the phase of mode 1"),
            "speed_error": Quantity((), "m/s", description="position_error over time"),
            "crest_position": Quantity((), "m", description="place of the highest crest"),
            "crest_height": Quantity((), "m/s", description="height of the highest crest"),
        }

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        u = self._backend.to_numpy(view["u"]).astype(np.float64)
        exact = soliton_solution(self._x, clock.time, self.config.speeds, self.config.positions, self._length)
        turn = np.angle(np.fft.rfft(exact)[1] / np.fft.rfft(u)[1])
        shift = float(turn * self._length / (2.0 * np.pi))
        place, height = crest(u, self._length)
        return {
            "error_l2": float(np.linalg.norm(u - exact) / np.linalg.norm(exact)),
            "error_max": float(np.max(np.abs(u - exact)) / np.max(np.abs(exact))),
            "position_error": shift,
            "speed_error": shift / clock.time if clock.time else 0.0,
            "crest_position": float(self._x[0]) + place % self._length,
            "crest_height": height,
        }

    def __repr__(self) -> str:
        return f"SolitonError(speeds={list(self.config.speeds)}, positions={list(self.config.positions)})"
