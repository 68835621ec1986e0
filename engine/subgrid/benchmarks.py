"""Benchmarks of the engine itself: what the loop adds to a step, a checkpoint, the start of the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np

from subgrid import __version__, loop
from subgrid.assembly import Simulation
from subgrid.backend import Array, Backend
from subgrid.bench import Case, Reading, Rival, Work, Workbench
from subgrid.benchmarks_config import EngineBenchmarkConfig
from subgrid.checkpoint import CheckpointWriter
from subgrid.component import Component
from subgrid.options import Options
from subgrid.protocols import Closures, Integrator, Quantity, Setup, Slot
from subgrid.recorder import FolderRecorder
from subgrid.registry import Plugin, Registry
from subgrid.run import StopCondition
from subgrid.state import ArraySpec, Clock, Fields, State, StateSpec
from subgrid.workbench import RegistryWorkbench, command_seconds

STEPS = 40
"""Steps of one timed call of the loop."""

STEP_OVERHEAD = 20e-6
"""Longest time [s] that loop, slots and schedules may add to a step."""

FRAME_EVERY = 50
FRAME_COST = 1.05
"""Largest cost of steps of which the last writes a frame, in units of the same steps without."""

CHECKPOINT_SECONDS = 0.05
HELP_SECONDS = 0.3

SPECTRAL_FLOW: Mapping[str, Any] = {
    "mesh": {"type": "grid", "shape": [256, 256], "length": ["2 pi", "2 pi"]},
    "initial": {"type": "mcwilliams"},
    "solver": {"type": "navier_stokes_2d", "viscosity": 1e-3},
    "integrator": {"type": "rk4"},
    "time": {"end": 1e6, "dt": 1e-3},
}
"""What a frame is compared with: a flow that any installation of ours has."""


class EngineBenchmark:
    """Costs that every simulation pays, whatever it solves."""

    def __init__(self, config: EngineBenchmarkConfig) -> None:
        self.config = config

    def __repr__(self) -> str:
        return f"EngineBenchmark(checkpoint_size={self.config.checkpoint_size})"

    def cases(self, bench: Workbench) -> Iterator[Case | Reading]:
        yield Case(
            "loop around a trivial step",
            loop_of_steps,
            [Rival("the same steps by hand", steps_by_hand, STEPS, "excess", STEP_OVERHEAD)],
            work=STEPS,
        )
        size = self.config.checkpoint_size
        yield Reading(
            f"checkpoint {size}^2 with AB3 memory, run stands still",
            lambda: checkpoint_seconds(size),
            "s",
            CHECKPOINT_SECONDS,
        )
        yield Case(
            f"{FRAME_EVERY} spectral steps 256^2 with a frame",
            lambda: steps_with_frames(bench, frames=True),
            [Rival("without", lambda: steps_with_frames(bench, frames=False), FRAME_EVERY, "cost", FRAME_COST)],
            work=FRAME_EVERY,
        )
        yield Reading("subgrid --help", lambda: command_seconds("--help"), "s", HELP_SECONDS, rounds=9)


class Decay:
    """y' = damping(y) in eight cells: next to nothing to compute, so that what is left is the engine."""

    slots: Mapping[str, Slot] = {"damping": Slot("damping", {"y": Quantity(("x",))}, Quantity(("x",)))}
    quantities: Mapping[str, Quantity] = {"y": Quantity(("x",))}

    def __init__(self, options: Options) -> None:
        self.linear: Fields = {}

    def setup(self, setup: Setup) -> StateSpec:
        return StateSpec(fields={"y": ArraySpec(setup.mesh.shape)})

    def encode(self, physical: Mapping[str, Array], backend: Backend) -> Fields:
        return {"y": backend.asarray(physical["y"], "real")}

    def inputs(self, slot: str, fields: Fields, t: float) -> Mapping[str, Array]:
        return fields

    def tendency(self, fields: Fields, t: float, closures: Closures, out: Fields | None = None) -> Fields:
        answer = closures("damping", self.inputs("damping", fields, t))
        if out is None:
            return {"y": answer}
        out["y"][...] = answer
        return out

    def derive(self, name: str, fields: Fields, t: float, closures: Closures) -> Array:
        return fields["y"]

    def stable_dt(self, fields: Fields, t: float, integrator: Integrator) -> float:
        return 1.0


class Damping:
    """Answers ``damping`` with -y."""

    slots = ("damping",)
    inputs = ("y",)

    def __init__(self, options: Options) -> None:
        pass

    def setup(self, setup: Setup, slot: Slot) -> StateSpec:
        return StateSpec()

    def evaluate(self, inputs: Mapping[str, Array], memory: Fields) -> Array:
        return -inputs["y"]


