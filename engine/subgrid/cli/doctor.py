"""``subgrid doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from subgrid.errors import PluginError


def doctor(
    folder: Annotated[Path, typer.Argument(help="Where runs would be written.")] = Path("."),
) -> None:
    """Say what this machine and installation can do, with advice where something is missing."""
    from subgrid.doctor import examine
    from subgrid.registry import Registry

    problems = 0
    for check in examine(Registry.load(), folder):
        mark = {"ok": "ok     ", "note": "note   ", "problem": "PROBLEM"}[check.status]
        typer.echo(f"{mark} {check.name:<14} {check.text}")
        if check.advice and check.status != "ok":
            typer.echo(f"{'':<23}{check.advice}")
        problems += check.status == "problem"
    if problems:
        raise PluginError(f"{problems} problem(s) found")
