"""Errors that a user may meet, each with the exit code that the command line returns for it.

Code 0 is success and 1 an internal error (a fault of subgrid itself).
"""

from __future__ import annotations

from collections.abc import Sequence


class SubgridError(Exception):
    """Base of everything that is reported to a user as plain lines, without a traceback."""

    exit_code = 1


class ScenarioError(SubgridError):
    """The scenario, or a command-line option, is wrong. Carries every problem found, one line each."""

    exit_code = 2

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class PluginError(SubgridError):
    """A plugin cannot be loaded, lacks a package, or broke its contract while running."""

    exit_code = 3


class RunFolderError(SubgridError):
    """A run folder, or a file that a run needs, is missing, damaged, locked, unwritable, or of another version."""

    exit_code = 4


class BreakdownError(SubgridError):
    """The numbers do not permit the run to go on: it stopped with its last good checkpoint and said where."""

    exit_code = 5


class NonFiniteError(BreakdownError):
    """The solution became non-finite."""


class ConvergenceError(BreakdownError):
    """A linear solve did not reach its tolerance."""


class InadmissibleError(BreakdownError):
    """A closure gave an answer that is not finite or that its slot does not admit, and has no fall-back."""


class ExpectationError(SubgridError):
    """A run finished, but a number of its ``[expect]`` table was missed."""

    exit_code = 6


class StoppedEarly(SubgridError):
    """A signal or the wall-time limit ended the run; a checkpoint was written and ``resume`` continues it."""

    exit_code = 75
