"""What a component raises while it is set up is led by its place in the scenario, once."""

from pathlib import Path

import pytest

from subgrid.blame import Blame
from subgrid.errors import ScenarioError
from subgrid.registry import Registry
from subgrid.scenario import parse


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("mesh.boundaries: must be periodic", "closures (damper_2): mesh.boundaries: must be periodic"),
        ("dampers are for periodic axes", "closures (damper_2): dampers are for periodic axes"),
        ("closures (damper_2): cannot", "closures (damper_2): cannot"),
        ("closures (inner): cannot", "closures (inner): cannot"),
        ("closures.0.rate: too large", "closures.0.rate: too large"),
        ("mesh.shape: damper takes one axis", "mesh.shape: damper takes one axis"),
        ("mesh.shape: 'damper_2' takes one axis", "mesh.shape: 'damper_2' takes one axis"),
    ],
)
def test_a_problem_names_its_component_once(said: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught, Blame("closure", None, "closures", ("damper_2", "damper")):
        raise ScenarioError([said, said])
    assert caught.value.problems == [told, told]


def test_a_problem_found_while_running_is_left_alone() -> None:
    with pytest.raises(ScenarioError, match=r"^mesh\.shape: odd$"), Blame("closure"):
        raise ScenarioError("mesh.shape: odd")


def test_a_spectral_closure_between_walls_is_named() -> None:
    from subgrid.assembly import assemble

    scenario = {
        "mesh": {
            "type": "grid",
            "shape": [8, 8],
            "length": [1.0, 1.0],
            "boundaries": {"x": "wall", "y": "wall"},
            "offset": "cell",
        },
        "initial": {"type": "fluid_at_rest"},
        "solver": {"type": "incompressible_navier_stokes", "viscosity": 0.1},
        "integrator": {"type": "rk4"},
        "time": {"end": 0.1, "dt": 0.01},
        "closures": [{"type": "dynamic_leith", "label": "eddies"}],
    }
    registry = Registry.load()
    with pytest.raises(
        ScenarioError, match=r"^closures \(eddies\): mesh.boundaries: Fourier methods need periodic axes"
    ):
        assemble(parse(scenario, registry, Path()), registry)
