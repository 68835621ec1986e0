"""Bodies that are drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from subgrid.assembly import assemble, initialise
from subgrid.errors import ScenarioError
from subgrid.registry import Registry
from subgrid.scenario import parse


def filled(registry: Registry, seed: int, d: int = 2, **options: Any) -> Any:
    data = {
        "seed": seed,
        "mesh": {
            "type": "grid", "shape": [32] * d, "length": [1.0] * d, "offset": "cell",
            "boundaries": dict.fromkeys("xyz"[:d], "wall"),
        },
        "initial": {"type": "random_bodies", "radius": [0.1, 0.15], **options},
        "solver": {"type": "mpm", "materials": options.get("materials", ["material"])},
        "closures": [
            {"type": "fixed_corotated", "slot": f"stress/{name}", "label": name}
            for name in options.get("materials", ["material"])
        ],
        "integrator": {"type": "own"},
        "time": {"end": 0.1, "dt": 1e-4},
        "backend": {"threads": 1},
    }  # fmt: skip
    simulation = assemble(parse(data, registry, Path(".")), registry)
    initialise(simulation, registry)
    return simulation.state.particles


def test_the_seed_decides(registry: Registry) -> None:
    options: dict[str, Any] = {
        "shapes": ["ball", "box", "blob"],
        "count": [1, 4],
        "speed": [0.5, 1.0],
        "spin": [-1.0, 1.0],
    }
    seen = [filled(registry, seed, **options)["material"]["position"] for seed in (1, 1, 2, 3)]
    np.testing.assert_array_equal(seen[0], seen[1])
    assert len({len(x) for x in seen[1:]} | {x[0, 0] for x in seen[1:]}) > 2


@pytest.mark.parametrize("d", [2, 3])
def test_bodies_have_the_drawn_size_and_speed_and_do_not_touch(registry: Registry, d: int) -> None:
    for seed in range(5):
        options: dict[str, Any] = {"count": [2, 2], "speed": [0.5, 1.0], "gap": 0.05, "materials": ["a", "b"]}
        sets = filled(registry, seed, d, **options)
        a, b = (sets[name]["position"] for name in "ab")
        assert np.linalg.norm(a[:, None] - b[None], axis=-1).min() > 0.05 - 2.0 / 32
        for name in "ab":
            volume = sets[name]["volume"].sum()
            sizes = np.pi * np.array([0.1, 0.15]) ** 2 if d == 2 else 4.0 / 3.0 * np.pi * np.array([0.1, 0.15]) ** 3
            assert 0.9 * sizes[0] < volume < 1.1 * sizes[1]
            speed = np.linalg.norm(sets[name]["velocity"].mean(axis=0))
            assert 0.499 < speed < 1.001
            assert np.all((sets[name]["position"] > 0.05) & (sets[name]["position"] < 0.95))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"radius": [0.2, 0.1]}, r"radius: 0.2 is more than 0.1"),
        ({"count": [9, 9]}, r"9 bodies find no room"),
        ({"low": [0.0]}, r"low"),
        ({"low": [0.5, 0.5], "high": [0.2, 0.9]}, r"low and high must be corners"),
        ({"radius": [0.0, 0.1]}, r"radius: 0; it must be positive"),
        ({"materials": ["a", "b"], "count": [1, 2]}, r"count: 1; it must be at least 2"),
        ({"radius": [0.001, 0.002], "shapes": ["ball"]}, r"holds no particle"),
    ],
)
def test_draws_that_cannot_be_are_refused(registry: Registry, options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ScenarioError, match=problem):
        filled(registry, 0, **options)


def test_blobs_are_flat(registry: Registry) -> None:
    with pytest.raises(ScenarioError, match="blobs are drawn in two dimensions only"):
        filled(registry, 0, 3, shapes=["blob"])
