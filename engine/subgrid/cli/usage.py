"""Mistakes in options and arguments, as one line each: what was given, and what may be given."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from subgrid.suggest import choose_from

UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""Base of what typer raises over a command line; it has no public name in all versions that are supported."""


class Verbs(TyperGroup):
    """A group whose unknown verbs are answered with those that there are."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        command = self.get_command(ctx, args[0])
        if command is None and not args[0].startswith("-"):
            ctx.fail(f"no command is called {args[0][:60]!r}; {choose_from(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        if not (getattr(ctx, "_protected_args", None) or ctx.args):
            ctx.fail(f"a command is missing; choose from {', '.join(self.list_commands(ctx))}")
        return super().invoke(ctx)


def line_of(error: Any) -> str:
    """What to print about a `UsageError`."""
    context = error.ctx
    if context is None:
        return f"error: {_lowered(error.format_message())}"
    said = f"error: {context.command_path}: "
    unknown = getattr(error, "option_name", None)
    if unknown is not None and "no such option" in error.message.lower():
        options = [name for parameter in context.command.get_params(context) for name in parameter.opts]
        long = [name for name in options if name.startswith("--")]
        return f"{said}no option is called {unknown}; {choose_from(unknown, long)}"
    parameter = getattr(error, "param", None)
    if parameter is not None:
        name = _named(parameter)
        if not error.message:
            about = _lowered(getattr(parameter, "help", None) or "")
            return f"{said}{name} is missing{': ' * bool(about)}{about}; see {context.command_path} --help"
        return f"{said}{name}: {_problem(error)}"
    told = _lowered(error.message)
    return said + (told if "; " in told else f"{told}; see {context.command_path} --help")


def _named(parameter: Any) -> str:
    """An option by its long name, an argument in capitals as its usage has it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name.upper())


def _problem(error: Any) -> str:
    """What is wrong with a value. Newer versions of typer have pydantic look at values, and hand on its words."""
    details = getattr(error.__cause__, "errors", None)
    if details is None:
        return _lowered(error.message)
    from subgrid.validation import problem_of

    return "; ".join(problem_of(detail) for detail in details(include_url=False))


def _lowered(message: str) -> str:
    text = " ".join(message.split()).rstrip(".")
    return text[:1].lower() + text[1:]
