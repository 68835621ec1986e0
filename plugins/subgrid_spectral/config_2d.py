"""Options of the two-dimensional solvers, their forcings, initials, filter and exact solutions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from subgrid.options import Options, Unit

Dealiasing = Literal["two_thirds", "none"]
EddyViscosityForm = Literal["stress", "gradient"]


def _type_of(value: Any) -> Any:
    return value.get("type") if isinstance(value, dict) else getattr(value, "type", None)


def _by_type(*types: str) -> Discriminator:
    return Discriminator(
        _type_of,
        custom_error_type="unknown_type",
        custom_error_message=f"choose from {', '.join(types)}",
    )


class NoForcing(Options):
    """No external forcing."""

    type: Literal["none"] = "none"


class KolmogorovForcing(Options):
    """Momentum forcing F sin(k y) along x."""

    type: Literal["kolmogorov"] = "kolmogorov"
    amplitude: Annotated[float, Unit("m/s2"), Field(description="acceleration F")] = 1.0
    wavenumber: Annotated[int, Field(gt=0, description="waves across the domain: k = 2 pi wavenumber / Ly")] = 4


class CrossedCosinesForcing(Options):
    """Vorticity forcing F (kx cos(kx x) + ky cos(ky y))."""

    type: Literal["crossed_cosines"] = "crossed_cosines"
    amplitude: Annotated[float, Unit("m/s2"), Field(description="acceleration F")] = 1.0
    wavenumber: Annotated[int, Field(gt=0, description="waves across the domain along x and along y")] = 4


Forcing = Annotated[
    Annotated[NoForcing, Tag("none")]
    | Annotated[KolmogorovForcing, Tag("kolmogorov")]
    | Annotated[CrossedCosinesForcing, Tag("crossed_cosines")],
    _by_type("none", "kolmogorov", "crossed_cosines"),
]


class NavierStokes2DConfig(Options):
    """Two-dimensional incompressible flow on a beta-plane, in vorticity form."""

    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0, description="kinematic viscosity nu")] = 1e-3
    drag: Annotated[float, Unit("1/s"), Field(ge=0, description="linear (Rayleigh) drag mu")] = 0.0
    beta: Annotated[float, Unit("1/(m s)"), Field(description="gradient of the Coriolis parameter along y")] = 0.0
    hyperviscosity: Annotated[
        float, Field(ge=0, description="coefficient nu_p of -nu_p (-lap)^p w, in m^(2p)/s; 0 switches it off")
    ] = 0.0
    hyperviscosity_order: Annotated[int, Field(ge=2, le=8, description="order p of the hyperviscosity")] = 4
    mean_flow: Annotated[
        tuple[Annotated[float, Unit("m/s")], Annotated[float, Unit("m/s")]],
        Field(description="uniform velocity (U0, V0) that carries the flow along"),
    ] = (0.0, 0.0)
    forcing: Forcing = NoForcing()
    dealias: Annotated[
        Dealiasing, Field(description="'two_thirds' keeps |m| < n/3 on each axis; 'none' keeps all modes")
    ] = "two_thirds"
    advection: Annotated[
        Literal["basdevant", "flux", "advective", "skew_symmetric"],
        Field(description="form of the advection term; equal when dealiased, basdevant takes the fewest transforms"),
    ] = "basdevant"
    eddy_viscosity_form: Annotated[
        EddyViscosityForm, Field(description="'stress': curl div (2 nu_e S); 'gradient': div (nu_e grad w)")
    ] = "stress"


class TwoLayerQGConfig(Options):
    """Two-layer quasi-geostrophic flow with a background shear (defaults: the eddy configuration of pyqg)."""

    beta: Annotated[float, Unit("1/(m s)"), Field(description="gradient of the Coriolis parameter")] = 1.5e-11
    deformation_radius: Annotated[float, Unit("m"), Field(gt=0, description="first baroclinic radius r_d")] = 15e3
    depth_ratio: Annotated[float, Field(gt=0, description="delta = H1/H2, upper over lower layer depth")] = 0.25
    upper_velocity: Annotated[float, Unit("m/s"), Field(description="background zonal velocity U1")] = 0.025
    lower_velocity: Annotated[float, Unit("m/s"), Field(description="background zonal velocity U2")] = 0.0
    bottom_drag: Annotated[float, Unit("1/s"), Field(ge=0, description="linear drag r_ek of the lower layer")] = (
        5.787e-7
    )
    hyperviscosity: Annotated[
        float, Field(ge=0, description="coefficient nu_p of -nu_p (-lap)^p q, in m^(2p)/s; 0 switches it off")
    ] = 0.0
    hyperviscosity_order: Annotated[int, Field(ge=2, le=8, description="order p of the hyperviscosity")] = 4
    dealias: Annotated[
        Dealiasing, Field(description="'two_thirds' keeps |m| < n/3 on each axis; 'none' keeps all modes")
    ] = "two_thirds"
    advection: Annotated[
        Literal["basdevant", "flux"],
        Field(description="form of the advection term: 9 or 10 transforms; equal when dealiased"),
    ] = "basdevant"
    eddy_viscosity_form: Annotated[
        EddyViscosityForm, Field(description="'stress': curl div (2 nu_e S); 'gradient': div (nu_e grad w)")
    ] = "stress"


class ExponentialFilterConfig(Options):
    """Low-pass filter exp(-factor (kappa - cutoff)^4) for kappa = |k| dx above cutoff."""

    factor: Annotated[float, Field(gt=0, description="strength; 23.6 makes the last mode about machine zero")] = 23.6
    cutoff: Annotated[
        float, Field(ge=0, le=3.15, description="non-dimensional wavenumber |k| dx where it starts; 0.65 pi is usual")
    ] = 2.0420352248333655


class TaylorGreenConfig(Options):
    """Taylor-Green vortices w = A cos(kx x) cos(ky y)."""

    amplitude: Annotated[float, Unit("1/s"), Field(description="vorticity amplitude A")] = 2.0
    wavenumber: Annotated[int, Field(gt=0, description="waves across the domain along x and along y")] = 1


class McWilliamsConfig(Options):
    """Random phases with the streamfunction spectrum |psi|^2 ~ 1 / (k (1 + (k/k0)^4))."""

    energy: Annotated[float, Unit("m2/s2"), Field(gt=0, description="kinetic energy <|u|^2>/2 of all modes")] = 0.5
    peak_wavenumber: Annotated[float, Unit("1/m"), Field(gt=0, description="wavenumber k0")] = 6.0
    cutoff: Annotated[
        int,
        Field(gt=0, description="largest mode number on each axis; coarser grids hold the part that they resolve"),
    ] = 42


class GaussianVortex(Options):
    """One vortex A exp(-|x - x0|^2 / radius^2)."""

    x: Annotated[float, Unit("m")]
    y: Annotated[float, Unit("m")]
    radius: Annotated[float, Unit("m"), Field(gt=0)] = 0.5
    amplitude: Annotated[float, Field(description="in 1/s for vorticity, m2/s for streamfunction")] = 1.0


class GaussianVorticesConfig(Options):
    """A sum of Gaussian vortices (default: two that merge, the barotropic regression case of pyqg)."""

    vortices: tuple[GaussianVortex, ...] = (
        GaussianVortex(x=2.748893571891069, y=3.141592653589793),
        GaussianVortex(x=3.5342917352885173, y=3.141592653589793),
    )
    quantity: Annotated[
        Literal["vorticity", "streamfunction"], Field(description="the quantity that is a sum of Gaussians")
    ] = "streamfunction"
    energy: Annotated[
        Annotated[float, Unit("m2/s2"), Field(gt=0)] | None, Field(description="rescale to this kinetic energy")
    ] = 1.0


class FourierMode(Options):
    """One wave A cos(2 pi (mx x / Lx + my y / Ly) + phase)."""

    modes: Annotated[tuple[int, int], Field(description="waves across the domain (mx, my)")] = (3, 2)
    amplitude: Annotated[float, Unit("1/s")] = 1.0
    phase: float = 0.0
    layer: Annotated[int, Field(ge=1, le=2, description="layer of a two-layer flow, 1 is the upper one")] = 1


class FourierModesConfig(Options):
    """A sum of waves; a single one is a Rossby wave and an exact solution."""

    waves: tuple[FourierMode, ...] = (FourierMode(),)
    quantity: Literal["vorticity", "potential_vorticity"] = "vorticity"


class RandomPotentialVorticityConfig(Options):
    """Random phases of equal amplitude in both layers, from the longest wave to a cutoff."""

    amplitude: Annotated[float, Unit("1/s"), Field(gt=0, description="rms potential vorticity of each layer")] = 1e-7
    cutoff: Annotated[int, Field(gt=0, description="largest mode number on each axis")] = 10


class AtRestConfig(Options):
    """No motion."""

    quantity: Literal["vorticity", "potential_vorticity"] = "vorticity"


class TaylorGreenSolution(Options):
    """Taylor-Green vortices that decay and drift with a mean flow."""

    type: Literal["taylor_green"] = "taylor_green"
    amplitude: Annotated[float, Unit("1/s")] = 2.0
    wavenumber: Annotated[int, Field(gt=0)] = 1
    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0)] = 1e-3
    drag: Annotated[float, Unit("1/s"), Field(ge=0)] = 0.0
    mean_flow: tuple[Annotated[float, Unit("m/s")], Annotated[float, Unit("m/s")]] = (0.0, 0.0)


class RossbyWaveSolution(Options):
    """One Rossby wave that decays and drifts."""

    type: Literal["rossby_wave"] = "rossby_wave"
    amplitude: Annotated[float, Unit("1/s")] = 1.0
    modes: tuple[int, int] = (3, 2)
    phase: float = 0.0
    beta: Annotated[float, Unit("1/(m s)")] = 0.0
    viscosity: Annotated[float, Unit("m2/s"), Field(ge=0)] = 1e-3
    drag: Annotated[float, Unit("1/s"), Field(ge=0)] = 0.0
    mean_flow: tuple[Annotated[float, Unit("m/s")], Annotated[float, Unit("m/s")]] = (0.0, 0.0)


class LaminarKolmogorovSolution(Options):
    """Laminar Kolmogorov flow spinning up from rest: u = F sin(k y) (1 - exp(-r t)) / r, r = nu k^2 + mu."""

    type: Literal["laminar_kolmogorov"] = "laminar_kolmogorov"
    amplitude: Annotated[float, Unit("m/s2")] = 1.0
    wavenumber: Annotated[int, Field(gt=0)] = 4
    viscosity: Annotated[float, Unit("m2/s"), Field(gt=0)] = 1e-3
    drag: Annotated[float, Unit("1/s"), Field(ge=0)] = 0.0


class ExactSolutionErrorConfig(Options):
    """Relative error of the vorticity against a closed-form solution."""

    solution: Annotated[
        Annotated[TaylorGreenSolution, Tag("taylor_green")]
        | Annotated[RossbyWaveSolution, Tag("rossby_wave")]
        | Annotated[LaminarKolmogorovSolution, Tag("laminar_kolmogorov")],
        _by_type("taylor_green", "rossby_wave", "laminar_kolmogorov"),
    ] = TaylorGreenSolution()
