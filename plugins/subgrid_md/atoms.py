"""Lennard-Jones atoms: velocity Verlet, or Langevin dynamics by the BAOAB splitting."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from subgrid.api import (
    Array,
    Backend,
    Closures,
    ColumnSpec,
    Fields,
    Integrator,
    LinearSolve,
    Particles,
    ParticleSpec,
    Quantity,
    ScenarioError,
    Setup,
    Slot,
    StateSpec,
    Streams,
    misplaced,
)
from subgrid.kernels.neighbours import Box, VerletList, cell_order
from subgrid.kernels.workers import Workers
from subgrid_md import kernels
from subgrid_md.config import AtomsConfig
from subgrid_md.reference import truncation_terms

SERIAL = 2048
"""Atoms for each thread, below which a further one costs more than it gains."""

MEASURES = ("energy", "virial", "laplacian")


class LennardJones:
    """Atoms with ``phi(r) = 4 eps [(sigma/r)^12 - (sigma/r)^6]`` up to a cutoff, in two or three dimensions.

    Without a thermostat a step is velocity Verlet, which conserves momentum to rounding and energy to O(dt^2) without
    drift. With one it is BAOAB: half a kick, half a drift, ``v <- c v + sqrt((1 - c^2) kT/m) R`` with c =
    exp(-gamma dt), half a drift, half a kick. Its positions sample Boltzmann's distribution far better than its
    velocities: exactly in a harmonic trap.

    The set ``atoms`` has columns position, velocity and force. Random numbers belong to the step and go by the ``id``
    of an atom, whatever its row. Atoms that leave the mesh along an axis with walls are removed and counted.

    Reference: Allen and Tildesley, Computer Simulation of Liquids (1987); Leimkuhler and Matthews, Appl. Math. Res.
    Express (2013). `setup` raises ScenarioError for a cutoff beyond half a periodic axis.
    """

    linear_operator = None

    def __init__(self, config: AtomsConfig) -> None:
        self.config = config
        self.linear: Fields = {}
        self.slots: Mapping[str, Slot] = {}

    def __repr__(self) -> str:
        return f"LennardJones(cutoff={self.config.cutoff}, thermostat={self.config.thermostat})"

    def setup(self, setup: Setup) -> StateSpec:
        mesh, config = setup.mesh, self.config
        if setup.backend.name != "numpy":
            raise ScenarioError("backend.name: 'lennard_jones' computes with 'numpy' only")
        if mesh.ndim == 1:
            raise ScenarioError("mesh.shape: 'lennard_jones' needs two or three axes")
        self.d = mesh.ndim
        # from here on (x, y, z), as the atoms have it
        self.low, self.length = np.array(mesh.origin[::-1]), np.array(mesh.length[::-1])
        self.periodic = tuple(boundary == "periodic" for boundary in mesh.boundaries[::-1])
        self.cutoff = config.cutoff * config.sigma
        for axis in range(self.d):
            if self.periodic[axis] and self.cutoff > 0.5 * self.length[axis]:
                raise ScenarioError(
                    f"solver.cutoff: {self.cutoff:g} is more than half the periodic box along {'xyz'[axis]}, "
                    f"{self.length[axis]:g}"
                )
        self.box = Box(tuple(self.low), tuple(self.low + self.length), self.periodic)
        self.periods = np.zeros(3)
        self.periods[: self.d] = np.where(self.periodic, self.length, 0.0)
        self.terms = truncation_terms(config.truncation, config.epsilon, config.sigma, self.cutoff)
        self.type, self.threads = setup.backend.dtype(), setup.backend.threads
        self.workers = Workers(self.threads)
        self.pairs = VerletList(self.cutoff, config.skin * config.sigma, self.box, self.threads)
        columns = {
            "position": ColumnSpec((self.d,), "real", "sigma"),
            "velocity": ColumnSpec((self.d,), "real", "sigma/tau"),
            "force": ColumnSpec((self.d,), "real", "epsilon/sigma"),
        }
        vector, scalar = ("particle", "component"), ("particle",)
        self.quantities: Mapping[str, Quantity] = {
            **{f"atoms_{name}": Quantity(vector, spec.units, "particle") for name, spec in columns.items()},
            "atoms_id": Quantity(scalar, "", "particle"),
            "atoms_energy": Quantity(
                scalar, "epsilon", "particle", description="half that of its pairs, and the trap's"
            ),
            "atoms_virial": Quantity(scalar, "epsilon", "particle", description="half that of its pairs"),
            "atoms_laplacian": Quantity(scalar, "epsilon/sigma2", "particle", description="of the potential energy"),
            "atoms_removed": Quantity((), "", "none", description="left the domain"),
            "atom_mass": Quantity((), "m", "none"),
            "cutoff": Quantity((), "sigma", "none"),
            "pair_depth": Quantity((), "epsilon", "none"),
            "pair_size": Quantity((), "sigma", "none"),
        }
        return StateSpec(particles={"atoms": ParticleSpec(1, columns)})

    def encode(self, physical: Mapping[str, Any], backend: Backend) -> Fields:
        """The columns of the atoms. Raises ScenarioError for atoms that cannot be."""
        if set(physical) != {"atoms"}:
            raise ScenarioError(f"initial: gives {', '.join(map(repr, physical)) or 'nothing'}; the set is atoms")
        columns = dict(physical["atoms"])
        position = columns.get("position", np.zeros((0, 0)))
        if len(position) == 0:
            raise ScenarioError("initial: gives no atoms")
        if problem := misplaced("atoms", position, self.low, self.low + self.length):
            raise ScenarioError(problem)
        return {"atoms": {key: np.asarray(values, self.type) for key, values in columns.items()}}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        """There are no slots."""
        return {}

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        """There is none. Raises ScenarioError."""
        raise ScenarioError("integrator.type: 'lennard_jones' takes its own steps; use type = 'own'")

    def advance(
        self, fields: Fields, t: float, dt: float, closures: Closures, solve: LinearSolve | None, rng: Streams
    ) -> Fields:
        """Move the atoms from ``t`` to ``t + dt``, in place."""
        atoms, bath = fields["atoms"], self.config.thermostat
        if rng.step % self.config.sort_every == 0:
            order = cell_order(atoms["position"], self.cutoff, self.box)
            if np.any(order[1:] < order[:-1]):
                atoms.reorder(order)
        if rng.step == 0:
            self._find_forces(atoms)
        self._kick(atoms, 0.5 * dt)
        if bath is None:
            self._drift(atoms, dt)
        else:
            self._drift(atoms, 0.5 * dt)
            kept = math.exp(-bath.friction * dt)
            noise = rng.generator("langevin").standard_normal((atoms.next_id, self.d))[atoms["id"]]
            spread = math.sqrt((1.0 - kept**2) * bath.temperature / self.config.mass)
            velocity = atoms["velocity"]
            velocity[...] = self.type(kept) * velocity + (spread * noise).astype(self.type)
            self._drift(atoms, 0.5 * dt)
        if math.isfinite(float(atoms["position"].sum(dtype=np.float64))):  # otherwise the loop says where, and stops
            self._leave(atoms)
            self._find_forces(atoms)
            self._kick(atoms, 0.5 * dt)
        return {}

    def _kick(self, atoms: Particles, dt: float) -> None:
        atoms["velocity"][...] += self.type(dt / self.config.mass) * atoms["force"]

    def _drift(self, atoms: Particles, dt: float) -> None:
        x, v = atoms["position"], atoms["velocity"]
        kernels.drift(x, v, dt, self.low, self.periods, 0, len(atoms))

    def _leave(self, atoms: Particles) -> None:
        outside = self.box.left(atoms["position"])
        if np.any(outside):
            atoms.remove(outside)

    def _rows(self, atoms: Particles) -> tuple[Array, tuple[Array, Array, Array]]:
        padded = np.zeros((len(atoms), 4), self.type)
        padded[:, : self.d] = atoms["position"]
        return padded, self.pairs.rows(atoms["position"])

    def _find_forces(self, atoms: Particles) -> None:
        config, force = self.config, atoms["force"]
        if config.epsilon > 0 and len(atoms):
            position, rows = self._rows(atoms)
            self.workers.share(
                len(atoms),
                lambda first, last: kernels.forces(
                    position, *rows, self.periods, config.epsilon, config.sigma, self.terms[1], force, first, last
                ),
                SERIAL,
            )
        else:
            force[...] = 0.0
        if config.trap:
            force[...] -= self.type(config.trap) * self._from_the_middle(atoms)

    def _from_the_middle(self, atoms: Particles) -> Array:
        return atoms["position"] - (self.low + 0.5 * self.length).astype(self.type)

    def _measures(self, atoms: Particles) -> dict[str, Array]:
        config = self.config
        found = {name: np.zeros(len(atoms), self.type) for name in MEASURES}
        if config.epsilon > 0 and len(atoms):
            position, rows = self._rows(atoms)
            self.workers.share(
                len(atoms),
                lambda first, last: kernels.measures(
                    position, *rows, self.periods, config.epsilon, config.sigma, *self.terms, self.d,
                    *found.values(), first, last,
                ),
                SERIAL,
            )  # fmt: skip
        if config.trap:
            found["energy"] += self.type(0.5 * config.trap) * np.sum(self._from_the_middle(atoms) ** 2, axis=1)
            found["laplacian"] += self.type(config.trap * self.d)
        return found

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        """A column of the atoms, energies of their pairs, constants, or how many atoms left."""
        config, atoms = self.config, fields["atoms"]
        constants = {
            "atom_mass": config.mass,
            "cutoff": self.cutoff,
            "pair_depth": config.epsilon,
            "pair_size": config.sigma,
        }
        if name in constants:
            return np.float64(constants[name])
        column = name.removeprefix("atoms_")
        if column == "removed":
            return np.float64(atoms.removed)
        return self._measures(atoms)[column] if column in MEASURES else atoms[column]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        """0.02 tau, four times the step that is usual, or two over the frequency of the trap."""
        config = self.config
        limits = [math.inf]
        if config.epsilon > 0:
            limits.append(0.02 * config.sigma * math.sqrt(config.mass / config.epsilon))
        if config.trap > 0:
            limits.append(1.99 * math.sqrt(config.mass / config.trap))
        return min(limits)
