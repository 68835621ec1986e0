"""What a plugin says about a component it offers: plain data, cheap to list, nothing heavy imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

API_VERSION: Final = 1

KINDS: Final = (
    "mesh",
    "initial",
    "solver",
    "linsolve",
    "integrator",
    "closure",
    "corrector",
    "observer",
    "benchmark",
    "command",
)


@dataclass(frozen=True)
class Component:
    """One entry of a plugin's catalogue.

    ``target`` and ``config`` are ``"module:Class"`` strings, imported only when a scenario uses the component.
    A ``command`` is a verb of the command line: a function with typer's annotations, and no ``config``.
    ``requires`` names import packages beyond the core install, and ``extra`` the extra that installs them.
    """

    kind: str
    name: str
    target: str
    config: str
    summary: str
    requires: tuple[str, ...] = ()
    extra: str = ""
