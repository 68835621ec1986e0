"""A plugin with options of every sort, and integrators that differ in what they do to a step."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from subgrid.component import API_VERSION as API_VERSION
from subgrid.component import Component
from subgrid.hookspecs import hookimpl
from subgrid.options import Options, Unit


@hookimpl
def components() -> list[Component]:
    def entry(kind: str, name: str, config: str = "NoOptions", target: str = "Anything", **more: Any) -> Component:
        return Component(kind, name, f"sample_plugin:{target}", f"sample_plugin:{config}", f"sample {kind}", **more)

    return [
        entry("initial", "pulse", "PulseOptions"),
        entry("solver", "advection", "AdvectionOptions"),
        entry("integrator", "one_step", target="OneStep"),
        entry("integrator", "multistep", target="Multistep"),
        entry("integrator", "embedded", target="Embedded"),
        entry("integrator", "silent"),
        entry("closure", "eddy", "EddyOptions"),
        entry("closure", "learned", requires=("package_that_is_not_there",), extra="ml"),
        entry("corrector", "clip"),
        entry("observer", "mean_square"),
    ]


class NoOptions(Options):
    pass


class PulseOptions(Options):
    width: Annotated[float, Unit("m"), Field(gt=0)] = 1.0
    file: Path | None = None


class Forcing(Options):
    amplitude: Annotated[float, Unit("m/s2"), Field(ge=0, description="strength")] = 0.0
    modes: tuple[Annotated[int, Field(gt=0)], ...] = (1, 2)


class AdvectionOptions(Options):
    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="kinematic viscosity")]
    speed: Annotated[float, Unit("m/s")] = 1.0
    order: Annotated[int, Field(ge=1, le=8)] = 2
    limiter: Literal["minmod", "superbee", "van_leer"] = "minmod"
    conservative: bool = True
    filter: Annotated[float, Field(gt=0)] | Literal["automatic"] = "automatic"
    forcing: Forcing = Forcing()
    longest_step: float = float("inf")


class EddyOptions(Options):
    cs: Annotated[float, Unit(""), Field(gt=0, description="coefficient")] = 0.17


class Anything:
    def __init__(self, options: Options) -> None:
        self.options = options


class OneStep(Anything):
    adaptive, variable_step = False, True


class Multistep(Anything):
    adaptive, variable_step = False, False


class Embedded(Anything):
    adaptive, variable_step = True, True
