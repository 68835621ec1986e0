"""One-dimensional equations with a quadratic flux: u_t = L u - (a/2) (u^2)_x + f + closures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Integrator,
    LazyFields,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
)
from subgrid.kernels.etdrk4_1d import fused_etdrk4, supported
from subgrid.kernels.fourier import FourierBasis
from subgrid_spectral.config_1d import QuadraticFluxConfig
from subgrid_spectral.sinusoidal_forcing import SinusoidalForcing
from subgrid_spectral.step_limit import explicit_step_limit

Symbol = NDArray[Any]
"""A real or complex factor for each mode, shape (n // 2 + 1,)."""

VELOCITY = Quantity(("x",), "m/s", description="the unknown")
FORCING_INPUTS = {
    "u": VELOCITY,
    "gradient": Quantity(("x",), "1/s", description="u_x"),
    "curvature": Quantity(("x",), "1/(m s)", description="u_xx"),
}
SUBGRID_FORCING = Slot("subgrid_forcing", FORCING_INPUTS, Quantity(("x",), "m/s2", description="tendency of u"))


class QuadraticFlux(ABC):
    """Fourier-Galerkin solver of u_t = L u - (a/2) (u^2)_x + f on a periodic line, the base of KS, KdV and Burgers.

    The state is the half spectrum ``u``, complex (n // 2 + 1,). L is a sum of named diagonal terms, and makes up
    ``linear``. The product costs two real transforms and is dealiased by the 2/3 rule (Orszag 1971) or not at all.
    The slot ``subgrid_forcing`` takes tendencies of u [m/s2]. Quantities: ``u``, ``subgrid_forcing``,
    ``energy`` <u^2>/2, ``mean`` <u>, ``momentum`` (integral of u), and the budget rates ``energy_rate_NAME`` for
    advection, forcing, closure and each term of L. Without forcing and closures, on NumPy in float64 and with a
    power of two of cells, ``fused`` offers a whole compiled ETDRK4 step. The first ``kept`` modes enter
    the product, whose spectrum times ``flux`` is its tendency.
    """

    slots: Mapping[str, Slot] = {"subgrid_forcing": SUBGRID_FORCING}

    def __init__(self, config: QuadraticFluxConfig) -> None:
        self.config = config

    @property
    @abstractmethod
    def advection(self) -> float:
        """The factor a of u u_x."""

    @abstractmethod
    def terms(self, k: Symbol, k_odd: Symbol) -> dict[str, Symbol]:
        """Symbols of the linear terms by name; ``k_odd`` is zero at the Nyquist mode, for odd derivatives."""

    def setup(self, setup: Setup) -> StateSpec:
        """Tabulate symbols. Raises ScenarioError on a mesh of more than one axis or with fewer than four cells."""
        if setup.mesh.ndim != 1 or setup.mesh.shape[0] < 4:
            raise ScenarioError(f"mesh.shape: {setup.label} takes one axis of at least 4 cells, got {setup.mesh.shape}")
        self.backend = setup.backend
        self.basis = FourierBasis(setup.mesh, setup.backend)
        self.length = setup.mesh.length[0]
        flux = self._tabulate(setup)
        self._scratch = self.backend.zeros(self.basis.spectral_shape, "complex")
        self._values = self.backend.zeros(setup.mesh.shape)
        self.quantities = self._quantities()
        self.fused: Mapping[str, Callable[..., None]] = {}
        if self._compiled_step_fits():
            self.fused = {"etdrk4": fused_etdrk4(flux, self.kept)}
        return StateSpec(fields={"u": ArraySpec(self.basis.spectral_shape, "complex", "mode", "m/s")})

    def _tabulate(self, setup: Setup) -> Symbol:
        """Symbols, mask and forcing; returns the imaginary part of ``flux``."""
        modes = np.arange(setup.mesh.shape[0] // 2 + 1)
        k = 2.0 * np.pi / self.length * modes
        k_odd = np.where(2 * modes == setup.mesh.shape[0], 0.0, k)
        mask = 3 * modes < setup.mesh.shape[0] if self.config.dealias == "two_thirds" else np.ones(len(k), dtype=bool)
        terms = self.terms(k, k_odd)
        symbol = sum(terms.values(), np.zeros_like(k))
        self.linear: Fields = {"u": self._symbol(symbol)}
        self._terms = {name: self._symbol(term) for name, term in terms.items()}
        self._mask = self.backend.asarray(mask, "real")
        flux = -0.5 * self.advection * k_odd * mask
        self.flux = self.backend.asarray(1j * flux, "complex")
        self.kept = int(mask.sum())
        self._largest_k = float(k_odd[mask].max())
        self._forcing = None
        if self.config.forcing is not None:
            self._forcing = SinusoidalForcing(self.config.forcing, setup, mask)
        return flux

    def _compiled_step_fits(self) -> bool:
        kind = (self.backend.name, self.backend.precision)
        return kind == ("numpy", "float64") and self._forcing is None and supported(self.basis.points)

    def _symbol(self, values: Symbol) -> Array:
        return self.backend.asarray(values, "complex" if np.iscomplexobj(values) else "real")

    def _quantities(self) -> dict[str, Quantity]:
        rates = ("advection", *self._terms, "forcing", "closure")
        return {
            "u": VELOCITY,
            "subgrid_forcing": Quantity(("x",), "m/s2", description="tendency of u from the closures"),
            "energy": Quantity((), "m2/s2", description="<u^2>/2"),
            "mean": Quantity((), "m/s", description="<u>"),
            "momentum": Quantity((), "m2/s", description="integral of u over the domain"),
            **{f"energy_rate_{name}": Quantity((), "m2/s3", description=f"<u N>, N the {name}") for name in rates},
        }

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Half spectrum of ``u``; nothing is filtered. Raises ScenarioError when ``u`` is missing."""
        if "u" not in physical:
            raise ScenarioError(f"initial: this solver starts from 'u', the initial state gives {', '.join(physical)}")
        return {"u": self.basis.forward(backend.asarray(physical["u"], "real"))}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """``u`` [m/s], ``gradient`` u_x and ``curvature`` u_xx over the mesh, (nx,)."""
        spectrum = fields["u"]
        derivatives: dict[str, Callable[[], Array]] = {
            "u": lambda: spectrum,
            "gradient": lambda: self.basis.derivative(spectrum, -1),
            "curvature": lambda: -self.basis.k_sq * spectrum,
        }
        return LazyFields(lambda name: self.basis.backward(derivatives[name]()), tuple(derivatives))

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Half spectrum of -(a/2) (u^2)_x + f + closures."""
        target = out["u"] if out is not None and self.backend.in_place else None
        rate = self._advection(fields["u"]) if target is None else self._advection_into(fields["u"], target)
        if self._forcing is not None:
            rate = self._add(rate, self._forcing.spectrum(t), target)
        if "subgrid_forcing" in closures:
            rate = self._add(rate, self._closure(fields, t, closures), target)
        return {"u": rate}

    def _advection(self, spectrum: Array) -> Array:
        u = self.basis.backward(spectrum * self._mask)
        return self.flux * self.basis.forward(u * u)

    def _advection_into(self, spectrum: Array, target: Array) -> Array:
        """`_advection` in place, by NumPy's one-dimensional transforms: on a line calls cost more than arithmetic, and
        these take half the time of a call that counts axes and workers."""
        np.multiply(spectrum, self._mask, out=self._scratch)
        u = np.fft.irfft(self._scratch, self.basis.points, out=self._values)
        np.fft.rfft(np.multiply(u, u, out=u), out=target)
        return np.multiply(self.flux, target, out=target)

    def _add(self, rate: Array, term: Array, target: Array | None) -> Array:
        return rate + term if target is None else np.add(rate, term, out=target)

    def _closure(self, fields: Fields, t: float, closures: Closures) -> Array:
        """Masked half spectrum of the closures' tendency."""
        answer = closures("subgrid_forcing", self.inputs("subgrid_forcing", fields, t))
        # A closure may answer a domain mean of length one.
        answer = answer + self.backend.zeros(self.basis.grid.shape)
        return self._mask * self.basis.forward(answer)

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of ``quantities``: over the mesh (nx,), or a mean over it."""
        spectrum = fields["u"]
        mean = self.backend.xp.real(spectrum[..., 0]) / self.basis.points
        if name == "u":
            return self.basis.backward(spectrum)
        if name == "subgrid_forcing":
            return self.basis.backward(self._process("closure", fields, t, closures))
        if name == "energy":
            return 0.5 * self.basis.mean_product(spectrum, spectrum)
        if name == "mean":
            return mean
        if name == "momentum":
            return self.length * mean
        if name in self.quantities:
            process = self._process(name.removeprefix("energy_rate_"), fields, t, closures)
            return self.basis.mean_product(spectrum, process)
        raise KeyError(f"{name!r} is no quantity of this solver; choose from {', '.join(self.quantities)}")

    def _process(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Half spectrum of one named part of the total tendency."""
        if name in self._terms:
            return self._terms[name] * fields["u"]
        if name == "advection":
            return self._advection(fields["u"])
        if name == "forcing" and self._forcing is not None:
            return self._forcing.spectrum(t)
        if name == "closure" and "subgrid_forcing" in closures:
            return self._closure(fields, t, closures)
        return self.backend.zeros(self.basis.spectral_shape, "complex")

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Limit from the advective frequency max|a u| k_max, and from L for schemes that treat it explicitly."""
        xp = self.backend.xp
        speed = abs(self.advection) * float(xp.max(xp.abs(self.basis.backward(fields["u"]))))
        return explicit_step_limit(speed * self._largest_k, self.linear["u"], xp, integrator)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.config)
        return f"{type(self).__name__}({options})"
