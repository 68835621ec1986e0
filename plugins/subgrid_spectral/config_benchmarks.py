"""Options of the benchmarks of the spectral family."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options

Size = Annotated[int, Field(ge=16, description="points along each axis")]


class NavierStokesBenchmarkConfig(Options):
    """Sizes and transforms of the two-dimensional benchmarks."""

    sizes: Annotated[tuple[Size, ...], Field(description="grids for right-hand sides")] = (256, 512)
    step_size: Size = 256
    scaling_size: Size = 1024
    memory_size: Size = 512
    fft: Annotated[tuple[Literal["scipy", "fftw"], ...], Field(description="transforms to time")] = ("scipy", "fftw")


class KuramotoSivashinskyBenchmarkConfig(Options):
    """Size of the one-dimensional benchmark."""

    points: Annotated[int, Field(ge=16, description="number of points")] = 128
    length: Annotated[float, Field(gt=0, description="extent of the domain")] = 64.0
