"""``subgrid compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrid.cli.run import QuietOption


def compare(
    file: Annotated[Path, typer.Argument(help="Comparison file (TOML): a scenario, a reference and variants.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables and figures. Default: compare/<file name>.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Runs side by side. Default: all cores.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the file, e.g. --set scenario.time.end=20."),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Compare closures, solvers or resolutions of one scenario against a reference: accuracy and cost."""
    from rich.console import Console

    from subgrid.compare import compare as compare_variants
    from subgrid.errors import PluginError, StoppedEarly
    from subgrid.registry import Registry

    def tell(line: str) -> None:
        if not quiet:
            say.print(line, markup=False)

    folder = out or Path("compare") / file.stem
    say = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        result = compare_variants(file, folder, Registry.load(), jobs or 0, changes or (), tell)
    except KeyboardInterrupt:
        say.print("interrupted: finished members are kept; run the same command again to go on")
        raise typer.Exit(StoppedEarly.exit_code) from None
    console = Console(highlight=False)
    if console.is_terminal:
        result.table.show(console)
    else:
        typer.echo(result.table.render(), nl=False)
    typer.echo(f"\nTable:   {folder / 'table.txt'} (also .csv and .json)")
    for figure in result.figures:
        typer.echo(f"Figure:  {figure}")
    if result.failed:
        raise PluginError(f"{folder}: these variants failed: {', '.join(result.failed)}")
