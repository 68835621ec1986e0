"""Lines about tables of which one key states what the others are."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Discriminator, Field, Tag

from subgrid.options import Options, Unit
from subgrid.validation import checked


class Held(Options):
    type: Literal["value"]
    value: float = 0.0


class Flux(Options):
    type: Literal["flux"]
    flux: Annotated[float, Unit("m/s")] = 0.0
    center: tuple[float, float]


class Chain(Options):
    """A member of a union that holds another list of such members."""

    type: Literal["chain"]
    links: "tuple[Wall, ...]" = ()


Wall = Annotated[Held | Flux | Chain, Field(discriminator="type")]
Chain.model_rebuild()


class Quiet(Options):
    type: Literal["quiet"] = "quiet"


class Stirred(Options):
    type: Literal["stirred"] = "stirred"
    amplitude: Annotated[float, Unit("m/s2"), Field(description="acceleration")]


Stirring = Annotated[
    Annotated[Quiet, Tag("quiet")] | Annotated[Stirred, Tag("stirred")], Discriminator(lambda table: table["type"])
]


class Sides(Options):
    low: Wall | None = None
    high: float | Wall = 0.0
    bodies: tuple[Wall, ...] = ()
    stirring: Stirring = Quiet()


class Model(Options):
    x: Sides = Sides()


@pytest.mark.parametrize(
    ("sides", "told"),
    [
        ({"low": {"type": "value", "flux": 1}}, ["x.low.flux: unknown key; choose from type, value"]),
        ({"low": {"type": "value", "value": 1, "valeu": 2}}, ["x.low.valeu: unknown key; did you mean 'value'? "]),
        ({"low": {"type": "value", "value": "a"}}, ["x.low.value: 'a' is not a number"]),
        (
            {"low": {"type": "flux", "center": [0, 0], "value": 1}},
            ["x.low.value: unknown key; choose from center, flux, type"],
        ),
        ({"low": {"type": "flux"}}, ["x.low.center: missing"]),
        (
            {"low": {"type": "flux", "flux": []}},
            ["x.low.center: missing", "x.low.flux: [] is not a number (uni"],
        ),
        ({"bodies": [{"type": "value"}, {"type": "flux"}]}, ["x.bodies.1.center: missing"]),
        (
            {"bodies": [{"type": "chain", "links": [{"type": "value"}, {"type": "flux", "center": [0, 0], "flx": 1}]}]},
            ["x.bodies.0.links.1.flx: unknown key; did you mean 'flux'? choose from center, flux, type"],
        ),
        ({"bodies": [{"type": "chain", "value": 1}]}, ["x.bodies.0.value: unknown key; choose from links, type"]),
        ({"bodies": [{"type": "flxu"}]}, ["x.bodies.0: no type is called 'flxu'; did you mean 'flux'?"]),
        ({"stirring": {"type": "stirred"}}, ["x.stirring.amplitude: missing (acceleration) (unit: m/s2)"]),
        ({"stirring": {"type": "quiet", "amplitude": 1}}, ["x.stirring.amplitude: unknown key; choose from type"]),
    ],
)
def test_the_stated_type_says_which_keys_there_are(sides: dict[str, Any], told: list[str]) -> None:
    problems: list[str] = []
    assert checked(Model, {"x": sides}, "", problems) is None
    assert len(problems) == len(told)
    for problem, start in zip(sorted(problems), told, strict=True):
        assert problem.startswith(start)


def test_a_branch_beside_a_number_says_its_own_keys() -> None:
    problems: list[str] = []
    assert checked(Model, {"x": {"high": {"type": "value", "flux": 1}}}, "", problems) is None
    assert any(line.startswith("x.high.flux: unknown key; choose from type, value") for line in problems)
