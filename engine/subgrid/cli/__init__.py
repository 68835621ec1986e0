"""The command line. Modules here import typer and nothing heavier; whatever a command needs it imports when it runs."""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, NoReturn

import typer

from subgrid import __version__
from subgrid.cli import bench, compare, doctor, plugins, run, scenario, sweep
from subgrid.cli.failures import exit_code_of, lines_of
from subgrid.cli.offered import VerbGroup
from subgrid.cli.usage import UsageError, line_of
from subgrid.errors import ScenarioError

EXIT_CODES = """\b
Exit codes:
  0   success
  1   internal error, a fault of subgrid itself
  2   the scenario or a command-line option is wrong
  3   a plugin cannot be loaded, lacks a package, or failed
  4   a run folder or file is missing, damaged or unwritable
  5   the solution became non-finite, or a linear solve did not converge
  6   a number of [expect] was missed
  75  interrupted or stopped early; what was committed is kept, and 'subgrid resume' or the same command goes on
"""

app = typer.Typer(
    name="subgrid",
    cls=VerbGroup,
    help="Subgrid closures, learned operators and correctors, judged inside trustworthy solvers.",
    epilog=EXIT_CODES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("resume")(run.resume)
app.command("info")(run.info)
app.command("compare")(compare.compare)
app.command("sweep")(sweep.sweep)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(scenario.app, name="scenario")
app.add_typer(plugins.app, name="plugins")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""


def _flushed() -> bool:
    """Whether standard output took everything, which for short texts shows only at the end."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return False
    return True


def _leave_closed_pipe() -> NoReturn:
    """End without a word, as programs do whose reader (``head``, a pager) has seen enough."""
    # the interpreter flushes once more at exit, and must not meet the closed pipe again
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)


def _perform(arguments: list[str]) -> int:
    """Run a command and return its exit code. Whatever goes wrong is raised: typer's own words are not ours."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("subgrid", arguments or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as ending:
        return ending.exit_code
    return 0


def main() -> None:
    """Perform what the command line asks for: every failure is plain lines on standard error and a documented exit
    code."""
    code = 0
    try:
        code = _perform(sys.argv[1:])
    except BrokenPipeError:
        _leave_closed_pipe()
    except UsageError as error:
        print(line_of(error), file=sys.stderr)
        code = ScenarioError.exit_code
    except Exception as error:
        if os.environ.get("SUBGRID_DEBUG"):
            raise
        for line in lines_of(error):
            print(line, file=sys.stderr)
        code = exit_code_of(error)
    if not _flushed():
        _leave_closed_pipe()
    sys.exit(code)
