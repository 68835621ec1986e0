"""Verbs that plugins add to the command line: components of kind ``command``.

A target is a function with typer's annotations, imported when the verb is used. The built-in verbs win, and are found
without looking at any plugin; ``subgrid --help`` reads the manifests only.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand

from subgrid.cli.usage import Verbs
from subgrid.interruption import raised

if TYPE_CHECKING:
    from subgrid.component import Component
    from subgrid.registry import Registry

KIND = "command"


@cache
def _registry() -> Registry:
    from subgrid.registry import Registry

    return Registry.load()


class OfferedCommand(TyperCommand):
    """A plugin's verb as the list of commands shows it. Becomes the real one when its arguments are read."""

    def __init__(self, component: Component) -> None:
        super().__init__(component.name, help=component.summary, callback=None)
        self._component = component

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        app.command(self._component.name)(_interruptible(_registry().command(self._component)))
        return typer.main.get_command(app).make_context(info_name, args, parent, **extra)


def _interruptible(verb: Callable[..., Any]) -> Callable[..., Any]:
    """A plugin's verb meets Ctrl-C as any Python program does, whatever it may have to put in order."""

    @wraps(verb)
    def interruptible(*arguments: Any, **options: Any) -> Any:
        with raised():
            return verb(*arguments, **options)

    return interruptible


class VerbGroup(Verbs):
    """The verbs of the engine, and behind them those of plugins."""

    def list_commands(self, ctx: Any) -> list[str]:
        built_in = super().list_commands(ctx)
        return built_in + [
            component.name for component in _registry().components(KIND) if component.name not in built_in
        ]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        built_in = super().get_command(ctx, cmd_name)
        if built_in is not None:
            return built_in
        found = [component for component in _registry().components(KIND) if component.name == cmd_name]
        if found:
            return OfferedCommand(found[0])
        for problem in _registry().problems:
            print(f"warning: {problem}", file=sys.stderr)
        return None
