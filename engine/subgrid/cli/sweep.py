"""``subgrid sweep``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from subgrid.cli.run import QuietOption, duration
from subgrid.errors import BreakdownError, PluginError, ScenarioError, StoppedEarly

LINE_INTERVAL = 10.0
"""Seconds between lines of progress where no terminal is there."""


def sweep(
    file: Annotated[Path, typer.Argument(help="Sweep file (TOML): a scenario and the keys that vary.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the sweep. Default: sweeps/<file name>.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Members side by side. Default: all cores.")
    ] = None,
    cluster: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Run on Dask: 'local', or the address of a scheduler.")
    ] = "",
    retry: Annotated[bool, typer.Option("--retry", help="Run members again that failed in an earlier call.")] = False,
    member_time: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="A member that takes longer (90s, 10m) has failed."),
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the file: random.count=50.")
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Name the members and run none.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Run a scenario over grids, draws and seeds; the same command goes on where it was interrupted."""
    from subgrid.registry import Registry
    from subgrid.sweep.sweep import sweep as run_sweep
    from subgrid.sweep.table import SHOWN_ROWS

    registry = Registry.load()
    if only_list:
        _list(file, registry, changes or [])
        return
    folder = out or Path("sweeps") / file.stem
    try:
        with Display(quiet) as display:
            result = run_sweep(
                file,
                folder,
                registry,
                jobs=jobs or 0,
                cluster=cluster,
                retry=retry,
                member_time=member_time,
                overrides=changes or (),
                report=display,
            )
    except KeyboardInterrupt:
        typer.echo("interrupted: what is done is kept; run the same command again to go on", err=True)
        raise typer.Exit(StoppedEarly.exit_code) from None
    typer.echo(result.table.render(rows=SHOWN_ROWS), nl=False)
    typer.echo(f"\nIndex:   {folder / 'sweep.json'}\nTable:   {folder / 'table.txt'} (also .csv and .json)")
    if result.figure is not None:
        typer.echo(f"Figure:  {result.figure}")
    broken, open_ = result.with_status("failed", "blown up"), result.with_status("waiting", "running", "stopped")
    if broken:
        kind = BreakdownError if all(entry.ending.status == "blown up" for entry in broken) else PluginError
        raise kind(f"{folder}: {len(broken)} of {len(result.entries)} members are broken; --retry runs them again")
    if open_:
        typer.echo(f"{len(open_)} members are not done; run the same command again to go on", err=True)
        raise typer.Exit(StoppedEarly.exit_code)


def _list(file: Path, registry: Any, changes: list[str]) -> None:
    from subgrid.sweep.members import plan
    from subgrid.sweep.options import described, load

    members = plan(load(file, changes), registry).members
    for member in members:
        told = ", ".join(described(key, value) for key, value in member.parameters.items())
        typer.echo(f"{member.number:>6}  {member.part + '  ' if member.part else ''}{told}")
    typer.echo(f"{len(members)} members")
    if not members:
        raise ScenarioError(f"{file}: has no members")


class Display:
    """Tells how a sweep goes on: a bar with the remaining time on a terminal, else a line now and then."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._task: Any = None
        self._next = 0.0

    def __enter__(self) -> Display:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

            columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task("", total=None)
            self._bar.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        elif not self._quiet:
            print(text, file=sys.stderr)

    def progress(self, counts: Mapping[str, int], seconds_left: float | None) -> None:
        total = sum(counts.values())
        open_ = sum(counts.get(status, 0) for status in ("waiting", "running", "stopped"))
        broken = counts.get("failed", 0) + counts.get("blown up", 0)
        told = f"{broken} broken" if broken else ""
        left = "" if seconds_left is None or not open_ else f"about {_spoken(seconds_left)} left"
        text = ", ".join(part for part in (told, left) if part)
        if self._bar is not None:
            self._bar.update(self._task, total=total, completed=total - open_, description=text)
        elif not self._quiet and (time.monotonic() >= self._next or not open_):
            self._next = time.monotonic() + LINE_INTERVAL
            print(f"{total - open_} of {total} done{', ' + text if text else ''}", file=sys.stderr)


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
