"""Entry point of the console script and of ``python -m subgrid``. Signals are answered before anything is imported."""

from subgrid import interruption


def main() -> None:
    """Run the command line. Ctrl-C and SIGTERM end it with one line and code 75 wherever it is."""
    interruption.answer_signals()
    import sys

    code: int | str | None = 0
    try:
        from subgrid.cli import main as command_line

        command_line()
    except SystemExit as ending:
        code = ending.code
    except KeyboardInterrupt:
        code = interruption.EXIT_CODE
        print("interrupted; the same command begins or goes on", file=sys.stderr)
    interruption.ignore_signals()
    sys.exit(code)


if __name__ == "__main__":
    main()
