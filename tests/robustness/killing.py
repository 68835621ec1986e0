"""Kill runs of every solver family at random moments and continue them: nothing committed may be lost.

    python tests/robustness/killing.py --runs 200 --seed 1
    python tests/robustness/killing.py --fresh --runs 20 --scenario active_fluid/turbulence_kinetic.toml

A run is a process of its own, with frames, series and checkpoints written every few steps. It is killed by SIGKILL at
random moments until it comes to its end. After each kill every committed frame must be readable and have the bits of an
undisturbed run; in the end so must the final state, all frames and all series. Prints a table; exit code 1 when
anything was lost.

Processes are forked from one that has compiled everything, so that many kills fall into the steps. With ``--fresh``
each is a new interpreter, as after a crash: with its own addresses, hash seed, plans of transforms and compiled code.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from subgrid import checkpoint
from subgrid.errors import RunFolderError, SubgridError
from subgrid.output import RunFolder
from subgrid.registry import Registry
from subgrid.run import resume, run
from subgrid.scenario import Scenario, load

SCENARIOS = Path(__file__).parents[2] / "scenarios"
STEPS = 61
"""Steps of a run, so that no frame is due at its end, where the last one is stored all the same."""
MOST_KILLS = 4
"""Kills of one run, so that it comes to its end."""
LONGEST = 120.0
"""Seconds that a run may take which is not killed."""

Begin = Callable[[str, Scenario, Path, Registry], int]
"""Starts a process that begins a run or goes on with it, and returns its number."""

FAMILIES: dict[str, list[str]] = {
    "turbulence_2d/decaying_mcwilliams.toml": ["mesh.shape=[48,64]"],
    "turbulence_2d/forced_kf4_beta20.toml": ["mesh.shape=[64,48]"],
    "ocean/two_layer_qg_eddies.toml": ["mesh.shape=[32,48]"],
    "spectral_1d/kuramoto_sivashinsky.toml": [],
    "spectral_1d/kdv_two_solitons.toml": [],
    "spectral_1d/burgers_cole_hopf.toml": [],
    "stencil/gray_scott.toml": ["mesh.shape=[32,48]"],
    "stencil/standing_wave.toml": [],
    "stencil/moving_gaussian.toml": [],
    "stencil/tumour_growth.toml": [],
    "diffusion/heat_transient_contextual.toml": ["mesh.shape=[24,32]"],
    "incompressible/cavity_re100.toml": ["mesh.shape=[24,32]"],
    "incompressible/plume.toml": [],
    "shallow_water/lake_at_rest.toml": [],
    "material_points/granular_column.toml": [],
    "material_points/dam_break.toml": ["mesh.shape=[24,48]"],
    "smoothed_particles/dam_break.toml": ["mesh.shape=[25,60]"],
    "molecular_dynamics/liquid.toml": [],
    "active_fluid/turbulence_kinetic.toml": ["mesh.shape=[24,32]"],
    "active_fluid/turbulence_bingham.toml": ["mesh.shape=[24,32]"],
    "active_fluid/turbulence_learned.toml": ["mesh.shape=[24,32]"],
}


@dataclass
class Tally:
    """What was done to one family, and what went wrong."""

    runs: int = 0
    kills: int = 0
    before_first_checkpoint: int = 0
    frames: int = 0
    problems: list[str] = field(default_factory=list)


def often(name: str, registry: Registry, end: float | None = None) -> Scenario:
    """A scenario of the repository that writes all the time, and ends at a time of its own."""
    changes = [*FAMILIES[name], "backend.threads=1", "checkpoint={every={steps=4},keep=2}", "expect={}"]
    if end is not None:
        changes.append(f"time.end={end!r}")
    plain = load(SCENARIOS / name, registry, changes)
    changes += [f"observers.{index}.every={{steps=2}}" for index in range(len(plain.observers))]
    quantities = list(plain.output.quantities) or [next(iter(_quantities(plain, registry)))]
    return load(SCENARIOS / name, registry, [*changes, f"output={{every={{steps=3}},quantities={quantities}}}"])


def _quantities(scenario: Scenario, registry: Registry) -> list[str]:
    from subgrid.assembly import assemble

    return list(assemble(scenario, registry).quantities)


def begin_or_go_on(scenario: Scenario, folder: Path, registry: Registry) -> None:
    """What a user does after a crash: resume, or start again where there is nothing to resume."""
    try:
        checkpoint.latest(folder / "checkpoints")
    except RunFolderError:
        run(scenario, folder, registry, overwrite=True)
        return
    resume(folder, registry)


def forked(name: str, scenario: Scenario, folder: Path, registry: Registry) -> int:
    """Begin or go on in a forked process; return its number."""
    child = os.fork()
    if child == 0:
        try:
            begin_or_go_on(scenario, folder, registry)
        except BaseException as error:
            print(f"child: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def fresh(name: str, scenario: Scenario, folder: Path, registry: Registry) -> int:
    """Begin or go on in a new interpreter; return its number."""
    end = repr(scenario.time.end)
    return subprocess.Popen([sys.executable, __file__, "--scenario", name, "--end", end, "--live", str(folder)]).pid


def lived(child: int, life: float) -> bool:
    """Kill a process after ``life`` seconds; return whether it came to its end before."""
    deadline = time.monotonic() + life
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            if status != 0:
                raise SubgridError(f"it ended with status {status}")
            return True
        time.sleep(min(0.002, max(0.0, deadline - time.monotonic())))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def committed(folder: Path) -> dict[str, bytes]:
    """Every committed frame by quantity and number."""
    if not (folder / "scenario.toml").is_file() or not (folder / "trajectory.h5").is_file():
        return {}
    stored = RunFolder(folder)
    try:
        count = len(stored.frame_times())
    except RunFolderError:
        if any((folder / "checkpoints").glob("step_*.npz")):
            raise
        return {}  # killed while the file was made: nothing had been committed
    return {
        f"{name}[{index}]": stored.frame(name, index).tobytes()
        for name in stored.quantities()
        for index in range(count)
    }


def everything(folder: Path) -> dict[str, bytes]:
    """Final state, clock, frames and series."""
    found, damaged = checkpoint.latest(folder / "checkpoints")
    assert not damaged, damaged
    stored = RunFolder(folder)
    series = {
        f"{label}.{name}": values.tobytes()
        for label in stored.labels()
        for name, values in stored.series(label).items()
    }
    arrays = {path: values.tobytes() for path, values in found.arrays.items()}
    return {**arrays, **series, **committed(folder), "clock": repr(found.clock).encode()}


def torment(name: str, runs: int, rng: np.random.Generator, registry: Registry, folder: Path, begin: Begin) -> Tally:
    """Kill and continue ``runs`` runs of one scenario, in processes that ``begin`` makes."""
    tally = Tally()
    first = run(often(name, registry), folder / "first", registry, stop_after=STEPS)  # compiles, and warms the caches
    scenario = often(name, registry, first.time)
    begun = time.monotonic()
    lived(begin(name, scenario, folder / "undisturbed", registry), LONGEST)
    span = time.monotonic() - begun
    whole = everything(folder / "undisturbed")
    for number in range(runs):
        place, kept, kills = folder / f"run_{number}", 0, 0
        try:
            while not lived(
                begin(name, scenario, place, registry),
                rng.uniform(0.0, 1.2 * span) if kills < MOST_KILLS else LONGEST,
            ):
                kills += 1
                frames = committed(place)
                kept += len(frames)
                wrong = [key for key, values in frames.items() if whole.get(key) != values]
                if wrong:
                    tally.problems.append(f"{name}: after kill {kills} of run {number}: {wrong[0]} has other bits")
                if not any((place / "checkpoints").glob("step_*.npz")):
                    tally.before_first_checkpoint += 1
            last = everything(place)
            if last != whole:
                odd = sorted(key for key in {*last, *whole} if last.get(key) != whole.get(key))
                tally.problems.append(f"{name}: run {number} after {kills} kills differs in {', '.join(odd[:3])}")
        except (SubgridError, AssertionError) as error:
            tally.problems.append(f"{name}: run {number} after {kills} kills: {error}")
        tally.runs, tally.kills, tally.frames = tally.runs + 1, tally.kills + kills, tally.frames + kept
        shutil.rmtree(place, ignore_errors=True)
    return tally


def study(names: list[str], runs: int, seed: int, begin: Begin) -> dict[str, Tally]:
    """Spread ``runs`` runs over scenarios."""
    registry, rng = Registry.load(), np.random.default_rng(seed)
    tallies = {}
    for index, name in enumerate(names):
        share = runs // len(names) + (index < runs % len(names))
        with tempfile.TemporaryDirectory() as folder:
            tallies[name] = torment(name, share, rng, registry, Path(folder), begin)
        tally = tallies[name]
        print(
            f"{name:<42} {tally.runs:>4} runs {tally.kills:>5} kills {tally.before_first_checkpoint:>4} before "
            f"checkpoints {tally.frames:>6} frames looked at {len(tally.problems):>3} lost",
            flush=True,
        )
    return tallies


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=len(FAMILIES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", action="append", choices=list(FAMILIES), help="default: all")
    parser.add_argument("--fresh", action="store_true", help="a new interpreter for every life of a run")
    parser.add_argument("--end", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--live", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    names = asked.scenario or list(FAMILIES)
    if asked.live:
        registry = Registry.load()
        begin_or_go_on(often(names[0], registry, asked.end), asked.live, registry)
        return
    tallies = study(names, asked.runs, asked.seed, fresh if asked.fresh else forked)
    problems = [problem for tally in tallies.values() for problem in tally.problems]
    total = [sum(getattr(tally, name) for tally in tallies.values()) for name in ("runs", "kills", "frames")]
    print(f"{total[0]} runs, {total[1]} kills, {total[2]} frames looked at, {len(problems)} problems")
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
