"""Largest stable step of the explicit part of a spectral right-hand side."""

from __future__ import annotations

import math
from typing import Any

from subgrid.api import Array, Integrator

__all__ = ["explicit_step_limit"]


def explicit_step_limit(rate: float, linear: Array, xp: Any, integrator: Integrator) -> float:
    """Step [s] at which the eigenvalues of advection reach the edge of the stability region.

    ``rate`` is the largest advective frequency [1/s] and ``linear`` the diagonal symbol [1/s], of the
    shape of the field, which counts for schemes that
    treat it explicitly. Schemes whose region only touches the imaginary axis (Euler, AB2) get their real extent there:
    they are weakly unstable at any step without dissipation, and useless beyond that one.
    """
    frequency, damping = rate, 0.0
    if not integrator.splits_linear:
        damping = float(-xp.min(xp.real(linear)))
        if xp.isdtype(linear.dtype, "complex floating"):
            frequency += float(xp.max(xp.abs(xp.imag(linear))))
    limits = [math.inf]
    if frequency > 0.0:
        limits.append((integrator.imaginary_extent or integrator.real_extent) / frequency)
    if damping > 0.0:
        limits.append(integrator.real_extent / damping)
    return min(limits)
