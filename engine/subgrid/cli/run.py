"""``subgrid run``, ``resume`` and ``info``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from subgrid.cli.failures import traceback_kept_in
from subgrid.errors import ExpectationError, RunFolderError, StoppedEarly

if TYPE_CHECKING:
    from subgrid.output import RunFolder
    from subgrid.registry import Registry
    from subgrid.run import Outcome

_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d*)?)(s|min|m|h|d)?")


class Device(StrEnum):
    """Where a run computes."""

    cpu = "cpu"
    cuda = "cuda"


def duration(text: str) -> float:
    """Seconds of a duration such as ``90``, ``10m`` or ``1h30m``."""
    parts = _DURATION.findall(text.replace(" ", ""))
    if "".join(number + unit for number, unit in parts) != text.replace(" ", "") or not parts:
        raise typer.BadParameter(f"{text!r} is not a duration such as 90s, 10m or 1h30m")
    if len(parts) > 1 and not all(unit for _, unit in parts):
        raise typer.BadParameter(f"{text!r} needs a unit (s, m, h, d) after every number")
    return sum(float(number) * _SECONDS[unit or "s"] for number, unit in parts)


SetOption = Annotated[
    list[str],
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change the scenario: solver.viscosity=1e-3, closures.0.weight=0.5."
    ),
]
WallTimeOption = Annotated[
    float | None,
    typer.Option(
        "--wall-time", parser=duration, metavar="TIME", help="Stop with a checkpoint after 90s, 10m, 1h30m ..."
    ),
]
StopAfterOption = Annotated[
    int | None, typer.Option("--stop-after", min=0, metavar="STEP", help="Stop with a checkpoint after this step.")
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]


def run(
    file: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    overrides: SetOption = [],  # noqa: B006  typer copies it
    out: Annotated[Path | None, typer.Option(help="Run folder. Default: runs/<name of the scenario>.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run that the folder holds.")] = False,
    device: Annotated[Device | None, typer.Option(help="Compute there; cuda switches to the torch backend.")] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="Most threads; 0 is every core.")] = None,
    wall_time: WallTimeOption = None,
    stop_after: StopAfterOption = None,
    quiet: QuietOption = False,
) -> None:
    """Run a scenario into a run folder."""
    from subgrid.run import run as run_scenario
    from subgrid.scenario import load

    registry = _registry()
    scenario = load(file, registry, [*_device_overrides(device, threads), *overrides])
    folder = out or Path("runs") / scenario.name
    with traceback_kept_in(folder):
        outcome = run_scenario(
            scenario,
            folder,
            registry,
            overwrite=overwrite,
            wall_time=wall_time,
            stop_after=stop_after,
            progress=not quiet,
        )
    _report(outcome)


def resume(
    folder: Annotated[Path, typer.Argument(help="Run folder.")],
    until: Annotated[float | None, typer.Option(metavar="TIME", help="Move the end of the run to this time.")] = None,
    wall_time: WallTimeOption = None,
    stop_after: StopAfterOption = None,
    quiet: QuietOption = False,
) -> None:
    """Continue a run from its newest checkpoint, bit for bit."""
    from subgrid.run import resume as resume_run

    registry = _registry()
    with traceback_kept_in(folder):
        outcome = resume_run(
            folder, registry, until=until, wall_time=wall_time, stop_after=stop_after, progress=not quiet
        )
    _report(outcome)


def info(folder: Annotated[Path, typer.Argument(help="Run folder.")]) -> None:
    """Show what a run folder holds and how the run ended; what cannot be read is named."""
    from subgrid.output import RunFolder

    stored = RunFolder(folder)
    damaged = []
    for part in (_scenario, _ending, _components, _rows, _checkpoints, _origin, _costs):
        try:
            for name, text in part(stored):
                typer.echo(f"{name:<12} {text}")
        except RunFolderError as error:
            damaged.append(str(error))
    if damaged:
        raise RunFolderError("\n".join(dict.fromkeys(damaged)))


def _registry() -> Registry:
    from subgrid.registry import Registry

    registry = Registry.load()
    for problem in registry.problems:
        print(f"warning: {problem}", file=sys.stderr)
    return registry


def _device_overrides(device: Device | None, threads: int | None) -> list[str]:
    changes = []
    if device is not None:
        changes.append(f"backend.device={device.value}")
    if device is Device.cuda:
        changes.append("backend.name=torch")
    if threads is not None:
        changes.append(f"backend.threads={threads}")
    return changes


def _report(outcome: Outcome) -> None:
    """Say how a run ended; raises ExpectationError when a number was missed."""
    from subgrid.run import ALREADY_FINISHED

    if outcome.message == ALREADY_FINISHED:
        typer.echo(f"already finished: {outcome.steps} steps to t = {outcome.time:.9g}; --until moves the end")
    else:
        typer.echo(
            f"{outcome.status}: {outcome.steps} steps to t = {outcome.time:.9g} in {outcome.seconds:.3g} s, "
            f"written to {outcome.folder}"
        )
    if outcome.status != "finished":
        typer.echo(f"{outcome.message}; continue with: subgrid resume {outcome.folder}")
        raise typer.Exit(StoppedEarly.exit_code)
    for number in outcome.expectations:
        verdict = {True: "ok", False: "MISSED", None: "not judged, the run ended before"}[number.ok]
        typer.echo(
            f"expect {number.name}: {number.value:.9g}, expected {number.expected:.9g} +- {number.tolerance:.3g}: "
            f"{verdict} ({number.source})"
        )
    missed = [number.name for number in outcome.expectations if number.ok is False]
    if missed:
        raise ExpectationError(f"{len(missed)} of {len(outcome.expectations)} expectations missed: {', '.join(missed)}")


def _scenario(stored: RunFolder) -> Iterable[tuple[str, str]]:
    scenario = stored.scenario()
    yield "run", f"{scenario.get('name', '')}  {scenario.get('description', '')}".rstrip()


def _ending(stored: RunFolder) -> Iterable[tuple[str, str]]:
    outcome = stored.outcome()
    where = f"at step {outcome['step']}, t = {_number(outcome['time'])}"
    if outcome["status"] in ("running", "killed"):
        where = f"newest checkpoint {where}" if outcome["step"] >= 0 else "no checkpoint so far"
    yield "status", f"{outcome['status']} {where}  {outcome['message']}".rstrip()


def _components(stored: RunFolder) -> Iterable[tuple[str, str]]:
    scenario = stored.scenario()
    mesh = scenario.get("mesh", {})
    yield "mesh", f"{mesh.get('type')} {mesh.get('shape', '')} of length {mesh.get('length', '')}"
    for kind in ("initial", "solver", "integrator"):
        yield kind, _component(scenario.get(kind, {}))
    for key in ("closures", "correctors", "observers"):
        for table in scenario.get(key, []):
            yield key[:-1], _component(table)


def _component(table: dict[str, Any]) -> str:
    hidden = ("type", "label", "every", "at")
    options = ", ".join(f"{key} = {value}" for key, value in table.items() if key not in hidden)
    label = table.get("label", table.get("type"))
    return f"{table.get('type')}{f' ({label})' if label != table.get('type') else ''}: {options}".rstrip(": ")


def _rows(stored: RunFolder) -> Iterable[tuple[str, str]]:
    times = stored.frame_times()
    if len(times):
        yield "frames", f"{len(times)} of {', '.join(stored.quantities())}, t = {times[0]:.9g} to {times[-1]:.9g}"
    for label in stored.labels():
        series = stored.series(label)
        names = ", ".join(name for name in series if name not in ("time", "step"))
        yield "series", f"{label}: {len(series['time'])} rows of {names}"


def _checkpoints(stored: RunFolder) -> Iterable[tuple[str, str]]:
    from subgrid.checkpoint import damages

    folder = stored.path / "checkpoints"
    yield "checkpoints", ", ".join(sorted(path.name for path in folder.glob("step_*.npz"))) or "none"
    if damaged := damages(folder):
        raise RunFolderError("\n".join(damaged))


def _origin(stored: RunFolder) -> Iterable[tuple[str, str]]:
    provenance = stored.provenance()
    yield (
        "made by",
        f"subgrid {provenance.get('subgrid')}, started {provenance.get('started')}, {provenance.get('backend')}",
    )


def _costs(stored: RunFolder) -> Iterable[tuple[str, str]]:
    if not (stored.path / "costs.json").is_file():
        return  # written when a run ends
    costs = stored.costs()
    yield (
        "cost",
        f"{_number(costs.get('wall_seconds'))} s, {costs.get('steps')} steps, {costs.get('evaluations')} evaluations"
        + (f", {_number(costs['processor_seconds'])} s on processors" if "processor_seconds" in costs else ""),
    )
    seconds = {label: spent for label, spent in _table(costs, "seconds").items() if isinstance(spent, int | float)}
    for label in sorted(seconds, key=lambda name: -seconds[name]):
        yield "", f"{label}: {_number(seconds[label])} s"


def _table(content: dict[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name)
    return table if isinstance(table, dict) else {}


def _number(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, int | float) else str(value)
