"""Options of the material-point family."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from subgrid.options import Options, Unit

Vector = Annotated[tuple[float, ...], Field(min_length=2, max_length=3)]
Positive = Annotated[float, Field(gt=0)]
Pressure = Annotated[float, Unit("Pa")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")]


class Condition(Options):
    """What holds on nodes at a wall or inside an obstacle."""

    type: Annotated[
        Literal["sticky", "no_slip", "slip", "separate", "friction", "open"],
        Field(description="no_slip: sticky, and of second order for fluids that fill the domain up to the wall"),
    ] = "separate"
    friction: Annotated[float, Field(ge=0, description="Coulomb's coefficient, for type 'friction'")] = 0.0


class AxisWalls(Options):
    """The two walls across an axis."""

    low: Annotated[Condition, Field(description="at the lower end")] = Condition()
    high: Annotated[Condition, Field(description="at the upper end")] = Condition()


class Walls(Options):
    """Walls of the domain; only those of axes that the mesh ends with walls count."""

    x: Annotated[AxisWalls, Field(description="walls across x")] = AxisWalls()
    y: Annotated[AxisWalls, Field(description="walls across y")] = AxisWalls()
    z: Annotated[AxisWalls, Field(description="walls across z")] = AxisWalls()


class Obstacle(Options):
    """A rigid body that material meets, fixed or in uniform motion."""

    shape: Annotated[Literal["box", "ball", "half_space"], Field(description="what it is")]
    center: Annotated[Vector, Field(description="its centre at time zero, or a point of the face [m]")]
    size: Annotated[Vector | None, Field(description="sides of a box [m]")] = None
    radius: Annotated[Positive | None, Field(description="radius of a ball [m]")] = None
    normal: Annotated[Vector | None, Field(description="out of a half-space, into the material")] = None
    velocity: Annotated[Vector | None, Field(description="its velocity [m/s]; at rest without")] = None
    condition: Annotated[Condition, Field(description="what holds inside")] = Condition()

    @model_validator(mode="after")
    def _complete(self) -> Obstacle:
        needed = {"box": "size", "ball": "radius", "half_space": "normal"}[self.shape]
        if getattr(self, needed) is None:
            raise ValueError(f"{needed}: missing, a {self.shape} needs it")
        if self.condition.type in ("open", "no_slip"):
            raise ValueError("condition.type: for walls only; choose sticky, slip, separate or friction")
        return self


class Gravity(Options):
    """Acceleration that changes in time, linear between the times and constant outside."""

    times: Annotated[tuple[float, ...], Field(min_length=1, description="times [s]")]
    values: Annotated[tuple[Vector, ...], Field(min_length=1, description="acceleration at each of them [m/s2]")]

    @model_validator(mode="after")
    def _one_value_for_each_time(self) -> Gravity:
        if len(self.times) != len(self.values):
            raise ValueError(f"values: {len(self.values)} for {len(self.times)} times")
        return self


class MaterialPointsConfig(Options):
    """Options of the MLS-MPM solver."""

    materials: Annotated[
        tuple[Name, ...], Field(min_length=1, description="names of the particle sets, one for each material")
    ] = ("material",)
    gravity: Annotated[Vector | Gravity, Field(description="body force by mass [m/s2], (x, y[, z])")] = (0.0, 0.0, 0.0)
    walls: Annotated[Walls, Field(description="what holds at the walls of the mesh")] = Walls()
    obstacles: Annotated[tuple[Obstacle, ...], Field(description="rigid bodies")] = ()
    sort_every: Annotated[int, Field(ge=1, description="steps between two orderings of the particles by cell")] = 20
    track_work: Annotated[
        bool, Field(description="keep what stress has done on each particle, which tells what materials dissipate")
    ] = False
    reproducible: Annotated[
        bool, Field(description="the same bits with any number of threads; without, with the same number of them")
    ] = False


class ElasticConfig(Options):
    """Young's modulus and Poisson's ratio."""

    young_modulus: Annotated[float, Unit("Pa"), Field(gt=0, description="E")] = 1e5
    poisson_ratio: Annotated[float, Field(gt=-1, lt=0.5, description="nu")] = 0.3


class FluidConfig(Options):
    """Weakly compressible Newtonian fluid."""

    bulk_modulus: Annotated[float, Unit("Pa"), Field(gt=0, description="K = rho c^2, with c >= 10 max |v|")] = 1e5
    exponent: Annotated[float, Field(ge=1, le=10, description="gamma of the equation of state")] = 7.0
    viscosity: Annotated[float, Unit("Pa s"), Field(ge=0, description="dynamic viscosity eta")] = 0.0


class VonMisesConfig(ElasticConfig):
    """Elastic up to a yield stress, then plastic flow without hardening."""

    yield_stress: Annotated[float, Unit("Pa"), Field(gt=0, description="in shear; |dev tau| <= sqrt(2) times it")] = 1e3


class HerschelBulkleyConfig(Options):
    """A viscoplastic fluid: shear stress tau_y + K rate^n; n = 1 is a Bingham fluid."""

    yield_stress: Annotated[float, Unit("Pa"), Field(ge=0, description="tau_y")] = 10.0
    consistency: Annotated[float, Field(gt=0, description="K [Pa s^n]; for n = 1 the plastic viscosity")] = 1.0
    exponent: Annotated[float, Field(gt=0, le=3, description="n")] = 1.0
    shear_modulus: Annotated[float, Unit("Pa"), Field(gt=0, description="elastic, large beside the shear stress")] = 1e3
    bulk_modulus: Annotated[float, Unit("Pa"), Field(gt=0, description="K")] = 1e4


class DruckerPragerConfig(ElasticConfig):
    """Cohesionless sand."""

    friction_angle: Annotated[
        float, Field(gt=0, lt=90, description="of plane strain in 2D, of triaxial compression in 3D [degrees]")
    ] = 30.0


class Hydrostatic(Options):
    """Pressure of a fluid at rest below a surface: J = (1 + gamma p / K)^(-1/gamma)."""

    surface: Annotated[float, Field(description="height of the surface along the last axis [m]")]
    gravity: Annotated[Positive, Field(description="downwards [m/s2]")]
    bulk_modulus: Annotated[float, Unit("Pa"), Field(gt=0, description="of the fluid")]
    exponent: Annotated[float, Field(ge=1, le=10, description="of the fluid")] = 7.0


class Body(Options):
    """A block or ball of material."""

    shape: Annotated[Literal["box", "ball"], Field(description="what it is")] = "box"
    material: Annotated[Name | None, Field(description="particle set; without, the solver's only one")] = None
    center: Annotated[Vector, Field(description="its centre [m]")]
    size: Annotated[Vector | None, Field(description="sides of a box [m]")] = None
    radius: Annotated[Positive | None, Field(description="radius of a ball [m]")] = None
    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rest density")] = 1000.0
    velocity: Annotated[Vector | None, Field(description="[m/s]; at rest without")] = None
    spin: Annotated[float, Field(description="rotation about its centre, about z in 3D [rad/s]")] = 0.0
    hydrostatic: Annotated[Hydrostatic | None, Field(description="start with the pressure of rest")] = None

    @model_validator(mode="after")
    def _complete(self) -> Body:
        needed = {"box": "size", "ball": "radius"}[self.shape]
        if getattr(self, needed) is None:
            raise ValueError(f"{needed}: missing, a {self.shape} needs it")
        if self.size is not None and min(self.size) <= 0:
            raise ValueError("size: every side is longer than zero")
        return self


class BodiesConfig(Options):
    """Bodies filled with particles."""

    bodies: Annotated[tuple[Body, ...], Field(min_length=1, description="what there is at the start")]
    particles_per_cell: Annotated[int, Field(ge=1, le=6, description="along each axis")] = 2
    arrangement: Annotated[
        Literal["lattice", "random"], Field(description="regular, or as many drawn at random in the same bodies")
    ] = "lattice"


Range = Annotated[tuple[float, float], Field(description="smallest and largest value")]


class RandomBodiesConfig(Options):
    """Bodies that are drawn from the run's random numbers."""

    shapes: Annotated[
        tuple[Literal["ball", "box", "blob"], ...], Field(min_length=1, description="drawn evenly; blobs in 2D only")
    ] = ("ball", "box")
    count: Annotated[tuple[int, int], Field(description="fewest and most bodies")] = (1, 3)
    radius: Annotated[Range, Field(description="of the ball of the same volume [m]")]
    elongation: Annotated[Range, Field(description="sides of boxes over that of the square or cube")] = (0.7, 1.4)
    speed: Annotated[Range, Field(description="[m/s], in any direction")] = (0.0, 0.0)
    spin: Annotated[Range, Field(description="rotation about the centre, about z in 3D [rad/s]")] = (0.0, 0.0)
    low: Annotated[Vector | None, Field(description="lower corner of where they may lie [m]; without, the mesh's")] = (
        None
    )
    high: Annotated[Vector | None, Field(description="upper corner [m]")] = None
    gap: Annotated[float, Field(ge=0, description="between bodies, and to the corners [m]")] = 0.0
    materials: Annotated[
        tuple[Name, ...], Field(min_length=1, description="particle sets, taken in turn by the bodies")
    ] = ("material",)
    density: Annotated[float, Unit("kg/m3"), Field(gt=0, description="rest density")] = 1000.0
    particles_per_cell: Annotated[int, Field(ge=1, le=6, description="along each axis")] = 2

    @model_validator(mode="after")
    def _ordered(self) -> RandomBodiesConfig:
        for name in ("count", "radius", "elongation", "speed", "spin"):
            first, last = getattr(self, name)
            if first > last:
                raise ValueError(f"{name}: {first:g} is more than {last:g}; give the smallest value first")
        for name, least in (("count", len(self.materials)), ("radius", 0.0), ("elongation", 0.0), ("speed", 0.0)):
            first = getattr(self, name)[0]
            if first < least or (first == 0.0 and name in ("radius", "elongation")):
                told = f"at least {least:g}" if name in ("count", "speed") else "positive"
                raise ValueError(f"{name}: {first:g}; it must be {told}")
        return self


