"""What solvers promise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from subgrid.assembly import Simulation
from subgrid.backend import Array
from subgrid.protocols import Setup
from subgrid.registry import Registry
from subgrid.rng import Streams
from subgrid.stability import stable_dt
from subgrid.state import Fields, StateSpec
from subgrid.testing.bits import assert_close, assert_same_bits, copied
from subgrid.testing.in_run import RunConformance, assert_fits, broadcasts, scaled

ROUNDING = {"float64": 1e-13, "float32": 1e-5}
"""Relative to the largest value: a compiled path may round differently from a readable one."""


class SolverConformance(RunConformance):
    """Tests of a solver from the initial state of ``scenario``."""

    kind = "solver"

    def test_fields_have_the_declared_shape_and_type(self, simulation: Simulation) -> None:
        declared = spec(simulation).fields
        assert declared, "a solver declares at least one field"
        assert set(declared) == set(simulation.state.fields)
        for name, values in simulation.state.fields.items():
            assert tuple(values.shape) == tuple(declared[name].shape)
            assert values.dtype == simulation.backend.dtype(declared[name].kind)

    def test_linear_symbols_broadcast_to_their_fields(self, simulation: Simulation) -> None:
        fields = simulation.state.fields
        for name, symbol in simulation.solver.linear.items():
            shape = tuple(fields[name].shape)
            assert broadcasts(tuple(symbol.shape), shape), f"symbol {tuple(symbol.shape)}, field {shape}"
            assert bool(simulation.backend.xp.all(simulation.backend.xp.isfinite(symbol)))
            assert (symbol * fields[name]).dtype == fields[name].dtype

    def test_tendency_is_finite_and_shaped_like_the_fields(self, simulation: Simulation) -> None:
        rates = tendency(simulation)
        assert set(rates) == set(simulation.state.fields)
        for name, values in simulation.state.fields.items():
            assert tuple(rates[name].shape) == tuple(values.shape)
            assert rates[name].dtype == values.dtype
            assert bool(simulation.backend.xp.all(simulation.backend.xp.isfinite(rates[name])))

    def test_tendency_changes_nothing(self, simulation: Simulation) -> None:
        before = copied(simulation.state.fields, simulation.backend)
        tendency(simulation)
        after = copied(simulation.state.fields, simulation.backend)
        assert_same_bits(before, after, "tendency changed the fields")

    def test_tendency_depends_on_fields_and_time_only(self, simulation: Simulation, twin: Simulation) -> None:
        first = copied(tendency(simulation), simulation.backend)
        tendency(simulation, scaled(simulation, 0.5))
        again = copied(tendency(simulation), simulation.backend)
        assert_same_bits(first, again, "an evaluation in between left traces")
        assert_same_bits(first, copied(tendency(twin), twin.backend), "another instance gives another tendency")

    def test_tendency_is_not_overwritten_by_the_next(self, simulation: Simulation) -> None:
        rates = tendency(simulation)
        before = copied(rates, simulation.backend)
        tendency(simulation, scaled(simulation, 0.5))
        assert_same_bits(before, copied(rates, simulation.backend), "the next tendency overwrote an earlier one")

    def test_tendency_writes_into_out(self, simulation: Simulation) -> None:
        if not simulation.backend.in_place:
            pytest.skip("this backend ignores `out`")
        out = {name: np.full_like(values, np.nan) for name, values in simulation.state.fields.items()}
        returned = tendency(simulation, out=out)
        assert all(returned[name] is out[name] for name in out), "return the arrays of `out`"
        fresh = copied(tendency(simulation), simulation.backend)
        assert_close(fresh, copied(out, simulation.backend), ROUNDING[simulation.backend.precision])

    def test_slots_offer_what_they_declare(self, simulation: Simulation) -> None:
        before = copied(simulation.state.fields, simulation.backend)
        for slot in simulation.solver.slots.values():
            offered = simulation.solver.inputs(slot.name, simulation.state.fields, 0.0)
            assert set(slot.inputs) <= set(offered)
            for name, quantity in slot.inputs.items():
                assert_fits(offered[name], quantity, simulation.mesh, f"input {name!r} of {slot.name!r}")
                assert offered[name].dtype == simulation.backend.dtype()
        after = copied(simulation.state.fields, simulation.backend)
        assert_same_bits(before, after, "deriving inputs changed the fields")

    def test_quantities_have_the_declared_dims(self, simulation: Simulation) -> None:
        before = copied(simulation.state.fields, simulation.backend)
        view = simulation.view()
        for name, quantity in simulation.solver.quantities.items():
            assert_fits(view[name], quantity, simulation.mesh, f"quantity {name!r}")
            assert np.all(np.isfinite(simulation.backend.to_numpy(simulation.backend.asarray(view[name])))), name
        after = copied(simulation.state.fields, simulation.backend)
        assert_same_bits(before, after, "deriving quantities changed the fields")

    def test_encoding_leaves_the_initial_arrays_alone(self, simulation: Simulation, registry: Registry) -> None:
        choice = simulation.scenario.initial
        initial = registry.create(choice.component, choice.options)
        physical = initial.fill(setup_of(simulation, choice.label))
        before = {name: np.array(values) for name, values in physical.items()}
        simulation.solver.encode(physical, simulation.backend)
        after = {name: np.asarray(values) for name, values in physical.items()}
        assert_same_bits(before, after, "encode changed the arrays of the initial component")

    def test_stable_step_is_positive(self, simulation: Simulation) -> None:
        dt = simulation.solver.stable_dt(simulation.state.fields, 0.0, simulation.integrator)
        assert dt > 0.0


class ParticleSolverConformance(RunConformance):
    """Tests of a solver that owns its step and keeps particles."""

    kind = "solver"

    def test_particles_have_the_declared_columns(self, simulation: Simulation) -> None:
        declared = spec(simulation).particles
        assert declared, "a solver declares fields or particles"
        assert set(declared) == set(simulation.state.particles)
        for name, particles in simulation.state.particles.items():
            assert set(declared[name].columns) <= set(particles.specs)
            for column, wanted in declared[name].columns.items():
                assert particles[column].shape == (len(particles), *wanted.shape)

    def test_a_step_depends_on_the_state_only(self, simulation: Simulation, twin: Simulation) -> None:
        for one in (simulation, twin):
            advanced = one.rhs.advance(one.state.fields, 0.0, 1e-4, Streams(0, "solver"))
            assert set(advanced) == set(one.state.fields)
        first, again = (copied(dict(one.state.arrays()), one.backend) for one in (simulation, twin))
        assert_same_bits(first, again, "another instance takes another step")

    def test_slots_offer_what_they_declare(self, simulation: Simulation) -> None:
        for slot in simulation.solver.slots.values():
            offered = simulation.solver.inputs(slot.name, simulation.state.prognostic(), 0.0)
            assert set(slot.inputs) <= set(offered)
            for name, quantity in slot.inputs.items():
                assert_fits(offered[name], quantity, simulation.mesh, f"input {name!r} of {slot.name!r}")
                assert len(offered[name]) == len(simulation.state.particles[slot.particles])

    def test_quantities_have_the_declared_dims_and_change_nothing(self, simulation: Simulation) -> None:
        before = copied(dict(simulation.state.arrays()), simulation.backend)
        view = simulation.view()
        for name, quantity in simulation.solver.quantities.items():
            assert_fits(view[name], quantity, simulation.mesh, f"quantity {name!r}")
            assert np.all(np.isfinite(simulation.backend.to_numpy(view[name]))), name
        after = copied(dict(simulation.state.arrays()), simulation.backend)
        assert_same_bits(before, after, "deriving quantities changed the state")

    def test_stable_step_is_positive(self, simulation: Simulation) -> None:
        assert stable_dt(simulation) > 0.0


def spec(simulation: Simulation) -> StateSpec:
    """What a second instance of the solver declares."""
    choice = simulation.scenario.solver
    return type(simulation.solver)(choice.options).setup(setup_of(simulation, choice.label))  # type: ignore[call-arg]


def setup_of(simulation: Simulation, label: str) -> Setup:
    """What the engine hands to the component with this label."""
    return Setup(
        mesh=simulation.mesh,
        backend=simulation.backend,
        label=label,
        rng=Streams(simulation.scenario.seed, label),
        dt=simulation.scenario.time.dt or 0.0,
        folder=simulation.scenario.folder,
    )


def tendency(
    simulation: Simulation, fields: Mapping[str, Array] | None = None, out: dict[str, Any] | None = None
) -> Fields:
    at = dict(fields or simulation.state.fields)
    return simulation.solver.tendency(at, 0.0, simulation.closures, out)
