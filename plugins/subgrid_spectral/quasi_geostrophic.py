"""Two-layer quasi-geostrophic flow on a beta-plane with a background shear."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
from subgrid_spectral.advection_2d import basdevant, flux, velocity_spectra
from subgrid_spectral.config_2d import TwoLayerQGConfig
from subgrid_spectral.flow_inputs import FlowSpectra, closure_slots, closure_tendency
from subgrid_spectral.fused_two_layer import FusedTwoLayer
from subgrid_spectral.step_limit import explicit_step_limit

__all__ = ["TwoLayerQG"]

_BUDGET_TERMS = ("shear", "drag", "hyperviscosity", "closure")


class TwoLayerQG:
    """Pseudo-spectral solver of the two-layer quasi-geostrophic equations in a periodic box.

    q_i,t + J(psi_i, q_i) + U_i q_i,x + Q_i psi_i,x = -delta_i2 r_ek lap psi_2 - nu_p (-lap)^p q_i + Pi_i,
    q_1 = lap psi_1 + F1 (psi_2 - psi_1), q_2 = lap psi_2 + F2 (psi_1 - psi_2),
    F1 = r_d^-2 / (1 + delta), F2 = delta F1, Q_1 = beta + F1 (U1 - U2), Q_2 = beta - F2 (U1 - U2).

    Field ``potential_vorticity``: complex (2, ny, nx // 2 + 1), unnormalised half spectra without mean. The background
    flow U_i and hyperviscosity are the diagonal ``linear`` part. With ``dealias = "two_thirds"`` state and tendencies
    live on modes |m| < n/3. Nothing removes enstrophy at the grid scale unless it is named: hyperviscosity, a closure,
    or the corrector ``exponential_filter`` (as pyqg applies it after every step).

    ``energy`` is (sum_i h_i <|grad psi_i|^2> + h_1 F1 <(psi_1 - psi_2)^2>) / 2 with the depth fractions
    h_1 = delta / (1 + delta) and h_2 = 1 / (1 + delta). References: Vallis 2017, section 5.3; the public code pyqg.
    """

    def __init__(self, config: TwoLayerQGConfig) -> None:
        self.config = config
        self.f1 = config.deformation_radius**-2 / (1.0 + config.depth_ratio)
        self.f2 = config.depth_ratio * self.f1
        self.slots: Mapping[str, Slot] = {}
        self.quantities: Mapping[str, Quantity] = {}
        self.linear: Fields = {}

    def __repr__(self) -> str:
        c = self.config
        return (
            f"TwoLayerQG(beta={c.beta:g}, deformation_radius={c.deformation_radius:g}, depth_ratio={c.depth_ratio:g}, "
            f"U=({c.upper_velocity:g}, {c.lower_velocity:g}), bottom_drag={c.bottom_drag:g})"
        )

    def setup(self, setup: Setup) -> StateSpec:
        """Tabulate symbols. Raises ScenarioError on a mesh of other than two axes, or with walls."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"solver 'two_layer_qg': needs a grid with two axes, got {setup.mesh.ndim}")
        config, backend = self.config, setup.backend
        self.backend = backend
        self.basis = FourierBasis(setup.mesh, backend)
        self.keep = self.basis.kept_modes(config.dealias)
        k_sq = self.basis.k_sq
        self.inverse_determinant = self.basis.inverse_k_sq / (k_sq + self.f1 + self.f2)
        shear = config.upper_velocity - config.lower_velocity
        self.gradient = self._by_layer(config.beta + self.f1 * shear, config.beta - self.f2 * shear)
        self.coupling = self._by_layer(self.f1, -self.f2)
        self.depth_fraction = self._by_layer(config.depth_ratio, 1.0) / (1.0 + config.depth_ratio)
        self.background = self._by_layer(config.upper_velocity, config.lower_velocity)
        self.bottom_drag = self._by_layer(0.0, config.bottom_drag)
        damping = config.hyperviscosity * k_sq**config.hyperviscosity_order
        self.linear = {"potential_vorticity": -1j * self.background * self.basis.k_derivative[1] - damping}
        self.advection = self._advection_form()
        self.slots = closure_slots(("layer", "y", "x"), "potential vorticity")
        self.quantities = _quantities()
        shape = (2, *self.basis.spectral_shape)
        return StateSpec(fields={"potential_vorticity": ArraySpec(shape, "complex", "mode", "1/s")})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Spectra of ``potential_vorticity`` [1/s] or ``streamfunction`` [m2/s], shape (2, ny, nx), without mean."""
        if "potential_vorticity" in physical:
            spectrum = self.basis.forward(backend.asarray(physical["potential_vorticity"], "real"))
        elif "streamfunction" in physical:
            psi = self.basis.forward(backend.asarray(physical["streamfunction"], "real"))
            stretching = self.coupling * (psi[1] - psi[0])
            spectrum = -self.basis.k_sq * psi + stretching
        else:
            raise ScenarioError(
                "initial: solver 'two_layer_qg' starts from potential_vorticity or streamfunction, "
                f"not from {', '.join(sorted(physical)) or 'nothing'}"
            )
        return {"potential_vorticity": self._dealiased(spectrum)}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """What both slots offer by layer: scalars (2, ny, nx), vectors (2, 2, ny, nx) with the component in front."""
        return self._flow(fields)

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Eddy advection, background gradient, bottom drag and closures [1/s2]."""
        rate = self.advection(fields["potential_vorticity"], None if out is None else out["potential_vorticity"])
        if any(slot in closures for slot in self.slots):
            rate = self._added(rate, self._closure_tendency(fields, closures))
        return {"potential_vorticity": rate}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of ``quantities``: by layer (2, ny, nx) or (2, 2, ny, nx), or a mean over the mesh."""
        q = fields["potential_vorticity"]
        if name == "potential_vorticity":
            return self.basis.backward(q)
        if name in ("vorticity", "streamfunction", "velocity"):
            return self._flow(fields)[name]
        if name == "subgrid_forcing":
            return self.basis.backward(self._closure_tendency(fields, closures))
        if name == "potential_enstrophy":
            return 0.5 * self.basis.mean_product(q, q)
        psi = self._streamfunction(q)
        if name == "eddy_kinetic_energy":
            return 0.5 * self.basis.mean_product(self.basis.k_sq * psi, psi)
        if name == "energy":
            return 0.5 * self._energy_rate(psi, q)
        if name not in self.quantities:
            raise KeyError(f"two_layer_qg has no quantity {name!r}; choose from {', '.join(self.quantities)}")
        return self._energy_rate(psi, self._budget_term(name.removeprefix("energy_rate_"), fields, closures))

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Advective limit: imaginary extent of the scheme / max(|u| kx + |v| ky) with the largest kept wavenumbers.

        Schemes that treat ``linear`` explicitly are also limited by the background flow and hyperviscosity. Closures
        are not seen here: a strong local eddy viscosity needs a step below real extent / (nu_e k_max^2).
        """
        u, v = self._flow(fields)["velocity"]
        xp = self.backend.xp
        ky_max, kx_max = (float(xp.max(xp.abs(xp.where(self.keep, k, xp.zeros_like(k))))) for k in self.basis.k)
        rate = float(xp.max(kx_max * xp.abs(u - self.background) + ky_max * xp.abs(v)))
        linear = self._dealiased(self.linear["potential_vorticity"])
        return explicit_step_limit(rate, linear, xp, integrator)

    def _by_layer(self, upper: float, lower: float) -> Array:
        return self.backend.asarray(np.array([upper, lower]).reshape(2, 1, 1), "real")

    def _streamfunction(self, q: Array) -> Array:
        k_sq, xp = self.basis.k_sq, self.backend.xp
        upper = (k_sq + self.f2) * q[0] + self.f1 * q[1]
        lower = self.f2 * q[0] + (k_sq + self.f1) * q[1]
        return -self.inverse_determinant * xp.stack([upper, lower])

    def _flow(self, fields: Fields) -> FlowSpectra:
        psi = self._streamfunction(fields["potential_vorticity"])
        return FlowSpectra(self.basis, -self.basis.k_sq * psi, psi, (self.background, 0.0))

    def _dealiased(self, spectrum: Array) -> Array:
        xp = self.backend.xp
        return xp.where(self.keep, spectrum, xp.zeros_like(spectrum))

    def _advection_form(self) -> Callable[[Array, Array | None], Array]:
        """The explicit rate as a function of the spectra and an array that may take the result."""
        form = self.config.advection
        if self.backend.in_place and form == "basdevant":
            fused = FusedTwoLayer(self)

            def advect_fused(q: Array, out: Array | None) -> Array:
                rate = np.empty_like(q) if out is None else out
                fused(q, rate)
                return rate

            return advect_fused
        jacobian = self._jacobian_reduced if form == "basdevant" else self._jacobian_flux

        def advect(q: Array, out: Array | None) -> Array:
            psi = self._streamfunction(q)
            rate = jacobian(q, psi) - self.gradient * self.basis.derivative(psi, -1)
            rate = self._dealiased(rate + self.bottom_drag * self.basis.k_sq * psi)
            if out is None:
                return rate
            out[...] = rate
            return out

        return advect

    def _jacobian_flux(self, q: Array, psi: Array) -> Array:
        """-J(psi_i, q_i) as -div(u_i q_i): ten transforms."""
        return flux(self.basis, q, psi)

    def _jacobian_reduced(self, q: Array, psi: Array) -> Array:
        """-J(psi_i, q_i) = -J(psi_i, lap psi_i) - coupling_i J(psi_1, psi_2): the latter is u1 v2 - v1 u2."""
        u, v = self.basis.backward(velocity_spectra(self.basis, psi))
        shared = self.basis.forward(u[0] * v[1] - v[0] * u[1])
        return basdevant(self.basis, q, psi) - self.coupling * shared

    def _added(self, rate: Array, term: Array) -> Array:
        if self.backend.in_place:
            rate += term
            return rate
        return rate + term

    def _closure_tendency(self, fields: Fields, closures: Closures) -> Array:
        return self._dealiased(closure_tendency(self._flow(fields), closures, self.config.eddy_viscosity_form))

    def _energy_rate(self, psi: Array, rate: Array) -> Array:
        by_layer = self.basis.mean_product(psi, rate)
        return -self.backend.xp.sum(self.depth_fraction[:, 0, 0] * by_layer)

    def _budget_term(self, term: str, fields: Fields, closures: Closures) -> Array:
        q, config = fields["potential_vorticity"], self.config
        psi = self._streamfunction(q)
        if term == "shear":
            d = self.basis.derivative
            return -self.background * d(q, -1) - self.gradient * d(psi, -1)
        if term == "drag":
            return self.bottom_drag * self.basis.k_sq * psi
        if term == "hyperviscosity":
            return -config.hyperviscosity * self.basis.k_sq**config.hyperviscosity_order * q
        return self._closure_tendency(fields, closures)


def _quantities() -> dict[str, Quantity]:
    dims = ("layer", "y", "x")
    quantities = {
        "potential_vorticity": Quantity(dims, "1/s", description="eddy potential vorticity q_i"),
        "vorticity": Quantity(dims, "1/s", description="relative vorticity lap(psi_i)"),
        "streamfunction": Quantity(dims, "m2/s", description="eddy streamfunction psi_i"),
        "velocity": Quantity(("component", *dims), "m/s", description="velocity (u, v) with the background flow"),
        "subgrid_forcing": Quantity(dims, "1/s2", description="potential vorticity tendency of all closures"),
        "eddy_kinetic_energy": Quantity(("layer",), "m2/s2", "none", description="<|grad psi_i|^2>/2"),
        "potential_enstrophy": Quantity(("layer",), "1/s2", "none", description="<q_i^2>/2"),
        "energy": Quantity((), "m2/s2", "none", description="kinetic and available potential energy of the eddies"),
    }
    for term in _BUDGET_TERMS:
        quantities[f"energy_rate_{term}"] = Quantity((), "m2/s3", "none", description=f"dE/dt by {term}")
    return quantities
