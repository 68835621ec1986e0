"""The same work by exponax and JAX-CFD, for benchmarks. JAX is imported here only, and in double precision.

Each function returns a call that does its work and waits for the result; compilation is over by then. They raise
ImportError when the package is not installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from subgrid.api import Array, Work

__all__ = ["exponax_ks_scan", "exponax_ks_step", "exponax_step", "exponax_tendency", "jax_cfd_tendency"]

LENGTH = 2.0 * np.pi


def _jax() -> Any:
    # equinox modules are not hashable, so what is compiled below is a function around each of them
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def _warm(call: Any, argument: Any) -> Work:
    """Compile by calling once, and bind the argument."""
    call(argument).block_until_ready()
    return lambda: call(argument).block_until_ready()


def exponax_tendency(spectrum: Array, n: int) -> Work:
    """The nonlinear function that exponax's ``NavierStokesVorticity`` steps with, compiled on its own.

    Advection in the form u . grad w, five real transforms, dealiased by the 2/3 rule before and after the product: what
    an exponential scheme evaluates at each stage, as ours does with `Rhs.explicit`. A whole step divided by its number
    of stages would charge the linear combinations of the scheme to the right-hand side.
    """
    jax = _jax()
    import exponax

    derivative = exponax.spectral.build_derivative_operator(2, LENGTH, n)
    advection = exponax.nonlin_fun.VorticityConvection2d(
        2, n, derivative_operator=derivative, dealiasing_fraction=2.0 / 3.0
    )
    return _warm(jax.jit(lambda w: advection(w)), jax.numpy.asarray(spectrum)[None])


def exponax_step(spectrum: Array, n: int, dt: float, viscosity: float) -> Work:
    """One ETDRK4 step of ``NavierStokesVorticity`` in Fourier space."""
    jax = _jax()
    import exponax

    stepper = exponax.stepper.NavierStokesVorticity(2, LENGTH, n, dt, diffusivity=viscosity, order=4)
    return _warm(jax.jit(lambda w: stepper.step_fourier(w)), jax.numpy.asarray(spectrum)[None])


def jax_cfd_tendency(spectrum: Array, n: int, viscosity: float) -> Work:
    """``explicit_terms`` of JAX-CFD's spectral ``NavierStokes2D``, compiled: u . grad w, five real transforms, the 2/3
    rule applied to the product."""
    jax = _jax()
    from jax_cfd.base.grids import Grid
    from jax_cfd.spectral.equations import NavierStokes2D

    equation = NavierStokes2D(viscosity, Grid((n, n), domain=((0.0, LENGTH), (0.0, LENGTH))), smooth=True)
    return _warm(jax.jit(equation.explicit_terms), jax.numpy.asarray(spectrum))


def _ks_stepper(n: int, length: float, dt: float) -> Any:
    import exponax

    return exponax.stepper.KuramotoSivashinskyConservative(1, length, n, dt, order=4)


def exponax_ks_step(spectrum: Array, n: int, length: float, dt: float) -> Work:
    """One ETDRK4 step of ``KuramotoSivashinskyConservative`` in Fourier space, called from Python."""
    jax = _jax()
    stepper = _ks_stepper(n, length, dt)
    return _warm(jax.jit(lambda u: stepper.step_fourier(u)), jax.numpy.asarray(spectrum)[None])


def exponax_ks_scan(spectrum: Array, n: int, length: float, dt: float, steps: int) -> Work:
    """The same step ``steps`` times in one compiled ``lax.scan``, which keeps nothing in between."""
    jax = _jax()
    stepper = _ks_stepper(n, length, dt)

    def roll(start: Any) -> Any:
        return jax.lax.scan(lambda u, _: (stepper.step_fourier(u), None), start, None, length=steps)[0]

    return _warm(jax.jit(roll), jax.numpy.asarray(spectrum)[None])
