"""Options of the linear solvers and of implicit diffusion."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Walls = Literal["periodic", "neumann", "dirichlet"]
Omega = Annotated[float, Field(gt=0, lt=2)]


class ToleranceOptions(Options):
    """Every solver stops on the true residual, |b - A x|_2 <= max(rtol |b|_2, atol)."""

    rtol: Annotated[float, Field(gt=0, lt=1, description="tolerance relative to the right-hand side")] = 1e-8
    atol: Annotated[float, Field(ge=0, description="absolute tolerance, in the units of the right-hand side")] = 0.0


class FftPoissonConfig(ToleranceOptions):
    """Options of `fft_poisson`; the tolerance only judges what the direct solve left."""


class SparseLuConfig(ToleranceOptions):
    """Options of `sparse_lu`; the tolerance only judges what the direct solve left."""


class IterativeOptions(ToleranceOptions):
    max_iterations: Annotated[int, Field(gt=0, le=10**9, description="iterations after which a solve has failed")] = (
        10_000
    )


class CgConfig(IterativeOptions):
    """Options of `cg`."""


class PcgConfig(IterativeOptions):
    preconditioner: Annotated[
        Literal["jacobi", "ic0", "ssor", "amg"], Field(description="amg is a V-cycle of PyAMG and needs extra amg")
    ] = "ic0"
    omega: Annotated[Omega, Field(description="relaxation of the ssor preconditioner")] = 1.0
    coarsening: Annotated[
        Literal["ruge_stuben", "smoothed_aggregation"], Field(description="hierarchy of the amg preconditioner")
    ] = "ruge_stuben"


class AmgConfig(IterativeOptions):
    max_iterations: Annotated[int, Field(gt=0, le=10**9, description="V-cycles after which a solve has failed")] = 100
    coarsening: Annotated[Literal["ruge_stuben", "smoothed_aggregation"], Field(description="kind of hierarchy")] = (
        "ruge_stuben"
    )


class MultigridConfig(IterativeOptions):
    max_iterations: Annotated[int, Field(gt=0, le=10**9, description="V-cycles after which a solve has failed")] = 100
    pre_sweeps: Annotated[int, Field(ge=0, le=20, description="smoothing sweeps before a coarser grid")] = 1
    post_sweeps: Annotated[int, Field(ge=1, le=20, description="smoothing sweeps after a coarser grid")] = 1


class RelaxationConfig(IterativeOptions):
    omega: Annotated[
        Omega | Literal["optimal"],
        Field(
            description="relaxation, 1 is Gauss-Seidel; optimal is Young's value for the matrix at hand, for studies"
        ),
    ] = 1.0


class BanditConfig(IterativeOptions):
    """The omegas to choose from, evenly spaced."""

    lowest: Annotated[Omega, Field(description="smallest omega")] = 1.0
    highest: Annotated[Omega, Field(description="largest omega")] = 1.95
    arms: Annotated[int, Field(ge=2, le=1000, description="number of omegas")] = 20

    @model_validator(mode="after")
    def _ordered(self) -> BanditConfig:
        if not self.highest > self.lowest:
            raise ValueError(f"highest = {self.highest:g} must lie above lowest = {self.lowest:g}")
        return self


class ContextualBanditConfig(BanditConfig):
    policy: Annotated[
        Literal["chebyshev", "bins"],
        Field(description="regression of the cost over the context, or one learner for each bin of it"),
    ] = "chebyshev"
    lowest_context: Annotated[float, Field(description="least diagonal dominance to learn for")] = 0.0
    highest_context: Annotated[float, Field(description="largest diagonal dominance to learn for")] = 1.0
    pieces: Annotated[int, Field(ge=1, le=64, description="Chebyshev polynomials, or bins")] = 6

    @model_validator(mode="after")
    def _ordered_context(self) -> ContextualBanditConfig:
        if not self.highest_context > self.lowest_context:
            raise ValueError("highest_context must lie above lowest_context")
        return self


class CirclingSourceConfig(Options):
    """A smooth bump of heat that circles around the centre; lengths are fractions of the shorter side."""

    strength: Annotated[float, Field(description="largest rate of heating [1/s]")] = 32.0
    radius: Annotated[float, Field(gt=0, le=0.5, description="radius of the bump")] = 0.125
    orbit: Annotated[float, Field(ge=0, le=0.5, description="radius of its circle")] = 0.25
    frequency: Annotated[float, Field(description="revolutions in a unit of time [1/s]")] = 8.0


class ImplicitDiffusionConfig(Options):
    """Coefficients of u_t = kappa(t) lap u + source, kappa(t) = diffusivity (1 + modulation sin(2 pi t / period))."""

    diffusivity: Annotated[float, Unit("m2/s"), Field(gt=0, description="mean of kappa over a period")] = 1.0
    modulation: Annotated[float, Field(ge=0, lt=1, description="relative amplitude of kappa's oscillation")] = 0.0
    period: Annotated[float, Unit("s"), Field(gt=0, description="period of kappa's oscillation")] = 1.0
    scheme: Annotated[Literal["backward_euler", "crank_nicolson"], Field(description="of order 1 or 2")] = (
        "crank_nicolson"
    )
    walls: Annotated[tuple[Walls, Walls], Field(description="condition along y and x; values on walls are zero")] = (
        "dirichlet",
        "dirichlet",
    )
    source: CirclingSourceConfig | None = None


class DiffusionModeConfig(Options):
    walls: Annotated[tuple[Walls, Walls], Field(description="conditions along y and x, as in the solver")] = (
        "dirichlet",
        "dirichlet",
    )
    mode: Annotated[
        tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], Field(description="(m_y, m_x)")
    ] = (
        1,
        1,
    )
    amplitude: Annotated[float, Field(description="largest value")] = 1.0


class BumpConfig(Options):
    radius: Annotated[float, Field(gt=0, le=0.5, description="in units of the shorter side")] = 0.25
    amplitude: Annotated[float, Field(description="value at the centre")] = 1.0


class LinearSolverObserverConfig(Options):
    """Options of the observer `linear_solver`: none."""
