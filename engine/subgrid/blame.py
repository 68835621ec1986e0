"""Naming the plugin, its version and the step when a component raises."""

from __future__ import annotations

from types import TracebackType

from subgrid.errors import PluginError, SubgridError
from subgrid.state import State


class Blame:
    """Context that turns whatever a component raises into a PluginError of one line.

    The time loop enters it at every call, so it is a plain class: a generator-based context costs several times as
    much. Without a ``state`` the component is being set up.
    """

    __slots__ = ("_owner", "_state")

    def __init__(self, owner: str, state: State | None = None) -> None:
        self._owner = owner
        self._state = state

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, SubgridError):
            where = "in setup" if self._state is None else f"at step {self._state.clock.step}"
            reason = " ".join(str(error).split())
            raise PluginError(f"{self._owner} failed {where}: {type(error).__name__}: {reason}") from error
