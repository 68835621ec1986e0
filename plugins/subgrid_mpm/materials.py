"""Constitutive laws as closures: the Kirchhoff stress of each particle from its deformation gradient.

A law of one's own needs ``slots = ("stress",)``, ``inputs`` and ``evaluate``; `subgrid.api` documents the optional
``advance`` (plastic flow, memory), ``update`` and ``compiled`` (compiled paths), ``stable_dt`` and ``energy``.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np

from subgrid.api import Array, ColumnSpec, Fields, ScenarioError, Setup, Slot, StateSpec, Streams
from subgrid.kernels import constitutive
from subgrid_mpm.config import (
    DruckerPragerConfig,
    ElasticConfig,
    FluidConfig,
    HerschelBulkleyConfig,
    VonMisesConfig,
)


class IsotropicSolid(ABC):
    """What laws in principal stretches share: F F^T = U S^2 U^T, tau = U diag(tau_k(S)) U^T.

    A law gives its moduli, the principal stresses and energy at stretches s (n, d), and, when it flows, the stretches
    that plastic flow leaves: F <- U (S'/S) U^T F.
    """

    slots = ("stress",)
    inputs: tuple[str, ...] = ("deformation_gradient", "density")
    law: int
    mu: float
    lam: float
    parameters: tuple[float, ...] = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mu={self.mu:.6g}, lambda={self.lam:.6g})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.d, self.spacing = setup.mesh.ndim, min(setup.mesh.spacing)
        self.numbers = parameters_of(setup, self.mu, self.lam, *self.parameters)
        self.none = np.zeros(1, setup.backend.dtype())
        return StateSpec()

    @abstractmethod
    def principal_stress(self, s: Array) -> Array:
        """Principal Kirchhoff stresses [Pa] (n, d) at stretches (n, d)."""

    @abstractmethod
    def stored(self, s: Array) -> Array:
        """Stored energy by rest volume [J/m3] (n,) at stretches (n, d)."""

    def stable_dt(self, inputs: Mapping[str, Array], memory: Fields) -> float:
        """Time [s] in which a pressure wave of small amplitude crosses a cell; ``density`` (n,)."""
        return self.spacing * math.sqrt(lightest(inputs) / (self.lam + 2.0 * self.mu))

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """tau [Pa], shape (n, d, d)."""
        s, U = principal(inputs["deformation_gradient"])
        return np.einsum("nik,nk,njk->nij", U, self.principal_stress(s), U)

    def energy(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Stored energy by rest volume [J/m3], shape (n,)."""
        return self.stored(principal(inputs["deformation_gradient"])[0])

    def update(self, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int) -> None:
        """`advance` and `evaluate`, compiled: ``deformation_gradient`` and ``out`` (n, d, d) in place."""
        kernel = constitutive.isotropic_2d if self.d == 2 else constitutive.isotropic_3d
        scalar = memory.get("lost_volume", self.none)
        kernel(inputs["deformation_gradient"], scalar, self.law, self.numbers, float(dt), out, first, last)

    def compiled(self, inputs: Mapping[str, Array], memory: Fields, out: Array) -> tuple[int, Array]:
        """`update` as a C function."""
        F, scalar = inputs["deformation_gradient"], memory.get("lost_volume", self.none)
        return native_law("isotropic", F, F, scalar, out, self.numbers, self.law)


class FlowingSolid(IsotropicSolid):
    """A solid in Hencky strain eps = ln S with plastic flow: tau_k = 2 mu eps_k + lambda tr(eps)."""

    def principal_stress(self, s: Array) -> Array:
        strain = np.log(s)
        return 2.0 * self.mu * strain + self.lam * strain.sum(axis=1, keepdims=True)

    def stored(self, s: Array) -> Array:
        strain = np.log(s)
        return self.mu * np.sum(strain**2, axis=1) + 0.5 * self.lam * strain.sum(axis=1) ** 2

    @abstractmethod
    def relaxed(self, strain: Array, s: Array, memory: Fields, dt: float) -> tuple[Array, Fields]:
        """Strain (n, d) that flow within ``dt`` [s] leaves of a trial one, whose stretches are ``s`` (n, d), and the
        columns of memory (n,) that change."""

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        """The deformation gradient without what flows away within a step."""
        F = inputs["deformation_gradient"]
        s, U = principal(F)
        strain, changed = self.relaxed(np.log(s), s, memory, dt)
        return {"deformation_gradient": np.einsum("nik,nk,njk,njl->nil", U, np.exp(strain) / s, U, F), **changed}


def parameters_of(setup: Setup, *values: float) -> Array:
    """Numbers of a law as its kernel reads them, (PARAMETERS,) in the precision of the run, with zeros at the end."""
    numbers = np.zeros(constitutive.PARAMETERS, setup.backend.dtype())
    numbers[: len(values)] = values
    return numbers


def native_law(
    family: str, F: Array, C: Array, scalar: Array, out: Array, numbers: Array, law: int
) -> tuple[int, Array]:
    """Address of a law of `subgrid.kernels.constitutive` and its arguments, int64 (LAW_ARGUMENTS,).

    ``F``, ``C`` and ``out`` (n, d, d), ``scalar`` (n,) or (1,) where the law has none, ``numbers`` of `parameters_of`:
    their addresses are taken, so that they must outlive the arguments.
    """
    arguments = np.zeros(constitutive.LAW_ARGUMENTS, np.int64)
    places = (array.ctypes.data for array in (F, C, scalar, out, numbers))
    arguments[3:10] = len(F), *places, law
    return constitutive.native(family, F.shape[1], F.dtype.name).address, arguments


def principal(F: Array) -> tuple[Array, Array]:
    """Stretches (n, d), the smallest negative where F turns inside out, and directions U (n, d, d) in columns."""
    values, U = np.linalg.eigh(F @ np.swapaxes(F, 1, 2))
    s = np.sqrt(np.maximum(values, 0.0))
    s[:, 0] *= np.where(np.linalg.det(F) < 0.0, -1.0, 1.0)
    return s, U


def lightest(inputs: Mapping[str, Array]) -> float:
    """Smallest rest density [kg/m3], which waves are fastest in."""
    return float(np.min(inputs["density"], initial=math.inf))


def deviator(strain: Array) -> tuple[Array, Array, Array]:
    """Mean (n, 1), deviator (n, d) and its norm (n, 1)."""
    mean = strain.mean(axis=1, keepdims=True)
    return mean, strain - mean, np.linalg.norm(strain - mean, axis=1, keepdims=True)


def lame(young_modulus: float, poisson_ratio: float) -> tuple[float, float]:
    """mu and lambda [Pa]."""
    nu = poisson_ratio
    return young_modulus / (2.0 * (1.0 + nu)), young_modulus * nu / ((1.0 + nu) * (1.0 - 2.0 * nu))


class FixedCorotated(IsotropicSolid):
    """psi = mu sum (s_k - 1)^2 + lambda/2 (J - 1)^2 (Stomakhin et al. 2012); bears inversion."""

    law = 0

    def __init__(self, config: ElasticConfig) -> None:
        self.mu, self.lam = lame(config.young_modulus, config.poisson_ratio)

    def principal_stress(self, s: Array) -> Array:
        J = np.prod(s, axis=1, keepdims=True)
        return 2.0 * self.mu * s * (s - 1.0) + self.lam * J * (J - 1.0)

    def stored(self, s: Array) -> Array:
        return self.mu * np.sum((s - 1.0) ** 2, axis=1) + 0.5 * self.lam * (np.prod(s, axis=1) - 1.0) ** 2


class NeoHookean(IsotropicSolid):
    """psi = mu/2 (tr F^T F - d) - mu ln J + lambda/2 (ln J)^2."""

    law = 1

    def __init__(self, config: ElasticConfig) -> None:
        self.mu, self.lam = lame(config.young_modulus, config.poisson_ratio)

    def principal_stress(self, s: Array) -> Array:
        return self.mu * (s**2 - 1.0) + self.lam * np.log(np.prod(s, axis=1, keepdims=True))

    def stored(self, s: Array) -> Array:
        log_J = np.log(np.prod(s, axis=1))
        return 0.5 * self.mu * np.sum(s**2 - 1.0, axis=1) - self.mu * log_J + 0.5 * self.lam * log_J**2


class VonMises(FlowingSolid):
    """Perfect plasticity: |dev tau| <= k_y = sqrt(2) times the shear yield stress."""

    law = 2

    def __init__(self, config: VonMisesConfig) -> None:
        self.mu, self.lam = lame(config.young_modulus, config.poisson_ratio)
        self.bound = math.sqrt(2.0) * config.yield_stress
        self.parameters = (self.bound,)

    def relaxed(self, strain: Array, s: Array, memory: Fields, dt: float) -> tuple[Array, Fields]:
        mean, part, size = deviator(strain)
        limit = self.bound / (2.0 * self.mu)
        return np.where(size > limit, mean + part * limit / np.maximum(size, limit), strain), {}


class HerschelBulkley(FlowingSolid):
    """Viscoplastic flow: in simple shear at rate g the stress is tau_y + K g^n (Yue et al. 2015, continuum foam).

    The norm r of dev(tau) obeys r + 2 mu tr(b)/d dt ((r - k_y)/eta_p)^(1/n) = trial norm, with k_y = sqrt(2) tau_y and
    eta_p = sqrt(2)^(n+1) K. Elastic strain must stay small: shear stress well below the shear modulus.
    """

    law = 3

    def __init__(self, config: HerschelBulkleyConfig) -> None:
        self.config, self.mu = config, config.shear_modulus
        self.bound, n = math.sqrt(2.0) * config.yield_stress, config.exponent
        self.eta = math.sqrt(2.0) ** (n + 1.0) * config.consistency
        self.parameters = (self.bound, self.eta, n)
        self.lam = config.bulk_modulus - 2.0 * self.mu / 3.0

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        self.lam = self.config.bulk_modulus - 2.0 * self.mu / setup.mesh.ndim
        if self.lam + 2.0 * self.mu <= 0:
            raise ScenarioError(f"closures ({setup.label}): bulk_modulus {self.config.bulk_modulus:g} is too small")
        return super().setup(setup, slot)

    def relaxed(self, strain: Array, s: Array, memory: Fields, dt: float) -> tuple[Array, Fields]:
        mean, part, size = deviator(strain)
        trial = 2.0 * self.mu * size
        flow = 2.0 * self.mu * np.mean(s**2, axis=1, keepdims=True) * dt
        low, high = np.full_like(trial, self.bound), np.maximum(trial, self.bound)
        for _ in range(60):
            middle = 0.5 * (low + high)
            above = middle + flow * ((middle - self.bound) / self.eta) ** (1.0 / self.config.exponent) > trial
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        flows = trial > self.bound
        return np.where(flows, mean + part * 0.5 * (low + high) / np.where(flows, trial, 1.0), strain), {}


class DruckerPrager(FlowingSolid):
    """Sand (Klar et al. 2016): dev(eps) is bounded by pressure, tension separates, volume that was lost is given back
    (Tampubolon et al. 2017).

    ``alpha`` is sin(phi)/sqrt(2) in two dimensions, which gives phi in plane strain, and 2 sqrt(2/3) sin(phi)/(3 -
    sin(phi)) in three, which gives phi in triaxial compression.
    """

    law = 4

    def __init__(self, config: DruckerPragerConfig) -> None:
        self.config = config
        self.mu, self.lam = lame(config.young_modulus, config.poisson_ratio)

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        sine = math.sin(math.radians(self.config.friction_angle))
        self.alpha = sine / math.sqrt(2.0) if setup.mesh.ndim == 2 else math.sqrt(2 / 3) * 2.0 * sine / (3.0 - sine)
        self.parameters = (self.alpha,)
        super().setup(setup, slot)
        return StateSpec(columns={"lost_volume": ColumnSpec((), "real")})

    def relaxed(self, strain: Array, s: Array, memory: Fields, dt: float) -> tuple[Array, Fields]:
        d = strain.shape[1]
        strain = strain + memory["lost_volume"][:, None] / d
        trace = strain.sum(axis=1, keepdims=True)
        mean, part, size = deviator(strain)
        slack = size + (d * self.lam + 2.0 * self.mu) / (2.0 * self.mu) * trace * self.alpha
        keep = np.where(slack > 0, np.maximum(0.0, 1.0 - slack / np.where(size > 0, size, 1.0)), 1.0)
        tip = trace >= 0.0
        changed: Fields = {"lost_volume": np.where(tip, trace, 0.0)[:, 0].astype(s.dtype)}
        return np.where(tip, 0.0, mean + keep * part), changed


class NewtonianFluid:
    """Weakly compressible fluid: tau = -J p + J eta (C + C^T - 2/d tr C), p = K/g (J^-g - 1) (Tait)."""

    slots = ("stress",)
    inputs = ("deformation_gradient", "velocity_gradient", "density")

    def __init__(self, config: FluidConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        config = self.config
        return f"NewtonianFluid(K={config.bulk_modulus:g}, gamma={config.exponent:g}, eta={config.viscosity:g})"

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        config = self.config
        self.d, self.spacing = setup.mesh.ndim, min(setup.mesh.spacing)
        self.numbers = parameters_of(setup, config.bulk_modulus, config.exponent, config.viscosity)
        return StateSpec()

    def stable_dt(self, inputs: Mapping[str, Array], memory: Fields) -> float:
        """Limits of sound at rest density, dx/c, and of viscosity, rho dx^2 / 4 eta; their rates add up."""
        config, density = self.config, lightest(inputs)
        sound = math.sqrt(config.bulk_modulus / density) / self.spacing
        rate = sound + 4.0 * config.viscosity / (density * self.spacing**2)
        return 1.0 / rate if rate > 0 else math.inf  # all of the fluid may have left

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """tau [Pa], shape (n, d, d)."""
        config, C = self.config, inputs["velocity_gradient"]
        J, unit = np.linalg.det(inputs["deformation_gradient"])[:, None, None], np.eye(self.d, dtype=C.dtype)
        pressure = config.bulk_modulus / config.exponent * (J**-config.exponent - 1.0)
        spread = np.trace(C, axis1=1, axis2=2)[:, None, None] * 2.0 / self.d
        return -J * pressure * unit + J * config.viscosity * (C + np.swapaxes(C, 1, 2) - spread * unit)

    def advance(self, inputs: Mapping[str, Array], memory: Fields, t: float, dt: float, rng: Streams) -> Fields:
        """A fluid remembers its volume only."""
        J = np.linalg.det(inputs["deformation_gradient"])
        return {"deformation_gradient": J[:, None, None] ** (1.0 / self.d) * np.eye(self.d, dtype=J.dtype)}

    def update(self, inputs: Mapping[str, Array], memory: Fields, dt: float, out: Array, first: int, last: int) -> None:
        """`advance` and `evaluate`, compiled."""
        kernel = constitutive.fluid_2d if self.d == 2 else constitutive.fluid_3d
        kernel(inputs["deformation_gradient"], inputs["velocity_gradient"], self.numbers, out, first, last)

    def compiled(self, inputs: Mapping[str, Array], memory: Fields, out: Array) -> tuple[int, Array]:
        """`update` as a C function."""
        F, C = inputs["deformation_gradient"], inputs["velocity_gradient"]
        return native_law("fluid", F, C, F, out, self.numbers, 0)

    def energy(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        """Work of compression by rest volume [J/m3]: the integral of -p dJ from 1."""
        J, K, g = np.linalg.det(inputs["deformation_gradient"]), self.config.bulk_modulus, self.config.exponent
        powers = -np.log(J) if g == 1.0 else (J ** (1.0 - g) - 1.0) / (g - 1.0)
        return K / g * (powers + J - 1.0)
