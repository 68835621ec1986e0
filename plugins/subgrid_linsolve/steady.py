"""Steady diffusion: Poisson's equation and Darcy flow, each one linear solve."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
)
from subgrid_linsolve.config_steady import (
    DarcyConfig,
    Fluxes,
    Held,
    LayeredPermeability,
    LogNormalPermeability,
    MappedPermeability,
    PoissonConfig,
    Source,
)
from subgrid_linsolve.systems import Real

__all__ = ["Darcy", "Poisson"]


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
        self.pairs = {axis: self._pair(mesh, axis) for axis in mesh.axes}
        self.permeability = permeability(setup, self.config)
        boundaries = tuple("periodic" if pair is None else pair.type for pair in self.pairs.values())
        faces: Any = self._faces(boundaries)
        self.operator = GridOperator(mesh.shape, mesh.spacing, boundaries, faces, 0.0)
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

    def _pair(self, mesh: Grid, axis: str) -> Held | Fluxes | None:
        for name in ("x", "y", "z"):
            if getattr(self.config.boundaries, name) is not None and name not in mesh.axes:
                raise ScenarioError(
                    f"solver.boundaries.{name}: the mesh has no axis {name}; it has {', '.join(mesh.axes)}"
                )
        stated: Held | Fluxes | None = getattr(self.config.boundaries, axis)
        if mesh.boundaries[mesh.axes.index(axis)] == "periodic":
            if stated is not None:
                raise ScenarioError(
                    f"solver.boundaries.{axis}: axis {axis} is periodic, no condition can hold there; "
                    f"set mesh.boundaries.{axis} = 'wall'"
                )
            return None
        return stated or Fluxes(type="neumann")

    def _faces(self, boundaries: tuple[str, ...]) -> float | tuple[Real, ...]:
        k = self.permeability
        if np.all(k == k.flat[0]):
            return float(k.flat[0])
        faces = []
        for axis, name in enumerate(boundaries):
            low, high = _take(k, axis, slice(None, -1)), _take(k, axis, slice(1, None))
            first, last = _take(k, axis, slice(0, 1)), _take(k, axis, slice(-1, None))
            ends = (_harmonic(first, last),) * 2 if name == "periodic" else (first, last)
            faces.append(np.concatenate([ends[0], _harmonic(low, high), ends[1]], axis))
        return tuple(faces)

    def _through_walls(self) -> Real:
        """What the conditions add to the right-hand side."""
        result = np.zeros(self.mesh.shape)
        for axis, pair in enumerate(self.pairs.values()):
            step = self.mesh.spacing[axis]
            for value, where in (
                (getattr(pair, "low", 0.0), slice(0, 1)),
                (getattr(pair, "high", 0.0), slice(-1, None)),
            ):
                cells = _take(result, axis, where)
                if isinstance(pair, Held):
                    # half a spacing from the wall
                    cells += 2.0 * _take(self.permeability, axis, where) * value / step**2
                elif pair is not None:
                    cells += value / step
        return result

    def _flux(self, fields: Fields, axis: int) -> Real:
        """Mean of the fluxes through both faces of each cell along an axis."""
        p, step = np.asarray(fields["pressure"], np.float64), self.mesh.spacing[axis]
        pair = self.pairs[self.mesh.axes[axis]]
        k, first, last = self.permeability, slice(0, 1), slice(-1, None)
        low, high = slice(None, -1), slice(1, None)
        inner = -_harmonic(_take(k, axis, low), _take(k, axis, high)) * np.diff(p, axis=axis) / step
        if pair is None:
            ends = (-_harmonic(_take(k, axis, first), _take(k, axis, last))
                    * (_take(p, axis, first) - _take(p, axis, last)) / step,) * 2  # fmt: skip
        elif isinstance(pair, Held):
            ends = (
                -2.0 * _take(k, axis, first) * (_take(p, axis, first) - pair.low) / step,
                -2.0 * _take(k, axis, last) * (pair.high - _take(p, axis, last)) / step,
            )
        else:
            ends = np.full_like(_take(p, axis, first), pair.low), np.full_like(_take(p, axis, last), -pair.high)
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
