"""Incompressible flow in two and three dimensions on a staggered grid, with walls, bodies, smoke and closures."""

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
    Integrator,
    LazyFields,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
)
from subgrid.kernels.staggered import momentum
from subgrid.kernels.stencil_ghosts import in_bands
from subgrid_stencil.config_incompressible import IncompressibleNavierStokesConfig
from subgrid_stencil.obstacle import solid_cells, solid_fractions
from subgrid_stencil.pressure import FastPoisson
from subgrid_stencil.smoke import SmokeTransport
from subgrid_stencil.staggered import Faces

COMPONENT_NAMES = ("w", "v", "u")
"""Fields by the axis (z, y, x) that they are normal to."""


class IncompressibleNavierStokes:
    """u_t + div(u u) = -grad p + viscosity lap u + force, div u = 0; second order in space on a staggered grid.

    The rate of change is made divergence-free by a pressure that transforms find exactly, so any explicit integrator
    keeps its order. The flow is free of divergence to round-off, and what accumulates of it decays. Central fluxes
    conserve kinetic energy (Harlow and Welch 1965). Fields are the velocity on faces, (``u``, ``v``[, ``w``]), and
    ``smoke`` at cell centres. NumPy only; ``setup`` raises ScenarioError for one axis, other backends, and conditions
    that do not fit the mesh.
    """

    def __init__(self, config: IncompressibleNavierStokesConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"IncompressibleNavierStokes(viscosity={self.config.viscosity:g})"

    def setup(self, setup: Setup) -> StateSpec:
        config, mesh, backend = self.config, setup.mesh, setup.backend
        if backend.name != "numpy":
            raise ScenarioError("backend.name: 'incompressible_navier_stokes' computes with 'numpy' only")
        if mesh.ndim < 2 or min(mesh.shape) < 4:
            raise ScenarioError(f"mesh.shape: needs two or three axes of 4 cells or more, got {mesh.shape}")
        if mesh.offset != 0.5:
            raise ScenarioError("mesh.offset: faces lie between values at cell centres; use offset = 'cell'")
        if len(config.force) > mesh.ndim:
            raise ScenarioError(f"solver.force: {len(config.force)} components on a mesh of {mesh.ndim} axes")
        self.mesh, self.backend = mesh, backend
        self.real = backend.dtype("real")
        self.faces = Faces(mesh, config.boundaries, self.real)
        self.names = {axis: COMPONENT_NAMES[axis] for axis in self.faces.axes}
        self.poisson = FastPoisson(mesh.shape, mesh.spacing, self.faces.pressure_sides(), backend.threads)
        # what round-off leaves of divergence would add up over the steps; it decays like the shortest viscous waves
        self._forgetting = self.real(2.0 * config.viscosity * sum(step**-2 for step in mesh.spacing))
        self.force = {2 - number: self.real(value) for number, value in enumerate(config.force)}
        self.solid = None if config.obstacle is None else solid_fractions(self.faces, config.obstacle)
        self.solid_part = None if config.obstacle is None else solid_cells(self.faces, config.obstacle)
        self.smoke = None if config.smoke is None else SmokeTransport(self.faces, config.smoke)
        self.linear: Fields = {}
        self.fused: Mapping[str, Any] = {}
        self.slots = _slots(mesh.axes)
        self.quantities = self._quantities()
        specs = {
            name: ArraySpec(self.faces.field_shape(axis), "real", "face", "m/s") for axis, name in self.names.items()
        }
        if self.smoke is not None:
            specs["smoke"] = ArraySpec(mesh.shape, "real", "cell", "")
        return StateSpec(fields=specs)

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        """Face velocities, made divergence-free, from ``lower_face_velocity`` or ``velocity`` (cell centres), each
        (component, ...) ordered (x, y[, z]); ``smoke`` where there is any."""
        if "lower_face_velocity" not in physical and "velocity" not in physical:
            raise ScenarioError(
                "initial: solver 'incompressible_navier_stokes' starts from velocity, "
                f"not from {', '.join(sorted(physical)) or 'nothing'}"
            )
        components = {}
        for axis in self.names:
            components[axis] = self._on_faces(physical, axis)
            self.faces.hold(components[axis], axis)
        self._project(components)
        fields = {name: components[axis].reshape(self.faces.field_shape(axis)) for axis, name in self.names.items()}
        if self.smoke is not None:
            smoke = physical.get("smoke")
            fields["smoke"] = backend.zeros(self.mesh.shape) if smoke is None else backend.asarray(smoke, "real").copy()
        return fields

    def _on_faces(self, physical: Mapping[str, Array], axis: int) -> Array:
        result = np.zeros(self.faces.shape(axis), dtype=self.real)
        below = [slice(None)] * 3
        below[axis] = slice(0, self.faces.cells[axis])
        above = list(below)
        above[axis] = slice(-1, None)
        if "lower_face_velocity" in physical:
            values = np.asarray(physical["lower_face_velocity"][2 - axis]).reshape(self.faces.cells)
        else:
            centers = np.asarray(physical["velocity"][2 - axis]).reshape(self.faces.cells)
            values = 0.5 * (centers + np.roll(centers, 1, axis))
        result[tuple(below)] = values
        if not self.faces.periodic[axis]:
            result[tuple(above)] = np.take(values, [-1], axis)
        return result

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """Velocity, its gradient, strain rate, vorticity and, in 2D, the derivatives of that, at cell centres."""
        return self._flow(fields, t, self._padded(fields, t))

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """The divergence-free rate of change of the velocity [m/s2], and that of smoke [1/s]."""
        padded = self._padded(fields, t)
        rates = self._rates(fields, t, padded, closures)
        self._project(rates, self._forgetting * self._divergence(self._components(fields)))
        result = {name: rates[axis].reshape(self.faces.field_shape(axis)) for axis, name in self.names.items()}
        if self.smoke is not None:
            result["smoke"] = self.smoke.rate(fields["smoke"], padded)
        if out is None:
            return result
        for name, values in result.items():
            out[name][...] = values
        return out

    def _rates(self, fields: Fields, t: float, padded: Mapping[int, Array], closures: Closures) -> dict[int, Array]:
        """Everything but the pressure gradient, zero on closed sides."""
        rates = {axis: self._momentum(padded, axis) for axis in self.names}
        for axis, rate in rates.items():
            if axis in self.force:
                rate += self.force[axis]
            if self.solid is not None and self.config.obstacle is not None:
                faces = padded[axis][self.faces.interior(axis)]
                rate -= self.solid[axis] * faces * self.real(1.0 / self.config.obstacle.time)
        if self.smoke is not None:
            rates[self.faces.axes[0]] += self.smoke.lift(fields["smoke"])
        if any(slot in closures for slot in self.slots):
            for axis, rate in self._closure_rates(fields, t, padded, closures).items():
                rates[axis] += rate
        for axis, rate in rates.items():
            self.faces.release(rate, axis)
        return rates

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """Raises KeyError for a name that is not in ``quantities``."""
        if name == "smoke":
            return fields["smoke"]
        if name == "pressure":
            rates = self._rates(fields, t, self._padded(fields, t), closures)
            return self.poisson(self._divergence(rates).reshape(self.mesh.shape))
        components = self._components(fields)
        if name == "divergence":
            return np.abs(self._divergence(components)).max()
        if name == "energy":
            squares = [np.mean(self.faces.centered(values**2, axis)) for axis, values in components.items()]
            return 0.5 * sum(squares)
        if name == "obstacle_force" and self.solid is not None and self.config.obstacle is not None:
            volume = math.prod(self.mesh.spacing) / self.config.obstacle.time
            drags = [np.sum(self.solid[axis] * components[axis]) * volume for axis in reversed(self.faces.axes)]
            return np.array(drags, dtype=self.real)
        if name not in self.quantities:
            raise KeyError(
                f"incompressible_navier_stokes has no quantity {name!r}; choose from {', '.join(self.quantities)}"
            )
        return self._flow(fields, t, self._padded(fields, t))[name]

    def obstacles(self, fields: Fields, t: float) -> Mapping[str, Array]:
        """The bodies in the flow."""
        return {} if self.solid_part is None else {"obstacle": self.solid_part}

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """Largest step that keeps decay and turning rates in the scheme's region of stability: the diamond over both
        extents, or, where the imaginary extent is zero, the disk over the real one."""
        speeds = [np.abs(values).max() / self.faces.spacing[axis] for axis, values in self._components(fields).items()]
        turn = float(sum(speeds))
        decay = 4.0 * self.config.viscosity * sum(step**-2 for step in self.mesh.spacing)
        if self.config.obstacle is not None:
            decay += 1.0 / self.config.obstacle.time
        if self.smoke is not None and self.config.smoke is not None:
            decay = max(decay, 4.0 * self.config.smoke.diffusivity * sum(step**-2 for step in self.mesh.spacing))
        if integrator.imaginary_extent > 0.0:
            rate = decay / integrator.real_extent + turn / integrator.imaginary_extent
            return 1.0 / rate if rate else math.inf
        return integrator.real_extent * decay / (decay**2 + turn**2) if decay + turn else math.inf

    def _components(self, fields: Fields) -> dict[int, Array]:
        return {axis: fields[name].reshape(self.faces.shape(axis)) for axis, name in self.names.items()}

    def _padded(self, fields: Fields, t: float) -> dict[int, Array]:
        return {axis: self.faces.pad(values, axis, t) for axis, values in self._components(fields).items()}

    def _momentum(self, padded: Mapping[int, Array], axis: int) -> Array:
        """The kernel's view: the axis of the component first, then those across it; one that is missing costs
        nothing but its reads."""
        faces, across = self.faces, [other for other in self.faces.axes if other != axis]
        order = [axis, *across] if len(across) == 2 else [axis, across[0], across[0]]
        inverse = [1.0 / faces.spacing[other] for other in order]
        strides = [faces.strides[other] for other in order]
        if len(across) == 1:
            inverse[2], strides[2] = 0.0, 0
        out = np.empty(faces.shape(axis), dtype=self.real)
        arguments = (
            *(padded[other].reshape(-1) for other in order),
            tuple(strides),
            (sum(faces.strides), faces.strides[0], faces.strides[1]),
            tuple(self.real(value) for value in inverse),
            self.real(self.config.viscosity),
            self.real(0.25),
            out,
        )
        in_bands(momentum, out.shape, self.backend.threads, *arguments)
        return out

    def _divergence(self, components: Mapping[int, Array]) -> Array:
        total: Any = 0.0
        for axis, values in components.items():
            scale = self.real(1.0 / self.faces.spacing[axis])
            total = total + scale * (self.faces.above(values, axis) - self.faces.below(values, axis))
        return total

    def _project(self, components: Mapping[int, Array], excess: Any = 0.0) -> None:
        """Take away the gradient that carries all of the divergence, and ``excess`` [1/s2] of it, in place."""
        divergence = (self._divergence(components) + excess).reshape(self.mesh.shape)
        pressure = self.poisson(divergence).reshape(self.faces.cells)
        for axis, values in components.items():
            self.faces.subtract_gradient(values, pressure, axis)

    def _flow(self, fields: Fields, t: float, padded: Mapping[int, Array]) -> LazyFields:
        def gradient(component: int, direction: int) -> Array:
            values = padded[component]
            if component == direction:
                slope = np.roll(values, -1, direction) - values
                scale = 1.0 / self.faces.spacing[direction]
            else:
                centers = 0.5 * (values + np.roll(values, -1, component))
                slope = np.roll(centers, -1, direction) - np.roll(centers, 1, direction)
                scale = 0.5 / self.faces.spacing[direction]
            return (self.real(scale) * slope[self.faces.interior()]).reshape(self.mesh.shape)

        order = tuple(reversed(self.faces.axes))

        def derive(name: str) -> Array:
            if name == "velocity":
                components = self._components(fields)
                centers = [self.faces.centered(components[axis], axis).reshape(self.mesh.shape) for axis in order]
                return np.stack(centers)
            if name == "velocity_gradient":
                return np.stack([np.stack([gradient(a, b) for b in order]) for a in order])
            if name in ("vorticity_gradient", "vorticity_laplacian"):
                return self._vorticity_derivative(name, flow["vorticity"])
            tensor = flow["velocity_gradient"]
            if name == "strain_rate":
                strain = tensor + np.swapaxes(tensor, 0, 1)
                return np.sqrt(0.5 * np.sum(strain * strain, axis=(0, 1)))
            if self.mesh.ndim == 2:
                return tensor[1, 0] - tensor[0, 1]
            rotations = [tensor[(i + 2) % 3, (i + 1) % 3] - tensor[(i + 1) % 3, (i + 2) % 3] for i in range(3)]
            return np.stack(rotations)

        flow = LazyFields(derive, tuple(_flow_quantities(self.mesh.axes)))
        return flow

    def _vorticity_derivative(self, name: str, vorticity: Array) -> Array:
        """Central differences in 2D; beside a wall the vorticity is continued by that of the outermost cell."""
        padded, total = self.faces.pad_cells(vorticity.reshape(self.faces.cells)), []
        for axis in reversed(self.faces.axes):
            low, high = (np.roll(padded, shift, axis)[self.faces.interior()] for shift in (1, -1))
            scale = self.real(1.0 / self.faces.spacing[axis])
            if name == "vorticity_gradient":
                total.append(self.real(0.5) * scale * (high - low))
            else:
                total.append(scale * scale * (high - 2 * padded[self.faces.interior()] + low))
        derivatives = [values.reshape(self.mesh.shape) for values in total]
        return np.stack(derivatives) if name == "vorticity_gradient" else sum(derivatives)

    def _closure_rates(
        self, fields: Fields, t: float, padded: Mapping[int, Array], closures: Closures
    ) -> dict[int, Array]:
        """div(2 nu_e S) and -div(tau) on the faces."""
        flow = self._flow(fields, t, padded)
        nu = None
        if "eddy_viscosity" in closures:
            nu = self.faces.pad_cells(np.broadcast_to(closures("eddy_viscosity", flow), self.mesh.shape))
        tau: dict[tuple[int, int], Array] = {}
        if "subgrid_stress" in closures:
            answer = closures("subgrid_stress", flow)
            for a in self.faces.axes:
                for b in self.faces.axes:
                    stress = np.broadcast_to(answer[2 - a, 2 - b], self.mesh.shape)
                    tau[a, b] = self.faces.pad_cells(stress.reshape(self.faces.cells))
        rates = {}
        for c in self.names:
            total: Any = 0.0
            for j in self.names:
                total = total + self._stress_divergence(padded, nu, tau, c, j)
            rates[c] = total[self.faces.interior(c)]
        return rates

    def _stress_divergence(
        self, padded: Mapping[int, Array], nu: Array | None, tau: Mapping[tuple[int, int], Array], c: int, j: int
    ) -> Array:
        """Derivative along j of the stress on component c, for the whole padded array; its rim is meaningless."""
        h_c, h_j = (self.real(1.0 / self.faces.spacing[axis]) for axis in (c, j))
        stress: Any = self.real(0.0)
        if c == j:
            if nu is not None:
                stress = stress + 2.0 * nu * h_c * (np.roll(padded[c], -1, c) - padded[c])
            if tau:
                stress = stress - tau[c, c]
            return h_c * (stress - np.roll(stress, 1, c))
        # on the edges between a face of c and the lower face of j
        if nu is not None:
            shear = h_j * (padded[c] - np.roll(padded[c], 1, j)) + h_c * (padded[j] - np.roll(padded[j], 1, c))
            stress = stress + _edge_mean(nu, c, j) * shear
        if tau:
            stress = stress - _edge_mean(tau[c, j], c, j)
        return h_j * (np.roll(stress, -1, j) - stress)

    def _quantities(self) -> dict[str, Quantity]:
        dims = self.mesh.axes
        known = _flow_quantities(dims)
        quantities = {
            **known,
            "pressure": Quantity(dims, "m2/s2", description="pressure over density, with zero mean in closed domains"),
            "energy": Quantity((), "m2/s2", "none", description="<|u|^2>/2"),
            "divergence": Quantity((), "1/s", "none", description="largest |div u|"),
        }
        if self.smoke is not None:
            quantities["smoke"] = Quantity(dims, "", description="concentration of smoke")
        if self.solid is not None:
            quantities["obstacle_force"] = Quantity(
                ("component",), "m4/s2" if self.mesh.ndim == 3 else "m3/s2", "none",
                description="force of the flow on the bodies over density, ordered (x, y, z)",
            )  # fmt: skip
        return quantities


def _edge_mean(values: Array, a: int, b: int) -> Array:
    """Means over the four cells around the lower edges along both axes."""
    pairs = values + np.roll(values, 1, a)
    return 0.25 * (pairs + np.roll(pairs, 1, b))


def _flow_quantities(dims: tuple[str, ...]) -> dict[str, Quantity]:
    rotation = dims if len(dims) == 2 else ("component", *dims)
    of_vorticity = {
        "vorticity_gradient": Quantity(("component", *dims), "1/(m s)", description="gradient, ordered (x, y)"),
        "vorticity_laplacian": Quantity(dims, "1/(m2 s)", description="Laplacian of the vorticity"),
    }
    return {
        "velocity": Quantity(("component", *dims), "m/s", description="velocity at cell centres, ordered (x, y, z)"),
        "velocity_gradient": Quantity(
            ("component", "direction", *dims), "1/s", description="G[i, j] = du_i/dx_j, ordered (x, y, z)"
        ),
        "strain_rate": Quantity(dims, "1/s", description="|S| = sqrt(2 S_ij S_ij)"),
        "vorticity": Quantity(rotation, "1/s", description="curl of the velocity"),
        **(of_vorticity if len(dims) == 2 else {}),
    }


def _slots(dims: tuple[str, ...]) -> dict[str, Slot]:
    inputs = _flow_quantities(dims)
    return {
        "eddy_viscosity": Slot("eddy_viscosity", inputs, Quantity(dims, "m2/s", description="eddy viscosity nu_e")),
        "subgrid_stress": Slot(
            "subgrid_stress",
            inputs,
            Quantity(("component", "direction", *dims), "m2/s2", description="subgrid stress tau_ij, rate -div tau"),
        ),
    }
