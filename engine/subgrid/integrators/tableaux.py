"""Butcher tableaux of the explicit Runge-Kutta schemes.

k_i = f(t + c_i dt, y + dt sum_j a_ij k_j),   y(t + dt) = y + dt sum_i b_i k_i

References: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I (1993); Gottlieb, Shu and Tadmor, SIAM
Rev. 43 (2001), 89; Ruuth and Spiteri, SIAM J. Numer. Anal. 42 (2004), 974; Dormand and Prince, J. Comput. Appl.
Math. 6 (1980), 19; Tsitouras, Comput. Math. Appl. 62 (2011), 770.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Row = tuple[float, ...]


@dataclass(frozen=True)
class Tableau:
    """Coefficients of an explicit scheme; ``a[i]`` has i entries. All are dimensionless."""

    c: Row
    a: tuple[Row, ...]
    b: Row

    @property
    def stages(self) -> int:
        return len(self.c)


@dataclass(frozen=True)
class EmbeddedTableau(Tableau):
    """A pair whose last stage is the slope at the new solution ("first same as last").

    ``error`` holds b minus the weights of the embedded scheme; ``dense(theta)`` the weights of the continuous extension
    y(t + theta dt) = y + dt sum_i dense_i(theta) k_i.
    """

    error: Row
    dense: Callable[[float], Row]


EULER = Tableau(c=(0.0,), a=((),), b=(1.0,))

RK4 = Tableau(
    c=(0.0, 1 / 2, 1 / 2, 1.0),
    a=((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
)

# The convex combinations of Euler steps in the literature, expanded; the scheme is the same.
SSP_RK3 = Tableau(
    c=(0.0, 1.0, 1 / 2),
    a=((), (1.0,), (1 / 4, 1 / 4)),
    b=(1 / 6, 1 / 6, 2 / 3),
)

SSP_RK43 = Tableau(
    c=(0.0, 1 / 2, 1.0, 1 / 2),
    a=((), (1 / 2,), (1 / 2, 1 / 2), (1 / 6, 1 / 6, 1 / 6)),
    b=(1 / 6, 1 / 6, 1 / 6, 1 / 2),
)

_DOPRI_B = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84, 0.0)
_DOPRI_EMBEDDED = (5179 / 57600, 0.0, 7571 / 16695, 393 / 640, -92097 / 339200, 187 / 2100, 1 / 40)
_DOPRI_QUARTIC = (
    -12715105075 / 11282082432,
    0.0,
    87487479700 / 32700410799,
    -10690763975 / 1880347072,
    701980252875 / 199316789632,
    -1453857185 / 822651844,
    69997945 / 29380423,
)


def _dormand_prince_dense(theta: float) -> Row:
    """Shampine's quartic extension (Hairer, Norsett and Wanner 1993, II.6) as weights of the slopes."""
    rest = 1.0 - theta
    weights = []
    for stage, (b, d) in enumerate(zip(_DOPRI_B, _DOPRI_QUARTIC, strict=True)):
        first, last = float(stage == 0), float(stage == 6)
        bend = first - b
        weights.append(theta * (b + rest * (bend + theta * (b - last - bend + rest * d))))
    return tuple(weights)


DORMAND_PRINCE = EmbeddedTableau(
    c=(0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        _DOPRI_B[:-1],
    ),
    b=_DOPRI_B,
    error=tuple(b - embedded for b, embedded in zip(_DOPRI_B, _DOPRI_EMBEDDED, strict=True)),
    dense=_dormand_prince_dense,
)

_TSIT_B = (
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
    0.0,
)


def _tsit5_dense(theta: float) -> Row:
    t, t2 = theta, theta * theta
    return (
        -1.0530884977290216 * t * (t - 1.3299890189751412) * (t2 - 1.4364028541716351 * t + 0.7139816917074209),
        0.1017 * t2 * (t2 - 2.1966568338249754 * t + 1.2949852507374631),
        2.490627285651252793 * t2 * (t2 - 2.38535645472061657 * t + 1.57803468208092486),
        -16.54810288924490272 * (t - 1.21712927295533244) * (t - 0.61620406037800089) * t2,
        47.37952196281928122 * (t - 1.203071208372362603) * (t - 0.658047292653547382) * t2,
        -34.87065786149660974 * (t - 1.2) * (t - 0.666666666666666667) * t2,
        2.5 * (t - 1.0) * (t - 0.6) * t2,
    )


TSIT5 = EmbeddedTableau(
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
    a=(
        (),
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.897153057105493, -6.359448489975075, 4.362295432869581),
        (5.325864828439257, -11.748883564062828, 7.495539342889836, -0.09249506636175525),
        (5.86145544294642, -12.92096931784711, 8.159367898576159, -0.071584973281401, -0.028269050394068383),
        _TSIT_B[:-1],
    ),
    b=_TSIT_B,
    error=(
        -0.00178001105222577714,
        -0.0008164344596567469,
        0.007880878010261995,
        -0.1447110071732629,
        0.5823571654525552,
        -0.45808210592918697,
        1 / 66,
    ),
    dense=_tsit5_dense,
)
