"""Options of the initial state that comes from another run; apart, so that reading them imports no HDF5."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from subgrid.options import Options, Unit


class FromRunConfig(Options):
    """Options of `FromRun`: which run, and which of its frames (the last one by default)."""

    run: Annotated[str, Field(min_length=1, description="run folder, relative to the scenario")]
    time: Annotated[float, Unit("s"), Field(description="time of the frame")] | None = None
    frame: Annotated[int, Field(description="number of the frame; negative ones count from the end")] | None = None
    quantities: Annotated[
        tuple[str, ...], Field(description="what to take over; default: every quantity of the frames")
    ] = ()

    @model_validator(mode="after")
    def _one_frame(self) -> FromRunConfig:
        if self.time is not None and self.frame is not None:
            raise ValueError("give either time or frame")
        return self
