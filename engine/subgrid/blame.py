"""Naming the plugin, its version and the step when a component raises."""

from __future__ import annotations

import re
from types import TracebackType

from subgrid.errors import PluginError, ScenarioError, SubgridError
from subgrid.state import State


class Blame:
    """Context that turns whatever a component raises into a PluginError of one line.

    The time loop enters it at every call, so it is a plain class: a generator-based context costs several times as
    much. Without a ``state`` the component is being set up. Given a ``table``, a ScenarioError is led by it and by the
    first of ``names``, where it does not begin with the table and has none of the names.
    """

    __slots__ = ("_names", "_owner", "_state", "_table")

    def __init__(self, owner: str, state: State | None = None, table: str = "", names: tuple[str, ...] = ()) -> None:
        self._owner = owner
        self._state = state
        self._table = table
        self._names = names

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, ScenarioError) and self._table:
            raise ScenarioError([self._named(problem) for problem in error.problems]) from error
        if isinstance(error, Exception) and not isinstance(error, SubgridError):
            where = "in setup" if self._state is None else f"at step {self._state.clock.step}"
            reason = " ".join(str(error).split())
            raise PluginError(f"{self._owner} failed {where}: {type(error).__name__}: {reason}") from error

    def _named(self, problem: str) -> str:
        own = re.match(rf"{self._table}\b", problem)
        if own or any(re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", problem) for name in self._names):
            return problem
        return f"{self._table} ({self._names[0]}): {problem}"
