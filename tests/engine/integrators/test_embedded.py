"""Step-size control and dense output of the embedded pairs, against published orbits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from subgrid.api import ArraySpec, Backend, State, StateSpec
from subgrid.controller import ErrorNorm, PIController
from subgrid.integrators.config import EmbeddedConfig
from subgrid.integrators.embedded import DormandPrince, Tsit5
from subgrid.testing.ode import OdeProblem, OdeRhs, driven_sine, setup_for

PAIRS = (Tsit5, DormandPrince)
MU = 0.012277471
ARENSTORF_PERIOD = 17.0652165601579625588917206249


def arenstorf(xp, t, y):
    """Restricted three-body problem (Hairer, Norsett and Wanner 1993, II.0)."""
    (x, y, u, v), nu = y, 1.0 - MU
    earth, moon = ((x + MU) ** 2 + y**2) ** 1.5, ((x - nu) ** 2 + y**2) ** 1.5
    a = x + 2.0 * v - nu * (x + MU) / earth - MU * (x - nu) / moon
    return np.array([u, v, a, y - 2.0 * u - nu * y / earth - MU * y / moon])


ARENSTORF_START = (0.994, 0.0, 0.0, -2.00158510637908252240537862224)
ARENSTORF = OdeProblem(arenstorf, ARENSTORF_START, lambda t: ARENSTORF_START)


def kepler(xp, t, y):
    cube = (y[0] ** 2 + y[1] ** 2) ** 1.5
    return np.array([y[2], y[3], -y[0] / cube, -y[1] / cube])


class AdaptiveRun:
    """Steps with error control, as the time loop does; counts what it took."""

    def __init__(self, integrator, problem):
        self.integrator, self.rhs = integrator, OdeRhs(problem)
        self.setup, state = setup_for(self.rhs.backend, 1.0), State()
        state.allocate("integrator", integrator.setup(self.setup, self.rhs.spec, self.rhs), self.rhs.backend)
        self.memory, self.fields = state.memory["integrator"], {"y": self.rhs.start.copy()}
        self.t, self.dt = 0.0, integrator.initial_dt(self.rhs, self.fields, 0.0)
        self.accepted = self.rejected = 0

    def to(self, end, limit=100_000):
        """Advance to ``end``, or until this many steps were accepted in all."""
        while self.t < end and self.accepted < limit:
            dt = min(self.dt, end - self.t)
            report = self.integrator.step(self.rhs, self.fields, self.memory, self.t, dt, self.setup.rng, None)
            accepted, self.dt, updates = self.integrator.controller.propose(dt, report.error, self.memory)
            self.memory.update(updates)
            if accepted:
                self.fields, self.t = report.fields, self.t + dt
                self.memory.update(report.memory)
            self.accepted += accepted
            self.rejected += not accepted
        return self


# Errors and evaluations of an independent implementation with the same controller.
@pytest.mark.parametrize(
    ("pair", "tolerance", "error", "evaluations"),
    [
        (DormandPrince, 1e-6, 2.0e-2, 1094),
        (DormandPrince, 1e-8, 1.9e-5, 2498),
        (DormandPrince, 1e-10, 9.5e-7, 6080),
        (Tsit5, 1e-8, 5.6e-5, 2534),
        (Tsit5, 1e-10, 6.7e-8, 6236),
    ],
)
def test_arenstorf_orbit_closes_at_the_published_cost(pair, tolerance, error, evaluations):
    run = AdaptiveRun(pair(EmbeddedConfig(rtol=tolerance, atol=tolerance)), ARENSTORF).to(ARENSTORF_PERIOD)
    # one period amplifies the error of the first steps by about 1e4, hence the factor
    assert np.linalg.norm(run.fields["y"] - ARENSTORF.start) < 2.0 * error
    assert run.rhs.evaluations == pytest.approx(evaluations, rel=0.15)


@pytest.mark.parametrize(("pair", "steps"), [(DormandPrince, 931), (Tsit5, 976)])
def test_proportional_gain_avoids_every_rejection_on_a_kepler_orbit(pair, steps):
    start = [0.4, 0.0, 0.0, 2.0]
    problem = OdeProblem(kepler, start, lambda t: start)
    run = AdaptiveRun(pair(EmbeddedConfig(rtol=1e-8, atol=1e-8)), problem).to(20.0 * math.pi)
    assert run.rejected == 0
    assert run.accepted == pytest.approx(steps, rel=0.02)


@pytest.mark.parametrize("pair", PAIRS)
def test_adaptive_run_restarts_exactly_after_a_rejection_too(pair):
    """The controller's numbers and the last slope live in memory, so copies of memory and step size are enough."""
    config = EmbeddedConfig(rtol=1e-5, atol=1e-5)
    for accepted in range(5, 60, 9):
        run = AdaptiveRun(pair(config), ARENSTORF).to(ARENSTORF_PERIOD, accepted)
        again = AdaptiveRun(pair(config), ARENSTORF)
        again.memory.update({name: values.copy() for name, values in run.memory.items()})
        again.fields = {"y": run.fields["y"].copy()}
        again.t, again.dt, again.accepted = run.t, run.dt, run.accepted
        run.to(ARENSTORF_PERIOD, accepted + 30)
        again.to(ARENSTORF_PERIOD, accepted + 30)
        assert run.rejected > 0
        assert (again.t, again.dt) == (run.t, run.dt)
        assert again.fields["y"].tobytes() == run.fields["y"].tobytes()


