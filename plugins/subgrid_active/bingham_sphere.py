"""The Bingham distribution on the sphere, psi = exp(B : p p) / Z, and a table of its fourth moments.

For rods in three dimensions. The moments are integrals over one coordinate, because the integral around an axis is a
Bessel function; the parameters of a given second moment are found by Newton's method; and the fourth moments of the
eigenframe are tabulated as Chebyshev series of two variables, as proposed by Weady, Shelley and Stein, J. Comput. Phys.
457, 110937 (2022). The table is computed when it is first asked for, which takes a few seconds.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

__all__ = ["BinghamTable", "bingham_table", "parameters_of", "sphere_moments"]

Real = NDArray[np.float64]

QUADRATURE_POINTS = 240
NEWTON_STEPS = 60


def sphere_moments(beta2: Any, beta3: Any) -> tuple[Real, Real]:
    """Second and fourth moments of psi ~ exp(beta2 y^2 + beta3 z^2) with ``beta3 <= beta2 <= 0``, shape (n,).

    Returns (<y^2>, <z^2>), shape (2, n), and (<x^4>, <x^2 y^2>, <y^4>, <y^2 z^2>, <z^4>), shape (5, n); the others
    follow from x^2 + y^2 + z^2 = 1.
    """
    nodes, weights = np.polynomial.legendre.leggauss(QUADRATURE_POINTS)
    # z in [0, 1], whose nodes crowd at 0, where psi does
    z_sq = (0.5 * (nodes + 1.0)) ** 2
    beta2, beta3 = np.asarray(beta2)[..., None], np.asarray(beta3)[..., None]
    s_sq = 1.0 - z_sq
    h = -0.5 * beta2 * s_sq
    bessel = [ive(n, h) for n in range(3)]
    weight = weights * np.exp(beta3 * z_sq)
    total = np.sum(weight * bessel[0], axis=-1)
    # integrals around the z axis of sin^2 and its square, with cos(2 phi) = I1/I0 and cos(4 phi) = I2/I0
    sin_sq = 0.5 * (bessel[0] - bessel[1])
    cos_sq = 0.5 * (bessel[0] + bessel[1])
    sin_fourth = 0.125 * (3.0 * bessel[0] - 4.0 * bessel[1] + bessel[2])
    mixed = 0.125 * (bessel[0] - bessel[2])
    cos_fourth = cos_sq - mixed

    def mean(values: Any) -> Any:
        return np.sum(weight * values, axis=-1) / total

    second = np.stack([mean(s_sq * sin_sq), mean(z_sq * bessel[0])])
    fourth = np.stack(
        [
            mean(s_sq**2 * cos_fourth),
            mean(s_sq**2 * mixed),
            mean(s_sq**2 * sin_fourth),
            mean(s_sq * z_sq * sin_sq),
            mean(z_sq**2 * bessel[0]),
        ]
    )
    return second, fourth


def parameters_of(mu2: Any, mu3: Any, guess: tuple[Any, Any]) -> tuple[Real, Real]:
    """(beta2, beta3) of the distribution with <y^2> = ``mu2`` and <z^2> = ``mu3``, where 1 > mu1 > mu2 > mu3 > 0.

    Newton's method on the logarithms of moments and parameters, which are nearly proportional when rods are aligned.
    """
    target = np.log(np.stack([mu2, mu3]))
    u = np.log(-np.stack([np.asarray(g, dtype=np.float64) for g in guess]))
    for _ in range(NEWTON_STEPS):
        beta2, beta3 = -np.exp(u)
        second, fourth = sphere_moments(beta2, beta3)
        residual = np.log(second) - target
        if np.max(np.abs(residual)) < 1e-13:
            break
        # d <x_i^2> / d beta_j is a covariance
        jacobian = np.empty((len(u[0]), 2, 2))
        jacobian[:, 0, 0] = (fourth[2] - second[0] ** 2) * beta2 / second[0]
        jacobian[:, 0, 1] = (fourth[3] - second[0] * second[1]) * beta3 / second[0]
        jacobian[:, 1, 0] = (fourth[3] - second[0] * second[1]) * beta2 / second[1]
        jacobian[:, 1, 1] = (fourth[4] - second[1] ** 2) * beta3 / second[1]
        step = np.linalg.solve(jacobian, residual.T[..., None])[..., 0].T
        u = u - np.clip(step, -1.0, 1.0)
    return -np.exp(u[0]), -np.exp(u[1])


class BinghamTable:
    """S_ijkl = <p_i p_j p_k p_l> of Bingham distributions on the sphere from D_ij = <p_i p_j> (trace 1).

    With eigenvalues mu1 >= mu2 >= mu3 the table holds S1111, S1122 and S2222 of the eigenframe over nu1 = 2 (1 - 3 mu3)
    - 1 and nu2 = 2 (mu1 - mu2) / (1 - 3 mu3) - 1, in [-1, 1]^2. Largest error of degree 40: 4e-9, 60: 7e-12, 81 (as
    published): 3e-14.
    """

    def __init__(self, degree: int = 60) -> None:
        self.degree = degree
        nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        values = np.empty((3, degree + 1, degree + 1))
        w = 0.5 * (1.0 + nodes)
        guess: tuple[Any, Any] | None = None
        before: tuple[Any, Any] = (0.0, 0.0)
        for row in range(degree, -1, -1):  # from isotropy on: each row starts from the one before
            t = 0.5 * (1.0 + nodes[row])
            mu1, mu2, mu3 = _eigenvalues(t, w)
            if guess is None:
                guess = 7.5 * (mu2 - mu1), 7.5 * (mu3 - mu1)
            else:
                guess = guess[0] * before[0] / mu2, guess[1] * before[1] / mu3
            guess = parameters_of(mu2, mu3, guess)
            before = mu2, mu3
            values[:, row] = sphere_moments(*guess)[1][:3]
        self.coefficients = np.stack([_chebyshev(_chebyshev(value).T).T for value in values], axis=-1)

    def __repr__(self) -> str:
        return f"BinghamTable(degree={self.degree})"

    def of_eigenvalues(self, mu1: Any, mu2: Any, mu3: Any) -> tuple[Real, Real, Real]:
        """S1111, S1122 and S2222 in the eigenframe; any shape."""
        t = np.clip(1.0 - 3.0 * np.asarray(mu3), 0.0, 1.0)
        w = np.clip((np.asarray(mu1) - mu2) / np.where(t > 0.0, t, 1.0), 0.0, 1.0)
        found = np.polynomial.chebyshev.chebval2d(2.0 * t - 1.0, 2.0 * w - 1.0, self.coefficients)
        return found[0], found[1], found[2]

    def contract(self, second_moment: Any, tensor: Any) -> Real:
        """S:T for ``second_moment`` D and symmetric ``tensor`` T, both (..., 3, 3)."""
        mu, frame = np.linalg.eigh(second_moment)
        mu3, mu2, mu1 = np.moveaxis(mu, -1, 0)
        # columns of the frame: eigenvectors of mu1, mu2, mu3
        frame = frame[..., ::-1]
        s1111, s1122, s2222 = self.of_eigenvalues(mu1, mu2, mu3)
        s1133, s2233 = mu1 - s1111 - s1122, mu2 - s1122 - s2222
        s3333 = mu3 - s1133 - s2233
        turned = np.swapaxes(frame, -1, -2) @ tensor @ frame
        rows = np.stack(
            [
                np.stack([s1111, s1122, s1133], axis=-1),
                np.stack([s1122, s2222, s2233], axis=-1),
                np.stack([s1133, s2233, s3333], axis=-1),
            ],
            axis=-2,
        )
        diagonal = np.einsum("...ij,...j->...i", rows, np.einsum("...ii->...i", turned))
        # off the diagonal S:T has 2 S_iijj T_ij; rows_ij = S_iijj
        result = 2.0 * rows * turned
        index = np.arange(3)
        result[..., index, index] = diagonal
        return np.asarray(frame @ result @ np.swapaxes(frame, -1, -2))


@cache
def bingham_table(degree: int = 60) -> BinghamTable:
    """The table of this degree, computed once."""
    return BinghamTable(degree)


def _eigenvalues(t: Any, w: Any) -> tuple[Any, Any, Any]:
    """mu1, mu2 and mu3 for t = 1 - 3 mu3 and w = (mu1 - mu2) / t."""
    half = (2.0 + t) / 6.0
    return half + 0.5 * t * w, half - 0.5 * t * w, (1.0 - t) / 3.0 + 0.0 * w


def _chebyshev(values: Real) -> Real:
    """Coefficients along the first axis of functions given at the roots of the next Chebyshev polynomial."""
    count = len(values)
    angles = np.pi * (np.arange(count) + 0.5) / count
    transform = 2.0 / count * np.cos(np.outer(np.arange(count), angles))
    transform[0] *= 0.5
    return np.asarray(transform @ values)
