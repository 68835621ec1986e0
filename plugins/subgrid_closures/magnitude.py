"""Domain means and magnitudes that stay differentiable where they vanish."""

from __future__ import annotations

from typing import Any

from subgrid.api import Array


def square_root(xp: Any, squares: Array) -> Array:
    """Square root of an array of any shape, with a finite derivative at zero.

    The smallest normal number is added: no effect in rounding on values, but under automatic differentiation a point at
    rest gives the derivative 0 where ``sqrt`` alone gives ``0 * inf``.
    """
    return xp.sqrt(squares + xp.finfo(squares.dtype).tiny)


def gradient_magnitude(xp: Any, gradient: Array) -> Array:
    """``|grad a|`` from (2, ..., ny, nx), the x and y derivatives of ``a``."""
    along_x, along_y = gradient[0], gradient[1]
    return square_root(xp, along_x * along_x + along_y * along_y)


def domain_mean(xp: Any, values: Array) -> Array:
    """Mean over the trailing (y, x) axes, kept with length one: (..., 1, 1)."""
    return xp.mean(values, axis=(-2, -1), keepdims=True)
