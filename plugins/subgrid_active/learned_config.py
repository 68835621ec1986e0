"""Options of the learned closures; apart, so that reading them imports nothing heavy."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from subgrid.options import Options


class LearnedConfig(Options):
    """Which weights, or which network to begin with."""

    weights: Annotated[
        str,
        Field(
            min_length=1,
            description="a shipped name, the path of a .safetensors file, or 'none': a network of zeros, for training",
        ),
    ] = "kinetic_2d"
    hidden: Annotated[
        tuple[Annotated[int, Field(ge=1, le=256)], ...],
        Field(min_length=1, max_length=8, description="units of the hidden layers, with weights = 'none'"),
    ] = (12,)
    activation: Annotated[
        Literal["algebraic", "sin", "tanh"],
        Field(description="nonlinearity, with weights = 'none'; one layer of algebraic units is compiled"),
    ] = "algebraic"
