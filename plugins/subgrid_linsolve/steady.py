"""Steady diffusion: Poisson's equation and Darcy flow, each one linear solve."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    ArraySpec,
    Backend,
    Closures,
    Fields,
    Grid,
    GridOperator,
    Integrator,
    LinearSolve,
    Quantity,
    RunFolderError,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
    Streams,
    Wall,
)
from subgrid_linsolve.config_steady import (
    AxisWalls,
    DarcyConfig,
    Flux,
    Held,
    LayeredPermeability,
    LogNormalPermeability,
    MappedPermeability,
    PoissonConfig,
    Source,
    WallCondition,
)
from subgrid_linsolve.systems import Real

__all__ = ["Darcy", "Poisson"]


@dataclass(frozen=True)
class Exchange:
    """``alpha p + beta (flux in) = value`` on a wall: (1, 0) holds p, (0, 1) gives the flux."""

    alpha: float
    beta: float
    value: float

    @classmethod
    def of(cls, stated: WallCondition) -> Exchange:
        if isinstance(stated, Held):
            return cls(1.0, 0.0, stated.value)
        if isinstance(stated, Flux):
            return cls(0.0, 1.0, stated.flux)
        return cls(stated.alpha, stated.beta, stated.value)

    def through(self, k: Real, step: float) -> tuple[Real, Real]:
        """c and d of the flux in, ``c - d p`` with p at the centre of the cell, half a spacing from the wall."""
        whole = self.beta + 0.5 * self.alpha * step / k
        return self.value / whole, self.alpha / whole


class Darcy:
    """-div(permeability grad p) = source in one to three dimensions, finite volumes of second order.

    Permeability lives in cells; faces take the harmonic mean of both sides, which carries the flux through jumps. Each
    step with ``[integrator] type = "own"`` is one solve from the present field, so a run has one step; explicit
    integrators relax p_t = div(permeability grad p) + source towards it. Where no wall holds a value, source and
    fluxes must balance. NumPy only. ``setup`` raises ScenarioError for other backends and for options that do not fit.
    """

    def __init__(self, config: DarcyConfig | PoissonConfig) -> None:
        self.config = config
        self.slots: Mapping[str, Slot] = {}
        self.linear: Fields = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def setup(self, setup: Setup) -> StateSpec:
        if setup.backend.name != "numpy":
            raise ScenarioError(f"backend.name: {setup.label!r} computes with 'numpy' only")
        mesh = setup.mesh
        if mesh.offset != 0.5:
            raise ScenarioError(f"mesh.offset: {setup.label!r} has values at the centres of cells: offset = 'cell'")
        self.mesh = mesh
        self.walls = [self._pair(mesh, axis) for axis in mesh.axes]
        self.permeability = permeability(setup, self.config)
        mirrors: list[Any] = [self._mirrors(axis) for axis in range(mesh.ndim)]
        self.operator = GridOperator(mesh.shape, mesh.spacing, tuple(mirrors), self._faces(mirrors), 0.0)
        self.rhs = source_of(setup, self.config.source) + self._through_walls()
        if self.operator.singular and abs(self.rhs.sum()) > 1e-10 * np.abs(self.rhs).sum():
            raise ScenarioError(
                "solver: no wall holds a value, so source and fluxes must balance; "
                f"their mean is {self.rhs.mean():g}, wanted is 0"
            )
        self.linear_operator = self.operator
        dims = mesh.axes
        self.quantities = {
            "pressure": Quantity(dims, "", description="the unknown p"),
            "permeability": Quantity(dims, "m2/s", description="permeability over viscosity"),
            "flux": Quantity(("component", *dims), "m/s", description="-permeability grad p, ordered (x, y, z)"),
            "mean_flux": Quantity(("component",), "m/s", "none", description="domain mean of the flux"),
            "residual": Quantity((), "", "none", description="root mean square of source + div(permeability grad p)"),
        }
        return StateSpec(fields={"pressure": ArraySpec(mesh.shape, location="cell")})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """The first guess ``u``."""
        if "u" not in physical:
            raise ScenarioError(f"initial: wanted is a first guess 'u', got {', '.join(physical) or 'nothing'}")
        return {"pressure": backend.copy(backend.asarray(physical["u"], "real"))}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """There are no slots."""
        return {}

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """Return source + div(permeability grad p)."""
        rate = self._residual(fields).astype(fields["pressure"].dtype)
        if out is None:
            return {"pressure": rate}
        out["pressure"][...] = rate
        return out

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Return the solution."""
        assert solve is not None
        guess = np.asarray(fields["pressure"], np.float64)
        return {"pressure": np.asarray(solve(self.operator, self.rhs, guess), fields["pressure"].dtype)}

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """One of the quantities."""
        if name == "pressure":
            return fields["pressure"]
        if name == "permeability":
            return self.permeability
        if name == "residual":
            return np.sqrt(np.mean(self._residual(fields) ** 2))
        fluxes = np.stack([self._flux(fields, axis) for axis in reversed(range(self.mesh.ndim))])
        return fluxes if name == "flux" else fluxes.mean(axis=tuple(range(1, fluxes.ndim)))

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Limit of explicit schemes; one solve has none."""
        return integrator.real_extent / (4.0 * float(self.permeability.max()) * sum(h**-2 for h in self.mesh.spacing))

    def _residual(self, fields: Fields) -> Real:
        return self.rhs - self.operator.apply(np.asarray(fields["pressure"], np.float64))

    def _pair(self, mesh: Grid, axis: str) -> tuple[Exchange, Exchange] | None:
        for name in ("x", "y", "z"):
            if getattr(self.config.boundaries, name) is not None and name not in mesh.axes:
                raise ScenarioError(
                    f"solver.boundaries.{name}: the mesh has no axis {name}; it has {', '.join(mesh.axes)}"
                )
        stated: AxisWalls | None = getattr(self.config.boundaries, axis)
        if mesh.boundaries[mesh.axes.index(axis)] == "periodic":
            if stated is not None:
                raise ScenarioError(
                    f"solver.boundaries.{axis}: axis {axis} is periodic, no condition can hold there; "
                    f"set mesh.boundaries.{axis} = 'wall'"
                )
            return None
        stated = stated or AxisWalls()
        return Exchange.of(stated.low), Exchange.of(stated.high)

    def _ends(self, axis: int) -> list[tuple[slice, Real, Real]]:
        """The cells beside each wall of an axis, and what flows in through it (`Exchange.through`)."""
        step, sides = self.mesh.spacing[axis], (slice(0, 1), slice(-1, None))
        return [
            (at, *wall.through(_take(self.permeability, axis, at), step))
            for wall, at in zip(self.walls[axis] or (), sides, strict=False)
        ]

    def _mirrors(self, axis: int) -> str | tuple[Wall, ...]:
        """Conditions of an axis for a `GridOperator`, in terms of p_n: those of the mean permeability beside a wall."""
        pair, sides = self.walls[axis], (slice(0, 1), slice(-1, None))
        if pair is None:
            return "periodic"
        means = [float(np.mean(_take(self.permeability, axis, at))) for at in sides]
        return tuple(Wall(wall.alpha, wall.beta * mean) for wall, mean in zip(pair, means, strict=True))

    def _faces(self, mirrors: list[Any]) -> float | tuple[Real, ...]:
        """Diffusivity for a `GridOperator`: with its walls the outermost faces carry what `Exchange.through` says."""
        k = self.permeability
        if np.all(k == k.flat[0]):
            return float(k.flat[0])
        faces = []
        for axis, step in enumerate(self.mesh.spacing):
            inner = _harmonic(_take(k, axis, slice(None, -1)), _take(k, axis, slice(1, None)))
            ends = [_harmonic(_take(k, axis, slice(0, 1)), _take(k, axis, slice(-1, None)))] * 2
            for number, (at, _, loss) in enumerate(self._ends(axis)):
                share = 1.0 - mirrors[axis][number].mirror(step)
                ends[number] = step * loss / share if share else _take(k, axis, at)
            faces.append(np.concatenate([ends[0], inner, ends[1]], axis))
        return tuple(faces)

    def _through_walls(self) -> Real:
        """What the conditions add to the right-hand side."""
        result = np.zeros(self.mesh.shape)
        for axis, step in enumerate(self.mesh.spacing):
            for where, inflow, _ in self._ends(axis):
                _take(result, axis, where)[...] += inflow / step
        return result

    def _flux(self, fields: Fields, axis: int) -> Real:
        """Mean of the fluxes through both faces of each cell along an axis."""
        p, k, step = np.asarray(fields["pressure"], np.float64), self.permeability, self.mesh.spacing[axis]
        low, high, first, last = slice(None, -1), slice(1, None), slice(0, 1), slice(-1, None)
        inner = -_harmonic(_take(k, axis, low), _take(k, axis, high)) * np.diff(p, axis=axis) / step
        if self.walls[axis] is None:
            wrapped = _harmonic(_take(k, axis, first), _take(k, axis, last))
            ends = [-wrapped * (_take(p, axis, first) - _take(p, axis, last)) / step] * 2
        else:
            ends = [inflow - loss * _take(p, axis, where) for where, inflow, loss in self._ends(axis)]
            ends[1] = -ends[1]
        faces = np.concatenate([ends[0], inner, ends[1]], axis)
        return 0.5 * (_take(faces, axis, low) + _take(faces, axis, high))


class Poisson(Darcy):
    """-lap p = source: `Darcy` with a permeability of one."""


def permeability(setup: Setup, config: DarcyConfig | PoissonConfig) -> Real:
    """Permeability of every cell. Raises ScenarioError for axes and files that do not fit the mesh."""
    mesh = setup.mesh
    stated = config.permeability if isinstance(config, DarcyConfig) else None
    if stated is None:
        return np.ones(mesh.shape)
    if isinstance(stated, LayeredPermeability):
        if stated.axis not in mesh.axes:
            raise ScenarioError(
                f"solver.permeability.axis: the mesh has no axis {stated.axis}; it has {', '.join(mesh.axes)}"
            )
        axis = mesh.axes.index(stated.axis)
        layer = np.arange(mesh.shape[axis]) * len(stated.values) // mesh.shape[axis]
        along = [1] * mesh.ndim
        along[axis] = -1
        return np.asarray(np.array(stated.values)[layer].reshape(along) * np.ones(mesh.shape))
    if isinstance(stated, LogNormalPermeability):
        return log_normal(setup, stated)
    if isinstance(stated, MappedPermeability):
        values = _from_file(setup, stated.file, "solver.permeability.file")
        if values.min() <= 0.0:
            raise ScenarioError(f"solver.permeability.file: {stated.file!r} holds values that are not positive")
        return values
    return np.full(mesh.shape, stated.value)


def log_normal(setup: Setup, stated: LogNormalPermeability) -> Real:
    """White noise, filtered in Fourier space to a Gaussian covariance."""
    mesh = setup.mesh
    noise = setup.rng.generator("permeability").standard_normal(mesh.shape)
    waves = [2.0 * np.pi * np.fft.fftfreq(n, h) for n, h in zip(mesh.shape, mesh.spacing, strict=True)]
    k_sq = sum(k**2 for k in np.meshgrid(*waves, indexing="ij", sparse=True))
    # the square root of the covariance's spectrum, scaled to the variance
    amplitude = np.exp(-0.25 * k_sq * stated.length**2) * np.ones(mesh.shape)
    amplitude *= math.sqrt(stated.variance / np.mean(amplitude**2))
    return np.asarray(np.exp(np.fft.ifftn(amplitude * np.fft.fftn(noise)).real))


def source_of(setup: Setup, stated: Source) -> Real:
    """The right-hand side over the mesh. Raises ScenarioError for places and files that do not fit it."""
    mesh = setup.mesh
    result = np.full(mesh.shape, stated.uniform)
    for number, gaussian in enumerate(stated.gaussians):
        if len(gaussian.center) != mesh.ndim:
            raise ScenarioError(
                f"solver.source.gaussians.{number}.center: {len(gaussian.center)} components on {mesh.ndim} axes"
            )
        places = zip(reversed(mesh.meshgrid()), gaussian.center, strict=True)
        distance = sum((x - at) ** 2 for x, at in places)
        result += gaussian.strength * np.exp(-0.5 * distance / gaussian.width**2)
    if stated.map is not None:
        result += _from_file(setup, stated.map, "solver.source.map")
    return result


def _from_file(setup: Setup, name: str, path: str) -> Real:
    try:
        values = np.load(setup.folder / name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: {name!r} cannot be read as .npy: {error}") from error
    if values.shape != setup.mesh.shape or values.dtype.kind not in "fiu" or not np.all(np.isfinite(values)):
        raise ScenarioError(
            f"{path}: {name!r} holds {values.dtype} of shape {values.shape}, wanted are finite numbers of shape "
            f"{setup.mesh.shape}"
        )
    return np.asarray(values, dtype=np.float64)


def _take(values: Any, axis: int, where: slice) -> Any:
    index: list[Any] = [slice(None)] * values.ndim
    index[axis] = where
    return values[tuple(index)]


def _harmonic(a: Any, b: Any) -> Any:
    return 2.0 * a * b / (a + b)
