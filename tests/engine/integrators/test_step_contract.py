"""What every scheme promises beyond accuracy: pure, restartable, frugal, for any mixture of fields."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from subgrid.api import ArraySpec, Backend, Grid, Setup, State, StateSpec, Streams
from subgrid.integrators.adams_bashforth import AB2, AB3
from subgrid.integrators.config import EmbeddedConfig, FixedStepConfig
from subgrid.integrators.embedded import DormandPrince, Tsit5
from subgrid.integrators.etd import ETDRK2, ETDRK4
from subgrid.integrators.explicit_rk import RK4, SSPRK3, SSPRK43, Euler
from subgrid.integrators.imex import ARS343, CNAB2, SBDF2, SBDF2Variable

SCHEMES = (
    Euler, RK4, SSPRK3, SSPRK43, Tsit5, DormandPrince, AB2, AB3, CNAB2, SBDF2, SBDF2Variable, ARS343, ETDRK2, ETDRK4
)  # fmt: skip
DT = 0.05


class TwoFields:
    """A complex field of modes with a linear symbol that broadcasts over its layers, coupled to a real one without.

    a' = L a - |a|^2 a + mean(b),  b' = sin(t) b - b^3
    """

    SPEC = StateSpec({"a": ArraySpec((2, 3, 5), "complex", "mode"), "b": ArraySpec((4, 7))})

    def __init__(self, backend=None, symbol=None):
        self.backend = backend or Backend()
        rng = np.random.default_rng(5)
        if symbol is None:
            symbol = -20.0 * rng.random((3, 5)) + 3.0j * rng.random((3, 5))
        self.linear = {"a": self.backend.asarray(symbol)}
        self.fused = {}
        a = rng.standard_normal((2, 3, 5)) + 1j * rng.standard_normal((2, 3, 5))
        self.start = {"a": self.backend.asarray(0.5 * a), "b": self.backend.asarray(0.5 * rng.standard_normal((4, 7)))}

    def explicit(self, fields, t, out=None):
        a, b, xp = fields["a"], fields["b"], self.backend.xp
        slope = {"a": -(xp.abs(a) ** 2) * a + xp.mean(b), "b": np.sin(t) * b - b**3}
        if out is None:
            return slope
        for name, values in slope.items():
            out[name][...] = values
        return out

    def total(self, fields, t, out=None):
        slope = dict(self.explicit(fields, t))
        slope["a"] = slope["a"] + self.linear["a"] * fields["a"]
        if out is None:
            return slope
        for name, values in slope.items():
            out[name][...] = values
        return out

    def stepper(self, scheme):
        return Stepper(scheme, self)


class Stepper:
    """Steps an integrator as the time loop does: memory updated on acceptance, two sets of fields in turn."""

    def __init__(self, scheme, rhs, dt=DT):
        self.rhs, self.backend, self.dt = rhs, rhs.backend, dt
        self.integrator = scheme(EmbeddedConfig() if scheme.adaptive else FixedStepConfig())
        self.setup = Setup(Grid((8,), (1.0,)), self.backend, "integrator", Streams(0, "integrator"), dt, Path())
        state = State()
        state.allocate("i", StateSpec(memory=self.integrator.setup(self.setup, rhs.SPEC, rhs).memory), self.backend)
        self.memory = state.memory.get("i", {})
        self.fields = {name: self.backend.copy(values) for name, values in rhs.start.items()}
        self.spare = {name: self.backend.copy(values) for name, values in rhs.start.items()}
        self.count = 0

    def propose(self):
        out = self.spare if self.backend.in_place else None
        t = self.count * self.dt
        return self.integrator.step(self.rhs, self.fields, self.memory, t, self.dt, self.setup.rng, out)

    def advance(self, steps):
        for _ in range(steps):
            report = self.propose()
            self.memory.update(report.memory)
            self.fields, self.spare = report.fields, self.fields
            self.count += 1
        return self

    def restored(self, scheme):
        """A new run from copies of everything that a checkpoint holds."""
        other = Stepper(scheme, type(self.rhs)(self.backend))
        other.memory.update({name: values.copy() for name, values in self.memory.items()})
        other.fields = {name: values.copy() for name, values in self.fields.items()}
        other.count = self.count
        return other


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_restart_is_exact_to_the_bit(scheme, steps):
    run = TwoFields().stepper(scheme).advance(steps)
    again = run.restored(scheme).advance(6)
    run.advance(6)
    for name in run.fields:
        assert run.fields[name].tobytes() == again.fields[name].tobytes()
    for name in run.memory:
        assert run.memory[name].tobytes() == again.memory[name].tobytes()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_proposed_step_touches_neither_fields_nor_memory(scheme):
    run = TwoFields().stepper(scheme).advance(4)
    before = {name: values.tobytes() for name, values in (*run.fields.items(), *run.memory.items())}
    first = {name: values.copy() for name, values in run.propose().fields.items()}
    second = run.propose().fields
    assert {name: values.tobytes() for name, values in (*run.fields.items(), *run.memory.items())} == before
    assert all(np.array_equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_out_is_a_convenience_only(scheme):
    run = TwoFields().stepper(scheme).advance(4)
    into = {name: values.copy() for name, values in run.propose().fields.items()}
    run.spare = None
    fresh = run.propose().fields
    assert all(np.array_equal(into[name], fresh[name]) for name in into)


class Oscillators:
    """``y' = i y`` for many oscillators, written without temporaries, with half of it declared linear."""

    SPEC = StateSpec({"y": ArraySpec((20_000,), "complex")})

    def __init__(self, backend=None):
        self.backend = backend or Backend()
        self.linear, self.fused = {"y": np.full(20_000, 0.5j)}, {}
        self.start = {"y": np.ones(20_000, dtype=complex)}

    def explicit(self, fields, t, out=None):
        return {"y": np.multiply(fields["y"], 0.5j, out=out["y"])}

    def total(self, fields, t, out=None):
        return {"y": np.multiply(fields["y"], 1j, out=out["y"])}


