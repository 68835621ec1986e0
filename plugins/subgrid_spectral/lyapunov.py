"""Lyapunov spectra of the one-dimensional solvers, and a command line that prints that of Kuramoto-Sivashinsky.

``python -m subgrid_spectral.lyapunov --length 22 --cells 64 --time 20000 --seed 1``
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from subgrid.api import Backend, Grid, Setup, Streams
from subgrid_spectral.config_1d import KuramotoSivashinskyConfig, RandomFourierConfig
from subgrid_spectral.initial_1d import RandomFourier
from subgrid_spectral.kuramoto_sivashinsky import KuramotoSivashinsky
from subgrid_spectral.quadratic_flux import QuadraticFlux

__all__ = ["LyapunovSpectrum", "TangentFlow", "kaplan_yorke", "kuramoto_sivashinsky_spectrum", "lyapunov_spectrum"]

BLOCKS = 10


@dataclass(frozen=True)
class LyapunovSpectrum:
    """Largest exponents [1/s] in falling order, as means over ``blocks`` of equal duration, (BLOCKS, count), and the
    whole averaging time [s]."""

    blocks: NDArray[np.float64]
    time: float

    @property
    def exponents(self) -> NDArray[Any]:
        """Exponents [1/s] (count,), in falling order."""
        exponents: NDArray[Any] = self.blocks.mean(axis=0)
        return exponents

    @property
    def errors(self) -> NDArray[Any]:
        """Standard errors [1/s] of ``exponents`` (count,), from the scatter of the blocks."""
        errors: NDArray[Any] = self.blocks.std(axis=0, ddof=1) / math.sqrt(BLOCKS)
        return errors

    @property
    def dimension(self) -> float:
        """`kaplan_yorke` of ``exponents``."""
        return kaplan_yorke(self.exponents)

    @property
    def dimension_error(self) -> float:
        """Standard error of ``dimension``, by leaving out one block at a time (jackknife)."""
        others = (self.blocks.sum(axis=0) - self.blocks) / (BLOCKS - 1)
        return float(np.std([kaplan_yorke(exponents) for exponents in others]) * math.sqrt(BLOCKS - 1))


def kaplan_yorke(exponents: NDArray[np.float64]) -> float:
    """Kaplan-Yorke dimension j + (l_1 + ... + l_j) / |l_(j+1)|, j the most exponents whose sum is not negative.

    ``exponents`` (count,) stand in falling order. Raises ValueError when even the sum of all of them is positive.
    """
    sums = np.cumsum(exponents)
    if sums[-1] >= 0.0:
        raise ValueError(f"the sum of {len(exponents)} exponents is not negative: compute more of them")
    count = int(np.argmax(sums < 0.0))
    return count + (float(sums[count - 1]) if count else 0.0) / abs(float(exponents[count]))


class TangentFlow:
    """A solution v and tangent vectors w of v' = L v + flux F[u^2], advanced together by ETDRK4.

    w' = L w + 2 flux F[u w] is what ETDRK4 sees for w, so that w follows the derivative of the discrete step exactly.
    Rows are half spectra of the ``kept`` modes, complex (1 + count, kept), the solution first: modes beyond only decay,
    and react on nothing. The solver must run on NumPy, without forcing.
    """

    def __init__(self, solver: QuadraticFlux, dt: float) -> None:
        self._n = solver.basis.points
        self._kept = solver.kept
        self._flux = solver.flux[: self._kept]
        self._coefficients = _etdrk4_coefficients(solver.linear["u"][: self._kept], dt)

    def _tendency(self, rows: NDArray[Any]) -> NDArray[Any]:
        values = scipy.fft.irfft(rows, self._n, axis=-1)
        solution = values[0].copy()
        values[1:] *= 2.0
        values *= solution
        rates: NDArray[Any] = self._flux * scipy.fft.rfft(values, axis=-1, overwrite_x=True)[:, : self._kept]
        return rates

    def step(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows (1 + count, kept) after one step, as a new array."""
        e, e2, q, f1, f2, f3 = self._coefficients
        n_v = self._tendency(rows)
        half = e2 * rows
        a = half + q * n_v
        n_a = self._tendency(a)
        n_b = self._tendency(half + q * n_a)
        n_c = self._tendency(e2 * a + q * (2.0 * n_b - n_v))
        n_a += n_b
        result: NDArray[Any] = e * rows + f1 * n_v + (2.0 * f2) * n_a + f3 * n_c
        return result


