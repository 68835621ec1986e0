"""Whether a fixed step is stable at the start of a run."""

from __future__ import annotations

from subgrid.assembly import Simulation


def stable_dt(simulation: Simulation) -> float:
    """Largest stable step at the present state: rates of the solver and of its stiffest closure add up."""
    state, solver = simulation.state, simulation.solver
    known, time = state.prognostic(), state.clock.time
    limit = solver.stable_dt(known, time, simulation.integrator)
    rate = simulation.closures.stable_rate(lambda slot: solver.inputs(slot, known, time))
    return limit if rate == 0.0 else 1.0 / (1.0 / limit + rate)


def unstable_step(simulation: Simulation) -> str:
    """What is wrong with the fixed step of an initialised simulation, or an empty string.

    The solver's limit belongs to the explicit part at the initial state; flows that speed up later may still outrun a
    step that was stable at first. Adaptive integrators and steps set by a CFL number keep within their limits.
    """
    time, integrator = simulation.scenario.time, simulation.integrator
    if time.dt is None or time.cfl is not None or integrator.adaptive:
        return ""
    limit = stable_dt(simulation)
    if time.dt <= limit:
        return ""
    scenario = simulation.scenario
    return (
        f"time.dt: {time.dt:.6g} is above the stability limit {limit:.3g} of '{scenario.solver.type}' "
        f"with '{scenario.integrator.type}' at the start (unit: s)"
    )
