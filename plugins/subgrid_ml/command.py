"""``subgrid train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["train"]


def train(
    file: Annotated[Path, typer.Argument(help="Training file (TOML).")],
    overrides: Annotated[
        list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change the file: stages.0.steps=100, seed=2.")
    ] = [],  # noqa: B006  typer copies it
    out: Annotated[Path | None, typer.Option(help="Folder of the training. Default: training/<name>.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the training that the folder holds.")] = False,
    stop_after: Annotated[int | None, typer.Option(min=1, metavar="STEP", help="Stop after this many steps.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Train a closure on stored runs, offline or through the solver.

    Leaves weights.safetensors, its card weights.json, loss.png and training.log in the folder.
    """
    from subgrid.api import ScenarioError
    from subgrid_ml.session import Session, read_training_file

    if resume and overwrite:
        raise ScenarioError("--resume and --overwrite exclude each other")
    options = read_training_file(file, overrides)
    folder = out or Path("training") / options.name
    command = " ".join(["subgrid", "train", file.name, *(f"--set '{override}'" for override in overrides)])
    for line in Session(options, file.parent, folder, command, not quiet).run(resume, overwrite, stop_after):
        typer.echo(line)
