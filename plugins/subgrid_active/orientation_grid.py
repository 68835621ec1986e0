"""The kinetic theory on a grid of angles: the published method, kept as the definition of what the others compute.

Written in tensors and with quadrature over the angles, so that it shares no formula with the moment hierarchy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Integrator,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
)
from subgrid.kernels.fourier import FourierBasis
from subgrid_active.angular_moments import QUANTITIES, start_of_moments
from subgrid_active.config import ActiveOrientationsConfig
from subgrid_active.kinetic import moments_of_start

__all__ = ["ActiveOrientations"]


class ActiveOrientations:
    """psi(x, y, theta) in Fourier space, products on points, 2/3 rule on all three axes.

    d_t psi = -div(u psi) - d_theta(thetadot psi) + d_T lap psi + d_R d_theta^2 psi,
    thetadot = p_perp . (grad u + 2 zeta D) . p, p_perp = (-sin theta, cos theta),
    Sigma = alpha D + beta S:E - 2 zeta beta (D.D - S:D), -lap u + grad P = div Sigma, div u = 0.

    Field ``distribution``: complex (angles, ny, nx // 2 + 1). Use `active_kinetic`, which gives the same numbers in a
    fraction of the time; this one is for comparison. References: Maddu, Weady and Shelley, J. Comput. Phys. 504, 112869
    (2024).
    """

    name: ClassVar[str] = "active_orientations"
    slots: Mapping[str, Slot]

    def __init__(self, config: ActiveOrientationsConfig) -> None:
        self.config = config
        self.slots = {}
        self.quantities: Mapping[str, Quantity] = {}
        self.linear: Fields = {}

    def __repr__(self) -> str:
        c = self.config
        return f"ActiveOrientations(alpha={c.alpha:g}, beta={c.beta:g}, zeta={c.zeta:g}, angles={c.angles})"

    def setup(self, setup: Setup) -> StateSpec:
        """Tabulate symbols. Raises ScenarioError on a mesh of other than two axes."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"solver {self.name!r}: needs a grid with two axes, got {setup.mesh.ndim}")
        backend, config = setup.backend, self.config
        self.backend, self.basis = backend, FourierBasis(setup.mesh, backend)
        theta = 2.0 * np.pi * np.arange(config.angles) / config.angles
        harmonic = np.fft.fftfreq(config.angles, 1.0 / config.angles).reshape(-1, 1, 1)
        keep = 3 * np.abs(harmonic) < config.angles
        self.keep = self.basis.mask & backend.asarray(keep, "bool")
        self.harmonic = backend.asarray(np.where(keep, harmonic, 0.0), "real")
        diffusion = config.translational_diffusion * self.basis.k_sq
        self.linear = {"distribution": -diffusion - config.rotational_diffusion * self.harmonic**2}
        self.cos, self.sin = (backend.asarray(f(theta).reshape(-1, 1, 1), "real") for f in (np.cos, np.sin))
        weight = 2.0 * np.pi / config.angles
        powers = [np.cos(theta) ** (4 - n) * np.sin(theta) ** n for n in range(5)]
        # S_1111, S_1112, S_1122, S_1222 and S_2222 as weighted sums over the angles
        self.fourth = backend.asarray(weight * np.stack(powers), "real")
        self.quantities = QUANTITIES
        shape = (config.angles, *self.basis.spectral_shape)
        return StateSpec(fields={"distribution": ArraySpec(shape, "complex", "mode")})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """The distribution with ``concentration``, ``second_moment`` and, where given, ``higher_moments``; without, a
        Bingham distribution."""
        c, a2 = start_of_moments(self.name, physical)
        count = 2 * ((self.config.angles - 1) // 6)
        higher = moments_of_start(physical, c, a2, count - 2)
        pairs = np.concatenate([a2, higher])
        harmonics = np.zeros((self.config.angles, *c.shape), dtype=complex)
        harmonics[0] = c
        for j in range(1, count // 2 + 1):
            # psi ~ sum over n of a_n exp(-i n theta) / (2 pi)
            moment = pairs[2 * j - 2] + 1j * pairs[2 * j - 1]
            harmonics[-2 * j], harmonics[2 * j] = moment, np.conj(moment)
        values = np.fft.fft(harmonics, axis=0, norm="forward").real * self.config.angles / (2.0 * np.pi)
        values = np.flip(np.roll(values, -1, axis=0), axis=0)
        return {"distribution": self._forward(backend.asarray(values, "real"))}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there is no slot. Raises KeyError."""
        raise KeyError(f"{self.name} has no slot {slot!r}")

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Advection in space and over the angles [1/s]."""
        xp, (ky, kx) = self.backend.xp, self.basis.k_derivative
        psi = self._backward(fields["distribution"])
        c, a2, s = self._moments(psi)
        vorticity, _ = self._flow(c, a2, s)
        u, v = self._velocity(vorticity)
        gradient = self._gradient(vorticity)
        d = _tensor(c, a2)
        g11, g12, g21, g22 = (gradient[i] + 2.0 * self.config.zeta * d[i] for i in range(4))
        turning = -self.sin * (g11 * self.cos + g12 * self.sin) + self.cos * (g21 * self.cos + g22 * self.sin)
        rate = -1j * (
            kx * self._forward(u * psi) + ky * self._forward(v * psi) + self.harmonic * self._forward(turning * psi)
        )
        rate = xp.where(self.keep, rate, xp.zeros_like(rate))
        if out is None:
            return {"distribution": rate}
        out["distribution"][...] = rate
        return out

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of ``quantities``, (ny, nx) or (2, ny, nx). Raises KeyError for other names."""
        if name not in self.quantities:
            raise KeyError(f"{self.name} has no quantity {name!r}; choose from {', '.join(self.quantities)}")
        xp = self.backend.xp
        c, a2, s = self._moments(self._backward(fields["distribution"]))
        if name == "concentration":
            return c
        if name == "second_moment":
            return a2
        if name == "fourth_moment":
            return xp.stack([s[0] - 6.0 * s[2] + s[4], 4.0 * (s[1] - s[3])])
        if name == "second_moment_rate":
            rate = self.tendency(fields, t, closures)["distribution"]
            return self._moments(self._backward(rate + self.linear["distribution"] * fields["distribution"]))[1]
        if name == "alignment":
            return self.basis.over_mesh(self.config.zeta)
        if name == "order_parameter":
            return xp.hypot(a2[0], a2[1]) / c
        vorticity, strain = self._flow(c, a2, s)
        if name == "strain_rate":
            return strain
        if name == "energy":
            return 0.5 * self.basis.mean_product(self.basis.inverse_k_sq * vorticity, vorticity)
        return self._velocity(vorticity) if name == "velocity" else self.basis.backward(vorticity)

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Extent of the scheme over |u| kx + |v| ky + n |thetadot| with the largest kept wavenumbers."""
        xp = self.backend.xp
        c, a2, s = self._moments(self._backward(fields["distribution"]))
        vorticity, strain = self._flow(c, a2, s)
        u, v = self._velocity(vorticity)
        ky, kx = (float(xp.max(xp.abs(xp.where(self.basis.mask, k, xp.zeros_like(k))))) for k in self.basis.k)
        field = strain + self.config.zeta * a2
        w = float(xp.max(0.5 * xp.abs(self.basis.backward(vorticity)) + xp.hypot(field[0], field[1])))
        n = np.arange(1, self.config.angles // 3 + 1)
        damping = n**2 * self.config.rotational_diffusion if integrator.splits_linear else 0.0 * n
        rate = float(xp.max(kx * xp.abs(u) + ky * xp.abs(v)))
        rate += float(np.sqrt(np.max((n * w) ** 2 - damping**2, initial=0.0)))
        if not integrator.splits_linear:
            rate += float(xp.max(xp.abs(self.linear["distribution"])))
        # schemes that only touch the imaginary axis are stable there with damping, to about half their real extent
        extent = integrator.imaginary_extent or 0.5 * integrator.real_extent
        return extent / rate if rate > 0.0 else math.inf

    def _forward(self, values: Array) -> Array:
        xp = self.backend.xp
        spectrum = xp.fft.fft(self.basis.forward(values), axis=0)
        return xp.where(self.keep, spectrum, xp.zeros_like(spectrum))

    def _backward(self, spectrum: Array) -> Array:
        return self.basis.backward(self.backend.xp.fft.ifft(spectrum, axis=0))

    def _moments(self, psi: Array) -> tuple[Array, Array, Array]:
        """c, (Re a_2, Im a_2) and the five components of S, by the trapezoidal rule over the angles."""
        xp = self.backend.xp
        s = xp.tensordot(self.fourth, psi, axes=1)
        # p.p = 1 gives lower moments as traces
        d11, d12, d22 = s[0] + s[2], s[1] + s[3], s[2] + s[4]
        return d11 + d22, xp.stack([d11 - d22, 2.0 * d12]), s

    def _flow(self, c: Array, a2: Array, s: Array) -> tuple[Array, Array]:
        """Spectrum of the vorticity, and (E_11, E_12); repeated until the strain rate settles."""
        xp, config, (ky, kx) = self.backend.xp, self.config, self.basis.k_derivative
        inverse = xp.where(self.basis.mask, self.basis.inverse_k_sq, xp.zeros_like(self.basis.inverse_k_sq))
        d11, d12, _, d22 = _tensor(c, a2)
        strain = xp.zeros_like(a2)
        for _ in range(config.stokes_passes):
            e, f = strain
            se11, se12 = s[0] * e + 2.0 * s[1] * f - s[2] * e, s[1] * e + 2.0 * s[2] * f - s[3] * e
            se22 = s[2] * e + 2.0 * s[3] * f - s[4] * e
            sd11 = s[0] * d11 + 2.0 * s[1] * d12 + s[2] * d22
            sd12 = s[1] * d11 + 2.0 * s[2] * d12 + s[3] * d22
            sd22 = s[2] * d11 + 2.0 * s[3] * d12 + s[4] * d22
            steric = 2.0 * config.zeta * config.beta
            sigma11 = config.alpha * d11 + config.beta * se11 - steric * (d11 * d11 + d12 * d12 - sd11)
            sigma12 = config.alpha * d12 + config.beta * se12 - steric * (d11 * d12 + d12 * d22 - sd12)
            sigma22 = config.alpha * d22 + config.beta * se22 - steric * (d12 * d12 + d22 * d22 - sd22)
            normal, shear = self.basis.forward(xp.stack([sigma11 - sigma22, sigma12]))
            vorticity = inverse * (kx * ky * normal - (kx**2 - ky**2) * shear)
            before = strain
            strain = self.basis.backward(
                xp.stack([-kx * ky * inverse * vorticity, 0.5 * (kx**2 - ky**2) * inverse * vorticity])
            )
            change = xp.max(xp.abs(strain - before))
            if config.stokes_tolerance and bool(change <= config.stokes_tolerance * xp.max(xp.abs(strain))):
                break
        return vorticity, strain

    def _velocity(self, vorticity: Array) -> Array:
        xp, (ky, kx) = self.backend.xp, self.basis.k_derivative
        streamfunction = self.basis.inverse_k_sq * vorticity
        return self.basis.backward(xp.stack([1j * ky * streamfunction, -1j * kx * streamfunction]))

    def _gradient(self, vorticity: Array) -> Array:
        """u_x, u_y, v_x, v_y over the mesh."""
        xp, (ky, kx) = self.backend.xp, self.basis.k_derivative
        phi = self.basis.inverse_k_sq * vorticity
        return self.basis.backward(xp.stack([-kx * ky * phi, -(ky**2) * phi, kx**2 * phi, kx * ky * phi]))


def _tensor(c: Array, a2: Array) -> tuple[Array, Array, Array, Array]:
    """D_11, D_12, D_21 and D_22."""
    return 0.5 * (c + a2[0]), 0.5 * a2[1], 0.5 * a2[1], 0.5 * (c - a2[0])
