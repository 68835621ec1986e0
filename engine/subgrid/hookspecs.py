"""The hooks of entry-point group ``subgrid``. They serve discovery and life cycle, never the time step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pluggy

from subgrid.component import Check, Component

hookspec = pluggy.HookspecMarker("subgrid")
hookimpl = pluggy.HookimplMarker("subgrid")


@hookspec
def components() -> Sequence[Component]:  # type: ignore[empty-body]
    """Return what the plugin offers. Must import nothing heavy."""


@hookspec
def checks() -> Sequence[Check]:  # type: ignore[empty-body]
    """Return lines for ``subgrid doctor`` on what the plugin needs of the machine. May take seconds; must not crash."""


@hookspec
def run_started(folder: Path) -> None:
    """Called once, after the run folder exists and before the first step."""


@hookspec
def run_finished(folder: Path, outcome: str) -> None:
    """Called once when the run ends; ``outcome`` is finished, stopped or failed."""
