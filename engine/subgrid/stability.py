"""Whether a fixed step is stable at the start of a run."""

from __future__ import annotations

from subgrid.assembly import Simulation


def unstable_step(simulation: Simulation) -> str:
    """What is wrong with the fixed step of an initialised simulation, or an empty string.

    The solver's limit belongs to the explicit part at the initial state; flows that speed up later may still outrun a
    step that was stable at first. Adaptive integrators and steps set by a CFL number keep within their limits.
    """
    time, integrator = simulation.scenario.time, simulation.integrator
    if time.dt is None or time.cfl is not None or integrator.adaptive:
        return ""
    limit = simulation.solver.stable_dt(simulation.state.prognostic(), time.start, integrator)
    if time.dt <= limit:
        return ""
    scenario = simulation.scenario
    return (
        f"time.dt: {time.dt:.6g} is above the stability limit {limit:.3g} of '{scenario.solver.type}' "
        f"with '{scenario.integrator.type}' at the start (unit: s)"
    )
