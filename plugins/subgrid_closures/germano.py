"""The dynamic procedure: a coefficient from the scales between the grid and a test filter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from subgrid.api import Array, Setup
from subgrid.kernels.fourier import FourierBasis
from subgrid_closures.config import DynamicOptions
from subgrid_closures.filter_width import filter_width
from subgrid_closures.magnitude import domain_mean


class Germano:
    """Solves the identity ``L = c M`` between grid and test filter for the coefficient c.

    Germano, Piomelli, Moin and Cabot, Phys. Fluids A 3 (1991); Lilly, Phys. Fluids A 4 (1992). The test filter F is
    sharp in wavenumber: with ratio r it keeps ``|k_i| < pi / (r h_i)`` on each axis, half of what the grid carries for
    r = 2.

    Attributes
    ----------
    basis
        Transforms of the run's mesh.
    width, test_width
        Delta and the test filter's width [m].
    """

    def __init__(self, options: DynamicOptions, setup: Setup) -> None:
        self.basis = FourierBasis(setup.mesh, setup.backend)
        self.width = filter_width(setup.mesh, options.filter_width_ratio)
        self.test_width = options.test_filter_ratio * self.width
        highest = math.pi * (1.0 - 1e-9)  # rounding must not let the cut-off itself through
        kept = [
            np.abs(setup.backend.to_numpy(k)) * options.test_filter_ratio * spacing < highest
            for k, spacing in zip(self.basis.k, setup.mesh.spacing, strict=True)
        ]
        self._kept = setup.backend.asarray(kept[0] & kept[1], "real")
        self._estimate = options.estimate
        self._largest = options.largest

    def filtered(self, fields: Sequence[Array]) -> Array:
        """Test-filtered spectra (fields, ..., ny, nx // 2 + 1) of several fields (..., ny, nx)."""
        return self._kept * self.basis.forward(self.basis.backend.xp.stack(list(fields)))

    def coefficient(self, products: Array, squares: Array, power: int) -> Array:
        """c from ``L M`` and ``M^2`` (..., ny, nx), of that shape or a mean (..., 1, 1) as the estimate says; ``power``
        relates it to C_S or C_L: ``c = C^power``."""
        xp = self.basis.backend.xp
        floor = xp.finfo(squares.dtype).tiny
        if self._estimate == "local_ratio":
            return xp.clip(products / (squares + floor), 0.0, self._largest**power)
        if self._estimate != "mean":
            products = _positive_part(xp, products)
        if self._estimate != "positive_local":
            products = domain_mean(xp, products)
        return products / (domain_mean(xp, squares) + floor)


def _positive_part(xp: Any, values: Array) -> Array:
    return 0.5 * (values + xp.abs(values))


def vorticity_coefficient(
    germano: Germano,
    rate: Array,
    power: int,
    velocity: Array,
    vorticity_gradient: Array,
    vorticity_laplacian: Array,
) -> Array:
    """The coefficient from the divergence of the subgrid vorticity flux, with ``nu_e = c Delta^power rate``.

    ::

        L = F[u . grad w] - F[u] . grad F[w]
        M = Delta^power F[rate lap w] - Delta_t^power F[rate] lap F[w]

    ``rate`` is |S| with power 2, or |grad w| with power 3. Shapes (..., ny, nx), vectors (2, ..., ny, nx).
    """
    basis, xp = germano.basis, germano.basis.backend.xp
    advection = velocity[0] * vorticity_gradient[0] + velocity[1] * vorticity_gradient[1]
    # F[u] comes from the velocity itself, not from a streamfunction: L must not see a uniform velocity
    spectra = germano.filtered([advection, rate * vorticity_laplacian, rate, velocity[0], velocity[1]])
    w = basis.derivative(spectra[4], -1) - basis.derivative(spectra[3], -2)
    of_vorticity = xp.stack([basis.derivative(w, -1), basis.derivative(w, -2), -basis.k_sq * w])
    advected, diffused, rate_f, u, v, w_x, w_y, laplacian = basis.backward(xp.concat([spectra, of_vorticity]))
    leonard = advected - (u * w_x + v * w_y)
    model = germano.width**power * diffused - germano.test_width**power * rate_f * laplacian
    return germano.coefficient(leonard * model, model * model, power)


def stress_coefficient(germano: Germano, rate: Array, velocity: Array, velocity_gradient: Array) -> Array:
    """The coefficient from the deviatoric stress (Lilly 1992), with ``nu_e = c Delta^2 |S|``.

    ::

        L_ij = F[u_i u_j] - F[u_i] F[u_j]   (deviatoric)
        M_ij = 2 Delta^2 F[|S| S_ij] - 2 Delta_t^2 |F[S]| F[S_ij]

    Shapes as in `vorticity_coefficient`; ``rate`` is |S|, ``velocity_gradient`` (2, 2, ..., ny, nx).
    """
    basis, xp = germano.basis, germano.basis.backend.xp
    u, v = velocity[0], velocity[1]
    shear = 0.5 * (velocity_gradient[0, 1] + velocity_gradient[1, 0])
    spectra = germano.filtered([0.5 * (u * u - v * v), u * v, rate * velocity_gradient[0, 0], rate * shear, u, v])
    stretch_spectrum = basis.derivative(spectra[4], -1)
    shear_spectrum = 0.5 * (basis.derivative(spectra[4], -2) + basis.derivative(spectra[5], -1))
    normal, cross, rate_s11, rate_s12, u, v, s11, s12 = basis.backward(
        xp.concat([spectra, xp.stack([stretch_spectrum, shear_spectrum])])
    )
    leonard_11 = normal - 0.5 * (u * u - v * v)
    leonard_12 = cross - u * v
    rate_f = 2.0 * xp.sqrt(s11 * s11 + s12 * s12 + xp.finfo(s11.dtype).tiny)
    fine, coarse = 2.0 * germano.width**2, 2.0 * germano.test_width**2 * rate_f
    model_11 = fine * rate_s11 - coarse * s11
    model_12 = fine * rate_s12 - coarse * s12
    products = 2.0 * (leonard_11 * model_11 + leonard_12 * model_12)
    return germano.coefficient(products, 2.0 * (model_11 * model_11 + model_12 * model_12), 2)
