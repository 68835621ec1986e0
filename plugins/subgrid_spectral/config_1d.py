"""Options of the one-dimensional solvers, initial states and observers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Dealias = Annotated[
    Literal["two_thirds", "none"],
    Field(description="two_thirds drops |m| >= n/3 from every product and its factors, none keeps all modes"),
]


class SinusoidalForcingConfig(Options):
    """Waves of random amplitude, frequency, wavenumber and phase, fixed for the whole run."""

    waves: Annotated[int, Field(gt=0, description="number of waves")] = 20
    amplitude: Annotated[float, Unit("m/s2"), Field(ge=0, description="largest |A| of a wave")] = 0.5
    frequency: Annotated[float, Unit("1/s"), Field(ge=0, description="largest |angular frequency| of a wave")] = 0.4
    lowest_mode: Annotated[int, Field(ge=1, description="fewest periods in the domain")] = 3
    highest_mode: Annotated[int, Field(ge=1, description="most periods in the domain")] = 6

    @model_validator(mode="after")
    def _ordered(self) -> SinusoidalForcingConfig:
        if self.highest_mode < self.lowest_mode:
            raise ValueError(f"highest_mode = {self.highest_mode} lies below lowest_mode = {self.lowest_mode}")
        return self


class QuadraticFluxConfig(Options):
    """What all solvers of u_t = L u - (advection/2) (u^2)_x + f share."""

    dealias: Dealias = "two_thirds"
    forcing: SinusoidalForcingConfig | None = None


class KuramotoSivashinskyConfig(QuadraticFluxConfig):
    """Coefficients of u_t = -advection u u_x - antidiffusion u_xx - hyperviscosity u_xxxx - dispersion u_xxx."""

    advection: Annotated[float, Field(description="factor of u u_x")] = 1.0
    antidiffusion: Annotated[float, Unit("m2/s"), Field(description="factor of u_xx, feeds long waves")] = 1.0
    hyperviscosity: Annotated[float, Unit("m4/s"), Field(ge=0, description="factor of u_xxxx, damps short waves")] = 1.0
    dispersion: Annotated[float, Unit("m3/s"), Field(description="factor of u_xxx")] = 0.0


class KdVConfig(QuadraticFluxConfig):
    """Coefficients of u_t = -advection u u_x - dispersion u_xxx."""

    advection: Annotated[float, Field(description="factor of u u_x")] = 6.0
    dispersion: Annotated[float, Unit("m3/s"), Field(description="factor of u_xxx")] = 1.0


class BurgersConfig(QuadraticFluxConfig):
    """Coefficients of u_t = -advection u u_x + viscosity u_xx."""

    advection: Annotated[float, Field(description="factor of u u_x")] = 1.0
    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="factor of u_xx")] = 0.01


class SineConfig(Options):
    """u = mean + amplitude sin(2 pi mode x / length + phase)."""

    amplitude: Annotated[float, Unit("m/s"), Field(description="height of the wave")] = 1.0
    mode: Annotated[int, Field(ge=1, description="periods in the domain")] = 1
    phase: Annotated[float, Unit("rad"), Field(description="phase at x = 0")] = 0.0
    mean: Annotated[float, Unit("m/s"), Field(description="uniform flow added")] = 0.0


class RandomFourierConfig(Options):
    """Random waves of modes lowest_mode to highest_mode with root mean square rms."""

    lowest_mode: Annotated[int, Field(ge=1, description="fewest periods in the domain")] = 1
    highest_mode: Annotated[int, Field(ge=1, description="most periods in the domain")] = 8
    slope: Annotated[float, Field(description="amplitudes fall as mode**(-slope)")] = 1.0
    rms: Annotated[float, Unit("m/s"), Field(ge=0, description="root mean square of u")] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> RandomFourierConfig:
        if self.highest_mode < self.lowest_mode:
            raise ValueError(f"highest_mode = {self.highest_mode} lies below lowest_mode = {self.lowest_mode}")
        return self


class KassamTrefethenConfig(Options):
    """u = amplitude cos(q s) (1 + sin(q s)) with q = 2 pi / length and s = x + shift."""

    amplitude: Annotated[float, Unit("m/s"), Field(description="factor of the profile")] = 1.0
    shift: Annotated[float, Unit("m"), Field(description="moves the profile to the left")] = 0.0


class SolitonsConfig(Options):
    """Solitons of u_t + 6 u u_x + u_xxx = 0 by speed and by place at t = 0."""

    speeds: tuple[Annotated[float, Unit("m/s"), Field(gt=0, description="speed, twice the height")], ...] = (4.0,)
    positions: tuple[Annotated[float, Unit("m"), Field(description="crest at t = 0")], ...] = (10.0,)

    @model_validator(mode="after")
    def _paired(self) -> SolitonsConfig:
        if len(self.speeds) != len(self.positions) or not self.speeds:
            raise ValueError(
                f"{len(self.speeds)} speeds and {len(self.positions)} positions: give one of each a soliton"
            )
        if len(set(self.speeds)) < len(self.speeds):
            raise ValueError("speeds of solitons must differ from each other")
        return self


class ColeHopfConfig(Options):
    """u = -2 viscosity theta_x / theta with theta = offset + exp(-viscosity k^2 t) cos(k x), k = 2 pi mode / length."""

    offset: Annotated[float, Field(gt=1, description="close to 1 gives a steep front")] = 1.25
    viscosity: Annotated[float, Unit("m2/s"), Field(gt=0, description="that of the Burgers solver")] = 0.1
    mode: Annotated[int, Field(ge=1, description="periods in the domain")] = 1
