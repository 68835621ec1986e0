"""What stencil solvers with one prognostic field ``u`` share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

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
from subgrid_stencil.config_boundaries import FieldConditions
from subgrid_stencil.walls import ghost_layers


class SingleField(ABC):
    """A field u, shape of the mesh, and one kernel that forms ``keep u + scale u_t``.

    ``fused["euler"]`` is a whole forward Euler step in one sweep. Quantities: ``u`` and the domain means ``mean``,
    ``mean_rate`` (of all of u_t) and ``mean_rate_NAME`` for every process in ``processes``.
    """

    slots: Mapping[str, Slot] = {}
    width = 1
    processes: tuple[str, ...] = ()

    def prepare(self, setup: Setup, boundaries: FieldConditions) -> StateSpec:
        """Ghost layers, types and quantities. Raises ScenarioError when boundaries and mesh do not agree."""
        self.backend, self.mesh = setup.backend, setup.mesh
        self.ghosts = ghost_layers(setup, boundaries, self.width)
        self.cells = self.ghosts.shape
        missing = 3 - setup.mesh.ndim
        self.inverse_squares = (0.0,) * missing + tuple(step**-2 for step in setup.mesh.spacing)
        self.linear: Fields = {}
        self.fused: Mapping[str, Callable[..., None]] = {"euler": self._euler} if setup.backend.in_place else {}
        rates = ("mean_rate", *[f"mean_rate_{process}" for process in self.processes])
        self.quantities: Mapping[str, Quantity] = {
            "u": Quantity(setup.mesh.axes, "", description="the unknown"),
            "mean": Quantity((), "", "none", description="domain mean of u"),
            **{rate: Quantity((), "1/s", "none", description=f"domain mean: {rate}") for rate in rates},
        }
        return StateSpec(fields={"u": ArraySpec(setup.mesh.shape, "real", "cell", "")})

    @abstractmethod
    def combine(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        """``keep u + scale u_t`` over (nz, ny, nx) at time t; NumPy backends write into ``out``."""

    @abstractmethod
    def mean_rates(self, u: Array, t: float) -> dict[str, Array]:
        """Domain mean of u_t by process."""

    def real(self, value: float) -> Any:
        """A number of the run's precision, so that kernels keep to it."""
        return self.backend.dtype("real")(value) if self.backend.in_place else value

    def sweep(self, u: Array, t: float, keep: float, scale: float, out: Array | None) -> Array:
        """``keep u + scale u_t`` in the shape of the mesh."""
        cells = u.reshape(self.cells)
        target = None
        if self.backend.in_place:
            out = self.backend.zeros(self.mesh.shape) if out is None else out
            target = out.reshape(self.cells)
        result = self.combine(cells, t, keep, scale, target)
        return out if self.backend.in_place else result.reshape(self.mesh.shape)

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Raises ScenarioError when the initial state has no ``u``."""
        if "u" not in physical:
            raise ScenarioError(f"initial: {type(self).__name__} starts from 'u', got {', '.join(physical)}")
        return {"u": backend.copy(backend.asarray(physical["u"], "real"))}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Nothing: there are no slots."""
        return LazyFields(lambda name: fields[name], ())

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """The right-hand side u_t."""
        return {"u": self.sweep(fields["u"], t, 0.0, 1.0, None if out is None else out["u"])}

    def _euler(self, fields: Fields, out: Fields, t: float, dt: float) -> None:
        self.sweep(fields["u"], t, 1.0, dt, out["u"])

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        u, xp = fields["u"], self.backend.xp
        if name == "u":
            return u
        if name == "mean":
            return xp.mean(u)
        if name == "mean_rate":
            return xp.mean(self.sweep(u, t, 0.0, 1.0, None))
        return self.mean_rates(u, t)[name.removeprefix("mean_rate_")]

    @abstractmethod
    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float: ...

    @property
    def diffusive_radius(self) -> float:
        """Largest decay rate of a unit diffusivity [1/m2]: 4 sum 1/dx^2."""
        return 4.0 * sum(self.inverse_squares)
