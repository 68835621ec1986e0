"""Angular moments of a suspension of rods: what the kinetic solver and the closed moment solver share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

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
from subgrid_active.config import ActiveFluidConfig
from subgrid_active.fused import FusedRates, FusedStokes
from subgrid_active.stokes import FourthMoment, RodFlow, StokesSolver

__all__ = ["CLOSURE_INPUTS", "FOURTH_MOMENT", "QUANTITIES", "AngularMoments", "Rods", "start_of_moments"]

PLANE, PAIR = ("y", "x"), ("component", "y", "x")

CLOSURE_INPUTS = {
    "concentration": Quantity(PLANE, "", description="c, number of rods by area"),
    "second_moment": Quantity(PAIR, "", description="(Re a2, Im a2) = (D11 - D22, 2 D12)"),
    "strain_rate": Quantity(PAIR, "1/s", description="(E11, E12) of the flow"),
    "alignment": Quantity(PLANE, "1/s", description="zeta, a constant"),
}
FOURTH_MOMENT = Quantity(PAIR, "", description="(Re a4, Im a4)")

QUANTITIES = {
    **CLOSURE_INPUTS,
    "fourth_moment": FOURTH_MOMENT,
    "velocity": Quantity(PAIR, "m/s", description="velocity (u, v)"),
    "vorticity": Quantity(PLANE, "1/s", description="v_x - u_y"),
    "order_parameter": Quantity(PLANE, "", description="|a2| / c"),
    "second_moment_rate": Quantity(PAIR, "1/s", description="d a2/dt"),
    "energy": Quantity((), "m2/s2", "none", description="<|u|^2>/2"),
}
"""What every solver of the family offers."""

LARGEST_ORDER = 1.01
"""|a_2| / c of a starting state above 1, which no distribution has, that is still taken for a sampling error."""


@dataclass(frozen=True)
class Rods:
    """A state over the mesh and its flow: ``moments`` (2K + 1, ny, nx), which are c, Re a_2, Im a_2, Re a_4, ..."""

    moments: Array
    flow: RodFlow


class AngularMoments(ABC):
    """a_0 to a_2K of the orientation distribution psi(x, theta, t), a_n = integral of psi exp(i n theta), n even.

    d_t a_n + u.grad a_n = d_T lap a_n - n^2 d_R a_n + (n/2) (i omega a_n + T a_{n-2} - conj(T) a_{n+2}),
    T = e + zeta a_2, and -lap u + grad P = div Sigma (`StokesSolver`).

    Field ``moments``: complex (2K + 1, ny, nx // 2 + 1), half spectra of c, Re a_2, Im a_2, Re a_4, ..., on the modes
    of the 2/3 rule, which makes the products of the kinetic theory exact. Both diffusions are the ``linear`` part.
    """

    name: ClassVar[str]
    slots: Mapping[str, Slot]

    def __init__(self, config: ActiveFluidConfig) -> None:
        self.config = config
        self.slots = {}
        self.quantities: Mapping[str, Quantity] = {}
        self.linear: Fields = {}

    def __repr__(self) -> str:
        c = self.config
        return f"{type(self).__name__}(alpha={c.alpha:g}, beta={c.beta:g}, zeta={c.zeta:g})"

    @property
    @abstractmethod
    def highest(self) -> int:
        """K."""

    @abstractmethod
    def fourth_moment(self, moments: Array, closures: Closures | None) -> FourthMoment:
        """a_4 over the mesh as a function of the strain rate; an estimate without closures."""

    @abstractmethod
    def beyond(self, rods: Rods) -> Array:
        """a_{2K+2} over the mesh, (2, ny, nx)."""

    def setup(self, setup: Setup) -> StateSpec:
        """Tabulate symbols. Raises ScenarioError on a mesh of other than two axes."""
        if setup.mesh.ndim != 2:
            raise ScenarioError(f"solver {self.name!r}: needs a grid with two axes, got {setup.mesh.ndim}")
        self.backend = setup.backend
        self.basis = FourierBasis(setup.mesh, setup.backend)
        count = 2 * self.highest + 1
        if setup.backend.in_place:
            self.stokes: StokesSolver = FusedStokes(self.basis, self.config)
            self.fused_rate = FusedRates(self.basis, count)
            self.backward = self.fused_rate.transform.backward
        else:
            self.stokes, self.backward = StokesSolver(self.basis, self.config), self.basis.backward
        # n^2 d_R for c, Re a_2, Im a_2, Re a_4, ...
        order = 2.0 * ((np.arange(count) + 1) // 2).reshape(-1, 1, 1)
        relaxation = setup.backend.asarray(self.config.rotational_diffusion * order**2, "real")
        self.linear = {"moments": -self.config.translational_diffusion * self.basis.k_sq - relaxation}
        self.half_order = setup.backend.asarray(order[1::2] / 2.0, "real")
        self.quantities = self.offered()
        shape = (count, *self.basis.spectral_shape)
        return StateSpec(fields={"moments": ArraySpec(shape, "complex", "mode")})

    def offered(self) -> dict[str, Quantity]:
        """What `derive` gives."""
        return QUANTITIES

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Spectra of ``concentration`` (ny, nx), ``second_moment`` (2, ny, nx) and what `higher_moments` gives."""
        c, a2 = start_of_moments(self.name, physical)
        moments = np.concatenate([c[None], a2, self.higher_moments(physical, c, a2)])
        spectrum = self.basis.forward(backend.asarray(moments, "real"))
        return {"moments": self._kept(spectrum)}

    def higher_moments(self, physical: Mapping[str, Array], c: Any, a2: Any) -> Any:
        """(Re a_4, Im a_4, ...) of a starting state, shape (2 (K - 1), ny, nx)."""
        return np.zeros((0, *c.shape))

    def rods(self, fields: Fields, closures: Closures | None) -> Rods:
        """Moments over the mesh and the flow that they drive."""
        moments = self.backward(fields["moments"])
        mean = self.backend.xp.real(fields["moments"][0, 0, 0]) / self.basis.points
        flow = self.stokes.solve(moments[0], mean, moments[1:3], self.fourth_moment(moments, closures))
        return Rods(moments, flow)

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Advection, rotation by the flow and alignment [1/s]."""
        rods = self.rods(fields, closures)
        if not self.backend.in_place:
            return {"moments": self.reference_rate(rods)}
        rate = self.backend.xp.empty_like(fields["moments"]) if out is None else out["moments"]
        flow = self.velocity_and_vorticity(rods)
        self.fused_rate(rods.moments, self.beyond(rods), flow, rods.flow.strain, self.config.zeta, rate)
        return {"moments": rate}

    def reference_rate(self, rods: Rods) -> Array:
        """-div (u m) plus rotation and alignment, as spectra of the kept modes."""
        xp, (ky, kx) = self.backend.xp, self.basis.k_derivative
        moments, count = rods.moments, rods.moments.shape[0]
        u, v, omega = self.velocity_and_vorticity(rods)
        a, top = _complex(moments[1:]), _complex(self.beyond(rods))
        field = _complex(rods.flow.strain)[0] + self.config.zeta * a[0]
        lower, upper = xp.concat([moments[:1] + 0j, a[:-1]]), xp.concat([a[1:], top])
        turning = self.half_order * (1j * omega * a + field * lower - xp.conj(field) * upper)
        turned = xp.reshape(xp.stack([xp.real(turning), xp.imag(turning)], axis=1), (count - 1, *u.shape))
        products = self.basis.forward(xp.concat([u * moments, v * moments, turned]))
        carried = -1j * (kx * products[:count] + ky * products[count : 2 * count])
        return self._kept(xp.concat([carried[:1], carried[1:] + products[2 * count :]]))

    def velocity_and_vorticity(self, rods: Rods) -> Array:
        """u, v and omega over the mesh."""
        vorticity = rods.flow.vorticity
        return self.backward(self.backend.xp.concat([self.stokes.velocity(vorticity), vorticity[None]]))

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there is no slot, unless a subclass has one. Raises KeyError."""
        raise KeyError(f"{self.name} has no slot {slot!r}")

    def derive(self, name: str, fields: Fields, t: float, closures: Closures | None) -> Array:
        """One of ``quantities``, (ny, nx) or (2, ny, nx). Raises KeyError for other names."""
        if name not in self.quantities:
            raise KeyError(f"{self.name} has no quantity {name!r}; choose from {', '.join(self.quantities)}")
        moments = fields["moments"]
        if name == "concentration":
            return self.basis.backward(moments[0])
        if name == "second_moment":
            return self.basis.backward(moments[1:3])
        if name == "alignment":
            return self.basis.over_mesh(self.config.zeta)
        if name == "second_moment_rate":
            rate = self.tendency(fields, t, closures)["moments"][1:3]
            return self.basis.backward(rate + self.linear["moments"][1:3] * moments[1:3])
        return self._derived(name, moments, closures)

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Imaginary extent of the scheme (half its real extent where that is 0) over the largest explicit rate.

        That is |u| kx + |v| ky with the largest kept wavenumbers, and n w with w = |omega|/2 + |T| for the turning of
        a_n. Where the linear part is split off, moments that it damps faster than they turn do not count: the rate is
        then the root of (n w)^2 - (n^2 d_R)^2. No closure is asked.
        """
        xp = self.backend.xp
        rods = self.rods(fields, None)
        u, v, omega = self.velocity_and_vorticity(rods)
        ky, kx = (float(xp.max(xp.abs(xp.where(self.basis.mask, k, xp.zeros_like(k))))) for k in self.basis.k)
        carried = float(xp.max(kx * xp.abs(u) + ky * xp.abs(v)))
        field = rods.flow.strain + self.config.zeta * rods.moments[1:3]
        w = float(xp.max(0.5 * xp.abs(omega) + xp.hypot(field[0], field[1])))
        n = 2.0 * np.arange(1, self.highest + 1)
        damping = n**2 * self.config.rotational_diffusion if integrator.splits_linear else 0.0
        rate = carried + float(np.sqrt(np.max((n * w) ** 2 - damping**2, initial=0.0)))
        if not integrator.splits_linear:
            rate += float(xp.max(xp.abs(self.linear["moments"])))
        # schemes that only touch the imaginary axis are stable there with damping, to about half their real extent
        extent = integrator.imaginary_extent or 0.5 * integrator.real_extent
        return extent / rate if rate > 0.0 else math.inf

    def _derived(self, name: str, moments: Array, closures: Closures | None) -> Array:
        rods = self.rods({"moments": moments}, closures)
        vorticity = rods.flow.vorticity
        if name == "fourth_moment":
            return rods.flow.fourth_moment
        if name == "strain_rate":
            return rods.flow.strain
        if name == "velocity":
            return self.basis.backward(self.stokes.velocity(vorticity))
        if name == "vorticity":
            return self.basis.backward(vorticity)
        if name == "energy":
            return 0.5 * self.basis.mean_product(self.basis.inverse_k_sq * vorticity, vorticity)
        c, re, im = rods.moments[:3]
        return self.backend.xp.hypot(re, im) / c

    def _kept(self, spectrum: Array) -> Array:
        xp = self.backend.xp
        return xp.where(self.basis.mask, spectrum, xp.zeros_like(spectrum))


def start_of_moments(solver: str, physical: Mapping[str, Array]) -> tuple[Any, Any]:
    """Concentration (ny, nx) and second moment (2, ny, nx) of a starting state, in double precision.

    Raises ScenarioError where one is missing, or where no distribution has them.
    """
    if not {"concentration", "second_moment"} <= set(physical):
        raise ScenarioError(
            f"initial: solver {solver!r} starts from concentration and second_moment, "
            f"not from {', '.join(sorted(physical)) or 'nothing'}"
        )
    c, a2 = (np.asarray(physical[name], dtype=np.float64) for name in ("concentration", "second_moment"))
    if not np.min(c) > 0.0:
        raise ScenarioError(f"initial: the concentration must be positive, its smallest value is {np.min(c):.3g}")
    order = np.max(np.hypot(a2[0], a2[1]) / c)
    if order > LARGEST_ORDER:
        raise ScenarioError(f"initial: second_moment is larger than the concentration: |a2| / c is {order:.3g}")
    return c, a2


def _complex(pairs: Array) -> Array:
    """Complex numbers (n, ...) from (2n, ...): real part, imaginary part, real part, ..."""
    return pairs[0::2] + 1j * pairs[1::2]
