"""Two-dimensional incompressible Navier-Stokes flow on a beta-plane, in vorticity form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

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
from subgrid_spectral.advection_2d import ADVECTION, basdevant
from subgrid_spectral.config_2d import NavierStokes2DConfig
from subgrid_spectral.flow_inputs import FlowSpectra, closure_slots, closure_tendency
from subgrid_spectral.forcing import vorticity_forcing
from subgrid_spectral.fused_advection import fused_basdevant
from subgrid_spectral.step_limit import explicit_step_limit

__all__ = ["NavierStokes2D"]

_BUDGET_TERMS = ("viscosity", "drag", "forcing", "closure")


class NavierStokes2D:
    """Pseudo-spectral solver of the vorticity equation in a periodic box.

    w_t + (u + U0) . grad w + beta v = nu lap w - mu w - nu_p (-lap)^p w + f + Pi,
    lap psi = w, u = -psi_y, v = psi_x.

    Field ``vorticity``: complex (ny, nx // 2 + 1), unnormalised half spectrum without mean. Viscosity, drag,
    hyperviscosity, beta and the mean flow are the diagonal ``linear`` part, so exponential schemes treat them exactly.
    With ``dealias = "two_thirds"`` the state, the advection, the forcing and all closure answers live on modes |m| <
    n/3. ``energy`` and its budget leave the mean flow out; ``velocity`` contains it.

    Good values: viscosity such that the enstrophy spectrum at the largest kept wavenumber is 1e-4 of its peak.
    References: Basdevant 1983 (form of the advection); Boffetta and Ecke 2012 (budgets).
    """

    def __init__(self, config: NavierStokes2DConfig) -> None:
        self.config = config
        self.slots: Mapping[str, Slot] = {}
        self.quantities: Mapping[str, Quantity] = {}
        self.linear: Fields = {}

    def __repr__(self) -> str:
        c = self.config
        return f"NavierStokes2D(viscosity={c.viscosity:g}, drag={c.drag:g}, beta={c.beta:g}, forcing={c.forcing.type})"

    def setup(self, setup: Setup) -> StateSpec:
        """Tabulate symbols. Raises ScenarioError on a mesh of other than two axes, or with walls."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"solver 'navier_stokes_2d': needs a grid with two axes, got {setup.mesh.ndim}")
        config, backend = self.config, setup.backend
        self.backend = backend
        self.basis = FourierBasis(setup.mesh, backend)
        self.keep = self.basis.kept_modes(config.dealias)
        self.linear = {"vorticity": self.linear_symbol(config.viscosity)}
        forcing = vorticity_forcing(config.forcing, setup.mesh)
        self.forcing = (
            None if forcing is None else self._dealiased(self.basis.forward(backend.asarray(forcing, "real")))
        )
        self.advection = self._advection_form()
        self.slots = closure_slots(("y", "x"), "vorticity")
        self.quantities = _quantities()
        return StateSpec(fields={"vorticity": ArraySpec(self.basis.spectral_shape, "complex", "mode", "1/s")})

    def linear_symbol(self, viscosity: Any) -> Array:
        """Diagonal symbol [1/s] over the modes, for a viscosity [m2/s] that may be a number or a differentiable scalar.

        To differentiate a rollout with respect to viscosity, put the result into ``linear["vorticity"]`` of a solver of
        one's own. Real without beta and mean flow, complex otherwise.
        """
        # not basis.k_sq, which would stay in memory from here on
        config, k_sq = self.config, sum(k**2 for k in self.basis.k)
        symbol = -viscosity * k_sq - config.drag - config.hyperviscosity * k_sq**config.hyperviscosity_order
        (u0, v0), (ky, kx) = config.mean_flow, self.basis.k_derivative
        if config.beta == 0.0 and u0 == 0.0 and v0 == 0.0:
            return symbol
        # v = psi_x = -i kx w / k^2, hence -beta v = +i beta kx / k^2 w
        return symbol + 1j * (config.beta * kx * self.basis.inverse_k_sq - u0 * kx - v0 * ky)

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Spectrum of ``vorticity`` [1/s] or ``streamfunction`` [m2/s] over the mesh, on the kept modes, without
        mean."""
        if "vorticity" in physical:
            spectrum = self.basis.forward(backend.asarray(physical["vorticity"], "real"))
        elif "streamfunction" in physical:
            spectrum = -self.basis.k_sq * self.basis.forward(backend.asarray(physical["streamfunction"], "real"))
        else:
            raise ScenarioError(
                "initial: solver 'navier_stokes_2d' starts from vorticity or streamfunction, "
                f"not from {', '.join(sorted(physical)) or 'nothing'}"
            )
        return {"vorticity": self._dealiased(spectrum)}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """What both slots offer over the mesh: scalars (ny, nx), vectors (2, ny, nx), tensors (2, 2, ny, nx)."""
        return self._flow(fields)

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Advection, forcing and closures [1/s2]."""
        rate = self.advection(fields["vorticity"], None if out is None else out["vorticity"])
        if self.forcing is not None:
            rate = self._added(rate, self.forcing)
        if any(slot in closures for slot in self.slots):
            rate = self._added(rate, self._closure_tendency(fields, closures))
        return {"vorticity": rate}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of ``quantities``: over the mesh (ny, nx) or (2, ny, nx), or a mean over it."""
        w = fields["vorticity"]
        if name == "vorticity":
            return self.basis.backward(w)
        if name in ("streamfunction", "velocity"):
            return self._flow(fields)[name]
        if name == "subgrid_forcing":
            return self.basis.backward(self._closure_tendency(fields, closures))
        if name in ("energy", "enstrophy", "palinstrophy"):
            power = {"energy": self.basis.inverse_k_sq, "enstrophy": 1.0, "palinstrophy": self.basis.k_sq}[name]
            return 0.5 * self.basis.mean_product(power * w, w)
        if name not in self.quantities:
            raise KeyError(f"navier_stokes_2d has no quantity {name!r}; choose from {', '.join(self.quantities)}")
        invariant, term = name.split("_rate_")
        conjugate = w * self.basis.inverse_k_sq if invariant == "energy" else w
        return self.basis.mean_product(conjugate, self._budget_term(term, fields, closures))

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Advective limit: imaginary extent of the scheme / max(|u| kx + |v| ky) with the largest kept wavenumbers.

        Schemes that treat ``linear`` explicitly are also limited by its largest real and imaginary parts. Closures are
        not seen here: a strong local eddy viscosity needs a step below real extent / (nu_e k_max^2).
        """
        xp, psi = self.backend.xp, self._streamfunction(fields["vorticity"])
        # without the mean flow, which belongs to the linear part; one after the other, to hold fewer arrays
        u, v = (self.basis.backward(self.basis.derivative(psi, axis)) for axis in (-2, -1))
        ky_max, kx_max = (float(xp.max(xp.abs(xp.where(self.keep, k, xp.zeros_like(k))))) for k in self.basis.k)
        rate = float(xp.max(kx_max * xp.abs(u) + ky_max * xp.abs(v)))
        return explicit_step_limit(rate, xp.where(self.keep, self.linear["vorticity"], 0.0), xp, integrator)

    def _advection_form(self) -> Callable[[Array, Array | None], Array]:
        """Advection on the kept modes as a function of the spectrum and an array that may take the result."""
        form = ADVECTION[self.config.advection]
        if self.backend.in_place and form is basdevant:
            fused = fused_basdevant(self.basis, self.keep)

            def advect_fused(w: Array, out: Array | None) -> Array:
                rate = self.backend.xp.empty_like(w) if out is None else out
                fused(w, rate)
                return rate

            return advect_fused

        def advect(w: Array, out: Array | None) -> Array:
            rate = self._dealiased(form(self.basis, w, self._streamfunction(w)))
            if out is None:
                return rate
            out[...] = rate
            return out

        return advect

    def _added(self, rate: Array, term: Array) -> Array:
        if self.backend.in_place:
            rate += term
            return rate
        return rate + term

    def _streamfunction(self, vorticity: Array) -> Array:
        return -self.basis.inverse_k_sq * vorticity

    def _flow(self, fields: Fields) -> FlowSpectra:
        w = fields["vorticity"]
        return FlowSpectra(self.basis, w, self._streamfunction(w), self.config.mean_flow)

    def _dealiased(self, spectrum: Array) -> Array:
        """The kept modes of a spectrum, in its own place where arrays may be overwritten."""
        xp = self.backend.xp
        if self.backend.in_place:
            xp.copyto(spectrum, 0.0, where=~self.keep)
            return spectrum
        return xp.where(self.keep, spectrum, xp.zeros_like(spectrum))

    def _closure_tendency(self, fields: Fields, closures: Closures) -> Array:
        return self._dealiased(closure_tendency(self._flow(fields), closures, self.config.eddy_viscosity_form))

    def _budget_term(self, term: str, fields: Fields, closures: Closures) -> Array:
        w, config, k_sq = fields["vorticity"], self.config, self.basis.k_sq
        if term == "viscosity":
            return -(config.viscosity * k_sq + config.hyperviscosity * k_sq**config.hyperviscosity_order) * w
        if term == "drag":
            return -config.drag * w
        if term == "forcing":
            return self.backend.xp.zeros_like(w) if self.forcing is None else self.forcing
        return self._closure_tendency(fields, closures)


def _quantities() -> dict[str, Quantity]:
    quantities = {
        "vorticity": Quantity(("y", "x"), "1/s", description="relative vorticity"),
        "streamfunction": Quantity(("y", "x"), "m2/s", description="streamfunction, lap(psi) = w"),
        "velocity": Quantity(("component", "y", "x"), "m/s", description="velocity (u, v) with the mean flow"),
        "subgrid_forcing": Quantity(("y", "x"), "1/s2", description="vorticity tendency of all closures"),
        "energy": Quantity((), "m2/s2", "none", description="<|u|^2>/2 without the mean flow"),
        "enstrophy": Quantity((), "1/s2", "none", description="<w^2>/2"),
        "palinstrophy": Quantity((), "1/(m2 s2)", "none", description="<|grad w|^2>/2"),
    }
    for term in _BUDGET_TERMS:
        quantities[f"energy_rate_{term}"] = Quantity((), "m2/s3", "none", description=f"dE/dt by {term}")
        quantities[f"enstrophy_rate_{term}"] = Quantity((), "1/s3", "none", description=f"dZ/dt by {term}")
    return quantities
