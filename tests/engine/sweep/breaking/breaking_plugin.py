"""A corrector that breaks a member in the way its options say."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Literal

from subgrid.api import (
    API_VERSION as API_VERSION,
)
from subgrid.api import (
    Component,
    Correction,
    Fields,
    Options,
    Setup,
    Solver,
    State,
    StateSpec,
    Streams,
    hookimpl,
)


@hookimpl
def components() -> list[Component]:
    return [Component("corrector", "trouble", "breaking_plugin:Trouble", "breaking_plugin:TroubleOptions", "trouble")]


class TroubleOptions(Options):
    kind: Literal["none", "raise", "nan", "hang", "die", "die once", "exit", "print"] = "none"
    after: float = 0.25
    mark: str = ""


class Trouble:
    def __init__(self, options: TroubleOptions) -> None:
        self.options = options

    def setup(self, setup: Setup, solver: Solver) -> StateSpec:
        return StateSpec()

    def correct(self, state: State, memory: Fields, t: float, dt: float, rng: Streams) -> Correction:
        kind = self.options.kind
        if t < self.options.after or kind == "none":
            return Correction()
        if kind == "raise":
            raise ValueError("no luck")
        if kind == "nan":
            return Correction({name: values * float("nan") for name, values in state.fields.items()})
        if kind == "hang":
            time.sleep(3600)
        if kind == "print":
            print('{"status": "finished"}', flush=True)
        if kind == "exit":
            os._exit(7)
        if kind == "die" or (kind == "die once" and not Path(self.options.mark).exists()):
            Path(self.options.mark or os.devnull).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Correction()
