"""Options of the linear solvers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options

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

    recycle: Annotated[
        int,
        Field(ge=0, le=64, description="latest solutions of whose span the best guess is taken; 0 keeps the guess"),
    ] = 0


class CgConfig(IterativeOptions):
    """Options of `cg`."""


class GmresConfig(IterativeOptions):
    """Options of `gmres`."""

    preconditioner: Annotated[
        Literal["none", "jacobi", "ilu"], Field(description="ilu is an incomplete LU factorisation (SuperLU)")
    ] = "ilu"
    restart: Annotated[int, Field(ge=1, le=1000, description="directions kept before a restart")] = 40


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
    arms: Annotated[int, Field(ge=2, le=100, description="number of omegas")] = 20
    policy: Annotated[
        Literal["youngs_curve", "gaussian_process", "tsallis_inf"],
        Field(
            description="a filter for the one number that fixes all costs in Young's theory, a regression that "
            "neighbours in omega share, or the published bandit Tsallis-INF"
        ),
    ] = "youngs_curve"

    @model_validator(mode="after")
    def _ordered(self) -> BanditConfig:
        if not self.highest > self.lowest:
            raise ValueError(f"highest = {self.highest:g} must lie above lowest = {self.lowest:g}")
        return self


class ContextualBanditConfig(BanditConfig):
    policy: Annotated[  # type: ignore[assignment]  # a choice of its own in the place of the parent's
        Literal["gaussian_process", "chebyshev", "bins"],
        Field(
            description="a regression shared by all omegas and contexts, or the published ones: ChebCB, a regression "
            "over the context for each omega, and Tsallis-INF-CB, a bandit for each bin of the context"
        ),
    ] = "gaussian_process"
    lowest_context: Annotated[float, Field(description="chebyshev, bins: least diagonal dominance to learn for")] = 0.0
    highest_context: Annotated[float, Field(description="chebyshev, bins: largest diagonal dominance")] = 1.0
    pieces: Annotated[int, Field(ge=1, le=64, description="Chebyshev polynomials, or bins")] = 6

    @model_validator(mode="after")
    def _ordered_context(self) -> ContextualBanditConfig:
        if not self.highest_context > self.lowest_context:
            raise ValueError("highest_context must lie above lowest_context")
        return self


class PcgBanditConfig(ContextualBanditConfig):
    """Options of `pcg_bandit`."""


class LinearSolverObserverConfig(Options):
    """Options of the observer `linear_solver`: none."""
