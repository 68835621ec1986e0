"""What benchmarks may ask of the engine: simulations ready to step, and figures of runs in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from subgrid.assembly import Simulation, assemble, initialise
from subgrid.bench import Case, Reading
from subgrid.component import Component
from subgrid.errors import ScenarioError, SubgridError
from subgrid.memory import peak_memory, resident_memory
from subgrid.options import Options
from subgrid.overrides import with_overrides
from subgrid.registry import Registry
from subgrid.run import run
from subgrid.scenario import parse
from subgrid.suggest import choose_from
from subgrid.toml_text import write_text
from subgrid.validation import checked


@dataclass(frozen=True)
class RegistryWorkbench:
    """Builds and runs scenarios out of the components of a registry."""

    registry: Registry

    def cases(self, names: Sequence[str], overrides: Sequence[str] = ()) -> list[Case | Reading]:
        """Cases of every benchmark, or those of the named benchmarks and those with one of the names in their own.

        ``overrides`` set options: ``navier_stokes.sizes=[64]``. Raises ScenarioError when nothing carries a name.
        """
        found: list[Case | Reading] = []
        for component, options in self._benchmarks(overrides):
            every = self.registry.create(component, options).cases(self)
            found += [case for case in every if not names or any(n == component.name or n in case.name for n in names)]
        if not found:
            raise ScenarioError(f"no case is called {' or '.join(map(repr, names))}; see 'subgrid bench --list'")
        return found

    def _benchmarks(self, overrides: Sequence[str]) -> list[tuple[Component, Options]]:
        known = {component.name: component for component in self.registry.components("benchmark")}
        tables = with_overrides({name: {} for name in known}, overrides)
        problems = [
            f"--set {name}: no benchmark is called that; {choose_from(name, known)}" for name in tables.keys() - known
        ]
        options = {
            name: checked(self.registry.options_class(component), tables[name], name, problems)
            for name, component in known.items()
        }
        if problems:
            raise ScenarioError(problems)
        return [(known[name], chosen) for name, chosen in options.items() if chosen is not None]

    def simulation(self, data: Mapping[str, Any]) -> Simulation:
        """A simulation with its initial state, ready to step."""
        simulation = assemble(parse(data, self.registry, Path(".")), self.registry)
        initialise(simulation, self.registry)
        return simulation

    def first_step_seconds(self, data: Mapping[str, Any]) -> float:
        """Wall time [s] of ``subgrid run`` for one step ``time.dt``, from the start of its process to its end."""
        with TemporaryDirectory() as folder:
            scenario = Path(folder) / "scenario.toml"
            time = {"start": 0.0, "end": data["time"]["dt"], "dt": data["time"]["dt"]}
            scenario.write_text(write_text({**data, "time": time}))
            return command_seconds("run", str(scenario), "--out", str(Path(folder) / "run"))

    def memory_ratio(self, data: Mapping[str, Any], small: Mapping[str, Any]) -> float:
        """Growth of a process by a run, over what the run must hold: see `run_memory`."""
        code = "from subgrid.workbench import report_memory; report_memory()"
        return float(_process([sys.executable, "-c", code], json.dumps([data, small]))[1])


def command_seconds(*arguments: str) -> float:
    """Wall time [s] of a ``subgrid`` command in a process of its own."""
    return _process([sys.executable, "-m", "subgrid", *arguments])[0]


def _process(command: list[str], text: str = "") -> tuple[float, str]:
    start = perf_counter()
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    seconds = perf_counter() - start
    if done.returncode:
        raise SubgridError(f"{' '.join(command[1:])}: {done.stderr.strip()[-300:]}")
    return seconds, done.stdout


def report_memory() -> None:
    """Print `run_memory` of the two scenarios on standard input; the whole of a child process."""
    data, small = json.loads(sys.stdin.read())
    print(run_memory(RegistryWorkbench(Registry.load()), data, small))


def run_memory(bench: RegistryWorkbench, data: Mapping[str, Any], small: Mapping[str, Any]) -> float:
    """Peak growth of resident memory by a run, over the bytes of its state, stages and one frame.

    ``small`` is the same scenario at a size that weighs nothing: run first, it brings in code and caches. A scheme of s
    stages counts as s stage values, s slopes and the new state.
    """
    with TemporaryDirectory() as folder:
        run(parse(small, bench.registry, Path(".")), Path(folder) / "small", bench.registry)
        before = resident_memory()
        run(parse(data, bench.registry, Path(".")), Path(folder) / "run", bench.registry)
    return (peak_memory() - before) / needed_memory(bench.simulation(data))


def needed_memory(simulation: Simulation) -> int:
    """Bytes of the state, of stages and slopes, and of one frame."""
    state, solver = simulation.state, simulation.solver
    fields = sum(int(values.nbytes) for values in state.fields.values())
    memory = sum(int(array.nbytes) for path, array in state.arrays() if path.startswith("memory/"))
    report = simulation.integrator.step(
        simulation.rhs, state.fields, state.memory.get(simulation.scenario.integrator.label, {}), state.clock.time,
        simulation.scenario.time.dt or 0.0, simulation.streams("bench"), simulation.spare,
    )  # fmt: skip
    view = simulation.view()
    frame = sum(int(view[name].nbytes) for name in simulation.scenario.output.quantities if name in solver.quantities)
    return (2 * report.evaluations + 1) * fields + memory + frame