@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme is not AB3 and scheme is not AB2])
def test_no_array_is_allocated_in_a_step_on_numpy(scheme):
    check_no_allocation(Stepper(scheme, Oscillators()).advance(3))


@pytest.mark.parametrize("scheme", [AB2, AB3])
def test_multistep_schemes_allocate_for_their_start_only(scheme):
    rhs = Oscillators()
    total = rhs.total
    rhs.total = lambda fields, t, out=None: total(fields, t, out or {"y": np.empty_like(fields["y"])})
    check_no_allocation(Stepper(scheme, rhs).advance(3))


def check_no_allocation(run):
    tracemalloc.start()
    try:
        run.advance(10)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run.advance(10)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    # one array takes 320 kB
    assert peak < 20_000


@pytest.mark.parametrize("scheme", SCHEMES)
def test_linear_fields_and_total_describe_the_same_equation(scheme):
    """All schemes agree on the mixture of fields to their accuracy, whichever way they treat the linear part."""
    fine = Stepper(RK4, TwoFields(), 1.0 / 400).advance(400)
    run = Stepper(scheme, TwoFields(), 1.0 / 400).advance(400)
    tolerance = {1: 0.05, 2: 2e-3, 3: 2e-5}.get(scheme.order, 1e-7)
    for name in run.fields:
        np.testing.assert_allclose(run.fields[name], fine.fields[name], atol=tolerance)


class OneField(TwoFields):
    """A single complex field, of which ETDRK4 may be offered a compiled whole step."""

    SPEC = StateSpec({"a": ArraySpec((2, 3, 5), "complex", "mode")})

    def __init__(self, backend=None):
        super().__init__(backend)
        del self.start["b"]

    def explicit(self, fields, t, out=None):
        values = -(np.abs(fields["a"]) ** 2) * fields["a"] + np.sin(t)
        return {"a": np.add(values, 0.0, out=None if out is None else out["a"])}

    def fused_step(self, v, out, e, e2, q, f1, f2, f3, t, dt):
        def n(y, t):
            return self.explicit({"a": y}, t)["a"]

        n_v = n(v, t)
        a = e2 * v + q * n_v
        n_a = n(a, t + dt / 2)
        n_b = n(e2 * v + q * n_a, t + dt / 2)
        n_c = n(e2 * a + q * (2 * n_b - n_v), t + dt)
        out[...] = e * v + f1 * n_v + 2 * f2 * (n_a + n_b) + f3 * n_c


def test_etdrk4_uses_the_fused_step_that_the_right_hand_side_offers():
    plain = OneField().stepper(ETDRK4).advance(5)
    rhs, calls = OneField(), []

    def fused_step(*arguments):
        calls.append(arguments[-2])
        rhs.fused_step(*arguments)

    rhs.fused = {"etdrk4": fused_step}
    fused = rhs.stepper(ETDRK4).advance(5)
    assert calls == pytest.approx([0.0, DT, 2 * DT, 3 * DT, 4 * DT])
    np.testing.assert_allclose(fused.fields["a"], plain.fields["a"], rtol=1e-13)
