"""Options of the time integrators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from subgrid.options import Options


class FixedStepConfig(Options):
    """Schemes whose step is given by the run have no options."""


class EmbeddedConfig(Options):
    """Error tolerances and step-size control of an embedded Runge-Kutta pair.

    Good values: gains (0.3, 0.4) reject almost no step, (1, 0) is the classical controller that takes about a fifth
    fewer steps on smooth problems and rejects some, (0.7, 0.4) is the choice of Hairer and Wanner.
    """

    rtol: Annotated[float, Field(gt=0, lt=1, description="error allowed per step, relative to the solution")] = 1e-6
    atol: Annotated[float, Field(gt=0, description="error allowed per step, in the units of the fields")] = 1e-9
    integral_gain: Annotated[float, Field(gt=0, le=1, description="reaction to the error of this step")] = 0.3
    proportional_gain: Annotated[float, Field(ge=0, le=1, description="reaction to the change of the error")] = 0.4
    safety: Annotated[float, Field(gt=0, lt=1, description="factor on every proposed step")] = 0.9
    shrink_limit: Annotated[float, Field(gt=0, lt=1, description="smallest ratio of successive steps")] = 0.2
    growth_limit: Annotated[float, Field(gt=1, description="largest ratio of successive steps")] = 10.0
