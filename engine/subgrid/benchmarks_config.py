"""Options of the engine's own benchmarks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from subgrid.options import Options


class EngineBenchmarkConfig(Options):
    """Sizes of the engine's benchmarks."""

    checkpoint_size: Annotated[int, Field(ge=8, description="points along each axis of the state saved")] = 512