class Silence:
    """An observer that has nothing to say."""

    needs = ()

    def __init__(self, options: Options) -> None:
        pass

    def setup(self, setup: Setup, quantities: Mapping[str, Quantity]) -> Mapping[str, Quantity]:
        return {}

    def observe(self, view: Mapping[str, Array], clock: Clock) -> Mapping[str, Any]:
        return {}


class Ones:
    """y = 1."""

    def __init__(self, options: Options) -> None:
        pass

    def fill(self, setup: Setup) -> Fields:
        return {"y": np.ones(setup.mesh.shape)}


class Discard:
    """Where a loop sends what nobody wants."""

    def series(self, label: str, values: Mapping[str, Any]) -> None:
        return

    def frame(self, view: Mapping[str, Array]) -> None:
        return

    def checkpoint(self) -> None:
        return


class ByHand:
    """The right-hand side of `Decay` with `Damping`, written out: no slots and no counting."""

    def __init__(self) -> None:
        self.linear: Fields = {}
        self.fused: Mapping[str, Callable[..., None]] = {}

    def explicit(self, fields: Fields, t: float, out: Fields | None = None) -> Fields:
        if out is None:
            return {"y": -fields["y"]}
        out["y"][...] = -fields["y"]
        return out

    total = explicit


TRIVIAL = [
    Component(kind, name, f"{__name__}:{target}", "subgrid.options:Options", f"part of a trivial {kind}")
    for kind, name, target in (
        ("solver", "bench_decay", "Decay"),
        ("closure", "bench_damping", "Damping"),
        ("observer", "bench_silence", "Silence"),
        ("initial", "bench_ones", "Ones"),
    )
]


def trivial_simulation() -> Simulation:
    """`Decay` with its closure and an observer every ten steps, stepped by RK4: four slot calls a step."""
    registry = Registry.load()
    registry.add(TRIVIAL, Plugin("bench", "subgrid", __version__, __name__))
    step = 1.0 / 1024
    return RegistryWorkbench(registry).simulation(
        {
            "mesh": {"type": "grid", "shape": [8], "length": [1.0]},
            "initial": {"type": "bench_ones"},
            "solver": {"type": "bench_decay"},
            "integrator": {"type": "rk4"},
            "closures": [{"type": "bench_damping"}],
            "observers": [{"type": "bench_silence", "every": {"steps": 10}}],
            "time": {"end": STEPS * step, "dt": step},
        }
    )


def steps_with_frames(bench: Workbench, frames: bool) -> Work:
    """A call that takes `FRAME_EVERY` spectral steps on 256^2 points, with or without a frame at the last."""
    output = {"every": {"steps": FRAME_EVERY}, "quantities": ["vorticity"]} if frames else {}
    simulation = bench.simulation({**SPECTRAL_FLOW, "output": output})
    folder = TemporaryDirectory()
    recorder = FolderRecorder(simulation, Path(folder.name), "w") if frames else Discard()

    def work() -> TemporaryDirectory[str]:
        stop = StopCondition(simulation, None, simulation.state.clock.step + FRAME_EVERY)
        loop.advance(simulation, recorder, loop.Ledger(), stop)
        return folder  # which lives as long as this function does

    return work


def loop_of_steps() -> Work:
    """A call that runs the loop over `STEPS` steps, as `subgrid run` does."""
    simulation, recorder = trivial_simulation(), Discard()

    def work() -> None:
        clock = simulation.state.clock
        clock.time, clock.step = 0.0, 0
        loop.advance(simulation, recorder, loop.Ledger(), StopCondition(simulation, None, None))

    return work


def steps_by_hand() -> Work:
    """A call that takes the same steps with the integrator alone."""
    simulation, rhs = trivial_simulation(), ByHand()
    integrator, state, streams = simulation.integrator, simulation.state, simulation.streams("rk4")
    dt = simulation.scenario.time.dt or 0.0

    def work() -> None:
        fields, spare = state.fields, simulation.spare
        for step in range(STEPS):
            report = integrator.step(rhs, fields, {}, step * dt, dt, streams, spare)
            fields, spare = report.fields, fields

    return work


def checkpoint_seconds(size: int) -> float:
    """How long [s] a run stands still for a checkpoint of a spectral state with the memory of AB3: worst of ten."""
    backend, shape = Backend(), (size, size // 2 + 1)
    state = State()
    state.allocate("solver", StateSpec(fields={"vorticity": ArraySpec(shape, "complex", "mode")}), backend)
    slopes = {name: ArraySpec(shape, "complex", "mode") for name in ("previous", "before")}
    state.allocate("integrator", StateSpec(memory=slopes), backend)
    worst = 0.0
    with TemporaryDirectory() as folder:
        writer = CheckpointWriter(Path(folder) / "checkpoints", keep=2, components=[])
        for step in range(10):
            state.clock.step = step
            start = perf_counter()
            writer.write(state, backend, {}, lambda: None)
            worst = max(worst, perf_counter() - start)
            writer.wait()
    return worst