def lyapunov_spectrum(
    solver: QuadraticFlux,
    u: NDArray[np.float64],
    count: int,
    time: float,
    dt: float = 0.25,
    interval: int = 4,
    transient: float = 500.0,
    rng: Streams | None = None,
) -> LyapunovSpectrum:
    """The ``count`` largest Lyapunov exponents by repeated QR of tangent vectors (Benettin et al. 1980, Meccanica 15).

    The mean of u is conserved by these equations; perturbations of the mean are left out, and with them a trivial zero
    exponent that Galilean invariance adds (some published dimensions count it and are larger by about one).

    Parameters
    ----------
    solver
        Set up on NumPy in float64, without forcing.
    u
        Starting values [m/s], shape (n,).
    count
        Number of exponents, at most 2 (kept - 1); to find the dimension take more than the dimension.
    time, transient
        Length of the average [s], and the time before it for solution and vectors to settle.
    dt, interval
        Step [s], and steps between orthonormalisations.
    rng
        Streams for the first tangent vectors.

    Raises ValueError when ``count`` or ``time`` do not fit.
    """
    freedom = 2 * (solver.kept - 1)
    rounds = BLOCKS * round(time / (BLOCKS * dt * interval))
    if not 1 <= count <= freedom or rounds < BLOCKS:
        raise ValueError(
            f"count = {count} must lie in 1..{freedom} and time = {time} be at least {BLOCKS * dt * interval}"
        )
    flow = TangentFlow(solver, dt)
    rows = np.zeros((1 + count, solver.kept), dtype=np.complex128)
    rows[0] = scipy.fft.rfft(u)[: solver.kept]
    generator = (rng or Streams(0, "lyapunov")).generator("tangents")
    # The mode 0 of a tangent stays zero, so its other modes span the space of perturbations without mean.
    rows[1:, 1:] = generator.standard_normal((count, freedom)).view(np.complex128)
    growth = np.empty((rounds, count))
    for index in range(-round(transient / (dt * interval)), rounds):
        for _ in range(interval):
            rows = flow.step(rows)
        tangents = np.ascontiguousarray(rows[1:, 1:]).view(np.float64)
        basis, triangle = np.linalg.qr(tangents.T)
        rows[1:, 1:] = np.ascontiguousarray(basis.T).view(np.complex128)
        if index >= 0:
            growth[index] = np.log(np.abs(np.diag(triangle)))
    growth /= dt * interval
    blocks = growth.reshape(BLOCKS, -1, count).mean(axis=1)
    return LyapunovSpectrum(blocks, rounds * dt * interval)


def kuramoto_sivashinsky_spectrum(
    length: float, cells: int, time: float, seed: int = 1, count: int | None = None, dt: float = 0.25
) -> LyapunovSpectrum:
    """`lyapunov_spectrum` of u_t = -u u_x - u_xx - u_xxxx on a domain of this length, from random waves.

    Without ``count`` it takes about 0.25 length + 5 exponents; the dimension is about 0.226 length - 1.
    """
    setup = Setup(Grid((cells,), (length,)), Backend(threads=1), "lyapunov", Streams(seed, "lyapunov"), dt, Path.cwd())
    solver = KuramotoSivashinsky(KuramotoSivashinskyConfig())
    solver.setup(setup)
    u = RandomFourier(RandomFourierConfig(highest_mode=4)).fill(setup)["u"]
    return lyapunov_spectrum(solver, u, count or math.ceil(0.25 * length + 5), time, dt, rng=setup.rng)


def _etdrk4_coefficients(symbol: NDArray[Any], dt: float) -> list[NDArray[Any]]:
    """E, E2, Q, f1, f2, f3 of Kassam and Trefethen 2005 by means over a circle around z = dt L."""
    z = dt * symbol
    w = z[:, None] + 2.0 * np.exp(2j * np.pi * (np.arange(64) + 0.5) / 64)
    e = np.exp(w)
    integrands = (
        (np.exp(w / 2) - 1) / w,
        (-4 - w + e * (4 - 3 * w + w**2)) / w**3,
        (2 + w + e * (w - 2)) / w**3,
        (-4 - 3 * w - w**2 + e * (4 - w)) / w**3,
    )
    means = [dt * values.mean(axis=1) for values in integrands]
    if not np.iscomplexobj(symbol):
        means = [mean.real for mean in means]
    return [np.exp(z), np.exp(z / 2), *means]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print exponents, standard errors and Kaplan-Yorke dimension of a Kuramoto-Sivashinsky run."""
    parser = argparse.ArgumentParser(description="Lyapunov spectrum of the Kuramoto-Sivashinsky equation")
    parser.add_argument("--length", type=float, default=22.0, help="length of the domain")
    parser.add_argument("--cells", type=int, default=64, help="cells, about 2 to 3 a unit length")
    parser.add_argument("--time", type=float, default=20000.0, help="time averaged over")
    parser.add_argument("--seed", type=int, default=1, help="seed of the starting waves and vectors")
    parser.add_argument("--count", type=int, help="number of exponents")
    parser.add_argument("--dt", type=float, default=0.25, help="step")
    options = parser.parse_args(arguments)
    spectrum = kuramoto_sivashinsky_spectrum(**vars(options))
    print(f"Kuramoto-Sivashinsky, length {options.length:g}, {options.cells} cells, averaged over {spectrum.time:g}")
    print("perturbations of the conserved mean are left out\n\n  i   exponent   standard error")
    for index, (exponent, error) in enumerate(zip(spectrum.exponents, spectrum.errors, strict=True), start=1):
        print(f"{index:3d}  {exponent:9.5f}   {error:.5f}")
    try:
        print(f"\nKaplan-Yorke dimension {spectrum.dimension:.3f}, standard error {spectrum.dimension_error:.3f}")
    except ValueError as error:
        print(f"\nKaplan-Yorke dimension not found: {error}")


if __name__ == "__main__":
    main()
