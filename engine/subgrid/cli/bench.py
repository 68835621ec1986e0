"""``subgrid bench``: this installation beside its peers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Benchmarks, or words in the names of cases; default: all.")
    ] = None,
    threads: Annotated[int, typer.Option("--threads", min=0, help="Cores for everyone; 0 is all of them.")] = 0,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Rounds, each of which times everyone once.")] = 40,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME.KEY=VALUE", help="An option of a benchmark.")
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Name the cases and run none.")] = False,
    json: Annotated[Path | None, typer.Option("--json", help="File for the results of every round.")] = None,
) -> None:
    """Time subgrid and its peers side by side (install them with the extra 'bench')."""
    from subgrid import bench as runner

    runner.limit_threads(threads)
    from subgrid.registry import Registry
    from subgrid.workbench import RegistryWorkbench

    chosen = RegistryWorkbench(Registry.load()).cases(names or [], overrides or [])
    if only_list:
        for case in chosen:
            typer.echo(case.name)
        return
    about = runner.machine()
    typer.echo(f"{about['processor']}, {about['cores']} core(s), load {about['load']:.1f}\n{runner.heading()}")
    lines = []
    for case in chosen:
        for line in runner.run_case(case, rounds):
            typer.echo(runner.row(line))
            lines.append(line)
    if json is not None:
        runner.write_lines(json, lines, about)