@pytest.mark.parametrize("pair", PAIRS)
def test_dense_output_is_of_fifth_order_over_a_step(pair):
    """Largest error over all steps to t = 3 and all theta: local error h^5 plus the propagated one."""
    theta, errors, counts = np.linspace(0.0, 1.0, 11), [], np.array([10, 20, 40, 80])
    for count in counts:
        rhs, dt = OdeRhs(driven_sine()), 3.0 / count
        integrator, setup = pair(EmbeddedConfig()), setup_for(Backend(), dt)
        state = State(fields={"y": rhs.start})
        state.allocate("integrator", StateSpec(memory=integrator.setup(setup, rhs.spec, rhs).memory), rhs.backend)
        fields, memory, worst = state.fields, state.memory["integrator"], 0.0
        for step in range(count):
            report = integrator.step(rhs, fields, memory, step * dt, dt, setup.rng, None)
            for x in theta:
                error = report.dense(x)["y"] - rhs.problem.exact((step + x) * dt)
                worst = max(worst, abs(error.item()))
            fields = report.fields
            memory.update(report.memory)
        errors.append(worst)
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] > 4.7


@pytest.mark.parametrize("pair", PAIRS)
def test_dense_output_joins_the_ends_of_the_step(pair):
    np.testing.assert_allclose(pair.tableau.dense(0.0), 0.0, atol=1e-15)
    # the published coefficients of the Tsitouras extension carry 16 digits, and are of size 50
    np.testing.assert_allclose(pair.tableau.dense(1.0), pair.tableau.b, atol=1e-13)


@pytest.mark.parametrize("pair", PAIRS)
def test_tables_are_consistent(pair):
    table = pair.tableau
    np.testing.assert_allclose([sum(row) for row in table.a], table.c, atol=1e-14)
    assert sum(table.b) == pytest.approx(1.0, abs=1e-14)
    assert sum(table.error) == pytest.approx(0.0, abs=1e-14)
    assert table.a[-1] == table.b[:-1]


def test_last_slope_is_reused_until_something_disturbs_the_fields():
    integrator, rhs = Tsit5(EmbeddedConfig()), OdeRhs(driven_sine())
    setup = setup_for(rhs.backend, 0.1)
    state = State(fields={"y": rhs.start})
    state.allocate("integrator", StateSpec(memory=integrator.setup(setup, rhs.spec, rhs).memory), rhs.backend)
    memory = state.memory["integrator"]
    first = integrator.step(rhs, state.fields, memory, 0.0, 0.1, setup.rng, None)
    memory.update(first.memory)
    second = integrator.step(rhs, first.fields, memory, 0.1, 0.1, setup.rng, None)
    memory.update(second.memory)
    memory.update(integrator.disturbed())
    third = integrator.step(rhs, second.fields, memory, 0.2, 0.1, setup.rng, None)
    assert [first.evaluations, second.evaluations, third.evaluations] == [7, 6, 7]


def controller(**changes):
    settings = {
        "integral_gain": 0.3,
        "proportional_gain": 0.4,
        "safety": 0.9,
        "shrink_limit": 0.2,
        "growth_limit": 10.0,
    }
    return PIController(order=5, backend=Backend(), **{**settings, **changes})


def blank(control):
    state = State()
    state.allocate("controller", StateSpec(memory=control.memory_spec()), Backend())
    return state.memory["controller"]


def test_controller_follows_the_pi_formula():
    control = controller()
    memory = blank(control)
    _, _, updates = control.propose(0.1, 0.5, memory)
    accepted, dt, _ = control.propose(0.1, 0.25, {**memory, **updates})
    assert accepted
    assert dt == pytest.approx(0.1 * 0.9 * 0.25 ** (-0.7 / 5) * 0.5 ** (0.4 / 5), rel=1e-14)


def test_a_rejected_step_shrinks_and_the_next_one_may_not_grow():
    control = controller()
    memory = blank(control)
    accepted, dt, updates = control.propose(0.1, 32.0, memory)
    assert not accepted
    assert dt == pytest.approx(0.1 * 0.9 * 0.5, rel=1e-14)
    memory.update(updates)
    accepted, after, updates = control.propose(dt, 1e-9, memory)
    assert accepted
    assert after == dt
    memory.update(updates)
    assert control.propose(dt, 1e-9, memory)[1] > dt


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_a_broken_trial_step_is_rejected(error):
    accepted, dt, _ = controller().propose(0.1, error, blank(controller()))
    assert not accepted
    assert dt == pytest.approx(0.02)


def test_error_of_modes_is_measured_against_the_whole_field():
    """A field of N points and its spectrum with the same relative error give the same norm, by Parseval."""
    points = 256
    rng = np.random.default_rng(3)
    field, error = rng.standard_normal((2, points))
    cells = ErrorNorm(Backend(), StateSpec({"y": ArraySpec((points,))}), points, 1e-12, 1e-3)
    shape = (points // 2 + 1,)
    modes = ErrorNorm(Backend(), StateSpec({"y": ArraySpec(shape, "complex", "mode")}), points, 1e-12, 1e-3)
    flat = np.full(points, np.sqrt(np.mean(field**2)))
    in_cells = cells({"y": 1e-4 * error}, {"y": flat}, {"y": flat})
    spectrum = {"y": np.fft.rfft(field)}
    in_modes = modes({"y": 1e-4 * np.fft.rfft(error)}, spectrum, spectrum)
    # the half spectrum counts the mean and the Nyquist mode once too often: 2 / N of the sum
    assert in_modes == pytest.approx(in_cells, rel=0.02)