class MaterialTotalsConfig(Options):
    """Options of the sums over particles."""

    materials: Annotated[tuple[Name, ...], Field(description="particle sets; without, all of them")] = ()


class MaterialExtentConfig(Options):
    """Options of front and height."""

    material: Annotated[Name, Field(description="particle set")] = "material"
    axis: Annotated[Literal["x", "y", "z"], Field(description="along which the material spreads")] = "x"
    quantile: Annotated[float, Field(gt=0.5, le=1, description="share of the particles behind the front")] = 1.0
    foot: Annotated[float, Field(description="where the front stood at first [m]; run-out counts from there")] = 0.0
    width: Annotated[Positive, Field(description="run-out is told in these lengths [m]")] = 1.0


class MaterialProfileConfig(Options):
    """Options of a profile of the mean velocity."""

    material: Annotated[Name, Field(description="particle set")] = "material"
    across: Annotated[Literal["x", "y", "z"], Field(description="axis of the bins")] = "y"
    component: Annotated[Literal["x", "y", "z"], Field(description="component of the velocity")] = "x"
    bins: Annotated[int, Field(ge=1, le=10000, description="bins over the length of the mesh")] = 32


class ParticleBenchmarkConfig(Options):
    """Sizes of the workloads."""

    particles_2d: Annotated[tuple[int, ...], Field(description="particles in 2D")] = (9216, 102400)
    grid_3d: Annotated[int, Field(ge=16, le=512, description="cells along each axis in 3D")] = 64
